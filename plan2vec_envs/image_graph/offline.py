"""A world of recorded frames as a Gymnasium environment."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InvalidOptionError
from ..io.hashing import array_sha256
from .env import ImageGraphEnv
from .record import WorldGraph


class OfflineEnv(ImageGraphEnv):
    """Hop from one recorded picture of a rope to another, to the one that is shown as the goal.

    ## Description
    Nothing is simulated: the world is a recording. Every picture is a place; links are the recorded moves, there and
    back, and what else somebody joined, such as pictures that a learned metric takes for neighbours. The agent stands
    at a picture, may look at the picture at the end of each link, and chooses a link.

    ```python
    env = gym.make("plan2vec_envs:Plan2vec/RopeOffline-v0")
    observation, info = env.reset(seed=0)
    observation, reward, terminated, truncated, info = env.step(env.action_space.sample(info["action_mask"]))
    ```

    ## Action Space
    `Discrete(max_degree)`: link k of the place. The links of a place are shuffled, by the world and once for all. An
    action that is no link here (see `action_mask`) leaves the agent where it is.

    ## Observation Space
    A `Dict` with `observation`, `achieved_goal` (the same) and `desired_goal`, each `Box(0, 255, (1, 64, 64), uint8)`
    (or whatever size was recorded).

    ## Rewards
    `reward="step"` (default): 0 at the goal, else -1. `reward="length"`: minus the length of the link in median links,
    -1 for staying. `compute_reward` gives the same from pictures; for "length" it needs the step's `info`.

    ## Starting State
    A place and a goal at most `max_hops` links away, uniform over what is reachable and looks different.
    `reset(options={"start": place, "goal": place})` chooses them, by number: the row of the frame in its dataset.

    ## Episode End
    Terminated at the goal place, or at one whose picture is the same to the byte, which nobody could tell from it;
    truncated after 200 steps.

    ## Info
    * `action_mask`: (max_degree,) int8, 1 where there is a link.
    * `neighbor_observations`: (max_degree, 1, 64, 64) uint8, the picture at the end of each link; 0 where there is
      none.
    * `is_success`: at the goal.
    * `oracle_link_length`: length of the link just taken, in moves unless the world file knows better; 0 after a
      reset and for staying.
    * `oracle_place`, `oracle_goal_place`: numbers; `oracle_position`, `oracle_goal`: (2,) where these stand on the map.
      `env.unwrapped.world.about["positions"]` says whether this was "recorded", or is a "layout" that means nothing
      beyond which trajectory and which frame. Not for agents.

    ## Arguments
    * `world`: `"rope"`, drawn curves that hang from a tether, six short trajectories; or the name or path of a world
      file with one picture a place: `plan2vec import --world`, or `save_world(world_of_dataset(...), path)`.
    * `max_hops`: of the goal.
    * `reward`: `"step"` or `"length"`.
    * `render_mode`: `"rgb_array"`; `gym.make` also takes `"human"`.

    ## Version History
    * v0: first version.
    """

    def __init__(
        self, world: str = "rope", max_hops: int = 50, reward: str = "step", render_mode: str | None = None
    ) -> None:
        """Load the world; see the class for the arguments.

        Raises:
            UnknownNameError: for a name that is not known, with the closest one.
            InvalidOptionError: for an option that cannot be, or a world that does not have one picture a place.
            StorageError: if a world file cannot be read.
        """
        super().__init__(world=world, max_hops=max_hops, reward=reward, render_mode=render_mode)
        first: dict[str, int] = {}
        self._looks = np.array([first.setdefault(array_sha256(f), i) for i, f in enumerate(self.views.frames)])

    def _load(self, world: str) -> WorldGraph:
        loaded = super()._load(world)
        pictures = 0 if loaded.views is None else len(loaded.views)
        if pictures != loaded.num_places:
            raise InvalidOptionError(
                f"world {loaded.name!r} brings {pictures} pictures of {loaded.num_places} places; here every place is "
                "one recorded picture. `plan2vec import --world` makes such worlds; streets are Plan2vec/StreetLearn-v0"
            )
        return loaded

    def _info(self, length: float) -> dict[str, Any]:
        info = super()._info(length)
        del info["oracle_is_near"]  # there are no metres here
        return info
