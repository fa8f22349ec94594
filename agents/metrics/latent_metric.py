"""What all metrics on latents share: an embedding, and the distance of its latents by a head."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch

from .heads import MetricHead


class LatentMetric(ABC):
    """D(x, g) = head(phi(x), phi(g)), in steps.

    Attributes:
        head: the distance of two latents.
        device: where latents are computed.
    """

    head: MetricHead
    device: torch.device

    @abstractmethod
    def embed(self, observations: np.ndarray) -> np.ndarray:
        """Latents phi of (B, ...) observations, (B, D) float32."""

    def between(self, latents: np.ndarray, goal_latents: np.ndarray) -> np.ndarray:
        """D between matching latents, (..., D) and (..., D) -> (...) float32, in steps."""
        with torch.inference_mode():
            z, g = (torch.as_tensor(array, device=self.device) for array in (latents, goal_latents))
            return self.head.distance(z, g).cpu().numpy()
