"""The names that one usually needs, in one place: ``import plan2vec`` registers the environments, too.

    import gymnasium as gym
    import plan2vec

    dataset = plan2vec.make_dataset("Plan2vec/CMaze-v0", size="1000x10", seed=0)
    agent = plan2vec.Plan2Vec().fit(dataset.without_oracle(), seed=0)

Each name is loaded on first use from the package that it lives in (``plan2vec_envs``, ``data_collection``, ``agents``,
``evaluation``); those packages hold everything else.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import plan2vec_envs as plan2vec_envs
from plan2vec_envs.plugins import load_plugins

if TYPE_CHECKING:
    from agents import (
        Execution,
        Plan2Vec,
        Plan2VecConfig,
        Plan2VecPlaces,
        Plan2VecPlacesConfig,
        Plan2VecWaypoints,
        Plan2VecWaypointsConfig,
        get_agent,
        load_agent,
        recommend,
        register_agent,
    )
    from agents.reward import MetricReward, MetricRewardWrapper
    from data_collection import Dataset, Episode, collect, load_dataset, make_dataset, read, save_dataset
    from evaluation.protocols.closed_loop import closed_loop
    from evaluation.protocols.tasks import make_tasks

__version__ = "0.1.0"

_ON_FIRST_USE = {
    "Dataset": "data_collection",
    "Episode": "data_collection",
    "Execution": "agents",
    "MetricReward": "agents.reward",
    "MetricRewardWrapper": "agents.reward",
    "Plan2Vec": "agents",
    "Plan2VecConfig": "agents",
    "Plan2VecPlaces": "agents",
    "Plan2VecPlacesConfig": "agents",
    "Plan2VecWaypoints": "agents",
    "Plan2VecWaypointsConfig": "agents",
    "closed_loop": "evaluation.protocols.closed_loop",
    "collect": "data_collection",
    "get_agent": "agents",
    "load_agent": "agents",
    "load_dataset": "data_collection",
    "make_dataset": "data_collection",
    "make_tasks": "evaluation.protocols.tasks",
    "read": "data_collection",
    "recommend": "agents",
    "register_agent": "agents",
    "save_dataset": "data_collection",
}

__all__ = [
    "Dataset",
    "Episode",
    "Execution",
    "MetricReward",
    "MetricRewardWrapper",
    "Plan2Vec",
    "Plan2VecConfig",
    "Plan2VecPlaces",
    "Plan2VecPlacesConfig",
    "Plan2VecWaypoints",
    "Plan2VecWaypointsConfig",
    "closed_loop",
    "collect",
    "get_agent",
    "load_agent",
    "load_dataset",
    "make_dataset",
    "make_tasks",
    "read",
    "recommend",
    "register_agent",
    "save_dataset",
]


def __getattr__(name: str) -> Any:
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ON_FIRST_USE[name]), name)


load_plugins()  # last of all, for a plugin may import this module: `gym.make("plan2vec:<id>")` finds their rooms, too
