"""The report of a run: one self-contained HTML page, and its numbers as JSON."""

from .drawing import draw_figures
from .writing import write_report

__all__ = ["draw_figures", "write_report"]
