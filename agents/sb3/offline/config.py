"""The choices of fitted Q learning; apart from what uses them, since that takes long to import."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DQNConfig:
    """Goal-conditioned fitted Q with hindsight."""

    trunk: str = "pooled_mlp"
    """network that sees observation and goal, where these are images"""
    hidden: int = 256
    """width of its layers"""
    frequencies: int = 64
    """random Fourier features of a vector observation and goal; 0 for none (images have none)"""
    bandwidth: float = 1.5
    """standard deviation of their frequencies, in radians per standard deviation of the input"""
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
