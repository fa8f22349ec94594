"""`plan2vec fit`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from .context import Context, RecordingOptions

if TYPE_CHECKING:
    from agents.plan2vec.recommend import Recommendation
    from data_collection import Dataset


@dataclass(frozen=True)
class Command(RecordingOptions):
    """Learn a metric, a planner and a policy from your own data, of any known format.

    Says what the data was taken for, which agent it gets and why, and how much memory that needs. An interrupted fit
    goes on where it was. --config.help lists the agent's own options.
    """

    data: Annotated[Path, tyro.conf.Positional]
    """a dataset of ours, flat arrays (.npz, HDF5), a Minari folder, or folders of pictures; or, with --format minari,
    an id"""
    out: Path = Path("fitted")
    """folder for the agent, its metric report and what a fit needs to go on"""
    format: str | None = None
    """what the data is, where its looks do not tell: plan2vec, flat-npz, flat-hdf5, minari, picture-folders, …"""
    agent: str | None = None
    """registered agent; recommended by the looks of the data otherwise"""
    env: str | None = None
    """environment of Gymnasium with goals to judge the agent in afterwards"""
    tasks: int = 20
    """episodes in it"""
    seed: int = 0
    """root of all randomness"""
    device: Literal["cpu", "cuda"] = "cpu"
    """where to train; --execution.help lists how"""
    yes: bool = False
    """begin even if the memory that is free seems too little"""

    def run(self, context: Context) -> int:
        """Reads, chooses, asks, learns, saves, judges."""
        from ..diagnostics.metric_report import make_metric_report, save_metric_report
        from ..diagnostics.report_text import metric_report_text
        from ..protocols.goal_env import make_goal_env

        if self.env is not None:
            make_goal_env(self.env).close()  # not after an hour of learning
        dataset = self._read(context).without_oracle()
        chosen = self._choose(context, dataset)
        self._ask_for_memory(context, dataset, chosen)
        agent = chosen.new_agent().fit(
            dataset,
            seed=self.seed,
            workdir=self.out / "work",
            device=self.device,
            execution=context.execution(),
        )
        if not context.speaks:
            return 0
        agent.save(self.out / "agent")
        report = make_metric_report(agent, dataset, seed=self.seed)
        save_metric_report(report, self.out / "agent")
        if self.env is not None:
            report["environment"] = self._judge(agent)
            save_metric_report(report, self.out / "agent")
        context.console.print()
        context.say(metric_report_text(report))
        context.console.print(f"written to {self.out / 'agent'}; load_agent({str(self.out)!r}) reads it", markup=False)
        return 0

    def _read(self, context: Context) -> Dataset:
        from data_collection.sources import FORMATS, read_recording, recognise
        from data_collection.storage import is_dataset_file, load_dataset

        say = context.say
        if self.format == "plan2vec" or (self.format is None and is_dataset_file(self.data)):
            say(f"reading {self.data} as a dataset of plan2vec")
            return load_dataset(self.data)
        name = recognise(self.data) if self.format is None else self.format
        say(f"reading {self.data} as {name}" + (f": {FORMATS[name].doc}" if name in FORMATS else ""))
        dataset, repairs = read_recording(self.data, name, **self.reading())
        say(str(repairs))
        return dataset

    def _choose(self, context: Context, dataset: Dataset) -> Recommendation:
        from dataclasses import replace

        from agents import get_agent
        from agents.plan2vec.recommend import Recommendation, recommend

        found = recommend(dataset)
        if self.agent is not None and self.agent != found.agent:
            found = Recommendation(self.agent, get_agent(self.agent)().config, "as asked for")
        found = replace(found, config=context.agent_config(found.agent, found.config))
        size = f"{dataset.num_transitions:,} transitions in {dataset.num_episodes:,} trajectories"
        context.say(f"{size}\n{found.agent}: {found.why}")
        return found

    def _ask_for_memory(self, context: Context, dataset: Dataset, chosen: Recommendation) -> None:
        from plan2vec_envs.io.files import readable_size

        from ..diagnostics.memory_need import predict_memory
        from ..errors import NotEnoughMemoryError

        need = predict_memory(chosen.new_agent(), dataset)
        free = "" if need.free is None else f", {readable_size(need.free)} are free"
        context.console.print(f"this will need {readable_size(need.peak)} of memory{free}")
        if need.fits or self.yes:
            return
        stage = max(need.added, key=need.added.__getitem__)
        advice = (
            f"stage {stage!r} alone needs {readable_size(need.added[stage])}; lower --config.graph.max-vertices, give "
            "less data, or add --yes to begin all the same"
        )
        if not context.console.is_terminal:
            raise NotEnoughMemoryError(f"{advice} (nobody is there to be asked)")
        if input(f"{advice}. Begin? [y/N] ").strip().lower() not in ("y", "yes"):
            raise NotEnoughMemoryError(advice)

    def _judge(self, agent: Any) -> dict[str, Any]:
        from ..protocols.goal_env import judge_in_env
        from ..protocols.stats import wilson
        from ..protocols.tasks import FIRST_SEED

        found = judge_in_env(agent, str(self.env), self.tasks, first_seed=FIRST_SEED)
        steps = found["steps"][found["solved"]]
        return {
            "id": self.env,
            "episodes": self.tasks,
            "solved, %": wilson(found["solved"]).percent(),
            "steps where solved": round(float(steps.mean()), 1) if len(steps) else None,
        }
