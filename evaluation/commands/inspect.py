"""`plan2vec inspect`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from .context import Context


@dataclass(frozen=True)
class Command:
    """Print the metric report of a saved agent: data, graph, how true its distances are, what it cost."""

    agent: Annotated[Path, tyro.conf.Positional]
    """folder that `plan2vec fit` wrote, or the folder of a saved agent"""
    json: bool = False
    """as JSON"""

    def run(self, context: Context) -> int:
        """Prints."""
        import json

        from agents.training.saving import agent_folder

        from ..diagnostics.report_text import metric_report_text, read_metric_report

        report = read_metric_report(agent_folder(self.agent))
        print(json.dumps(report, indent=1) + "\n" if self.json else metric_report_text(report), end="")
        return 0
