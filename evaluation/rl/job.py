"""Training a policy in a room, from the metric that pays it to its curve, resumably."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from data_collection.files import atomic_write
from plan2vec_envs.errors import InvalidOptionError, Plan2vecError

from .. import runs
from ..results import read_json, write_json
from ..runs import RunFolder
from ..tasks import TaskList, make_tasks
from ..worlds import room_of
from .algorithms import get_algorithm, new_model
from .envs import goal_of, training_envs
from .judge import Point, judging_callback, solved_by

SPARSE, STRAIGHT_LINE = "sparse", "straight-line"
CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True)
class RLJob:
    """What to train.

    Attributes:
        env_id: the environment.
        algorithm: "ppo", "dqn", "sac" or "td3".
        reward: "sparse" (the environment's own), the name of an agent that is trained first, the folder of a saved
            agent, or "straight-line" (privileged).
        mode: of the metric's reward; see ``agents.reward``.
        gamma: discount, of the algorithm and of the shaping.
        steps: environment steps at most.
        seed: root of all randomness, the metric's included.
        obs_type: "image" or "state".
        task: a named task whose goal is that of every episode; None for random goals.
        size: rollouts x horizon of the metric's dataset.
        num_envs: in parallel.
        num_tasks: to judge on.
        every: environment steps between two evaluations.
        stop_at: success rate that is enough; None to go on to the end.
        max_seconds: of training; None for no limit.
        buffer_size: transitions of a replay buffer.
        device: "cpu" or "cuda".
    """

    env_id: str
    algorithm: str = "ppo"
    reward: str = "plan2vec"
    mode: str = "shaping"
    gamma: float = 0.98
    steps: int = 100_000
    seed: int = 0
    obs_type: str = "image"
    task: str | int | None = None
    size: str = "1000x10"
    num_envs: int = 16
    num_tasks: int = 200
    every: int = 5_000
    stop_at: float | None = None
    max_seconds: float | None = None
    buffer_size: int = 50_000
    device: str = "cpu"

    def check(self) -> None:
        """Whether all of it can be; nothing is written before.

        Raises:
            UnknownNameError: for a name, with the closest one.
            InvalidOptionError: for a number that cannot be.
        """
        from agents import get_agent
        from agents.reward import MODES
        from agents.training import resolve_device
        from data_collection.errors import check_name
        from data_collection.make import parse_size

        room_of(self.env_id)
        get_algorithm(self.algorithm)
        goal_of(self.env_id, self.task)
        check_name("reward mode", self.mode, MODES)
        parse_size(self.size)
        resolve_device(self.device)
        for name in ("steps", "num_envs", "num_tasks", "every", "buffer_size"):
            if getattr(self, name) < 1:
                raise InvalidOptionError(f"{name} {getattr(self, name)}: need at least 1")
        if not 0 < self.gamma <= 1:
            raise InvalidOptionError(f"gamma {self.gamma}: a discount is above 0 and at most 1")
        if self.reward not in (SPARSE, STRAIGHT_LINE) and not Path(self.reward).is_dir():
            get_agent(self.reward)

    @property
    def label(self) -> str:
        """A short name for folders and figures."""
        reward = Path(self.reward).name if Path(self.reward).is_dir() else self.reward
        return f"sb3-{self.algorithm}-{reward}" + (f"-{self.mode}" if reward != SPARSE else "")

    def tasks(self) -> TaskList:
        """The fixed tasks, with the goal of the job where it has one."""
        from ..tasks import describe_tasks

        tasks, goal = make_tasks(self.env_id, self.num_tasks), goal_of(self.env_id, self.task)
        if goal is None:
            return tasks
        goals = tasks.goal.copy()
        goals[:] = goal
        return describe_tasks(self.env_id, tasks.seeds, tasks.start, goals)


def metric_agent(job: RLJob, folder: Path, *, progress: bool) -> Any:
    """The agent whose metric pays: trained now, or read from its folder, or privileged; None where none does."""
    from agents import get_agent, load_agent
    from data_collection import make_dataset

    from ..rewards import StraightLine

    if job.reward == SPARSE:
        return None
    if job.reward == STRAIGHT_LINE:
        return StraightLine(job.env_id, job.obs_type)
    if Path(job.reward).is_dir():
        return load_agent(job.reward, device=job.device)
    dataset = make_dataset(job.env_id, size=job.size, seed=job.seed, obs_type=job.obs_type, progress=progress)
    agent = get_agent(job.reward)()
    agent.fit(dataset.without_oracle(), seed=job.seed, workdir=folder, device=job.device, progress=progress)
    return agent


def learn(
    job: RLJob,
    agent: Any,
    *,
    curve: list[Point] | None = None,
    checkpoint: Path | None = None,
    tensorboard: str | None = None,
    progress: bool = False,
    tell: Callable[[list[Point]], None] = lambda curve: None,
) -> tuple[Any, list[Point]]:
    """Trains a policy.

    Args:
        job: what to train.
        agent: whose metric pays; None for the environment's own reward.
        curve: of an interrupted run, to go on from, with its ``checkpoint``.
        checkpoint: file of weights, rewritten after each evaluation; None for none.
        tensorboard: folder of logs, or None.
        progress: whether to show a bar.
        tell: is given the curve after each evaluation.

    Returns:
        The model, and the curve.
    """
    import torch

    from agents.reward import MetricReward
    from agents.sb3 import MetricRewardCallback, MetricRewardVecEnv
    from agents.training import one_torch_thread

    algorithm = get_algorithm(job.algorithm)
    points = list(curve or [])
    reward = None if agent is None else MetricReward(agent, job.mode, gamma=job.gamma)
    venv = training_envs(
        job.env_id,
        job.num_envs,
        seed=job.seed + (points[-1].steps if points else 0),
        obs_type=job.obs_type,
        action_type=algorithm.action_type,
        goal=goal_of(job.env_id, job.task),
    )
    try:
        paid = venv if reward is None or algorithm.has_replay else MetricRewardVecEnv(venv, reward)
        options: dict[str, Any] = {"reward": reward, "buffer_size": job.buffer_size} if algorithm.has_replay else {}
        model = new_model(
            algorithm,
            paid,
            gamma=job.gamma,
            seed=job.seed,
            device=job.device,
            tensorboard=tensorboard,
            **options,
        )
        if points and checkpoint is not None:
            model.set_parameters(torch.load(checkpoint, weights_only=True, map_location=model.device))
            model.num_timesteps = points[-1].steps
        tasks = job.tasks()

        def keep(done: list[Point]) -> None:
            if checkpoint is not None:
                with atomic_write(checkpoint) as file:
                    torch.save(model.get_parameters(), file)
            tell(done)

        judge = judging_callback(
            lambda: solved_by(
                model, tasks, obs_type=job.obs_type, action_type=algorithm.action_type, samples=algorithm.samples
            ),
            tasks,
            job.every,
            curve=points,
            tell=keep,
            stop_at=job.stop_at,
            max_seconds=job.max_seconds,
            progress=job.steps if progress else None,
        )
        with one_torch_thread():
            model.learn(
                job.steps - model.num_timesteps,
                callback=[MetricRewardCallback(), judge],
                reset_num_timesteps=not points,
            )
    finally:
        venv.close()
    return model, points


def learn_in(
    folder: Path,
    job: RLJob,
    agent: Any,
    *,
    tensorboard: str | None = None,
    progress: bool = False,
    tell: Callable[[list[Point]], None] = lambda curve: None,
) -> tuple[Any, list[Point]]:
    """``learn``, with curve and checkpoint kept in a folder, from where an interrupted run goes on."""
    file, checkpoint = folder / "curve.json", folder / CHECKPOINT
    kept = read_json(file)["points"] if file.is_file() and checkpoint.is_file() else []

    def keep(points: list[Point]) -> None:
        write_json(file, {"points": [asdict(point) for point in points]})
        tell(points)

    return learn(
        job,
        agent,
        curve=[Point(**point) for point in kept],
        checkpoint=checkpoint,
        tensorboard=tensorboard,
        progress=progress,
        tell=keep,
    )


def run_rl_job(
    job: RLJob, out: Path, command: str, *, say: Callable[[str], None], progress: bool = True, fresh: bool = False
) -> RunFolder:
    """Runs a job to its saved model and picture; an interrupted run of the same job goes on from its last evaluation.

    A replay buffer is not kept: after an interruption it is filled anew.

    Args:
        job: what to train.
        out: folder of all runs.
        command: how the user would run this again.
        say: gets a line for people now and then.
        progress: whether to show bars.
        fresh: whether to begin anew even where the same job was interrupted.

    Raises:
        Plan2vecError: whatever goes wrong on purpose, in one line.
    """
    job.check()
    wanted = (job.env_id, job.label, job.seed, asdict(job))
    found = None if fresh else runs.find(out, *wanted, finished=False)
    run = found or runs.create(out, *wanted, command)
    say(f"Resuming the interrupted run {run.root}" if found else f"Writing to {run.root}")
    try:
        with run.writing():
            _work(job, run, say, progress)
    except Plan2vecError:
        if not run.path("curve.json").is_file():
            run.discard_if_nothing_was_learned()
        raise
    return run


def _work(job: RLJob, run: RunFolder, say: Callable[[str], None], progress: bool) -> None:
    from .report import draw

    agent = metric_agent(job, run.root, progress=progress)
    if log := getattr(agent, "fit_log", None):
        seconds = sum(entry.wall_seconds for entry in log)
        say(f"  metric of {job.reward}: {seconds:.0f} s of learning from {job.size} recorded steps, not counted below")
    if agent is not None and hasattr(agent, "save") and not Path(job.reward).is_dir():
        agent.save(run.path("agent"))

    def tell(points: list[Point]) -> None:
        last = points[-1]
        say(f"  {last.steps:>9,} steps  {100 * last.success:5.1f} % of {job.num_tasks} tasks  {last.wall:6.0f} s")

    model, curve = learn_in(run.root, job, agent, tensorboard=str(run.path("tb")), progress=progress, tell=tell)
    model.save(run.path("model.zip"))
    draw(job, run, model, curve)
    run.path(CHECKPOINT).unlink(missing_ok=True)
    run.finish()
