"""Many copies of a room as one Gymnasium vector environment, computed as one batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from ..errors import InvalidActionError, InvalidOptionError, check_name
from .buffer_pool import BufferPool
from .core import MAX_EPISODE_STEPS, RENDER_FPS, RENDER_MODES, RoomCore, read_render_mode, reward_of
from .physics import PymunkCrowd
from .picture import picture
from .tasks import Request, draw_task, read_options


class MazeVectorEnv(gym.vector.VectorEnv):
    """The rooms of :class:`~plan2vec_envs.maze.env.MazeEnv`, many at a time.

    Observations, rewards, ends and infos equal, bit for bit, those of ``SyncVectorEnv`` over ``num_envs``
    environments made by ``gym.make``, in every autoreset mode; lane i of ``reset(seed=s)`` is seeded with
    s + i. Beyond that, ``reset`` takes ``start`` and ``goal`` with one row a lane, ``task`` with one entry
    a lane, and ``reset_mask`` (N,) bool. As everywhere in Gymnasium, options hold for the episode that they
    start, not for those that follow by autoreset; the ``goal`` argument holds for all.
    """

    metadata = {  # noqa: RUF012 (Gymnasium's shape)
        "render_modes": list(RENDER_MODES),
        "render_fps": RENDER_FPS,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        room: str = "open",
        num_envs: int = 1,
        obs_type: str = "image",
        action_type: str = "discrete",
        goal: Any = None,
        render_mode: str | None = None,
        max_episode_steps: int | None = MAX_EPISODE_STEPS,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        hidden_walls: bool = False,
    ) -> None:
        """Build the rooms.

        Args:
            room: a name in ``ROOMS``.
            num_envs: lanes, at least 1.
            obs_type: ``"image"`` or ``"state"``.
            action_type: ``"discrete"``, ``"discrete9"`` or ``"box"``.
            goal: (x, y) in metres, the goal of every episode of every lane.
            render_mode: ``"rgb_array"`` or None.
            max_episode_steps: after which a lane is truncated; None for never.
            autoreset_mode: a mode or its name, ``"next_step"``, ``"same_step"`` or ``"disabled"``.
            hidden_walls: leave the room's hideable walls out of the observations.

        Raises:
            UnknownNameError: for an unknown room, type or mode, naming the closest.
            InvalidOptionError: for a goal inside a wall, an impossible number, or hidden walls where there are none.
        """
        for name, number in (("num_envs", num_envs), ("max_episode_steps", max_episode_steps)):
            if number is not None and number < 1:
                raise InvalidOptionError(f"{name} must be at least 1, got {number}")
        self.core = RoomCore(room, obs_type, action_type, hidden_walls)
        self.room = self.core.room
        self.num_envs = num_envs
        self.max_episode_steps = max_episode_steps
        self.render_mode = read_render_mode(render_mode)
        self.autoreset_mode = _read_autoreset_mode(autoreset_mode)
        self.metadata = {**self.metadata, "autoreset_mode": self.autoreset_mode}
        self.single_observation_space = self.core.observation_space()
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.single_action_space = self.core.actions.space()
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._fixed_goal = self.core.read_goal(goal)
        self._crowd = PymunkCrowd(self.room, num_envs)
        self._rngs: list[np.random.Generator] | None = None
        self._positions = np.full((num_envs, 2), np.nan)  # NaN before the first reset
        self._goals = np.full((num_envs, 2), np.nan)
        self._desired = self.core.observe(np.zeros((num_envs, 2)))
        self._lender = BufferPool(self._desired.shape, self._desired.dtype)  # of what is returned
        self._desired_positions = np.full((num_envs, 2), np.nan)  # read from self._desired
        self._elapsed = np.zeros(num_envs, dtype=np.int64)
        self._ended = np.zeros(num_envs, dtype=bool)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Start an episode in every lane, or in those of ``options["reset_mask"]``.

        Args:
            seed: lane i gets seed + i; or one seed a lane.
            options: see the class; left as they are.

        Raises:
            InvalidOptionError, UnknownNameError: for an option that cannot be used.
        """
        given = dict(options or {})
        mask = self._read_mask(given.pop("reset_mask", None))
        request = read_options(self.room, given, self.num_envs, mask)
        self._seed(seed, mask)
        self._begin(np.flatnonzero(mask), request)
        info: dict[str, Any] = {}
        self._add_oracle(info, mask)
        return self._observation(self.core.observe(self._positions, self._lender.empty())), info

    def step(
        self, actions: np.ndarray
    ) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Push every agent once; lanes that ended are reset as the autoreset mode says.

        Args:
            actions: (N,) int64, or (N, 2) float32; those of lanes that only reset are not looked at.

        Raises:
            InvalidActionError: for an action outside the action space.
            gymnasium.error.ResetNeeded: before the first reset, or for an ended lane in ``DISABLED`` mode.
        """
        stepped = self._lanes_to_step()
        if np.shape(actions)[:1] != (self.num_envs,):
            raise InvalidActionError(f"need {self.num_envs} actions, got shape {np.shape(actions)}")
        displacement = np.zeros((self.num_envs, 2))
        displacement[stepped] = self.core.actions.displacement(np.asarray(actions)[stepped])
        self._positions = self._crowd.step(displacement)
        self._elapsed += 1
        if not stepped.all():
            self._begin(np.flatnonzero(~stepped))
        observed = self.core.observe(self._positions, self._lender.empty())
        # The same reading as compute_reward, so that the two agree on every step.
        located = self.core.locate(observed, check=False)
        terminated = self.core.at_goal(located, self._desired_positions) & stepped
        rewards = np.where(stepped, reward_of(terminated), 0.0)
        truncated = np.zeros(self.num_envs, dtype=bool)
        if self.max_episode_steps is not None:
            truncated = (self._elapsed >= self.max_episode_steps) & stepped
        self._ended = terminated | truncated
        info: dict[str, Any] = {}
        if self.autoreset_mode == AutoresetMode.SAME_STEP and self._ended.any():
            stepped = ~self._ended
            self._restart(observed, terminated, info)
        self._add_success(info, terminated, stepped)
        self._add_oracle(info, np.ones(self.num_envs, dtype=bool))
        return self._observation(observed), rewards, terminated, truncated, info

    def compute_reward(self, achieved_goal: np.ndarray, desired_goal: np.ndarray, info: Any) -> Any:
        """The reward from observations alone, for one or for a batch; see :meth:`RoomCore.compute_reward`."""
        return self.core.compute_reward(achieved_goal, desired_goal, info)

    def render_state(self, xy: Any) -> np.ndarray:
        """The observation at any position(s); see :meth:`RoomCore.render_state`."""
        return self.core.render_state(xy)

    def render(self) -> tuple[np.ndarray | None, ...]:  # type: ignore[override]
        """One colour picture (320, 320, 3) uint8 a lane; None each without a ``render_mode``."""
        if self.render_mode is None:
            gym.logger.warn("render() draws nothing without a render_mode: make_vec(id, render_mode='rgb_array')")
            return (None,) * self.num_envs
        if np.isnan(self._positions).any():
            raise gym.error.ResetNeeded("call reset() before render()")
        return tuple(picture(self.room, *pair) for pair in zip(self._positions, self._goals, strict=True))

    @property  # type: ignore[misc]
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]
        """The generator of each lane."""
        if self._rngs is None:
            self._rngs = [seeding.np_random(None)[0] for _ in range(self.num_envs)]
        return tuple(self._rngs)

    # ---- episodes

    def _seed(self, seed: int | Sequence[int | None] | None, mask: np.ndarray) -> None:
        lanes = range(self.num_envs)
        seeds = [None] * self.num_envs if seed is None else seed
        if isinstance(seeds, (int, np.integer)):
            seeds = [int(seeds) + i for i in lanes]
        if len(seeds) != self.num_envs:
            raise InvalidOptionError(f"need one seed or {self.num_envs}, got {len(seeds)}")
        rngs = list(self.np_random)
        for i in lanes:
            if mask[i] and seeds[i] is not None:
                rngs[i] = seeding.np_random(seeds[i])[0]
        self._rngs = rngs

    def _begin(self, lanes: np.ndarray, request: Request = Request(None, None)) -> None:  # noqa: B008 (immutable)
        """Start an episode in each of these lanes (K,); every lane draws as a single environment does."""
        rngs = self.np_random
        for i in lanes.tolist():
            start, goal = request.lane(i)
            goal = self._fixed_goal if goal is None else goal
            self._positions[i], self._goals[i] = draw_task(self.room, rngs[i], start, goal)
        self._crowd.place(lanes, self._positions[lanes])
        self._desired[lanes] = desired = self.core.observe(self._goals[lanes])
        self._desired_positions[lanes] = self.core.locate(desired, check=False)
        self._elapsed[lanes] = 0
        self._ended[lanes] = False

    def _lanes_to_step(self) -> np.ndarray:
        if np.isnan(self._positions).any():
            raise gym.error.ResetNeeded("call reset() before step()")
        if self.autoreset_mode == AutoresetMode.NEXT_STEP:
            return ~self._ended
        if self.autoreset_mode == AutoresetMode.DISABLED and self._ended.any():
            raise gym.error.ResetNeeded(
                f"lanes {np.flatnonzero(self._ended).tolist()} have ended: "
                "reset(options={'reset_mask': terminated | truncated})"
            )
        return np.ones(self.num_envs, dtype=bool)

    def _restart(self, observed: np.ndarray, terminated: np.ndarray, info: dict[str, Any]) -> None:
        """Start again where an episode ended; what it ended with goes to ``info``."""
        ended = self._ended.copy()
        final_obs = np.full(self.num_envs, None, dtype=object)
        for i in np.flatnonzero(ended):
            final_obs[i] = {
                "observation": observed[i].copy(),
                "achieved_goal": observed[i].copy(),
                "desired_goal": self._desired[i].copy(),
            }
        final_info: dict[str, Any] = {}
        self._add_success(final_info, terminated, ended)
        self._add_oracle(final_info, ended)
        info.update(final_obs=final_obs, _final_obs=ended, final_info=final_info, _final_info=ended.copy())
        lanes = np.flatnonzero(ended)
        self._begin(lanes)
        observed[lanes] = self.core.observe(self._positions[lanes])

    # ---- observations and infos

    def _observation(self, observed: np.ndarray) -> dict[str, np.ndarray]:
        # Three arrays that nobody else holds: a caller may keep or change them.
        return {
            "observation": observed,
            "achieved_goal": self._lender.copy(observed),
            "desired_goal": self._lender.copy(self._desired),
        }

    def _add_success(self, info: dict[str, Any], success: np.ndarray, stepped: np.ndarray) -> None:
        # As Gymnasium batches infos: a value and a mask of the lanes that have one, zero elsewhere.
        if stepped.any():
            info.update(is_success=success & stepped, _is_success=stepped.copy())

    def _add_oracle(self, info: dict[str, Any], mask: np.ndarray) -> None:
        for key, xy in (("oracle_position", self._positions), ("oracle_goal", self._goals)):
            info[key] = np.where(mask[:, None], xy, 0.0)
            info[f"_{key}"] = mask.copy()

    def _read_mask(self, mask: Any) -> np.ndarray:
        if mask is None:
            return np.ones(self.num_envs, dtype=bool)
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_ or mask.shape != (self.num_envs,):
            raise InvalidOptionError(f"'reset_mask' must be a ({self.num_envs},) bool array, got {mask!r}")
        if not mask.any():
            raise InvalidOptionError("'reset_mask' selects no lane; leave it out to reset all")
        if np.isnan(self._positions[~mask]).any():
            raise InvalidOptionError("the first reset must start every lane; leave 'reset_mask' out")
        return mask


def _read_autoreset_mode(mode: AutoresetMode | str) -> AutoresetMode:
    if isinstance(mode, AutoresetMode):
        return mode
    by_name = {known.name.lower(): known for known in AutoresetMode}
    by_value = {known.value: known.name.lower() for known in AutoresetMode}  # Gymnasium's own spelling
    return by_name[check_name("autoreset_mode", by_value.get(mode, mode), by_name)]
