"""The working folder of a fit: checkpoints, finished stages, metrics. Everything in it is written atomically."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from data_collection.storage import atomic_write, read_json, write_json

from ..errors import CheckpointError
from .saving import Arrays, load_arrays, save_arrays

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FIGURES = -1  # the step at which a stage's closing figures are logged


class Workdir:
    """Where a fit keeps what it has done; with ``path=None`` nothing is kept and nothing can be resumed.

    ::

        fit.json                 what is being fitted; a second fit into the folder must say the same
        metrics.csv              stage, step, name, value
        checkpoints/<stage>.pt   weights, optimiser and step of an unfinished stage
        stages/<stage>.safetensors, <stage>.json   the result of a finished stage
    """

    def __init__(self, path: Path | str | None, *, tensorboard: bool = False) -> None:
        self.path = None if path is None else Path(path)
        self._writer: SummaryWriter | None = None
        if self.path is not None:
            (self.path / "checkpoints").mkdir(parents=True, exist_ok=True)
            (self.path / "stages").mkdir(exist_ok=True)
            if tensorboard:
                from torch.utils.tensorboard import SummaryWriter

                self._writer = SummaryWriter(str(self.path / "tb"))

    def close(self) -> None:
        """Flush what is buffered."""
        if self._writer is not None:
            self._writer.close()

    def claim(self, identity: dict[str, Any]) -> None:
        """Say what is being fitted here; a folder begun for something else is refused.

        Raises:
            CheckpointError: naming the first entry that differs.
        """
        if self.path is None:
            return
        file = self.path / "fit.json"
        identity = json.loads(json.dumps(identity))
        if not file.exists():
            write_json(file, identity, allow_nan=True)
            return
        found = read_json(file, CheckpointError)
        for key in sorted(identity.keys() | found.keys()):
            if identity.get(key) != found.get(key):
                raise CheckpointError(
                    f"{self.path} was begun with {key}={found.get(key)!r}, now asked for {identity.get(key)!r}; "
                    "use another workdir, or delete this one to start afresh"
                )

    # Finished stages

    def load_stage(self, stage: str) -> tuple[Arrays, dict[str, Any]] | None:
        """Arrays and record of a finished stage, or None."""
        if self.path is None or not (self.path / "stages" / f"{stage}.json").exists():
            return None
        record = read_json(self.path / "stages" / f"{stage}.json", CheckpointError)
        return load_arrays(self.path / "stages" / f"{stage}.safetensors"), record

    def save_stage(self, stage: str, arrays: Arrays, record: dict[str, Any]) -> None:
        """Keep a finished stage; the record is written last, so it vouches for the arrays."""
        if self.path is None:
            return
        save_arrays(self.path / "stages" / f"{stage}.safetensors", arrays)
        write_json(self.path / "stages" / f"{stage}.json", record, allow_nan=True)
        self._checkpoint(stage).unlink(missing_ok=True)

    # Checkpoints of the stage in progress

    def save_checkpoint(
        self, stage: str, step: int, loss: float, spent: tuple[float, float], state: dict[str, Any]
    ) -> None:
        """Keep an unfinished stage.

        Args:
            stage: Its name.
            step: Gradient steps done.
            loss: The last one logged.
            spent: Wall and CPU seconds so far.
            state: State dictionaries by name.
        """
        if self.path is None:
            return
        with atomic_write(self._checkpoint(stage)) as file:
            torch.save({"step": step, "loss": loss, "spent": spent, **state}, file)

    def load_checkpoint(self, stage: str) -> dict[str, Any] | None:
        """What ``save_checkpoint`` kept, entries of ``state`` beside the others; None if there is nothing.

        Raises:
            CheckpointError: if the file is damaged.
        """
        if self.path is None or not (file := self._checkpoint(stage)).exists():
            return None
        try:
            return torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:
            raise CheckpointError(unfit_checkpoint(str(file), error)) from error

    def _checkpoint(self, stage: str) -> Path:
        assert self.path is not None
        return self.path / "checkpoints" / f"{stage}.pt"

    # Metrics

    def log(self, stage: str, step: int, values: dict[str, float]) -> None:
        """Append rows to metrics.csv (and TensorBoard)."""
        if self.path is None:
            return
        with open(self.path / "metrics.csv", "a", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(
                (stage, step, name, f"{value:.6g}") for name, value in values.items()
            )
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(f"{stage}/{name}", value, step)

    def keep_rows(self, stage: str, keep: Callable[[int], bool]) -> None:
        """Drop the stage's other rows of metrics.csv: a killed run wrote them, and they will be written again."""
        file = None if self.path is None else self.path / "metrics.csv"
        if file is None:
            return
        rows = []
        if file.exists():
            with open(file, newline="") as opened:
                rows = [row for row in csv.reader(opened) if len(row) == 4 and row[0] != "stage"]
        kept = [row for row in rows if row[0] != stage or keep(int(row[1]))]
        with atomic_write(file) as opened_binary:
            lines = [["stage", "step", "name", "value"], *kept]
            opened_binary.write("".join(",".join(line) + "\n" for line in lines).encode())

    def save_batch(self, stage: str, step: int, batch: Arrays) -> Path | None:
        """Keep the batch at which training diverged; returns its path."""
        if self.path is None:
            return None
        path = self.path / f"diverged-{stage}-{step}.npz"
        with atomic_write(path) as file:
            np.savez_compressed(file, **batch)  # type: ignore[arg-type]
        return path


def unfit_checkpoint(what: str, error: Exception) -> str:
    """The message about a checkpoint that cannot be used."""
    return (
        f"checkpoint {what} does not fit this training or is damaged ({type(error).__name__}); "
        "delete it to train the stage from its start"
    )
