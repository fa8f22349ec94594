"""Algorithms that distil shortest paths on the graph into the global metric, one a file."""

from .all_pairs import LandmarkRegression, LandmarkRegressionConfig
from .amortized_search import AmortizedSearch, AmortizedSearchConfig
from .material import LOSSES, DistillationProblem
from .value_iteration import ValueIteration, ValueIterationConfig

__all__ = [
    "LOSSES",
    "AmortizedSearch",
    "AmortizedSearchConfig",
    "DistillationProblem",
    "LandmarkRegression",
    "LandmarkRegressionConfig",
    "ValueIteration",
    "ValueIterationConfig",
]
