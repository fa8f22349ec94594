"""What Q sees: one trunk over observation and goal, side by side."""

from __future__ import annotations

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.dqn.policies import QNetwork

from ...networks import PooledMLP, Trunk, build_trunk, mlp
from ...networks.trunk import Standardiser
from .config import DQNConfig

_FREQUENCIES = 64  # random Fourier features of a vector observation and goal
_BANDWIDTH = 1.5  # standard deviation of their frequencies, in radians per standard deviation of the input


class FourierMLP(PooledMLP):
    """An MLP over a vector and the sines and cosines of random projections of it.

    Values have a cliff at every wall, which a plain MLP of two coordinates smooths away (Yang et al. 2022, "Overcoming
    the spectral bias of neural value approximation"). Images need none of this: their pixels are local already.
    """

    projection: torch.Tensor

    def __init__(self, size: int, latent_dim: int, hidden: int) -> None:
        super().__init__((size,), latent_dim, hidden)
        self.register_buffer("projection", _BANDWIDTH * torch.randn(size, _FREQUENCIES))
        self.net = mlp([size + 2 * _FREQUENCIES, hidden, hidden, latent_dim])

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """(B, size) -> (B, D)."""
        angles = x @ self.projection
        return self.net(torch.cat([x, angles.sin(), angles.cos()], 1))


class PairExtractor(BaseFeaturesExtractor):
    """Features of (observation, desired goal); what was achieved is the observation itself, and is not looked at.

    It takes prepared frames (see ``Trunk``). Preparing treats each channel by itself, so two prepared frames side by
    side are the prepared pair, and a frame is prepared once however many goals it is paired with.
    """

    def __init__(self, observation_space: spaces.Dict, observation_shape: tuple[int, ...], config: DQNConfig) -> None:
        super().__init__(observation_space, config.hidden)
        pair_shape = (2 * observation_shape[0], *observation_shape[1:])
        if len(observation_shape) == 1:
            self.trunk: Trunk = FourierMLP(pair_shape[0], config.hidden, config.hidden)
        else:
            self.trunk = build_trunk(config.trunk, pair_shape, config.hidden, config.hidden)
        # Where channels lie: last, unless the trunk prepares nothing.
        prepared = self.trunk.prepare(torch.zeros(1, *pair_shape, dtype=torch.uint8))
        self.axis = 1 if prepared.shape[1:] == pair_shape else prepared.ndim - 1

    def forward(self, observations: dict[str, torch.Tensor]) -> torch.Tensor:
        """Prepared frames (B, ...) by name -> (B, hidden) features."""
        pair = torch.cat([observations["observation"], observations["desired_goal"]], self.axis)
        return torch.relu(self.trunk.encode(pair))

    @torch.no_grad()
    def prepare(self, frames: torch.Tensor) -> torch.Tensor:
        """Single frames as ``forward`` takes them: (B, ...) -> (B, ...), half of a prepared pair."""
        pair = self.trunk.prepare(torch.cat([frames, frames], 1))
        return pair.narrow(self.axis, 0, pair.shape[self.axis] // 2).contiguous()

    def fit_statistics(self, observations: np.ndarray) -> None:
        """Standardise observations and goals alike, by the statistics of (N, ...) observations."""
        single = Standardiser(observations.shape[1:])
        single.fit(observations)
        for pair, one in zip(self.trunk.standardise.buffers(), single.buffers(), strict=True):
            pair.copy_(torch.cat([one, one]))


@torch.inference_mode()
def pair_values(network: QNetwork, observation: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """Q of every action for (B, ...) observations and as many goals: (B, A) float32."""
    device = next(network.parameters()).device
    # Rows of a dataset are read-only, which torch cannot express; hence the copies.
    pair = {"observation": torch.tensor(observation), "desired_goal": torch.tensor(goal)}
    prepared = {name: extractor_of(network).prepare(frames.to(device)) for name, frames in pair.items()}
    return network(prepared).cpu().numpy()


def extractor_of(network: QNetwork) -> PairExtractor:
    """The features of a Q network."""
    extractor = network.features_extractor
    assert isinstance(extractor, PairExtractor)
    return extractor
