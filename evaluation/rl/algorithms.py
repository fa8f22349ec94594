"""Stable-Baselines3's algorithms as they are used in the rooms: one table of choices, shared by every reward."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from data_collection.errors import check_name

from ..errors import ProtocolError
from ..protocols.worlds import make_rooms


@dataclass(frozen=True)
class Algorithm:
    """How an algorithm is run.

    Attributes:
        name: as on the command line.
        action_type: of the rooms, "discrete" or "box".
        options: of its constructor.
        has_replay: whether it learns from a replay buffer, with hindsight goals then.
        samples: whether the policy that it learns is a random one, and is judged as such.
    """

    name: str
    action_type: str
    options: Mapping[str, Any] = field(default_factory=dict)
    has_replay: bool = True
    samples: bool = False


_REPLAY = {"batch_size": 256, "train_freq": 1, "learning_rate": 1e-3, "tau": 0.01}

ALGORITHMS: dict[str, Algorithm] = {
    each.name: each
    for each in (
        Algorithm(
            "ppo",
            "discrete",
            {"n_steps": 64, "batch_size": 256, "n_epochs": 8, "learning_rate": 1e-3, "gae_lambda": 0.6},
            has_replay=False,
            samples=True,
        ),
        Algorithm(
            "dqn",
            "discrete",
            {**_REPLAY, "batch_size": 128, "tau": 0.1, "exploration_fraction": 0.2, "exploration_final_eps": 0.1},
        ),
        Algorithm("sac", "box", {**_REPLAY, "ent_coef": "auto_0.1"}),
        Algorithm("td3", "box", {**_REPLAY, "policy_delay": 2}),
    )
}


def get_algorithm(name: str) -> Algorithm:
    """The algorithm of that name.

    Raises:
        UnknownNameError: with the closest name.
    """
    return ALGORITHMS[check_name("algorithm", name, ALGORITHMS)]


def training_envs(
    env_id: str,
    num_envs: int,
    *,
    seed: int,
    obs_type: str = "image",
    action_type: str = "discrete",
    goal: tuple[float, float] | None = None,
) -> Any:
    """Parallel rooms on the native path, monitored: ``VecMonitor(NativeVecEnv(...))``.

    Args:
        env_id: a registered id.
        num_envs: how many.
        seed: lane i gets seed + i.
        obs_type: "image" or "state".
        action_type: "discrete", "discrete9" or "box".
        goal: (x, y) metres of every episode; None for random goals.
    """
    from stable_baselines3.common.vec_env import VecMonitor

    from agents.sb3 import NativeVecEnv

    envs = make_rooms(env_id, num_envs, obs_type=obs_type, action_type=action_type, goal=goal)
    venv = VecMonitor(NativeVecEnv(envs))
    venv.seed(seed)
    return venv


def new_model(
    algorithm: Algorithm,
    venv: Any,
    *,
    gamma: float,
    seed: int,
    device: str = "cpu",
    reward: Any = None,
    buffer_size: int = 50_000,
    tensorboard: str | None = None,
    **options: Any,
) -> Any:
    """An untrained model, with the project's extractor and, where there is a replay buffer, hindsight.

    Args:
        algorithm: which.
        venv: environments of Stable-Baselines3; with a metric reward already, unless the algorithm has a replay buffer.
        gamma: discount a step.
        seed: of weights, exploration and draws.
        device: "cpu" or "cuda".
        reward: the ``MetricReward`` of the replay buffer; None for the environments' own.
        buffer_size: transitions kept.
        tensorboard: folder of logs, or None.
        options: of the constructor, in place of the table's.

    Raises:
        BufferTooLargeError: if memory cannot hold the buffer; nothing was allocated.
        ProtocolError: if the actions are not what the algorithm can choose.
    """
    import numpy as np
    import stable_baselines3
    from gymnasium import spaces
    from stable_baselines3.common.noise import NormalActionNoise

    from agents.sb3 import MetricHerReplayBuffer, TerminatingHerReplayBuffer
    from agents.sb3.extractors import extractor_for

    wanted = spaces.Box if algorithm.action_type == "box" else spaces.Discrete
    if not isinstance(venv.action_space, wanted):
        raise ProtocolError(
            f"{algorithm.name} chooses {wanted.__name__} actions, and these are {venv.action_space}; "
            f"make the environments with action_type={algorithm.action_type!r}"
        )
    policy: dict[str, Any] = {"features_extractor_class": extractor_for(venv.observation_space), "net_arch": [128]}
    chosen = {**algorithm.options, **options}
    if algorithm.has_replay:
        chosen |= {"buffer_size": buffer_size, "learning_starts": 60 * venv.num_envs}
        chosen["replay_buffer_class"] = TerminatingHerReplayBuffer if reward is None else MetricHerReplayBuffer
        chosen["replay_buffer_kwargs"] = {} if reward is None else {"metric_reward": reward}
        chosen["gradient_steps"] = options.get("gradient_steps", max(1, venv.num_envs // 4))
    else:
        # Values of unshaped rewards are large at first; on shared features they would drown the policy.
        policy["share_features_extractor"] = False
    if algorithm.name == "dqn":
        chosen["target_update_interval"] = venv.num_envs  # after each step of all
    if algorithm.name == "td3":
        size = int(np.prod(venv.action_space.shape or ()))
        chosen["action_noise"] = NormalActionNoise(np.zeros(size), np.full(size, 0.2))
    make = getattr(stable_baselines3, algorithm.name.upper())
    return make(
        "MultiInputPolicy",
        venv,
        gamma=gamma,
        seed=seed,
        device=device,
        policy_kwargs=policy,
        tensorboard_log=tensorboard,
        **chosen,
    )
