"""The laboratory: experiments cut into runs, agents fitted once and kept, runs run in parallel and resumed."""

from ...report.tables import Table as Table
from .experiment import EXPERIMENTS as EXPERIMENTS
from .experiment import Experiment as Experiment
from .experiment import get_experiment as get_experiment
from .experiment import register_experiment as register_experiment
from .plan import PRESETS as PRESETS
from .plan import Plan as Plan
from .plan import Preset as Preset
from .records import Figure as Figure
from .records import Found as Found
from .records import Method as Method
from .records import Run as Run
from .records import crossed as crossed
from .workbench import AgentCache as AgentCache
from .workbench import Source as Source
