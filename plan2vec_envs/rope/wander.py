"""Random configurations and random drags: where episodes start, what goals show, how experience is made."""

from __future__ import annotations

import numpy as np

from .actions import RopeActions, link_share
from .physics import drag
from .shape import LINK, MARGIN, NODES, PEG_RADIUS, PEGS, ROPE_RADIUS, SIZE, TETHER, node_displacement

_READ = RopeActions("box").read
_LEAST_NODE = 3  # nearer to the tether there is nothing to move
_MEAN_STEPS = 8  # of one drag
_LEAST_SHARE = 0.5  # of the reach that a step goes
_STUCK = 0.3  # pixels; a drag that moves nothing farther is given up
_SETTLING = (5, 20)  # fewest and most random drags after a curve is drawn
_BEND = 0.12  # radians from link to link, standard deviation of each of the modes
_MODES = 3
_AT_ONCE = 32  # curves, of which about every third is free


def wander(nodes: np.ndarray, steps: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Random drags from a configuration on.

    A link and a direction are drawn and kept for some steps, so that the rope gets somewhere; what does not move is let
    go.

    Args:
        nodes: (22, 2) pixels.
        steps: how many.
        rng: decides everything drawn.

    Returns:
        (steps + 1, 22, 2) float64 pixels, the first as given, and (steps, 3) float32 box actions.
    """
    left, moved = 0, 0.0
    states, actions = [nodes], np.empty((steps, 3), np.float32)
    for step in range(steps):
        if left == 0 or moved < _STUCK:
            left = int(rng.geometric(1 / _MEAN_STEPS))
            link = link_share(int(rng.integers(_LEAST_NODE, NODES)))
            angle = rng.uniform(0, 2 * np.pi)
        left -= 1
        share = rng.uniform(_LEAST_SHARE, 1)
        actions[step] = link, share * np.cos(angle), share * np.sin(angle)
        states.append(drag(states[-1], *_READ(actions[step])))
        moved = float(node_displacement(states[-1], states[-2]))
    return np.stack(states), actions


def draw_nodes(rng: np.random.Generator) -> np.ndarray:
    """A random configuration: a smooth curve, then between 5 and 20 random drags.

    The drags make it one that drags lead to; the curve spares the hundreds of them that it takes to get far.

    Args:
        rng: decides everything drawn.

    Returns:
        (22, 2) float64 pixels.
    """
    curve = _draw_curve(rng)
    return wander(curve, int(rng.integers(_SETTLING[0], _SETTLING[1] + 1)), rng)[0][-1]


def _draw_curve(rng: np.random.Generator) -> np.ndarray:
    """A rope (22, 2) of exact length whose curvature is a few random waves, free of pegs and walls."""
    along = (np.arange(NODES - 1) + 0.5) / (NODES - 1)
    waves = np.cos(np.pi * np.arange(_MODES)[:, None] * along)
    while True:
        bends = _BEND * rng.standard_normal((_AT_ONCE, _MODES)) @ waves  # (curves, links) radians
        first = rng.uniform(-np.pi / 2, np.pi / 2, (_AT_ONCE, 1))  # 0 is downwards
        headings = first + np.cumsum(bends, axis=1) - bends[:, :1]
        links = LINK * np.stack([np.sin(headings), np.cos(headings)], axis=-1)
        nodes = np.array(TETHER) + np.concatenate([np.zeros((_AT_ONCE, 1, 2)), np.cumsum(links, axis=1)], axis=1)
        free = ((nodes > MARGIN) & (nodes < SIZE - MARGIN)).all((1, 2))
        for peg in PEGS:
            free &= (np.linalg.norm(nodes - np.array(peg), axis=-1) > PEG_RADIUS + ROPE_RADIUS).all(1)
        if free.any():
            return nodes[int(np.argmax(free))]
