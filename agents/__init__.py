"""Agents: learn a goal-reaching metric from recorded experience, plan with it, act by it. No environment in sight."""

from . import baselines
from .base.agent import AGENTS, LearningAgent, get_agent, load_agent
from .base.protocols import Actor, Metric, Planner
from .baselines.uniform import UniformAgent
from .control.action_memory import ActionMemory
from .graphs.graph import Graph
from .graphs.shortest_paths import Plan
from .plan2vec.agent import Plan2Vec, Plan2VecConfig
from .plan2vec.places import Plan2VecPlaces, Plan2VecPlacesConfig
from .plan2vec.waypoints import Plan2VecWaypoints, Plan2VecWaypointsConfig
from .training.loop import StageLog

Agent = LearningAgent

__all__ = [
    "AGENTS",
    "ActionMemory",
    "Actor",
    "Agent",
    "Graph",
    "Metric",
    "Plan",
    "Plan2Vec",
    "Plan2VecConfig",
    "Plan2VecPlaces",
    "Plan2VecPlacesConfig",
    "Plan2VecWaypoints",
    "Plan2VecWaypointsConfig",
    "Planner",
    "StageLog",
    "UniformAgent",
    "baselines",
    "get_agent",
    "load_agent",
]
