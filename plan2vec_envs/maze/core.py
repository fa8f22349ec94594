"""What one environment and a batch of them share: spaces, observations, the reward."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from ..errors import FrameError, InvalidOptionError, check_name
from ..geometry import SUCCESS_RADIUS, Point
from ..rooms import ROOMS, get_room
from .actions import Actions
from .render import FRAME_SHAPE, POSE_HALF, Renderer
from .tasks import read_positions

OBS_TYPES = ("image", "state")
RENDER_MODES = ("rgb_array",)
RENDER_FPS = 10  # a step is .1 s
MAX_EPISODE_STEPS = 50


class RoomCore:
    """One room as an agent meets it; everything is batched and without state."""

    def __init__(self, room: str, obs_type: str, action_type: str, hidden_walls: bool = False) -> None:
        """Build the spaces.

        Raises:
            UnknownNameError: naming the closest room, observation type or action type.
            InvalidOptionError: if walls are to be hidden in a room that has none for it.
        """
        self.room = get_room(room)
        if hidden_walls and not self.room.hideable:
            able = ", ".join(name for name, each in ROOMS.items() if each.hideable)
            raise InvalidOptionError(f"the room '{room}' has no walls to hide; rooms that have: {able}")
        self.obs_type = check_name("obs_type", obs_type, OBS_TYPES)
        self.actions = Actions(action_type)
        self.renderer = Renderer(self.room, bool(hidden_walls))

    def observation_space(self) -> gym.spaces.Dict:
        """A new space of single observations."""
        keys = ("observation", "achieved_goal", "desired_goal")
        if self.obs_type == "image":
            return gym.spaces.Dict({key: gym.spaces.Box(0, 255, FRAME_SHAPE, np.uint8) for key in keys})
        return gym.spaces.Dict({key: gym.spaces.Box(-POSE_HALF, POSE_HALF, (2,), np.float32) for key in keys})

    def observe(self, xy: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """What is observed with the agent at each position.

        Args:
            xy: (B, 2) float64 metres.
            out: where to put it, whatever that holds; None for a fresh array.

        Returns:
            (B, 1, 64, 64) uint8, or (B, 2) float32 metres: ``out`` or a fresh array.
        """
        if self.obs_type == "image":
            return self.renderer.frames(xy, out)
        if out is None:
            return xy.astype(np.float32)
        out[...] = xy
        return out

    def locate(self, observations: np.ndarray, check: bool = True) -> np.ndarray:
        """Where the agent is in each observation, read from the observation alone.

        Args:
            observations: (B, 1, 64, 64) uint8, or (B, 2) metres.
            check: False only for observations that were drawn here; the numbers are the same.

        Returns:
            (B, 2) float64 metres.

        Raises:
            FrameError: if an observation is not one of this room.
        """
        if self.obs_type == "image":
            return self.renderer.decode(observations, check=check)
        xy = np.asarray(observations, dtype=np.float32).astype(np.float64)
        if check and (xy.ndim != 2 or xy.shape[1] != 2 or not np.isfinite(xy).all()):
            raise FrameError(f"states must be (B, 2) finite metres, got {xy.dtype} of shape {xy.shape}")
        return xy

    def at_goal(self, position: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """Whether each position (B, 2) is less than SUCCESS_RADIUS from its goal (B, 2): (B,) bool."""
        offset = position - goal
        return offset[:, 0] ** 2 + offset[:, 1] ** 2 < SUCCESS_RADIUS**2

    def compute_reward(self, achieved: np.ndarray, desired: np.ndarray, info: Any = None) -> Any:
        """The reward of achieving one goal when another was desired, from the observations alone.

        Args:
            achieved: one observation or a batch (B, ...).
            desired: the same.
            info: not used.

        Returns:
            0.0 or -1.0 for one observation, (B,) float64 for a batch.

        Raises:
            FrameError: if an observation is not one of this room.
        """
        achieved, desired = np.asarray(achieved), np.asarray(desired)
        single = achieved.ndim == (3 if self.obs_type == "image" else 1)
        if achieved.shape != desired.shape:
            raise FrameError(f"achieved goals {achieved.shape} and desired goals {desired.shape} differ in shape")
        if single:
            achieved, desired = achieved[None], desired[None]
        reward = reward_of(self.at_goal(self.locate(achieved), self.locate(desired)))
        return float(reward[0]) if single else reward

    def render_state(self, xy: Any) -> np.ndarray:
        """What would be observed with the agent at ``xy``, free or not.

        Args:
            xy: (2,) or (B, 2) metres, within +-.2665 so that the agent is wholly in view.

        Returns:
            One observation for one position, a batch (B, ...) for a batch.

        Raises:
            InvalidOptionError: for another shape or range.
        """
        points = np.asarray(xy, dtype=np.float64)
        if points.ndim not in (1, 2) or points.shape[-1] != 2:
            raise InvalidOptionError(f"positions must be (2,) or (B, 2), got shape {points.shape}")
        if not (np.abs(points) <= POSE_HALF).all():
            raise InvalidOptionError(f"positions must be within +-{POSE_HALF:.4f} m, where the agent is in view")
        observations = self.observe(points.reshape(-1, 2))
        return observations[0] if points.ndim == 1 else observations

    def read_goal(self, goal: Any) -> Point | None:
        """Check the ``goal`` argument of an environment: metres, or None."""
        return None if goal is None else tuple(read_positions(self.room, goal, "goal", 1)[0].tolist())


def reward_of(success: np.ndarray) -> np.ndarray:
    """0 at the goal, else -1: (B,) bool -> (B,) float64."""
    return np.where(success, 0.0, -1.0)


def read_render_mode(render_mode: str | None) -> str | None:
    """Check a render mode; ``human`` is added by ``gym.make`` itself."""
    return None if render_mode is None else check_name("render_mode", render_mode, RENDER_MODES)
