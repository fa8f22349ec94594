"""A world of places and pictures as a Gymnasium environment."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from ..errors import InvalidActionError, InvalidOptionError, check_name, suggest
from .catalog import get_world
from .distances import hops_from, hops_to
from .map import draw_map
from .record import WorldGraph
from .views import Views, get_views

NEAR = 20.0
"""Metres within which the paper's released code counts a goal as reached."""
REWARDS = ("step", "length")
OPTIONS = ("start", "goal")
LEAST_LENGTH = 0.1
"""Metres of a link between two places at one coordinate."""
_LOOKED_UP = 100_000  # pictures of which the place is known by their bytes


class ImageGraphEnv(gym.Env[dict[str, np.ndarray], Any]):
    """Drive from crossing to crossing to a place that is shown as a picture.

    ## Description
    The world is a graph: places some ten metres apart, links that lead from one to the next, and pictures that were
    taken (or are drawn) at each place. The agent stands at a place and sees one of its pictures; it may look at one
    picture of each place that a link leads to, and chooses a link. The goal is another picture, of the goal place.
    Two pictures of a place differ: in the default city in traffic, light and lane.

    ```python
    env = gym.make("plan2vec_envs:Plan2vec/StreetLearn-v0")
    observation, info = env.reset(seed=0)
    observation, reward, terminated, truncated, info = env.step(env.action_space.sample(info["action_mask"]))
    ```

    ## Action Space
    `Discrete(max_degree)`: link k of the place. The links of a place are shuffled, by the world and once for all, so
    that their numbers say nothing about directions. An action that is no link here (see `action_mask`) leaves the agent
    where it is.

    ## Observation Space
    A `Dict` with `observation`, `achieved_goal` (the same) and `desired_goal`, each `Box(0, 255, (1, 64, 64), uint8)`:
    a whole panorama, squashed.

    ## Rewards
    `reward="step"` (default): 0 at the goal, else -1. `reward="length"`: minus the true length of the link in median
    links, -1 for staying. `compute_reward` gives the same from pictures that this environment has shown; for "length"
    it needs the step's `info`.

    ## Starting State
    A place and a goal at most `max_hops` links away, uniform over what is reachable.
    `reset(options={"start": place, "goal": place})` chooses them, by number.

    ## Episode End
    Terminated at the goal; truncated after 200 steps.

    ## Info
    * `action_mask`: (max_degree,) int8, 1 where there is a link.
    * `neighbor_observations`: (max_degree, 1, 64, 64) uint8, what is seen at the end of each link; 0 where there is
      none. Going there shows the same picture.
    * `is_success`: at the goal. `oracle_is_near`: within 20 m of it, which the paper's released code counts as success.
    * `oracle_link_length`: metres of the link just driven, at least .1; 0 after a reset and for staying.
    * `oracle_place`, `oracle_goal_place`: numbers; `oracle_position`, `oracle_goal`: (2,) metres east and north. Ground
      truth for evaluation, not for agents.

    ## Arguments
    * `world`: a name (`"city"`, ...) or the path of a world file; `plan2vec world --help` makes one from other data.
    * `views`: `"recorded"`, those that a learner may have seen, or `"novel"`, which it has not. Worlds that bring their
      own pictures have recorded ones only.
    * `passes`: recorded pictures of each place, where they are drawn.
    * `max_hops`: of the goal.
    * `reward`: `"step"` or `"length"`.
    * `render_mode`: `"rgb_array"`; `gym.make` also takes `"human"`.

    ## Version History
    * v0: first version.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 8}  # noqa: RUF012 (Gymnasium's shape)

    def __init__(
        self,
        world: str = "city",
        views: str = "recorded",
        passes: int = 2,
        max_hops: int = 50,
        reward: str = "step",
        render_mode: str | None = None,
    ) -> None:
        """Load the world; see the class for the arguments.

        Raises:
            UnknownNameError: for a name that is not known, with the closest one.
            InvalidOptionError: for an option that cannot be.
            StorageError: if a world file cannot be read.
        """
        if not isinstance(world, str):
            raise InvalidOptionError(f"world is a {type(world).__name__}; give a name, or the path of a world file")
        if max_hops < 1:
            raise InvalidOptionError(f"max_hops {max_hops}: a goal is at least one link away")
        if render_mode is not None:
            check_name("render mode", render_mode, self.metadata["render_modes"])
        self._reward = check_name("reward", reward, REWARDS)
        self.world = self._load(world)
        self.views: Views = get_views(self.world, views, passes)
        self.max_hops, self.render_mode = max_hops, render_mode
        if not self.world.num_links:
            raise InvalidOptionError(f"world {self.world.name!r} has no links, so there is nowhere to go")
        self._unit = self.world.median_length
        self._turn = _shuffled(self.world)
        self._looks = np.arange(self.world.num_places)  # (N,) places with one number cannot be told apart
        picture = spaces.Box(0, 255, self.views.shape, np.uint8)
        keys = ("observation", "achieved_goal", "desired_goal")
        self.observation_space: gym.Space = spaces.Dict(dict.fromkeys(keys, picture))
        self.action_space = spaces.Discrete(self.world.max_degree)
        self._place = -1  # before the first reset
        self._place_of: dict[bytes, int] | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Start an episode; see the class for the options.

        Raises:
            InvalidOptionError: for an option that cannot be used.
        """
        asked = self._read(options)
        super().reset(seed=seed)
        self._place, self._goal = self._draw_task(**asked)
        self.path = [self._place]
        self._seen = self._picture(self._place)
        self._desired = self._picture(self._goal)
        self._look()
        return self._observation(), self._info(0.0)

    def step(self, action: Any) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Any]]:
        """Follow a link.

        Raises:
            InvalidActionError: for an action outside the action space.
            gymnasium.error.ResetNeeded: before the first reset.
        """
        if self._place < 0:
            raise gym.error.ResetNeeded("call reset() before step()")
        if not isinstance(action, (int, np.integer, np.ndarray)) or not self.action_space.contains(
            np.asarray(action)[()]
        ):
            raise InvalidActionError(f"action {action!r} is not in {self.action_space}")
        links, length = self._links(), 0.0
        if action < len(links):
            link = links[int(action)]
            length = max(float(self.world.lengths[link]), LEAST_LENGTH)
            self._seen = self._around[int(action)]
            self._place = int(self.world.indices[link])
            self.path.append(self._place)
            self._look()
            reward = -length / self._unit
        else:
            reward = -1.0
        at_goal = self._is_at_goal()
        if self._reward == "step":
            reward = 0.0 if at_goal else -1.0
        return self._observation(), reward, at_goal, False, self._info(length)

    def compute_reward(self, achieved_goal: np.ndarray, desired_goal: np.ndarray, info: Any) -> Any:
        """The reward from pictures that were shown here, for one or for a batch.

        Args:
            achieved_goal: (C, H, W) or (B, C, H, W).
            desired_goal: the same.
            info: of the step, or one a row; looked at for ``reward="length"`` only.

        Raises:
            InvalidOptionError: for a picture of none of these places, or a missing ``oracle_link_length``.
        """
        single = np.ndim(achieved_goal) == len(self.views.shape)
        if self._reward == "length":
            infos = [info] if single else list(info)
            if any("oracle_link_length" not in each for each in infos):
                raise InvalidOptionError(
                    "reward='length' needs info['oracle_link_length'] of every step, which hindsight buffers do not "
                    "keep unless asked to (copy_info_dict=True); or use reward='step'"
                )
            driven = np.array([each["oracle_link_length"] for each in infos], np.float64)
            reward = np.where(driven > 0, -driven / self._unit, -1.0)
        else:
            pairs = (np.asarray(each)[None] if single else np.asarray(each) for each in (achieved_goal, desired_goal))
            here, there = ([self._look_up(picture) for picture in pictures] for pictures in pairs)
            reward = np.where(np.array(here) == np.array(there), 0.0, -1.0)
        return float(reward[0]) if single else reward.astype(np.float32)

    def render(self) -> np.ndarray | None:
        """The map (512, 512, 3) uint8 with agent, goal and path if ``render_mode`` is ``rgb_array``, else None."""
        if self.render_mode is None:
            gym.logger.warn("render() draws nothing without a render_mode: gym.make(id, render_mode='rgb_array')")
            return None
        if self._place < 0:
            raise gym.error.ResetNeeded("call reset() before render()")
        return draw_map(self.world, self.path, self._goal)

    # Inside

    def _load(self, world: str) -> WorldGraph:
        return get_world(world)

    def _is_at_goal(self) -> bool:
        return bool(self._looks[self._place] == self._looks[self._goal])

    def _read(self, options: dict[str, Any] | None) -> dict[str, int | None]:
        options = dict(options or {})
        for key, value in options.items():
            if key not in OPTIONS:
                raise InvalidOptionError(f"unknown reset option {key!r}.{suggest(key, OPTIONS)}")
            if value is None:
                continue
            if not isinstance(value, (int, np.integer)) or not 0 <= value < self.world.num_places:
                raise InvalidOptionError(f"{key} {value!r}: places are 0 to {self.world.num_places - 1}")
        if options.get("start") is not None and options.get("start") == options.get("goal"):
            raise InvalidOptionError(f"start and goal are both place {options['start']}; need two places")
        return {key: None if options.get(key) is None else int(options[key]) for key in OPTIONS}

    def _draw_task(self, start: int | None, goal: int | None) -> tuple[int, int]:
        if start is not None and goal is not None:
            if self._looks[start] == self._looks[goal]:
                raise InvalidOptionError(f"start {start} and goal {goal} show one picture; need two")
            return start, goal
        if goal is not None:
            hops = hops_to(self.world, goal, self.max_hops)
            near = np.flatnonzero((self._looks != self._looks[goal]) & (hops <= self.max_hops))
            if not len(near):
                raise InvalidOptionError(f"goal {goal}: no link leads there")
            return int(self.np_random.choice(near)), goal
        while True:  # a place with nothing in reach is drawn again
            first = int(self.np_random.integers(self.world.num_places)) if start is None else start
            hops = hops_from(self.world, first, self.max_hops)
            reachable = np.flatnonzero((self._looks != self._looks[first]) & (hops <= self.max_hops))
            if len(reachable):
                return first, int(self.np_random.choice(reachable))
            if start is not None:
                raise InvalidOptionError(f"start {start}: no link leads away from there")

    def _picture(self, place: int) -> np.ndarray:
        number = self.np_random.integers(self.views.counts(np.array(place)))
        return self.views.frames[self.views.starts[place] + number]

    def _look(self) -> None:
        """Pictures of the places around, one each."""
        ends = self.world.indices[self._links()]
        self._around = np.zeros((self.world.max_degree, *self.views.shape), np.uint8)
        if len(ends):
            numbers = self.np_random.integers(self.views.counts(ends))
            self._around[: len(ends)] = self.views.frames[self.views.starts[ends] + numbers]

    def _links(self) -> np.ndarray:
        """Rows of the links that actions 0, 1, ... follow from here."""
        return self._turn[self.world.indptr[self._place] : self.world.indptr[self._place + 1]]

    def _look_up(self, picture: np.ndarray) -> int:
        if self._place_of is None:
            if len(self.views.frames) > _LOOKED_UP:
                raise InvalidOptionError(
                    f"compute_reward knows places by their pictures, and world {self.world.name!r} has "
                    f"{len(self.views.frames):,} of them, more than {_LOOKED_UP:,}; use a smaller part of it"
                )
            places = np.repeat(np.arange(self.world.num_places), np.diff(self.views.starts))
            self._place_of = {f.tobytes(): int(p) for f, p in zip(self.views.frames, places, strict=True)}
        place = self._place_of.get(np.ascontiguousarray(picture).tobytes())
        if place is None:
            raise InvalidOptionError("compute_reward was given a picture that is none of this world's")
        return place

    def _observation(self) -> dict[str, np.ndarray]:
        # Three arrays that nobody else holds: a caller may keep or change them.
        seen = {"observation": self._seen, "achieved_goal": self._seen, "desired_goal": self._desired}
        return {key: np.array(picture) for key, picture in seen.items()}

    def _info(self, length: float) -> dict[str, Any]:
        mask = np.zeros(self.world.max_degree, np.int8)
        mask[: len(self.world.neighbors(self._place))] = 1
        position, goal = self.world.oracle_position[[self._place, self._goal]]
        return {
            "action_mask": mask,
            "neighbor_observations": self._around.copy(),
            "oracle_link_length": length,
            "is_success": self._is_at_goal(),
            "oracle_is_near": bool(np.hypot(*(position - goal)) < NEAR),
            "oracle_place": self._place,
            "oracle_goal_place": self._goal,
            "oracle_position": position.copy(),
            "oracle_goal": goal.copy(),
        }


def _shuffled(world: WorldGraph) -> np.ndarray:
    """(E,) rows of links, those of a place together as in the world, but in an order by chance."""
    seed = int(world.fingerprint[:16], 16)
    return np.lexsort((np.random.default_rng(seed).random(world.num_links), world.links[:, 0]))
