"""Detectors that need no training of their own: windows, cascades, HOG, region proposals."""
