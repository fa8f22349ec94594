"""Where an environment's observation and goal are, checked before anything runs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from gymnasium import spaces

from ..errors import RewardError
from .agent_distance import AgentDistance

Observations = Any  # a dict of arrays, or an array


class ObservationSelector:
    """Takes observation and goal out of what an environment returns, as an agent knows them."""

    def __init__(
        self,
        asker: Any,
        layers: list[Any],
        space: spaces.Space,
        measure: AgentDistance,
        observation_key: str,
        goal_key: str,
        goal: np.ndarray | None,
    ) -> None:
        """Check that the environment fits the agent.

        Args:
            asker: The wrapper that asks; errors name its class.
            layers: the environment and what it wraps, the outermost first.
            space: of a single observation.
            measure: of the agent.
            observation_key: entry of a dict space that the agent knows.
            goal_key: entry with the goal.
            goal: one goal for ever, in place of the entry; needed where the space is no dict.

        Raises:
            RewardError: if an entry is missing, saying which wrapper hides it, or unlike what the agent was trained on;
                or if a metric reward is paid already.
        """
        self._owner, self._measure = type(asker).__name__, measure
        check_unpaid(self._owner, layers)
        self._observation_key = observation_key if isinstance(space, spaces.Dict) else None
        self._goal_key = None if goal is not None else goal_key
        if not isinstance(space, spaces.Dict):
            if goal is None:
                raise RewardError(
                    f"{self._owner}: the environment's observations are {_said(space)}, with no entry {goal_key!r} for "
                    f"a goal.{_hidden(layers, goal_key)} Give it goal=<observation> for one goal for ever, or an "
                    "environment whose observations are a dict with a goal"
                )
            found = space
        else:
            found = self._entry(space, observation_key, layers)
            if goal is None:
                self._check("goal", goal_key, self._entry(space, goal_key, layers))
        self._check("observation", observation_key, found)
        self._goal = None
        if goal is not None:
            self._goal = np.asarray(goal)
            self._check("goal", "goal=…", spaces.Box(0, 1, self._goal.shape, self._goal.dtype))

    def observation(self, observations: Observations) -> np.ndarray:
        """What the agent knows."""
        return observations if self._observation_key is None else observations[self._observation_key]

    def goal(self, observations: Observations, num_episodes: int) -> np.ndarray:
        """(num_episodes, ...) goals of a batch."""
        if self._goal is not None:
            return np.broadcast_to(self._goal, (num_episodes, *self._goal.shape))
        return observations[self._goal_key]

    def _entry(self, space: spaces.Dict, key: str, layers: list[Any]) -> spaces.Space:
        if key not in space.spaces:
            raise RewardError(
                f"{self._owner}: observations have no entry {key!r}; there are {', '.join(sorted(space.spaces))}."
                f"{_hidden(layers, key)} Name the right one with observation_key=… or goal_key=…, or give goal=…"
            )
        return space.spaces[key]

    def _check(self, what: str, key: str, space: spaces.Space) -> None:
        agent, wanted = self._measure, tuple(self._measure.agent.observation_shape)
        is_bytes = getattr(space, "dtype", None) == np.uint8
        if not isinstance(space, spaces.Box) or space.shape != wanted or is_bytes != bool(agent.agent.is_image):
            kind = "uint8 images" if agent.agent.is_image else "vectors"
            raise RewardError(
                f"{self._owner}: {what} ({key!r}) is {_said(space)}; agent {agent.name!r} was trained on {kind} of "
                f"shape {wanted}. Make the environment with the observations of the agent's dataset "
                "(obs_type='image' or 'state' in the rooms), or train an agent on these"
            )


def check_unpaid(owner: str, layers: list[Any]) -> None:
    """Refuse to pay where a metric reward is paid already.

    Raises:
        RewardError: saying by which layer.
    """
    paid = [type(layer).__name__ for layer in layers if "metric_reward" in vars(layer)]
    if paid:
        raise RewardError(
            f"{owner}: the environment pays a metric reward already, by {paid[0]}, and it would count twice; "
            f"leave {paid[0]} out"
        )


def _said(space: spaces.Space) -> str:
    return f"{type(space).__name__} {space.dtype} of shape {space.shape}" if space.shape else type(space).__name__


def _hidden(layers: list[Any], key: str) -> str:
    """A sentence that names the wrapper that hides an entry; empty if there never was one."""
    for outer, inner in pairwise(layers):
        if key in _entries(inner) and key not in _entries(outer):
            name = type(outer).__name__
            return f" {name} hides it: wrap the environment with the reward first, and with {name} after."
    return ""


def _entries(env: Any) -> set[str]:
    space = getattr(env, "single_observation_space", None) or getattr(env, "observation_space", None)
    return set(space.spaces) if isinstance(space, spaces.Dict) else set()


def layers_of(env: Any) -> list[Any]:
    """An environment and what it wraps, the outermost first: of Gymnasium, or vectorised by Stable-Baselines3."""
    layers = [env]
    while True:
        env = layers[-1]
        inner = next((vars(env)[name] for name in ("env", "venv", "envs") if name in vars(env)), None)
        if isinstance(inner, list):  # all alike
            inner = inner[0]
        if inner is None:
            return layers
        layers.append(inner)
