"""Learners of `scratch` as models: trained from a recipe into a run folder, saved, and used."""
