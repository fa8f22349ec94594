"""Knowing places again: a linear local metric learned from sequences, and the places that its matches make up."""

from .matching import Neighbours, group_frames
from .place_metric import PlaceMetric, PlaceMetricConfig

__all__ = ["Neighbours", "PlaceMetric", "PlaceMetricConfig", "group_frames"]
