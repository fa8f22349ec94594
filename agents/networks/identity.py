"""A trunk that leaves vectors as they are: where steps are alike everywhere, nearness needs no learning."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..errors import ObservationError
from .trunk import Trunk, register_trunk


@register_trunk("identity")
class Identity(Trunk):
    """Vectors as they are, in their own units; without weights.

    Entries are not standardised: that would stretch a long corridor to the width of a wide one. A metric made of it
    counts straight lines in recorded moves.
    """

    takes_images, takes_vectors = False, True

    def __init__(self, observation_shape: Sequence[int], latent_dim: int, hidden: int = 0) -> None:
        """Latents have as many entries as the vectors, whatever ``latent_dim``.

        Raises:
            ObservationError: for images.
        """
        super().__init__(observation_shape)
        if len(observation_shape) != 1:
            raise ObservationError(
                f"trunk 'identity' takes vectors, and these observations are {tuple(observation_shape)}; "
                "images need a network, such as 'pooled_mlp'"
            )

    def prepare(self, x: torch.Tensor) -> torch.Tensor:
        """(B, D) -> (B, D) float32."""
        return x.float()

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """(B, D) -> (B, D)."""
        return x
