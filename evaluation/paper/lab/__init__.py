"""The laboratory: experiments cut into runs, agents fitted once and kept, runs run in parallel and resumed."""

from ...report.tables import Table
from .experiment import EXPERIMENTS, Experiment, Run, get_experiment, register_experiment
from .plan import PRESETS, Plan, Preset

__all__ = [
    "EXPERIMENTS",
    "PRESETS",
    "Experiment",
    "Plan",
    "Preset",
    "Run",
    "Table",
    "get_experiment",
    "register_experiment",
]
