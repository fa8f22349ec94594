"""One drag of the rope, as a function of its configuration and nothing else.

The engine keeps joint impulses and contacts from step to step that can be neither read nor written, so a space that
lives on is not restored by putting its bodies back. Here a space lives for one action: it is built from the
configuration, all at rest, and thrown away. That costs more than half of the time and makes the world exactly Markov.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pymunk

from .shape import LINK, MARGIN, NODES, PEG_RADIUS, PEGS, ROPE_RADIUS, SIZE

# Part of the environment's version. Masses are 1 a node and an action takes a unit of time.
SUBSTEPS = 32
REACH = 2.5
"""Pixels, the largest drag along an axis."""
_ITERATIONS = 10
_SPEED_KEPT = 1e-3  # share of its speed that a node keeps over an action: the table brakes
_BENDING = ((2, 400.0), (3, 400.0))  # springs between nodes so many links apart keep the rope from folding
_BENDING_DAMPING = 1.0
_GRIP = 200.0  # force with which the hand holds; joints are stronger, so a taut rope slips rather than stretches
_WALL = 10.0  # pixels, thick enough that nothing tunnels


def drag(nodes: np.ndarray, node: int, delta: np.ndarray) -> np.ndarray:
    """Take hold of a node, move the hand at even speed, let go.

    Args:
        nodes: (22, 2) float64 pixels; left as it is.
        node: 1 to 21, which to take; 0, the tether, for none.
        delta: (2,) pixels that the hand moves. It stops at the margin of the arena; the node stays behind where the
            rope is taut or in the way of itself.

    Returns:
        (22, 2) float64 pixels after the action, a fresh array.
    """
    space = pymunk.Space()
    space.iterations = _ITERATIONS
    space.damping = _SPEED_KEPT
    space.collision_slop = 0.01  # the engine's own values are made for larger worlds
    space.collision_bias = 0.0  # what overlaps is pushed out within one substep
    places = [(x, y) for x, y in nodes.tolist()]
    bodies = _add_rope(space, places)
    _add_obstacles(space)
    if node:
        target = np.clip(nodes[node] + delta, MARGIN, SIZE - MARGIN)
        hand = pymunk.Body(body_type=pymunk.Body.KINEMATIC)
        hand.position = places[node]
        hand.velocity = tuple((target - nodes[node]).tolist())
        grip = pymunk.PivotJoint(hand, bodies[node], (0, 0), (0, 0))
        grip.max_force = _GRIP
        grip.error_bias = 0.0
        space.add(hand, grip)
    for _ in range(SUBSTEPS):
        space.step(1 / SUBSTEPS)
    return np.array([places[0], *(tuple(body.position) for body in bodies[1:])])


def _add_rope(space: pymunk.Space, places: list[tuple[float, float]]) -> list[pymunk.Body]:
    """Bodies of the nodes; that of node 0 is the tether, which does not move."""
    tether = pymunk.Body(body_type=pymunk.Body.STATIC)
    tether.position = places[0]
    bodies: list[pymunk.Body] = [tether]
    things: list[Any] = [tether]
    for place in places[1:]:
        body = pymunk.Body(1.0, float("inf"))  # a point: it never turns
        body.position = place
        shape = pymunk.Circle(body, ROPE_RADIUS)
        shape.filter = pymunk.ShapeFilter(group=1)  # one group: the rope may lie over itself
        bodies.append(body)
        things += [body, shape]
    for a, b in pairwise(bodies):
        joint = pymunk.PinJoint(a, b, (0, 0), (0, 0))
        joint.distance = LINK  # not that of now, or errors would add up from action to action
        things.append(joint)
    for apart, stiffness in _BENDING:
        for a, b in zip(bodies, bodies[apart:], strict=False):
            things.append(pymunk.DampedSpring(a, b, (0, 0), (0, 0), apart * LINK, stiffness, _BENDING_DAMPING))
    space.add(*things)
    assert len(bodies) == NODES
    return bodies


def _add_obstacles(space: pymunk.Space) -> None:
    """Pegs, and walls whose face lets the middle of the rope come to the margin."""
    still = space.static_body
    shapes: list[pymunk.Shape] = [pymunk.Circle(still, PEG_RADIUS, peg) for peg in PEGS]
    low, high = MARGIN - _WALL, SIZE - MARGIN + _WALL
    corners = [(low, low), (low, high), (high, high), (high, low)]
    for a, b in zip(corners, [*corners[1:], corners[0]], strict=True):
        shapes.append(pymunk.Segment(still, a, b, _WALL - ROPE_RADIUS))
    space.add(*shapes)
