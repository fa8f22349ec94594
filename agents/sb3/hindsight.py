"""What Stable-Baselines3 lacks for goals that end a task, when it learns with an environment."""

from __future__ import annotations

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import DictReplayBufferSamples
from stable_baselines3.common.vec_env import VecNormalize
from stable_baselines3.her.her_replay_buffer import HerReplayBuffer


class TerminatingHerReplayBuffer(HerReplayBuffer):
    """Hindsight replay in which a relabelled transition that reaches its new goal ends the task.

    Stable-Baselines3 computes the reward anew and keeps the recorded ``done``, so that values are bootstrapped through
    the goal. Rewards are 0 at the goal and negative elsewhere.
    """

    def _get_virtual_samples(
        self, batch_indices: np.ndarray, env_indices: np.ndarray, env: VecNormalize | None = None
    ) -> DictReplayBufferSamples:
        samples = super()._get_virtual_samples(batch_indices, env_indices, env)
        return samples._replace(dones=(samples.rewards == 0).to(samples.dones.dtype))


class ScaledPair(BaseFeaturesExtractor):
    """Observation and desired goal side by side, scaled to [-1, 1] by the bounds of a vector space."""

    scale: torch.Tensor

    def __init__(self, observation_space: spaces.Dict) -> None:
        box = observation_space["observation"]
        assert isinstance(box, spaces.Box)
        super().__init__(observation_space, 2 * box.shape[0])
        self.register_buffer("scale", torch.as_tensor(np.maximum(np.abs(box.low), np.abs(box.high))))

    def forward(self, observations: dict[str, torch.Tensor]) -> torch.Tensor:
        """(B, D) observation and (B, D) goal -> (B, 2 D)."""
        return torch.cat([observations["observation"] / self.scale, observations["desired_goal"] / self.scale], 1)
