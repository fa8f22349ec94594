"""Features of an observation and a goal side by side, for Stable-Baselines3's networks.

Its own extractor builds a network for each entry, and one for ``achieved_goal``, which is the observation again.
"""

from __future__ import annotations

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

from ..networks import build_trunk

_PAIR = ("observation", "desired_goal")
_CONTRAST = 4.0  # bytes over 255 have a standard deviation of about a quarter


class TwoChannel(BaseFeaturesExtractor):
    """One trunk over an image and the goal's image, stacked as channels.

    Stable-Baselines3 divides images by 255 first. Backgrounds should be 0: on a bright one learning takes far longer.
    """

    def __init__(
        self, observation_space: spaces.Dict, features_dim: int = 128, trunk: str = "keypoints", hidden: int = 128
    ) -> None:
        """Build the trunk.

        Args:
            observation_space: with ``observation`` and ``desired_goal`` of one shape (C, H, W).
            features_dim: of the answer.
            trunk: network; see ``agents.networks``.
            hidden: width of its layers.

        Raises:
            UnknownNameError: for an unknown trunk, with the closest one.
        """
        super().__init__(observation_space, features_dim)
        channels, height, width = observation_space["observation"].shape or ()
        self.trunk = build_trunk(trunk, (2 * channels, height, width), features_dim, hidden)

    def forward(self, observations: dict[str, torch.Tensor]) -> torch.Tensor:
        """(B, C, H, W) observation and goal in [0, 1] -> (B, features_dim)."""
        pair = torch.cat([observations[key] for key in _PAIR], 1)
        return torch.relu(self.trunk(_CONTRAST * pair))


class ScaledPair(BaseFeaturesExtractor):
    """Observation and desired goal side by side, scaled to [-1, 1] by the bounds of their spaces, if any."""

    scale: torch.Tensor

    def __init__(self, observation_space: spaces.Dict) -> None:
        bounds = []
        for key in _PAIR:
            box = observation_space[key]
            assert isinstance(box, spaces.Box)
            bounds.append(np.maximum(np.abs(box.low), np.abs(box.high)).ravel())
        scale = np.concatenate(bounds).astype(np.float32)
        super().__init__(observation_space, scale.size)
        self.register_buffer("scale", torch.as_tensor(np.where(np.isfinite(scale) & (scale > 0), scale, 1)))

    def forward(self, observations: dict[str, torch.Tensor]) -> torch.Tensor:
        """(B, D) observation and (B, G) goal -> (B, D + G)."""
        return torch.cat([observations[key].flatten(1) for key in _PAIR], 1) / self.scale


def extractor_for(observation_space: spaces.Dict) -> type[BaseFeaturesExtractor]:
    """The extractor for images or for vectors."""
    return TwoChannel if len(observation_space["observation"].shape or ()) == 3 else ScaledPair
