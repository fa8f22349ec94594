"""What plan2vec costs at a size nobody has run here: measured rates, a design of stages, and a simulated cluster."""

from .designs import DESIGNS, Design, Job, choose_design
from .machines import Cluster, Machine
from .simulate import StageCost, simulate
from .stage import Stage

__all__ = ["DESIGNS", "Cluster", "Design", "Job", "Machine", "Stage", "StageCost", "choose_design", "simulate"]
