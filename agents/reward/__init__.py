"""The learned metric as a reward, for Gymnasium; ``agents.sb3`` has the same for Stable-Baselines3."""

from .agent_distance import AgentDistance
from .metric_reward import MODES, MetricReward
from .objective import Plan2vecObjective
from .parallel import ParallelRewards, Starts, StepRewards
from .vector_wrapper import MetricRewardVectorWrapper
from .wrapper import MetricRewardWrapper

__all__ = [
    "MODES",
    "AgentDistance",
    "MetricReward",
    "MetricRewardVectorWrapper",
    "MetricRewardWrapper",
    "ParallelRewards",
    "Plan2vecObjective",
    "Starts",
    "StepRewards",
]
