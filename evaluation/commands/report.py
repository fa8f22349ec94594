"""`plan2vec report`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from .context import Context


@dataclass(frozen=True)
class Command:
    """Write the report of a finished run again."""

    folder: Annotated[Path, tyro.conf.Positional]
    """run folder; for experiments of the paper see `plan2vec reproduce --report`"""

    def run(self, context: Context) -> int:
        """Draws figures and page from what the folder holds."""
        from agents.training.loop import one_torch_thread

        from ..errors import RunFolderError
        from ..report.drawing import draw_figures
        from ..report.writing import write_report
        from ..runs.folder import open_run

        run = open_run(self.folder)
        if not run.is_finished:
            raise RunFolderError(f"{run.root} is not finished; run its command again: {run.command}")
        with run.writing(), one_torch_thread():
            draw_figures(run)
            page = write_report(run)
        context.console.print(f"Report: {page}", soft_wrap=True)
        return 0
