"""Wall and CPU seconds of each stage of a run, kept on disk so that a resumed run knows its whole cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from ..protocols.results import read_json, write_json


@dataclass(frozen=True)
class StageSeconds:
    """What one stage took; `cpu` sums over threads."""

    stage: str
    wall: float
    cpu: float


class Stopwatch:
    """Measures stages; a stage that is run again adds to what it took before."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seconds: dict[str, tuple[float, float]] = {}
        if path.is_file():
            self._seconds = {row["stage"]: (row["wall"], row["cpu"]) for row in read_json(path)["stages"]}

    @property
    def rows(self) -> list[StageSeconds]:
        """Stages in the order in which they were first run."""
        return [StageSeconds(stage, *seconds) for stage, seconds in self._seconds.items()]

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measures a block that ends well."""
        from agents.training.loop import Clock  # imports torch

        clock = Clock()
        clock.add(*self._seconds.get(name, (0.0, 0.0)))
        yield
        self.put(name, *clock.spent())

    def put(self, name: str, wall: float, cpu: float) -> None:
        """Notes seconds that were measured elsewhere, such as an agent's own log."""
        self._seconds[name] = (wall, cpu)
        write_json(self._path, {"stages": [asdict(row) for row in self.rows]})
