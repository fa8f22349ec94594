"""`plan2vec evaluate`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from .context import Context, EngineOptions


@dataclass(frozen=True)
class Command(EngineOptions):
    """Judge a trained agent in the closed loop, beside random actions and the oracles.

    The graph walk needs the training dataset: `train` judges it. Each row of the table is a piece of work for itself.
    """

    agent: Annotated[Path, tyro.conf.Positional]
    """run folder, or the folder of a saved agent"""
    tasks: int = 200
    """number of tasks"""
    first_seed: int = 10_000
    """reset seed of the first task"""
    seed: int = 0
    """of the evaluation's own random draws"""
    out: Path | None = None
    """folder for one JSON a row; an evaluation that was stopped goes on there"""

    def run(self, context: Context) -> int:
        """Judges and prints; a run folder is left as it is."""
        from agents import load_agent
        from agents.training.loop import one_torch_thread

        from ..protocols.tasks import make_tasks
        from ..report.story import printed_results
        from ..runs.judging import judge_into, rows

        engine = self.new_engine()
        agent = load_agent(self.agent)
        tasks = make_tasks(self._env_id(agent), self.tasks, self.first_seed)
        if self.out is not None:
            self._claim(self.out)
        with one_torch_thread():
            results = list(judge_into(self.out, rows(agent, None, tasks, seed=self.seed), engine))
        printed_results(results).show(context.console)
        return 0

    def _claim(self, out: Path) -> None:
        """Notes in the folder what is judged there, so that an interrupted evaluation goes on and no other mixes in.

        Raises:
            ResultsError: if the folder holds the results of something else.
        """
        from hashlib import sha256

        from ..errors import ResultsError
        from ..protocols.results import read_json, write_json

        weights = sorted(self.agent.rglob("weights.safetensors"))
        digest = sha256(b"".join(sha256(file.read_bytes()).digest() for file in weights)).hexdigest()
        asked = {"agent": digest, "tasks": self.tasks, "first_seed": self.first_seed, "seed": self.seed}
        note = out / "asked.json"
        if note.is_file() and read_json(note) != asked:
            raise ResultsError(
                f"{out} holds the results of another agent or other tasks; give another --out, or delete it"
            )
        write_json(note, asked)

    def _env_id(self, agent: Any) -> str:
        from ..errors import ProtocolError
        from ..runs.folder import open_run

        env_id = getattr(agent, "env_id", None)
        if env_id is None and (self.agent / "config.json").is_file():
            env_id = open_run(self.agent).config.get("env_id")
        if env_id is None:
            raise ProtocolError(f"the agent in {self.agent} does not say where it was trained; evaluate its run folder")
        return str(env_id)
