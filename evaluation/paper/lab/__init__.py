"""The laboratory: experiments cut into cells, agents fitted once and kept, cells run in parallel and resumed."""

from ...report.tables import Table
from .experiment import EXPERIMENTS, Cell, Experiment, get_experiment, register_experiment
from .plan import PRESETS, Plan, Preset

__all__ = [
    "EXPERIMENTS",
    "PRESETS",
    "Cell",
    "Experiment",
    "Plan",
    "Preset",
    "Table",
    "get_experiment",
    "register_experiment",
]
