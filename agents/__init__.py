"""Agents: learn a goal-reaching metric from recorded experience, plan with it, act by it. No environment in sight."""

from pathlib import Path
from typing import Any

from . import baselines
from .baselines.uniform import UniformAgent
from .core import AGENTS, Agent, get_agent
from .graph import Graph
from .memory import ActionMemory
from .plan2vec import Plan2Vec, Plan2VecConfig
from .plan2vec_places import Plan2VecPlaces, Plan2VecPlacesConfig
from .plan2vec_waypoints import Plan2VecWaypoints, Plan2VecWaypointsConfig
from .saving import read_record
from .shortest_paths import Plan
from .training import StageLog

__all__ = [
    "AGENTS",
    "ActionMemory",
    "Agent",
    "Graph",
    "Plan",
    "Plan2Vec",
    "Plan2VecConfig",
    "Plan2VecPlaces",
    "Plan2VecPlacesConfig",
    "Plan2VecWaypoints",
    "Plan2VecWaypointsConfig",
    "StageLog",
    "UniformAgent",
    "baselines",
    "get_agent",
    "load_agent",
]


def load_agent(path: Path | str, *, device: str = "cpu") -> Any:
    """Read a saved agent of any kind; its folder says which it is.

    Raises:
        CheckpointError: if there is no agent, or one that cannot be read.
        UnknownNameError: if it is of a kind this version does not know.
    """
    return get_agent(read_record(path)["agent"]).load(path, device=device)
