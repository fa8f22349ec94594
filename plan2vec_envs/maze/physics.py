"""Many agents in copies of one room, moved by pymunk: one path for one agent and for hundreds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymunk
from pymunk import batch

from ..geometry import AGENT_HALF, Room, border

STEP_SECONDS = 0.1
SUBSTEPS = 10  # part of the environment's version: other numbers touch walls differently
AGENTS_PER_SPACE = 32  # pymunk's broad phase grows quadratically with the agents of a space
_WALLS = -1  # the "agent" that stands for the body of the walls
_PASS_EACH_OTHER = pymunk.ShapeFilter(group=1)  # of one group
WALL_THICKNESS = 0.1  # thicker outwards than drawn, so that nothing is ever pushed through the border


class PymunkCrowd:
    """Agents that collide with the walls of a room and never with each other.

    Friction is 1, so a diagonal push against a wall creeps along it by one substep a step. Bodies carry no
    speed from one step to the next.
    """

    def __init__(self, room: Room, num_agents: int) -> None:
        """Build the walls; agents enter with :meth:`place`.

        Args:
            room: whose walls to build.
            num_agents: how many agents will be placed, at least 1.
        """
        self.num_agents = num_agents
        num_spaces = -(-num_agents // AGENTS_PER_SPACE)
        self._spaces = [_walled_space(room) for _ in range(num_spaces)]
        self._agents: list[tuple[pymunk.Body, pymunk.Poly] | None] = [None] * num_agents
        self._by_id: dict[int, int] = {}  # pymunk's number of a body -> agent
        # pymunk keeps the bodies of a space in an order of its own: slot -> agent, one array a space. The
        # body that carries the walls is among them as agent -1, hence the last row of the arrays below.
        self._agent_of_slot = [np.full(1, _WALLS) for _ in self._spaces]
        self._positions = np.full((num_agents + 1, 2), np.nan)
        self._velocities = np.zeros((num_agents + 1, 2))
        self._reader, self._writer = batch.Buffer(), batch.Buffer()

    def place(self, indices: np.ndarray, xy: np.ndarray) -> None:
        """Put agents at new positions, at rest.

        Args:
            indices: (K,) which agents.
            xy: (K, 2) their centres, metres.
        """
        changed = set()
        for index, (x, y) in zip(np.asarray(indices).tolist(), np.asarray(xy).tolist(), strict=True):
            space = self._spaces[index // AGENTS_PER_SPACE]
            # A moved body would keep its cached contacts and feel walls that it has left: take a new one.
            if (old := self._agents[index]) is not None:
                space.remove(*old)
                del self._by_id[old[0].id]
            self._agents[index] = agent = _agent(x, y)
            space.add(*agent)
            self._by_id[agent[0].id] = index
            self._positions[index] = x, y
            changed.add(index // AGENTS_PER_SPACE)
        for number in changed:
            self._refresh_slots(number)

    def step(self, displacement: np.ndarray) -> np.ndarray:
        """Push every agent for one environment step.

        Args:
            displacement: (B, 2) metres that each agent moves if no wall is in its way.

        Returns:
            (B, 2) float64 centres after the step, a fresh array, metres.
        """
        self._velocities[:_WALLS] = displacement
        self._velocities /= STEP_SECONDS
        for space, agents in zip(self._spaces, self._agent_of_slot, strict=True):
            self._writer.set_float_buf(self._velocities[agents])
            batch.set_space_bodies(space, batch.BodyFields.VELOCITY, self._writer)
            for _ in range(SUBSTEPS):
                space.step(STEP_SECONDS / SUBSTEPS)
            self._reader.clear()
            batch.get_space_bodies(space, batch.BodyFields.POSITION, self._reader)
            self._positions[agents] = np.frombuffer(self._reader.float_buf()).reshape(-1, 2)
        return self._positions[:_WALLS].copy()

    def _refresh_slots(self, number: int) -> None:
        self._reader.clear()
        batch.get_space_bodies(self._spaces[number], batch.BodyFields.BODY_ID, self._reader)
        ids = np.frombuffer(self._reader.int_buf(), dtype=np.uintp).tolist()
        self._agent_of_slot[number] = np.array([self._by_id.get(body_id, _WALLS) for body_id in ids])

    def __getstate__(self) -> dict[str, Any]:
        """All but the buffers, which hold C memory and nothing worth keeping."""
        return {key: value for key, value in self.__dict__.items() if key not in ("_reader", "_writer")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._reader, self._writer = batch.Buffer(), batch.Buffer()
        self._by_id = {agent[0].id: index for index, agent in enumerate(self._agents) if agent is not None}
        for number in range(len(self._spaces)):
            self._refresh_slots(number)  # a restored space may keep its bodies in another order, by other numbers


def _walled_space(room: Room) -> pymunk.Space:
    space = pymunk.Space()
    # pymunk's defaults are made for worlds of hundreds of units: a slop of .1 lets agents through walls.
    # The contacts' persistence stays at its default: 0 would switch every contact off.
    space.collision_slop = 1e-4
    space.collision_bias = 0.0  # what overlaps is pushed out within one substep
    for rect in (*border(WALL_THICKNESS), *room.obstacles):
        wall = pymunk.Poly(space.static_body, [tuple(corner) for corner in rect.corners().tolist()])
        wall.friction = 1.0
        space.add(wall)
    return space


def _agent(x: float, y: float) -> tuple[pymunk.Body, pymunk.Poly]:
    body = pymunk.Body(1.0, float("inf"))  # an infinite moment: it never turns
    body.position = x, y
    shape = pymunk.Poly.create_box(body, (2 * AGENT_HALF, 2 * AGENT_HALF))
    shape.friction = 1.0
    shape.filter = _PASS_EACH_OTHER
    return body, shape
