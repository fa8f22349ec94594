"""The rope as a Gymnasium environment."""

from __future__ import annotations

import hashlib
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from ..errors import InvalidOptionError, check_name, suggest
from .actions import RopeActions
from .physics import drag
from .picture import FRAME_SHAPE, draw_frames, draw_picture
from .shape import NODES, node_displacement, read_nodes
from .wander import draw_nodes

SUCCESS_DISPLACEMENT = 5.0
"""Pixels of the node displaced most, below which the goal counts as reached: twice what 95 % of random drags move."""
OPTIONS = ("start", "goal")
REMEMBERED = 100_000
"""Pictures of which the nodes are known; the oldest are forgotten. At the most it takes some 50 MB."""


class RopeEnv(gym.Env[dict[str, np.ndarray], Any]):
    """Drag a rope, link by link, until it lies as in a picture.

    ## Description
    A stiff rope of 21 links lies on a table, seen from above. One end is tethered at the top centre; two pegs stand in
    its way, and it may lie over itself. An action takes hold of one link, drags it a little and lets go. The table
    brakes: nothing carries speed from one action to the next, so the places of the 22 nodes are the whole state, and
    the same action from the same state gives the same bits. What is bent sharply straightens a little when let go.

    ```python
    env = gym.make("plan2vec_envs:Plan2vec/Rope-v0")
    observation, info = env.reset(seed=0)
    observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
    ```

    ## Action Space
    `action_type="box"` (default) is `Box(-1, 1, (3,), float32)`; values outside are clipped.

    | index | meaning | -1 | 1 |
    |---|---|---|---|
    | 0 | which node the hand takes, the nearest to this share | next to the tether | the tip |
    | 1 | x that the hand moves | 2.5 pixels to the left | 2.5 pixels to the right |
    | 2 | y that the hand moves | 2.5 pixels up | 2.5 pixels down |

    `"discrete"` is `Discrete(24)`: number 8 k + j takes the node a third of the way along (k = 0), two thirds (1) or
    the tip (2) and drags it 2.5 pixels to the right (j = 0), right and down (1), down (2), and so on round. The hand
    stays in the arena, and it is weaker than the rope: a taut rope slips.

    ## Observation Space
    A `Dict` with `observation`, `achieved_goal` (the same) and `desired_goal`, each `Box(0, 255, (1, 64, 64), uint8)`:
    floor 0, pegs 96, the rope from 128 at the tether to 255 at the tip, which has a knot, so that a picture shows which
    node is where. With `ordered=False` the rope is 255 all along.

    ## Rewards
    0 if after the step no node is 5 pixels or more from its place in the goal, else -1.
    `compute_reward(achieved_goal, desired_goal, info)` gives the same for pictures that this environment has shown, the
    last 100,000 of them, or that `info["oracle_position"]` and `info["oracle_goal"]` belong to.

    ## Starting State
    Start and goal are random configurations at least 5 pixels apart: a random smooth curve, then 5 to 20 random drags.
    `reset(options={"start": nodes, "goal": nodes})` chooses them, each (22, 2) pixels.

    ## Episode End
    Terminated at the goal; truncated after 200 steps.

    ## Info
    * `is_success`: at the goal.
    * `oracle_position`, `oracle_goal`: (22, 2) float64, the nodes (x, y) from tether to tip in pixels of the
      observation, y downwards. `oracle_displacement`: pixels between the two, of the node displaced most. Ground truth
      for evaluation, not for agents.

    ## Arguments
    * `action_type`: `"box"` or `"discrete"`.
    * `ordered`: False hides which end of the rope is which.
    * `render_mode`: `"rgb_array"`; `gym.make` also takes `"human"`.

    ## Version History
    * v0: first version.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 12}  # noqa: RUF012 (Gymnasium's shape)

    def __init__(self, action_type: str = "box", ordered: bool = True, render_mode: str | None = None) -> None:
        """Lay out the table; see the class for the arguments.

        Raises:
            UnknownNameError: for an unknown action type or render mode, naming the closest.
            InvalidOptionError: if ordered is neither True nor False.
        """
        if not isinstance(ordered, bool):
            raise InvalidOptionError(f"ordered is {ordered!r}; need True or False")
        if render_mode is not None:
            check_name("render mode", render_mode, self.metadata["render_modes"])
        self.actions = RopeActions(action_type)
        self.ordered, self.render_mode = ordered, render_mode
        keys = ("observation", "achieved_goal", "desired_goal")
        self.observation_space: gym.Space = spaces.Dict(dict.fromkeys(keys, spaces.Box(0, 255, FRAME_SHAPE, np.uint8)))
        self.action_space = self.actions.space()
        self._nodes = np.empty((0, 2))  # (22, 2) pixels after the first reset
        self._hand: np.ndarray | None = None
        # Nodes cannot be read back from a picture exactly, so what was drawn is written down: hash -> (22, 2) as bytes.
        self._drawn: dict[bytes, bytes] = {}

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Start an episode; see the class for the options.

        Raises:
            InvalidOptionError: for an option that cannot be used.
        """
        start, goal = _read(options)  # first: a refused reset changes nothing
        super().reset(seed=seed)
        self._goal = draw_nodes(self.np_random) if goal is None else goal
        self._nodes = draw_nodes(self.np_random) if start is None else start
        while self._displacement() < SUCCESS_DISPLACEMENT:
            if goal is None:
                self._goal = draw_nodes(self.np_random)
            else:
                self._nodes = draw_nodes(self.np_random)
        self._hand = None
        self._desired = self._draw(self._goal)
        return self._observation(), self._info()

    def step(self, action: Any) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Any]]:
        """Drag the rope once.

        Raises:
            InvalidActionError: for an action outside the action space.
            gymnasium.error.ResetNeeded: before the first reset.
        """
        if not len(self._nodes):
            raise gym.error.ResetNeeded("call reset() before step()")
        node, delta = self.actions.read(action)
        self._hand = np.stack([self._nodes[node], self._nodes[node] + delta])
        self._nodes = drag(self._nodes, node, delta)
        info = self._info()
        reward = 0.0 if info["is_success"] else -1.0
        return self._observation(), reward, info["is_success"], False, info

    def compute_reward(self, achieved_goal: np.ndarray, desired_goal: np.ndarray, info: Any) -> Any:
        """The reward of pictures whose nodes are known, for one or for a batch.

        Args:
            achieved_goal: (1, 64, 64) or (B, 1, 64, 64) uint8.
            desired_goal: the same.
            info: of the step, or one a row; its oracle nodes are used where they are drawn as these pictures.

        Returns:
            0. or -1., or (B,) float32 of them.

        Raises:
            InvalidOptionError: for a picture whose nodes are not known.
        """
        single = np.ndim(achieved_goal) == len(FRAME_SHAPE)
        achieved, desired = (
            np.asarray(each)[None] if single else np.asarray(each) for each in (achieved_goal, desired_goal)
        )
        infos = [info] if single else list(info)
        here = [self._nodes_of(frame, each, "oracle_position") for frame, each in zip(achieved, infos, strict=True)]
        there = [self._nodes_of(frame, each, "oracle_goal") for frame, each in zip(desired, infos, strict=True)]
        close = node_displacement(np.stack(here), np.stack(there)) < SUCCESS_DISPLACEMENT
        reward = np.where(close, 0.0, -1.0)
        return float(reward[0]) if single else reward.astype(np.float32)

    def render_state(self, nodes: Any) -> np.ndarray:
        """The observation of a configuration (22, 2), or of each of (B, 22, 2).

        Returns:
            (1, 64, 64) or (B, 1, 64, 64) uint8.

        Raises:
            InvalidOptionError: if the rope cannot lie like this.
        """
        if np.ndim(nodes) == 3:
            return draw_frames(np.stack([read_nodes(f"state {i}", each) for i, each in enumerate(nodes)]), self.ordered)
        return draw_frames(read_nodes("state", nodes)[None], self.ordered)[0]

    def render(self) -> np.ndarray | None:
        """The colour picture (512, 512, 3) uint8 if ``render_mode`` is ``rgb_array``, else None."""
        if self.render_mode is None:
            gym.logger.warn("render() draws nothing without a render_mode: gym.make(id, render_mode='rgb_array')")
            return None
        if not len(self._nodes):
            raise gym.error.ResetNeeded("call reset() before render()")
        return draw_picture(self._nodes, self._goal, self._hand)

    # Inside

    def _displacement(self) -> float:
        return float(node_displacement(self._nodes, self._goal))

    def _draw(self, nodes: np.ndarray) -> np.ndarray:
        frame = draw_frames(nodes[None], self.ordered)[0]
        self._drawn.pop(key := _key(frame), None)  # to the end of the row
        self._drawn[key] = nodes.tobytes()
        if len(self._drawn) > REMEMBERED:
            del self._drawn[next(iter(self._drawn))]
        return frame

    def _nodes_of(self, frame: np.ndarray, info: Any, key: str) -> np.ndarray:
        nodes = info.get(key) if isinstance(info, dict) else None
        # The info of a step that a hindsight buffer gave another goal does not fit its picture any more.
        if nodes is not None and np.array_equal(draw_frames(nodes[None], self.ordered)[0], frame):
            return nodes
        if (drawn := self._drawn.get(_key(frame))) is None:
            raise InvalidOptionError(
                f"compute_reward was given a picture that is none of the last {REMEMBERED:,} that this environment has "
                "shown, and nodes cannot be read from a picture; hand over the step's info, whose oracle_position and "
                "oracle_goal are used where they belong to the pictures (hindsight buffers: copy_info_dict=True)"
            )
        return np.frombuffer(drawn).reshape(NODES, 2)

    def _observation(self) -> dict[str, np.ndarray]:
        seen = self._draw(self._nodes)
        # Three arrays that nobody else holds: a caller may keep or change them.
        return {"observation": seen, "achieved_goal": seen.copy(), "desired_goal": self._desired.copy()}

    def _info(self) -> dict[str, Any]:
        displacement = self._displacement()
        return {
            "is_success": displacement < SUCCESS_DISPLACEMENT,
            "oracle_displacement": displacement,
            "oracle_position": self._nodes.copy(),
            "oracle_goal": self._goal.copy(),
        }


def _key(frame: np.ndarray) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(frame).tobytes(), digest_size=16).digest()


def _read(options: dict[str, Any] | None) -> tuple[np.ndarray | None, np.ndarray | None]:
    options = dict(options or {})
    for key in options:
        if key not in OPTIONS:
            raise InvalidOptionError(f"unknown reset option {key!r}.{suggest(key, OPTIONS)}")
    start, goal = (None if options.get(key) is None else read_nodes(key, options[key]) for key in OPTIONS)
    if start is not None and goal is not None and (apart := node_displacement(start, goal)) < SUCCESS_DISPLACEMENT:
        raise InvalidOptionError(
            f"start and goal are {apart:.2f} pixels apart, which counts as reached; "
            f"need at least {SUCCESS_DISPLACEMENT:g} for the node displaced most"
        )
    return start, goal
