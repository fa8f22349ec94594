"""The learned metric as a reward, for Gymnasium; ``agents.sb3`` has the same for Stable-Baselines3."""

from .goals import farthest_goals
from .lanes import LaneRewards, Starts, StepRewards
from .measure import Measure
from .metric_reward import MODES, MetricReward
from .objective import Plan2vecObjective
from .vector_wrapper import MetricRewardVectorWrapper
from .wrapper import MetricRewardWrapper

__all__ = [
    "MODES",
    "LaneRewards",
    "Measure",
    "MetricReward",
    "MetricRewardVectorWrapper",
    "MetricRewardWrapper",
    "Plan2vecObjective",
    "Starts",
    "StepRewards",
    "farthest_goals",
]
