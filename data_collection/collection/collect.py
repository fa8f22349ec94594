"""Act at random in a vector environment, and record what is seen and done."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode
from tqdm import tqdm

from plan2vec_envs.io.hashing import json_sha256
from plan2vec_envs.plugins import load_plugins
from plan2vec_envs.rooms import room_of

from ..engines import Engine, LocalEngine
from ..errors import DatasetError, MissingFileError, StorageError, check_whole
from ..records import Dataset
from ..storage import load_dataset, read_manifest, save_dataset

_log = logging.getLogger(__name__)


def collect(
    env_id: str,
    *,
    num_rollouts: int = 1000,
    horizon: int = 10,
    seed: int = 0,
    num_policies: int = 20,
    env_kwargs: Mapping[str, Any] | None = None,
    progress: bool = True,
    parts_dir: str | os.PathLike[str] | None = None,
    engine: Engine | None = None,
) -> Dataset:
    """Collect rollouts: one reset, `horizon` actions, `horizon + 1` observations each (App. B.1).

    Actions are uniform over the action space, whatever is seen. The rollouts are divided over `num_policies` such
    policies, each with a random stream of its own: one part, one batch of the vector environment. A rollout has nothing
    to do with the goal that the environment drew: a lane that happens to touch it is given another goal where it
    stands, and goes on.

    Args:
        env_id: a registered goal environment with a vector entry point.
        num_rollouts: episodes in all.
        horizon: transitions in an episode.
        seed: decides everything drawn: starts, goals and actions.
        num_policies: random streams that share the rollouts as evenly as possible.
        env_kwargs: options of the environment, such as `obs_type="state"` or `action_type="box"`.
        progress: show a progress bar.
        parts_dir: folder where finished parts are kept. A second call with the same arguments reuses them
            and returns the same dataset; the caller removes the folder.
        engine: where parts are collected; in this process by default. The dataset is the same.

    Raises:
        UnknownNameError: there is no such environment.
        InvalidOptionError: an argument is out of range.
        DatasetError: the action space is neither `Discrete` nor a bounded `Box` of one dimension.
        StorageError: a part cannot be written.
    """
    find_env(env_id)
    check_whole(1, num_rollouts=num_rollouts, horizon=horizon, num_policies=num_policies)
    check_whole(0, seed=seed)
    options = dict(env_kwargs or {})
    request = json_sha256(
        {
            "arguments": [env_id, num_rollouts, horizon, seed, num_policies],
            "env_kwargs": options,
            "policy": "uniform",
        }
    )
    streams = np.random.SeedSequence(seed).spawn(num_policies)
    lanes = [len(share) for share in np.array_split(np.arange(num_rollouts), num_policies)]
    indices = [index for index, count in enumerate(lanes) if count]
    files = {} if parts_dir is None else {index: Path(parts_dir) / f"part-{index:04d}.npz" for index in indices}

    def load(path: Path) -> Dataset | None:  # None if the part answers another request
        return load_dataset(path) if read_manifest(path)["provenance"].get("request") == request else None

    parts = {index: part for index, file in files.items() if (part := load_if_whole(load, file)) is not None}
    missing = [index for index in indices if index not in parts]
    work = partial(_collect_part, env_id, options, horizon)
    found = (engine or LocalEngine()).map(work, ((lanes[index], streams[index]) for index in missing))
    with tqdm(
        total=num_rollouts, desc=f"Collecting {env_id}", unit="rollout", disable=not progress, mininterval=1
    ) as bar:
        bar.update(sum(lanes[index] for index in parts))
        for number, part in found:
            index = missing[number]
            if files:
                save_dataset(part, files[index], provenance={"request": request})
            parts[index] = part
            bar.update(lanes[index])
    return Dataset.concatenate([parts[index] for index in sorted(parts)])


def find_env(env_id: str) -> gym.envs.registration.EnvSpec:
    """What is registered as this environment, by a plugin if need be.

    Raises:
        UnknownNameError: naming the closest room, if there is no such environment.
    """
    if env_id not in gym.registry:
        load_plugins()
    if env_id not in gym.registry:
        room_of(env_id)
    return gym.spec(env_id)


def load_if_whole(load: Callable[[Path], Dataset | None], path: Path) -> Dataset | None:
    """What a file holds; None if it is missing, or damaged and so to be collected again."""
    try:
        return load(path)
    except MissingFileError:
        return None
    except (StorageError, DatasetError) as error:
        _log.warning("collecting again: %s", error)
        return None


def _collect_part(
    env_id: str, options: Mapping[str, Any], horizon: int, share: tuple[int, np.random.SeedSequence]
) -> Dataset:
    """Act in as many lanes at once as a share says; every lane is an episode."""
    num_episodes, stream = share
    env_stream, action_stream = stream.spawn(2)
    lane_seeds = [int(word) for word in env_stream.generate_state(num_episodes, np.uint64)]
    rng = np.random.default_rng(action_stream)
    env: Any = gym.make_vec(
        env_id,
        num_envs=num_episodes,
        max_episode_steps=horizon + 1,
        autoreset_mode=AutoresetMode.DISABLED,
        **options,
    )
    try:
        seen, info = env.reset(seed=lane_seeds)
        observations, positions, actions = [seen["observation"]], [info["oracle_position"]], []
        for _ in range(horizon):
            actions.append(uniform_actions(env.single_action_space, num_episodes, rng))
            seen, _, at_goal, _, info = env.step(actions[-1])
            observations.append(seen["observation"])
            positions.append(info["oracle_position"])
            if at_goal.any():  # without another goal these lanes would refuse to go on
                # A body that a wall stopped overlaps it by a hair, which the next step would push out anyway.
                here = env.unwrapped.room.nearest_free(positions[-1])
                seen, _ = env.reset(options={"reset_mask": at_goal, "start": here})
    finally:
        env.close()
    space = env.single_action_space
    return Dataset(
        observations=_by_lane(observations),
        actions=_by_lane(actions),
        episode_lengths=np.full(num_episodes, horizon),
        oracle_position=_by_lane(positions),
        env_id=env_id,
        num_actions=int(space.n) if isinstance(space, gym.spaces.Discrete) else None,
    )


def uniform_actions(space: gym.Space, count: int, rng: np.random.Generator) -> np.ndarray:
    """Every action alike, whatever is seen: the exploration of App. B.1.

    Args:
        space: `Discrete`, or a bounded `Box` of one dimension; of a single environment.
        count: B.
        rng: decides everything drawn.

    Returns:
        (B,) int64 or (B, A) float32.

    Raises:
        DatasetError: the space is of another kind or has no bounds.
    """
    if isinstance(space, gym.spaces.Discrete):
        return int(space.start) + rng.integers(int(space.n), size=count)
    if isinstance(space, gym.spaces.Box) and space.is_bounded() and len(space.shape) == 1:
        return rng.uniform(space.low, space.high, size=(count, *space.shape)).astype(np.float32)
    raise DatasetError(f"cannot draw uniformly from {space}; need Discrete or a bounded 1-d Box")


def _by_lane(steps: list[np.ndarray]) -> np.ndarray:
    """Arrays (num_episodes, ...), one a step, as one array with the steps of a lane together."""
    stacked = np.stack(steps, axis=1)
    return stacked.reshape(-1, *stacked.shape[2:])
