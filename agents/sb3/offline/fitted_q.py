"""Fitted Q learning from a recorded dataset by Stable-Baselines3's DQN; no environment, no step of one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import DQN
from stable_baselines3.common.logger import configure
from stable_baselines3.common.type_aliases import DictReplayBufferSamples
from stable_baselines3.common.utils import polyak_update
from stable_baselines3.dqn.policies import QNetwork

from data_collection import Dataset

from ...networks import prepare_in_chunks
from ...training.loop import Training, Update, run_updates
from .config import DQNConfig
from .network import PairExtractor, extractor_of

RowReward = Callable[[np.ndarray, np.ndarray], np.ndarray]

_PROBES = 1000  # random pairs whose mean value is reported


class RowReplayBuffer:
    """All transitions of a dataset, each observation as its row; frames are gathered when a batch is drawn.

    It differs from Stable-Baselines3's ``HerReplayBuffer`` in four ways. Rewards come from a function of two rows, not
    from an environment. ``done`` is where the goal is reached, also for goals chosen in hindsight, since that is where
    the task ends; where a recording ends it does not, and values are bootstrapped. Goals that are not chosen in
    hindsight are rows of the whole dataset drawn anew for every batch, which lets values spread from one trajectory to
    the next. And a batch is drawn from a generator that the caller sets.
    """

    def __init__(self, dataset: Dataset, reward: RowReward, frames: torch.Tensor, *, future_share: float = 0.8) -> None:
        """Take a dataset.

        Args:
            dataset: M transitions of discrete actions; N rows.
            reward: (B,) rows achieved, (B,) rows desired -> (B,) float32, 0 at the goal and -1 elsewhere.
            frames: (N, ...) what the network takes in place of each row, on the device where it is trained.
            future_share: share of a batch whose goal comes later in the same episode.
        """
        assert dataset.actions is not None
        self.reward, self.frames, self.future_share = reward, frames, future_share
        self.rng = np.random.default_rng(0)
        self.drawn: dict[str, np.ndarray] = {}  # rows of the last batch
        self._before, self._after = dataset.transitions.T
        self._actions = np.asarray(dataset.actions, np.int64)[:, None]
        lengths = dataset.episode_lengths
        self._lengths = np.repeat(lengths, lengths)  # of the episode of each transition
        self._first = np.repeat(np.cumsum(lengths) - lengths, lengths)  # its first transition

    def sample(self, batch_size: int, env: Any = None) -> DictReplayBufferSamples:
        """A batch of transitions with new goals: the first ``future_share`` of it in hindsight, the rest random.

        Args:
            batch_size: B.
            env: Not used; nothing is normalised here.
        """
        at = self.rng.integers(len(self._actions), size=batch_size)
        before, after, first = self._before[at], self._after[at], self._first[at]
        later = first + self.rng.integers(at - first, self._lengths[at])  # the transition itself included
        goal = self._after[later]
        num_hindsight = int(self.future_share * batch_size)
        goal[num_hindsight:] = self.rng.integers(len(self.frames), size=batch_size - num_hindsight)
        self.drawn = {"transition": at, "goal": goal}
        rewards = torch.as_tensor(self.reward(after, goal)[:, None], device=self.frames.device)
        desired = self._gather(goal)
        return DictReplayBufferSamples(
            observations={"observation": self._gather(before), "desired_goal": desired},
            actions=torch.as_tensor(self._actions[at], device=self.frames.device),
            next_observations={"observation": self._gather(after), "desired_goal": desired},
            dones=(rewards == 0).float(),
            rewards=rewards,
        )

    def _gather(self, rows: np.ndarray) -> torch.Tensor:
        return self.frames[torch.as_tensor(rows, device=self.frames.device)]


def new_model(config: DQNConfig, observation_shape: tuple[int, ...], num_actions: int, device: torch.device) -> DQN:
    """Stable-Baselines3's DQN for pairs of prepared frames: untrained, without environment, with an empty buffer."""
    model = DQN(
        "MultiInputPolicy",
        None,  # type: ignore[arg-type]  # no environment
        learning_rate=lambda remaining: config.learning_rate * (0.5 - 0.5 * math.cos(math.pi * remaining)),
        buffer_size=1,
        batch_size=config.batch_size,
        gamma=config.gamma,
        policy_kwargs={
            "features_extractor_class": PairExtractor,
            "features_extractor_kwargs": {"observation_shape": observation_shape, "config": config},
            "net_arch": [],
            "normalize_images": False,
            "optimizer_kwargs": {"fused": True},
        },
        device=device,
        _init_setup_model=False,
    )
    # What an environment would have brought along. The network takes prepared frames, whose shape its trunk knows.
    prepared = spaces.Box(-np.inf, np.inf, (1,), np.float32)
    model.observation_space = spaces.Dict({"observation": prepared, "desired_goal": prepared})
    model.action_space = spaces.Discrete(num_actions)
    model.n_envs = 1
    model._setup_model()
    model.set_logger(configure(None, []))
    return model


def fit_q(
    config: DQNConfig, dataset: Dataset, reward: RowReward, training: Training, stage: str
) -> tuple[QNetwork, dict[str, float]]:
    """Learn Q(s, g, a) from all transitions of a dataset.

    Args:
        config: Hyper-parameters.
        dataset: M transitions of discrete actions.
        reward: (B,) rows achieved, (B,) rows desired -> (B,) float32 in {-1, 0}.
        training: Seed, folder, device.
        stage: Name in logs, checkpoints and random streams.

    Returns:
        The network and its figures: the last mean loss, and the mean over random pairs of max_a Q.

    Raises:
        TrainingDivergedError: if the loss becomes NaN.
    """
    assert dataset.num_actions is not None
    with training.seeded_torch(stage):
        model = new_model(config, dataset.observation_shape, dataset.num_actions, training.device)
    extractor = extractor_of(model.q_net)
    extractor.fit_statistics(dataset.observations)
    model.q_net_target.load_state_dict(model.q_net.state_dict())
    frames = prepare_in_chunks(extractor.prepare, dataset.observations, training.device)
    buffer = RowReplayBuffer(dataset, reward, frames, future_share=config.future_share)
    model.replay_buffer = buffer  # type: ignore[assignment]  # all that is asked of it is a batch

    def update(step: int) -> Update:
        model._current_progress_remaining = 1 - step / config.steps  # what the learning rate is a function of
        buffer.rng = training.rng(stage, step)
        model.train(gradient_steps=1, batch_size=config.batch_size)
        # DQN moves its target network only when an environment is stepped, so train() alone would never move it.
        polyak_update(model.q_net.parameters(), model.q_net_target.parameters(), config.tau)
        polyak_update(model.batch_norm_stats, model.batch_norm_stats_target, 1.0)
        logged = model.logger.name_to_value
        return torch.as_tensor(logged["train/loss"]), logged["train/learning_rate"], buffer.drawn

    loss = run_updates(stage, model.policy, model.policy.optimizer, update, steps=config.steps, training=training)
    here, there = training.rng(stage, config.steps).integers(len(frames), size=(2, _PROBES))
    with torch.inference_mode():
        values = model.q_net.forward({"observation": frames[here], "desired_goal": frames[there]})
    return model.q_net, {"loss": loss, "mean_value": float(values.max(1).values.mean())}
