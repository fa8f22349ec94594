"""Knowing places again: a linear local metric learned from sequences, and the places that its matches make up."""

from .matching import Neighbours, find_matches, merge_matches
from .place_metric import PlaceMetric, PlaceMetricConfig

__all__ = ["Neighbours", "PlaceMetric", "PlaceMetricConfig", "find_matches", "merge_matches"]
