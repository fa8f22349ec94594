"""`plan2vec report`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from .context import Context


@dataclass(frozen=True)
class Command:
    """Write the report of a finished run again, or one report of all experiments in a folder."""

    folder: Annotated[Path, tyro.conf.Positional]
    """run folder, folder of an experiment, or folder of experiments such as runs/reproduce"""

    def run(self, context: Context) -> int:
        """Draws figures and page from what the folder holds."""
        context.refuse_config()
        page = self._of_run() if (self.folder / "config.json").is_file() else self._of_experiments()
        context.console.print(f"Report: {page}", soft_wrap=True)
        return 0

    def _of_run(self) -> Path:
        from agents.training.loop import one_torch_thread

        from ..errors import RunFolderError
        from ..report import draw_figures, write_report
        from ..runs.folder import open_run

        run = open_run(self.folder)
        if not run.is_finished:
            raise RunFolderError(f"{run.root} is not finished; run its command again: {run.command}")
        with run.writing(), one_torch_thread():
            draw_figures(run)
            return write_report(run)

    def _of_experiments(self) -> Path:
        from ..errors import RunFolderError
        from ..paper.lab.pages import all_finished, finished, write_combined, write_page

        if entry := finished(self.folder):
            return write_page(entry)
        if entries := all_finished(self.folder):
            return write_combined(self.folder, entries)
        raise RunFolderError(
            f"{self.folder} is no run folder (it has no config.json; `plan2vec train` writes them to runs/) and holds "
            "no experiment (no results.json; `plan2vec reproduce` writes them to runs/reproduce)"
        )
