"""A rope that nobody has to photograph: curves that hang from a tether, drawn. It obeys no physics.

It stands in for recorded ropes where there are none, so that an environment of pictures works without any data.
"""

from __future__ import annotations

import cv2
import numpy as np

from .frames import world_of_frames
from .record import WorldGraph

SIZE = 64
NUM_NODES = 24
_LENGTH = 38.0  # pixels, so that no shape below leaves the picture
_TETHER = (31.5, 8.0)  # pixels from the left and from the top
_SWING, _BEND = 0.5, 0.9  # radians: the largest angle at the tether, and the largest turn from there to the tip
_FRAMES = 20  # of a trajectory
_CLOSE = 2.0  # pixels; about what the farthest node moves in one recorded step
_SUBPIXELS = 4  # bits


def make_drawn_rope() -> WorldGraph:
    """Six trajectories of 20 frames, joined where they cross: always the same world.

    Three swing from left to right, each bent in its own way; three curl up from left to right, each hung at its own
    angle. Besides the recorded moves there are links, both ways, between frames of different trajectories none of whose
    nodes are 2 pixels or more apart: this uses the truth that a learner would have to find.

    Returns:
        A world of 120 pictures (1, 64, 64) uint8 of a rope on black, bright at the tether and darker towards the tip;
        each link is one move long, and ``oracle_position`` the mean of the nodes in pixels, x to the right and y up.
    """
    sweep = np.linspace(-1, 1, _FRAMES)
    sway = 0.06 * np.sin(2 * np.pi * sweep)  # so that no two steps are alike
    swings = [np.stack([_SWING * sweep, _BEND * (bend + sway)], 1) for bend in (-0.7, 0.05, 0.75)]
    curls = [np.stack([_SWING * (swing + sway), _BEND * sweep], 1) for swing in (-0.75, -0.05, 0.7)]
    nodes = _shapes(np.concatenate([*swings, *curls]))
    apart = np.linalg.norm(nodes[:, None] - nodes[None], axis=-1).max(-1)  # (N, N) pixels
    trajectory = np.arange(len(nodes)) // _FRAMES
    edges = np.argwhere((apart < _CLOSE) & (trajectory[:, None] != trajectory))
    return world_of_frames(
        "rope",
        np.stack([_draw(each) for each in nodes]),
        np.full(6, _FRAMES - 1),
        edges,
        oracle_position=nodes.mean(1) * [1, -1],
        about={"source": "make_drawn_rope"},
    )


def _shapes(angles: np.ndarray) -> np.ndarray:
    """(n, 2) swing and bend in radians -> (n, 24, 2) nodes in pixels, x to the right and y down."""
    along = np.linspace(0, 1, NUM_NODES - 1)
    direction = angles[:, :1] + angles[:, 1:] * along  # (n, 23) of each piece, from straight down
    steps = _LENGTH / (NUM_NODES - 1) * np.stack([np.sin(direction), np.cos(direction)], 2)
    nodes = np.concatenate([np.zeros((len(angles), 1, 2)), np.cumsum(steps, 1)], 1)
    return nodes + np.array(_TETHER)


def _draw(nodes: np.ndarray) -> np.ndarray:
    """(24, 2) pixels -> (1, 64, 64) uint8."""
    canvas = np.zeros((SIZE, SIZE), np.uint8)
    pixels = np.rint(nodes * 2**_SUBPIXELS).astype(np.int32)
    greys = np.linspace(96, 255, NUM_NODES - 1)
    for i in reversed(range(NUM_NODES - 1)):  # from the tip, so that what is nearer to the tether lies on top
        cv2.line(canvas, pixels[i], pixels[i + 1], float(greys[-1 - i]), 2, cv2.LINE_AA, _SUBPIXELS)
    return canvas[None]
