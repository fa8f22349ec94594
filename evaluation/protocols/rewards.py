"""Rewards that the harness hands to a learner. They know more than the recordings do: mark results as privileged."""

from __future__ import annotations

import numpy as np

from agents.sb3.offline.rewards import FrameReward
from plan2vec_envs.geometry import STEP
from plan2vec_envs.maze.core import RoomCore

from .worlds import room_of


class _Positions:
    """Reads positions from what is seen in a room."""

    def __init__(self, env_id: str, obs_type: str = "image") -> None:
        """Learn how the room's frames are decoded.

        Args:
            env_id: a registered id.
            obs_type: "image" or "state", as the dataset was collected.

        Raises:
            UnknownNameError: with the closest registered id or observation type.
        """
        self._core = RoomCore(room_of(env_id).name, obs_type, "discrete")
        self.is_image = obs_type == "image"
        self.observation_shape = self._core.observation_space()["observation"].shape or ()

    def read(self, observations: np.ndarray) -> np.ndarray:
        """Positions decoded from frames, or given as states: (N, ...) -> (N, 2) float64 metres.

        Raises:
            FrameError: if an observation is not one of this room.
        """
        return self._core.locate(observations)


class PoseReward(_Positions, FrameReward):
    """0 where the agent's position is within .02 m of the goal's, else -1: the environment's rule, on decoded frames.

    Privileged.
    """

    name = "pose within .02 m"

    def reached(self, achieved: np.ndarray, desired: np.ndarray) -> np.ndarray:
        """Nearer than the success radius: (B, 2), (B, 2) -> (B,) bool."""
        return self._core.at_goal(achieved, desired)


class StraightLine(_Positions):
    """The straight-line distance of decoded positions, as a metric for rewards: it sees no walls, and is privileged."""

    name = "straight line (privileged)"

    def embed(self, observations: np.ndarray) -> np.ndarray:
        """Positions: (B, ...) -> (B, 2) float32 metres.

        Raises:
            FrameError: if an observation is not one of this room.
        """
        return self.read(observations).astype(np.float32)

    def distance(self, observation: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """Length of the straight line, (B, ...) and (B, ...) observations -> (B,) float32, in steps."""
        return self.between(self.embed(observation), self.embed(goal))

    def between(self, latents: np.ndarray, goal_latents: np.ndarray) -> np.ndarray:
        """Length of the straight line, (..., 2) and (..., 2) -> (...) float32, in steps."""
        return np.linalg.norm(latents - goal_latents, axis=-1) / np.float32(STEP)
