"""Fitted Q learning from a recorded dataset by Stable-Baselines3's DQN; no environment, no step of one."""

from __future__ import annotations

import math

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import DQN
from stable_baselines3.common.logger import configure
from stable_baselines3.common.utils import polyak_update
from stable_baselines3.dqn.policies import QNetwork

from data_collection import Dataset

from ...networks import prepare_in_chunks
from ...training.loop import Training, Update, run_updates
from .buffer import RowReplayBuffer, RowReward
from .config import DQNConfig
from .network import PairExtractor, extractor_of

_PROBES = 1000  # random pairs whose mean value is reported


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
    frames = _standardise_and_prepare(model, dataset, training.device)
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


def _standardise_and_prepare(model: DQN, dataset: Dataset, device: torch.device) -> torch.Tensor:
    """Give the networks the dataset's statistics; all its rows (N, ...) as the networks take them."""
    observations, extractor = dataset.observations, extractor_of(model.q_net)
    extractor.fit_statistics(observations)
    model.q_net_target.load_state_dict(model.q_net.state_dict())
    return prepare_in_chunks(extractor.prepare, observations, device)
