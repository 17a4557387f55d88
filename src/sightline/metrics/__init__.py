"""Meters: what predictions are worth against truths, as counts added up over a whole set."""

from sightline.metrics.meter import Meter

__all__ = ["Meter"]
