"""A square with a thick wall between two halves, open at the top; and a policy that only ever walks straight."""

from __future__ import annotations

from dataclasses import replace

import gymnasium as gym
import numpy as np

from agents import Plan2VecWaypointsConfig
from agents.graphs.building import GraphConfig, Spread
from agents.metrics.tables.anchored import AnchoredConfig
from agents.metrics.tables.table_embedding import TableConfig
from data_collection import Dataset, Episode

from .worlds import MOVES, quick_config

SIDE, STEP, REACHED = 8.0, 0.5, 0.6
LEFT, RIGHT, TOP = 3.0, 5.0, 5.5  # of the wall, which stands on the lower border


def free(places: np.ndarray) -> np.ndarray:
    """(B, 2) -> (B,) bool, inside of the square and outside of the wall."""
    x, y = places.T
    inside = ((places >= 0) & (places <= SIDE)).all(1)
    return inside & ~((x > LEFT) & (x < RIGHT) & (y < TOP))


def moved(places: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Where (B, 2) moves of at most 1 an axis lead; along what is in the way they slide."""
    for axis in np.eye(2, dtype=np.float32):
        target = (places + STEP * axis * np.clip(moves, -1, 1)).astype(np.float32)
        places = np.where(free(target)[:, None], target, places)
    return places


def walks(episodes: int = 150, steps: int = 24, seed: int = 0) -> Dataset:
    """Random walks without actions: what a policy does later is nobody's business yet."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, SIDE, (4 * episodes, 2)).astype(np.float32)
    path = [places[free(places)][:episodes]]
    for _ in range(steps):
        path.append(moved(path[-1], rng.uniform(-1, 1, (episodes, 2))))
    return Dataset.from_episodes([Episode(each, None) for each in np.stack(path, 1)])


def walled_config(**options) -> Plan2VecWaypointsConfig:
    """Nearness is the straight line, so the fit takes a second and the graph is right; ``options`` choose waypoints."""
    local = replace(quick_config().local_metric, trunk="identity", members=1, steps=20)
    return Plan2VecWaypointsConfig(
        local_metric=local,
        graph=GraphConfig(max_vertices=600, vertices=Spread(), recorded_weight="local"),
        global_metric=AnchoredConfig(table=TableConfig(latent_dim=32)),
        **options,
    )


class Straight:
    """Walks straight to the goal, as a goal-conditioned policy does that knows short ways only."""

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        gap = observation["desired_goal"] - observation["observation"]
        return np.clip(gap / STEP, -1, 1).astype(np.float32), (state or 0) + 1


class WalledEnv(gym.Env):
    """From the left of the wall to its right, for hindsight: goals are places."""

    def __init__(self, discrete: bool = False, max_steps: int = 80) -> None:
        place = gym.spaces.Box(0, SIDE, (2,), np.float32)
        names = ("observation", "achieved_goal", "desired_goal")
        self.observation_space = gym.spaces.Dict({name: place for name in names})
        self.discrete, self.max_steps = discrete, max_steps
        self.action_space = gym.spaces.Discrete(4) if discrete else gym.spaces.Box(-1, 1, (2,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        low = np.array([[0.2, 0.2], [RIGHT + 0.7, 0.2]])
        self.place, self.goal = (low + self.np_random.uniform(0, [2.0, 3.0], (2, 2))).astype(np.float32)
        self.steps = 0
        return self._observe(), {}

    def step(self, action):
        move = MOVES[action] if self.discrete else action
        self.place = moved(self.place[None], np.asarray(move)[None])[0]
        self.steps += 1
        reward = float(self.compute_reward(self.place, self.goal, {}))
        return self._observe(), reward, reward == 0, self.steps >= self.max_steps, {"is_success": reward == 0}

    def compute_reward(self, achieved_goal, desired_goal, info):
        return -(np.linalg.norm(achieved_goal - desired_goal, axis=-1) > REACHED).astype(np.float32)

    def _observe(self):
        return {"observation": self.place.copy(), "achieved_goal": self.place.copy(), "desired_goal": self.goal.copy()}
