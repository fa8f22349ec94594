"""The learned metric as a reward: one formula, used by every adapter."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np

from data_collection.errors import check_name

from ..errors import ConfigError
from .agent_distance import AgentDistance

MODES = ("shaping", "distance", "progress", "sparse", "novelty")


class MetricReward:
    """A reward from D(s, g), the steps that are left to the goal, as an agent's metric has them.

    | mode | reward of a step from s to s' | keeps the optimal policy |
    |---|---|---|
    | ``shaping`` | r + gamma Phi(s') - Phi(s), Phi = -scale D; Phi(s') = 0 where the episode terminated | yes |
    | ``distance`` | -scale D(s', g) | no: it pays for lingering near the goal where ending is no better |
    | ``progress`` | scale (D(s, g) - D(s', g)) | no: without discount in it, detours are free |
    | ``sparse`` | 0 where D(s', g) <= radius, else -scale | it is a task of its own, without the environment's reward |
    | ``novelty`` | r + scale min D(s', x) over all x seen in this episode | no: it is there to explore |

    ``shaping`` is potential-based (Ng, Harada and Russell 1999), so whatever D is, right or wrong, the best policy
    stays the best; a good D only makes it quicker to find. A truncated step is no end of the task: there Phi(s') is the
    metric's own value, as the algorithm bootstraps its own.
    """

    def __init__(
        self,
        agent: Any,
        mode: str = "shaping",
        *,
        gamma: float = 0.98,
        scale: float = 1.0,
        max_distance: float | None = None,
        radius: float = 1.0,
    ) -> None:
        """Choose the reward.

        Args:
            agent: Any fitted agent; ``load`` reads a saved one.
            mode: See the class.
            gamma: Of ``shaping``: the discount of the algorithm that learns from the reward. Another one would change
                the task.
            scale: Factor of everything that the metric says; in units of reward a step.
            max_distance: Distances above count as this one, in steps; None for no limit. It is the distance that is
                clipped and not the reward, so that ``shaping`` stays a potential.
            radius: Of ``sparse``: the goal is reached within so many steps.

        Raises:
            UnknownNameError: for an unknown mode, with the closest one.
            ConfigError: for a number that cannot be, or ``novelty`` of an agent without latents.
        """
        self.mode = check_name("reward mode", mode, MODES)
        self.measure = AgentDistance(agent)
        if not 0 < gamma <= 1:
            raise ConfigError(f"gamma {gamma}: a discount is above 0 and at most 1")
        if not (np.isfinite(scale) and scale > 0):
            raise ConfigError(f"scale {scale}: need a positive number; 1 is one unit of reward a step")
        for name, value in (("max_distance", max_distance), ("radius", radius)):
            if value is not None and not value > 0:
                raise ConfigError(f"{name} {value}: need a positive number of steps")
        if mode == "novelty" and not self.measure.has_latents:
            raise ConfigError(
                f"novelty compares with everything seen, and agent {self.measure.name!r} has no latents to keep; "
                "use one that embeds, such as 'plan2vec' or 'vae'"
            )
        self.gamma, self.scale, self.radius = float(gamma), float(scale), float(radius)
        self.max_distance = None if max_distance is None else float(max_distance)

    @classmethod
    def load(cls, path: Path | str, mode: str = "shaping", *, device: str = "cpu", **options: Any) -> Self:
        """The same, from the folder of a saved agent or of a finished run.

        Args:
            path: what ``agent.save`` or ``plan2vec train`` wrote.
            mode: See the class.
            device: "cpu" or "cuda"; where observations are embedded.
            options: as for the class.

        Raises:
            CheckpointError: if there is no agent, or one that cannot be read.
        """
        from ..base.registry import load_agent

        return cls(load_agent(path, device=device), mode, **options)

    @property
    def looks_back(self) -> bool:
        """Whether the reward depends on where the step began."""
        return self.mode in ("shaping", "progress")

    @property
    def adds(self) -> bool:
        """Whether the environment's own reward is part of the sum."""
        return self.mode in ("shaping", "novelty")

    def __call__(
        self,
        observation: np.ndarray,
        next_observation: np.ndarray,
        goal: np.ndarray,
        env_reward: np.ndarray | None = None,
        terminated: np.ndarray | None = None,
    ) -> np.ndarray:
        """Rewards of steps, from observations.

        Args:
            observation: (B, ...) where each step began.
            next_observation: (B, ...) where it ended; before an auto-reset, not after.
            goal: (B, ...).
            env_reward: (B,) the task's own reward; 0 by default.
            terminated: (B,) bool, where the step ended the task (not where time ran out); nowhere by default.

        Returns:
            (B,) float32.

        Raises:
            ObservationError: for observations unlike those of the training dataset.
            MetricError: if a distance is NaN or infinite.
        """
        code, next_code, goal_code = (self.measure.encode(each) for each in (observation, next_observation, goal))
        return self.of_codes(code, next_code, goal_code, env_reward, terminated)

    def of_codes(
        self,
        code: np.ndarray,
        next_code: np.ndarray,
        goal_code: np.ndarray,
        env_reward: np.ndarray | None = None,
        terminated: np.ndarray | None = None,
    ) -> np.ndarray:
        """The same from codes of ``measure.encode``."""
        after = self.measure.between(next_code, goal_code)
        before = self.measure.between(code, goal_code) if self.looks_back else after
        return self.of_distances(before, after, env_reward, terminated)

    def of_distances(
        self,
        before: np.ndarray,
        after: np.ndarray,
        env_reward: np.ndarray | None = None,
        terminated: np.ndarray | None = None,
    ) -> np.ndarray:
        """The formula: (B,) distances to the goal before and after each step -> (B,) float32 rewards.

        For ``novelty``, ``after`` is the least distance to what was seen.
        """
        before, after = self._clipped(before), self._clipped(after)
        task = 0.0 if env_reward is None else np.asarray(env_reward, np.float64)
        if self.mode == "shaping":
            kept = 1.0 if terminated is None else ~np.asarray(terminated, bool)
            reward = task + self.scale * (before - self.gamma * after * kept)
        elif self.mode == "distance":
            reward = -self.scale * after
        elif self.mode == "progress":
            reward = self.scale * (before - after)
        elif self.mode == "sparse":
            reward = np.where(after <= self.radius, 0.0, -self.scale)
        else:
            reward = task + self.scale * after
        return np.asarray(reward, np.float32)

    def _clipped(self, distance: np.ndarray) -> np.ndarray:
        distance = np.asarray(distance, np.float64)
        return distance if self.max_distance is None else np.minimum(distance, self.max_distance)
