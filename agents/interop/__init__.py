"""The metric and the graph in other people's planners and policies, none of which is imported here."""

from .objective import Plan2vecObjective
from .plan_wrapper import PlanState, PlanWrapper

__all__ = ["Plan2vecObjective", "PlanState", "PlanWrapper"]
