"""Agents: learn a goal-reaching metric from recorded experience, plan with it, act by it. No environment in sight.

Names are loaded on first use, and torch with them.
"""

# ruff: noqa: F401 - the imports tell type checkers what the names of _ON_FIRST_USE are

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import baselines
    from .base.agent import Agent
    from .base.protocols import Actor, Metric, Planner
    from .base.registry import AGENTS, get_agent, load_agent, register_agent
    from .baselines.uniform import UniformAgent
    from .control.action_memory import ActionMemory
    from .graphs.graph import Graph
    from .graphs.shortest_paths import Plan
    from .plan2vec.agent import Plan2Vec, Plan2VecConfig
    from .plan2vec.places import Plan2VecPlaces, Plan2VecPlacesConfig
    from .plan2vec.recommend import recommend
    from .plan2vec.waypoints import Plan2VecWaypoints, Plan2VecWaypointsConfig
    from .training.execution import Execution
    from .training.loop import StageLog

_ON_FIRST_USE = {
    "AGENTS": "base.registry",
    "ActionMemory": "control.action_memory",
    "Actor": "base.protocols",
    "Agent": "base.agent",
    "Execution": "training.execution",
    "Graph": "graphs.graph",
    "Metric": "base.protocols",
    "Plan": "graphs.shortest_paths",
    "Plan2Vec": "plan2vec.agent",
    "Plan2VecConfig": "plan2vec.agent",
    "Plan2VecPlaces": "plan2vec.places",
    "Plan2VecPlacesConfig": "plan2vec.places",
    "Plan2VecWaypoints": "plan2vec.waypoints",
    "Plan2VecWaypointsConfig": "plan2vec.waypoints",
    "Planner": "base.protocols",
    "StageLog": "training.loop",
    "UniformAgent": "baselines.uniform",
    "get_agent": "base.registry",
    "load_agent": "base.registry",
    "recommend": "plan2vec.recommend",
    "register_agent": "base.registry",
}

__all__ = [*_ON_FIRST_USE, "baselines"]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name == "baselines":
        return import_module(".baselines", __name__)
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_ON_FIRST_USE[name]}", __name__), name)
