"""Training a policy, with the metric that pays it; an interrupted run goes on from its last evaluation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import torch

from agents import get_agent, load_agent
from agents.reward import MetricReward
from agents.training.loop import one_torch_thread
from data_collection import make_dataset
from plan2vec_envs.io.files import atomic_write

from ..protocols.results import read_json, write_json
from ..protocols.rewards import StraightLine
from .algorithms import get_algorithm, new_model, training_envs
from .job import SPARSE, STRAIGHT_LINE, RLJob
from .judge import Point, judging_callback

CURVE, CHECKPOINT = "curve.json", "checkpoint.pt"


class Learned(NamedTuple):
    """What training leaves."""

    model: Any
    """of Stable-Baselines3"""
    curve: list[Point]
    """its evaluations"""
    metric_share: float
    """share of the wall time of training, in this process, that the metric took"""


def metric_agent(job: RLJob, folder: Path) -> Any:
    """The agent whose metric pays: trained now, or read from its folder, or privileged; None where none does."""
    if job.reward == SPARSE:
        return None
    if job.reward == STRAIGHT_LINE:
        return StraightLine(job.env_id, job.obs_type)
    if job.reads_agent:
        return load_agent(job.reward, device=job.device)
    dataset = make_dataset(job.env_id, size=job.size, seed=job.seed, obs_type=job.obs_type)
    agent = get_agent(job.reward)()
    agent.fit(dataset.without_oracle(), seed=job.seed, workdir=folder, device=job.device)
    return agent


def learn(
    job: RLJob,
    agent: Any,
    folder: Path | None = None,
    *,
    tensorboard: str | None = None,
    progress: bool = False,
    tell: Callable[[list[Point]], None] = lambda curve: None,
) -> Learned:
    """Trains a policy; one whose training was interrupted goes on.

    Args:
        job: what to train.
        agent: whose metric pays; None for the environment's own reward.
        folder: keeps curve and weights after each evaluation, to go on from; None for none.
        tensorboard: folder of logs, or None.
        progress: whether to show a bar.
        tell: is given the curve after each evaluation.

    Returns:
        The model, the curve, and the metric's share of the time.
    """
    from agents.sb3 import MetricRewardCallback, MetricRewardVecEnv

    algorithm = get_algorithm(job.algorithm)
    points: list[Point] = []
    if folder is not None and (folder / CURVE).is_file() and (folder / CHECKPOINT).is_file():
        points = [Point(**point) for point in read_json(folder / CURVE)["points"]]
    reward = None if agent is None else MetricReward(agent, job.mode, gamma=job.gamma)
    venv = training_envs(
        job.env_id,
        job.num_envs,
        seed=job.seed + (points[-1].steps if points else 0),
        obs_type=job.obs_type,
        action_type=algorithm.action_type,
        goal=job.goal,
    )
    try:
        paid = venv if reward is None or algorithm.has_replay else MetricRewardVecEnv(venv, reward)
        model = new_model(
            algorithm,
            paid,
            gamma=job.gamma,
            seed=job.seed,
            device=job.device,
            reward=reward,
            buffer_size=job.buffer_size,
            tensorboard=tensorboard,
            **job.options,
        )
        if points and folder is not None:
            model.set_parameters(torch.load(folder / CHECKPOINT, weights_only=True, map_location=model.device))
            model.num_timesteps = points[-1].steps
            if algorithm.has_replay:  # the buffer is empty again: episodes first, then gradients
                model.learning_starts += model.num_timesteps

        def keep(done: list[Point]) -> None:
            if folder is not None:
                with atomic_write(folder / CHECKPOINT) as file:
                    torch.save(model.get_parameters(), file)
                write_json(folder / CURVE, {"points": [asdict(point) for point in done]})
            tell(done)

        judge = judging_callback(job, points, keep, progress=progress)
        before = points[-1].wall if points else 0.0
        enough = bool(points) and job.stop_at is not None and points[-1].success >= job.stop_at
        callbacks = [MetricRewardCallback(), judge]
        with one_torch_thread():
            model.learn(
                0 if enough else job.steps - model.num_timesteps, callback=callbacks, reset_num_timesteps=not points
            )
        share = 0.0 if reward is None else reward.measure.seconds / (judge.clock.spent()[0] - before)
    finally:
        venv.close()
    return Learned(model, points, share)
