"""The method: plan2vec, its variants for waypoints and for places, measured presets, and which of them to take."""

from .agent import Plan2Vec, Plan2VecConfig

__all__ = ["Plan2Vec", "Plan2VecConfig"]
