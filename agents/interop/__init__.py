"""The graph in front of other people's policies, none of which is imported here."""

from .plan_wrapper import PlanState, PlanWrapper

__all__ = ["PlanState", "PlanWrapper"]
