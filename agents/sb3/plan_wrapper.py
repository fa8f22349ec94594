"""Waypoints of the graph in front of any goal-conditioned policy."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from data_collection import Dataset

from ..base.agent import as_batch
from ..base.waypoint_agent import WaypointAgent
from ..control.action_memory import ActionMemory
from ..errors import ConfigError, ObservationError

_CHECKED = 16  # vertices whose frames are looked at again
_SAME = 0.1  # steps between a frame and what the agent remembers of it; rounding, if it is the same


class PlanState(NamedTuple):
    """What goes from one ``predict`` to the next."""

    policy: Any
    """state of the policy itself"""
    memory: ActionMemory
    """where each lane has been"""


class PlanWrapper:
    """A policy that walks to near goals, led by an agent's waypoints to far ones.

    Before the policy sees an observation, the goal in it is replaced by the recorded frame that the agent would walk
    to next; where the goal itself is near, by the agent's own judgement, it stays. The agent needs no actions for
    that, and the policy no other training than for short ways.

    It has the ``predict`` of Stable-Baselines3, so that ``evaluate_policy`` takes it for a model. Its state carries the
    agent's memory: whoever hands it back, as ``evaluate_policy`` does, is given other waypoints where the policy hangs,
    if the agent's configuration says so (a "ring" with ``memory.visit_penalty``); whoever drops it has memoryless ones.
    """

    def __init__(
        self,
        policy: Any,
        agent: Any,
        frames: Dataset | np.ndarray,
        *,
        observation_key: str = "observation",
        goal_key: str = "desired_goal",
    ) -> None:
        """Put an agent in front of a policy.

        Args:
            policy: Has ``predict(observation, state, episode_start, deterministic)``.
            agent: A fitted agent with waypoints: ``plan2vec-waypoints`` or ``sptm``.
            frames: What the agent was fitted on, or its (N, ...) observations alone.
            observation_key: The entry that the agent sees; "achieved_goal" where goals have a space of their own and
                the agent was fitted on that.
            goal_key: The entry that is replaced, of the same shape and dtype.

        Raises:
            ConfigError: if the agent has no waypoints.
            NotFittedError: if it is not fitted.
            ObservationError: if the frames are not those it was fitted on.
        """
        if not isinstance(agent, WaypointAgent):
            raise ConfigError(
                f"{getattr(agent, 'name', type(agent).__name__)!r} chooses no waypoints; give an agent that does, "
                "such as Plan2VecWaypoints, which may be fitted on the same dataset, with or without actions"
            )
        self.policy, self.agent = policy, agent
        self.observation_key, self.goal_key = observation_key, goal_key
        rows = agent.vertex_rows
        observations = frames.observations if isinstance(frames, Dataset) else np.asarray(frames)
        if len(observations) <= rows.max():
            raise ObservationError(
                f"there are {len(observations)} frames and the agent remembers row {rows.max()}; give the dataset that "
                "it was fitted on, whole and in its order"
            )
        self.waypoint_frames = observations[rows]
        """(V, ...) the frame of each vertex"""
        some = np.unique(np.linspace(0, len(rows) - 1, _CHECKED).astype(np.int64))
        batch, _ = as_batch(self.waypoint_frames[some], agent.observation_shape, agent.is_image, "frames")
        strange = np.linalg.norm(agent.local_metric.embed(batch) - agent.local_latents[some], axis=1) > _SAME
        if strange.any():
            raise ObservationError(
                f"{strange.sum()} of {len(some)} frames are not those that the agent remembers in their rows; give the "
                "dataset that it was fitted on, in its order"
            )

    def redirect(self, observation: dict[str, np.ndarray], memory: ActionMemory | None = None) -> dict[str, np.ndarray]:
        """The observation with the next waypoint for a goal.

        Args:
            observation: Entries (B, ...), or (...) of a single one; they stay as they are.
            memory: Of the agent, for B lanes.

        Returns:
            The same entries, but for the goal.

        Raises:
            ObservationError: if an entry is missing, or unlike the agent's observations.
        """
        goals, seen, single = self._read(observation)
        vertices, near = self.agent.next_waypoints(seen, goals, memory=memory)
        redirected = np.array(goals)
        redirected[~near] = self.waypoint_frames[vertices[~near]]
        return {**observation, self.goal_key: redirected[0] if single else redirected}

    def predict(
        self,
        observation: dict[str, np.ndarray],
        state: PlanState | None = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
    ) -> tuple[np.ndarray, PlanState]:
        """The policy's actions towards the next waypoints.

        Args:
            observation: Entries (B, ...), or (...) of a single one.
            state: What the last call returned; None at the very beginning, or for no memory.
            episode_start: (B,) bool, lanes where an episode begins.
            deterministic: For the policy.

        Returns:
            What the policy returns, and the state for the next call.

        Raises:
            ObservationError: for an observation unlike the agent's, or of another number of lanes than the state.
        """
        lanes = len(self._read(observation)[0])
        inner, memory = (None, self.agent.new_memory(lanes)) if state is None else state
        assert memory is not None  # agents with waypoints have one
        if memory.num_episodes != lanes:
            raise ObservationError(
                f"the observation has {lanes} lanes and the state {memory.num_episodes}; begin with state=None"
            )
        if episode_start is not None:
            memory.forget(np.atleast_1d(episode_start))
        redirected = self.redirect(observation, memory)
        actions, inner = self.policy.predict(
            redirected, state=inner, episode_start=episode_start, deterministic=deterministic
        )
        return actions, PlanState(inner, memory)

    def _read(self, observation: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, bool]:
        """(B, ...) goals, (B, ...) what the agent sees, and whether they came without a batch axis."""
        absent = [key for key in (self.goal_key, self.observation_key) if key not in observation]
        if absent:
            raise ObservationError(
                f"the observation has no {absent[0]!r} among {', '.join(sorted(observation))}; a goal-conditioned "
                "policy needs a dict of both; name its entries by observation_key and goal_key"
            )
        shape, image = self.agent.observation_shape, self.agent.is_image
        seen, single = as_batch(observation[self.observation_key], shape, image, self.observation_key)
        goals, _ = as_batch(observation[self.goal_key], shape, image, self.goal_key)
        if len(goals) != len(seen):
            raise ObservationError(f"there are {len(seen)} observations and {len(goals)} goals; give one goal for each")
        return goals, seen, single
