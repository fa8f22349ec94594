"""The choices of fitted Q learning; apart from what uses them, since that takes long to import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...networks import prepared_bytes

_LIBRARY = 45_000_000  # bytes of Stable-Baselines3


@dataclass(frozen=True)
class DQNConfig:
    """Goal-conditioned fitted Q with hindsight."""

    trunk: str = "pooled_mlp"
    """network that sees observation and goal, where these are images"""
    hidden: int = 256
    """width of its layers"""
    steps: int = 10000
    """gradient steps"""
    batch_size: int = 128
    """transitions a step"""
    learning_rate: float = 1e-3
    """at the start; falls to nothing by a cosine"""
    gamma: float = 0.95
    """discount a step"""
    tau: float = 0.01
    """share of the network that its target takes over after each step"""
    future_share: float = 0.5
    """share of a batch whose goal comes later in the same rollout; the rest aim at random frames of the dataset"""

    def memory_need(self, size: Any) -> int:
        """Bytes: what the network prepares of all observations, and rows of the buffer."""
        prepared = prepared_bytes(self.trunk, size.observation_shape)
        return _LIBRARY + size.rows * prepared + size.transitions * 60
