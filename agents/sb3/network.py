"""What Q sees: one trunk over observation and goal, side by side."""

from __future__ import annotations

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.dqn.policies import QNetwork

from ..networks import build_trunk


class PairExtractor(BaseFeaturesExtractor):
    """Features of (observation, desired goal); what was achieved is the observation itself, and is not looked at.

    It takes prepared frames (see ``Trunk``). Preparing treats each channel by itself, so two prepared frames side by
    side are the prepared pair, and a frame is prepared once however many goals it is paired with.
    """

    def __init__(
        self, observation_space: spaces.Dict, observation_shape: tuple[int, ...], trunk: str, hidden: int
    ) -> None:
        super().__init__(observation_space, hidden)
        pair_shape = (2 * observation_shape[0], *observation_shape[1:])
        self.trunk = build_trunk(trunk, pair_shape, hidden, hidden)

    def forward(self, observations: dict[str, torch.Tensor]) -> torch.Tensor:
        """Prepared frames (B, ...) by name -> (B, hidden) features."""
        pair = torch.cat([observations["observation"], observations["desired_goal"]], -1)
        return torch.relu(self.trunk.encode(pair))

    def fit_statistics(self, observations: np.ndarray) -> None:
        """Standardise observations and goals alike, by the statistics of (N, ...) observations."""
        sample = observations[:: max(1, len(observations) // 4000)]
        self.trunk.standardise.fit(np.concatenate([sample, sample], 1))


@torch.no_grad()
def prepare_frames(extractor: PairExtractor, frames: torch.Tensor) -> torch.Tensor:
    """Single frames as the extractor takes them: (B, ...) -> (B, ...), half of a prepared pair."""
    pair = extractor.trunk.prepare(torch.cat([frames, frames], 1))
    return pair[..., : pair.shape[-1] // 2].contiguous()


@torch.inference_mode()
def pair_values(network: QNetwork, observation: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """Q of every action for (B, ...) observations and as many goals: (B, A) float32."""
    extractor = network.features_extractor
    device = next(network.parameters()).device
    inputs = {"observation": observation, "desired_goal": goal}
    # Rows of a dataset are read-only, which torch cannot express; hence the copies.
    return (
        network({name: prepare_frames(extractor, torch.tensor(x, device=device)) for name, x in inputs.items()})
        .cpu()
        .numpy()
    )
