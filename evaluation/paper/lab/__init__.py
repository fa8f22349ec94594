"""The laboratory: experiments cut into runs, agents fitted once and kept, runs run in parallel and resumed."""

from ...report.tables import Table
from .experiment import EXPERIMENTS, Experiment, get_experiment, register_experiment
from .plan import PRESETS, Plan, Preset
from .records import Figure, Found, Method, Run, crossed
from .workbench import AgentCache, Source

__all__ = [
    "EXPERIMENTS",
    "PRESETS",
    "AgentCache",
    "Experiment",
    "Figure",
    "Found",
    "Method",
    "Plan",
    "Preset",
    "Run",
    "Source",
    "Table",
    "crossed",
    "get_experiment",
    "register_experiment",
]
