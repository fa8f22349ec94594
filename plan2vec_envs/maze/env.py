"""The rooms as a Gymnasium environment."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from .core import RENDER_FPS, RENDER_MODES, RoomCore, read_render_mode, reward_of
from .physics import PymunkCrowd
from .picture import picture
from .tasks import draw_task, read_options


class MazeEnv(gym.Env[dict[str, np.ndarray], Any]):
    """Push a square to a goal that is shown as an image.

    ## Description
    A square agent (side 8 cm) slides on the floor of a square arena (inner side 56 cm, seen from above). The
    goal is given as an observation: what the agent would see if it were there. Five rooms are registered, the first
    three of them the paper's:

    | id | room | obstacle |
    |---|---|---|
    | `Plan2vec/Open-v0` | `open` | none |
    | `Plan2vec/Table-v0` | `table` | a 10 cm square in the middle |
    | `Plan2vec/CMaze-v0` | `c_maze` | a wall from the west that leaves a passage in the east |
    | `Plan2vec/FourRooms-v0` | `four_rooms` | the same, and a wall in each of its corridors |
    | `Plan2vec/HMaze-v0` | `h_maze` | two posts joined by a bar |

    Walls have friction 1: a push straight into a wall stops there, a diagonal push creeps along it. Nothing
    carries speed from one step to the next, so the position is the whole state.

    ```python
    env = gym.make("plan2vec_envs:Plan2vec/CMaze-v0")
    observation, info = env.reset(seed=0)
    observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
    ```

    ## Action Space
    `action_type="discrete"` (default) is `Discrete(8)`; every move takes .1 s.

    | action | dx, dy in steps of .0249167 m | | action | dx, dy |
    |---|---|---|---|---|
    | 0 | -1, -1 | | 4 | 0, +1 |
    | 1 | -1, 0 | | 5 | +1, -1 |
    | 2 | -1, +1 | | 6 | +1, 0 |
    | 3 | 0, -1 | | 7 | +1, +1 |

    `"discrete9"` is `Discrete(9)`, the same with a no-op at 4. `"box"` is `Box(-1, 1, (2,), float32)`,
    (dx, dy) in units of .0498334 m; values outside are clipped.

    ## Observation Space
    A `Dict` with `observation`, `achieved_goal` (the same) and `desired_goal`. With `obs_type="image"`
    (default) each is `Box(0, 255, (1, 64, 64), uint8)`: an orthographic view of +-.3065 m, row 0 in the
    north, floor 0, walls 96, agent 255, each blended by the share of the pixel that it covers. The goal is
    never drawn in an observation. With `obs_type="state"` each is `Box(-.2665, .2665, (2,), float32)`: the
    agent's centre (x, y) in metres.

    ## Rewards
    0 if the agent's centre is less than .02 m from the goal after the step, else -1.
    `compute_reward(achieved_goal, desired_goal, info)` gives the same number from the observations alone, for
    one or for a batch: positions are read from the images, to within 1e-4 m. `info["is_success"]` says
    whether the goal was reached.

    ## Starting State
    Start and goal are uniform over the room's free ranges, at least one step apart. `reset(options=...)`
    takes `start=(x, y)`, `goal=(x, y)`, or `task`, the name or number of one of the room's five tasks
    (`env.unwrapped.room.tasks`).

    ## Episode End
    Terminated at the goal; truncated after 50 steps.

    ## Info
    `oracle_position` and `oracle_goal`, (2,) float64 metres: ground truth for evaluation, not for agents.
    After a step also `is_success`.

    ## Arguments
    * `room`: `"open"`, `"table"`, `"c_maze"`, `"four_rooms"` or `"h_maze"`; the id chooses it.
    * `obs_type`: `"image"` or `"state"`.
    * `action_type`: `"discrete"`, `"discrete9"` or `"box"`.
    * `goal`: (x, y) in metres, the goal of every episode.
    * `hidden_walls`: True leaves some walls of FourRooms and HMaze (see their `doc`) out of the observations. The
      agent collides with them all the same, and `render()` shows them to people.
    * `render_mode`: `"rgb_array"`; `gym.make` also takes `"human"`.

    ## Version History
    * v0: first version.
    """

    metadata = {"render_modes": list(RENDER_MODES), "render_fps": RENDER_FPS}  # noqa: RUF012 (Gymnasium's shape)

    def __init__(
        self,
        room: str = "open",
        obs_type: str = "image",
        action_type: str = "discrete",
        goal: Any = None,
        render_mode: str | None = None,
        hidden_walls: bool = False,
    ) -> None:
        """Build the room; see the class for the arguments.

        Raises:
            UnknownNameError: for an unknown room, type or mode, naming the closest.
            InvalidOptionError: for a goal inside a wall, or hidden walls in a room that has none for it.
        """
        self.core = RoomCore(room, obs_type, action_type, hidden_walls)
        self.room = self.core.room
        self.observation_space: gym.Space = self.core.observation_space()
        self.action_space = self.core.actions.space()
        self.render_mode = read_render_mode(render_mode)
        self._fixed_goal = self.core.read_goal(goal)
        self._crowd = PymunkCrowd(self.room, 1)
        self._position = np.empty((0, 2))  # (1, 2) metres after the first reset

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Start an episode; see the class for the options, which are left as they are.

        Raises:
            InvalidOptionError, UnknownNameError: for an option that cannot be used.
        """
        start, goal = read_options(self.room, options, 1).lane(0)  # first: a refused reset changes nothing
        super().reset(seed=seed)
        start, goal = draw_task(self.room, self.np_random, start, self._fixed_goal if goal is None else goal)
        self._position, self._goal = np.array([start]), np.array([goal])
        self._crowd.place(np.array([0]), self._position)
        self._desired = self.core.observe(self._goal)
        self._desired_position = self.core.locate(self._desired, check=False)
        return self._observation(self.core.observe(self._position)), self._oracle()

    def step(self, action: Any) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Any]]:
        """Push the agent once.

        Raises:
            InvalidActionError: for an action outside the action space.
            gymnasium.error.ResetNeeded: before the first reset.
        """
        if not len(self._position):
            raise gym.error.ResetNeeded("call reset() before step()")
        displacement = self.core.actions.displacement(np.asarray(action)[None])
        self._position = self._crowd.step(displacement)
        observed = self.core.observe(self._position)
        # The same reading as compute_reward, so that the two agree on every step.
        success = self.core.at_goal(self.core.locate(observed, check=False), self._desired_position)
        at_goal = bool(success[0])
        info = {"is_success": at_goal, **self._oracle()}
        return self._observation(observed), float(reward_of(success)[0]), at_goal, False, info

    def compute_reward(self, achieved_goal: np.ndarray, desired_goal: np.ndarray, info: Any) -> Any:
        """The reward from observations alone, for one or for a batch; see :meth:`RoomCore.compute_reward`."""
        return self.core.compute_reward(achieved_goal, desired_goal, info)

    def render_state(self, xy: Any) -> np.ndarray:
        """The observation at any position(s); see :meth:`RoomCore.render_state`."""
        return self.core.render_state(xy)

    def render(self) -> np.ndarray | None:
        """The colour picture (320, 320, 3) uint8 if ``render_mode`` is ``rgb_array``, else None."""
        if self.render_mode is None:
            gym.logger.warn("render() draws nothing without a render_mode: gym.make(id, render_mode='rgb_array')")
            return None
        if not len(self._position):
            raise gym.error.ResetNeeded("call reset() before render()")
        return picture(self.room, self._position[0], self._goal[0])

    def _observation(self, observed: np.ndarray) -> dict[str, np.ndarray]:
        # Three arrays that nobody else holds: a caller may keep or change them.
        return {
            "observation": observed[0],
            "achieved_goal": observed[0].copy(),
            "desired_goal": self._desired[0].copy(),
        }

    def _oracle(self) -> dict[str, np.ndarray]:
        return {"oracle_position": self._position[0].copy(), "oracle_goal": self._goal[0].copy()}
