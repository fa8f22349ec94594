"""The rope as numbers: its nodes in pixels, how far two configurations are apart, which ones can be.

A configuration is (22, 2) float64, the nodes from tether to tip, each (x, y) in pixels of the 64x64 picture: x to the
right, y downwards, pixel i spans [i, i + 1]. It is the whole state of the world.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InvalidOptionError

SIZE = 64
"""Pixels a side of the picture, and of the arena."""
NODES = 22
LINK = 2.2
"""Pixels from one node to the next."""
TETHER = (32.0, 5.0)
"""Where node 0 is held for ever: top centre."""
PEGS = ((20.0, 30.0), (44.0, 30.0))
PEG_RADIUS = 3.0
ROPE_RADIUS = 1.0
"""Half the thickness of the rope."""
MARGIN = 2.0
"""Pixels from the edge of the picture that nodes keep."""
# What a given configuration may be off by. The simulation itself keeps within a third of these.
_LINK_ERROR, _OVERLAP, _TETHER_ERROR = 0.15, 0.5, 0.01
_SHARPEST = np.pi / 2  # turn at a node, far from what the stiffness of the rope allows


def node_displacement(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The distance between the two places of the node that is displaced most.

    Args:
        a: (..., K, 2) pixels.
        b: the same.

    Returns:
        (...) float64 pixels.
    """
    difference = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    return np.hypot(difference[..., 0], difference[..., 1]).max(axis=-1)


def peg_clearance(nodes: np.ndarray) -> np.ndarray:
    """How far the middle line of the rope stays off the nearer peg's edge.

    Args:
        nodes: (..., K, 2) pixels.

    Returns:
        (...) float64 pixels; negative where the line passes through a peg.
    """
    first, last = nodes[..., :-1, :], nodes[..., 1:, :]
    along = last - first
    squared = np.maximum((along**2).sum(-1), 1e-12)
    clearances = []
    for peg in PEGS:
        share = np.clip(((np.array(peg) - first) * along).sum(-1) / squared, 0, 1)
        nearest = first + share[..., None] * along
        clearances.append(np.linalg.norm(nearest - np.array(peg), axis=-1).min(-1) - PEG_RADIUS)
    return np.minimum(*clearances)


def read_nodes(name: str, value: Any) -> np.ndarray:
    """A configuration that was given from outside, checked.

    Args:
        name: what to call it in messages.
        value: (22, 2) pixels, tether first.

    Returns:
        (22, 2) float64, a fresh array, node 0 exactly at the tether.

    Raises:
        InvalidOptionError: if the rope cannot lie like this.
    """
    try:
        nodes = np.array(value, np.float64)
    except (TypeError, ValueError):
        raise InvalidOptionError(f"{name} is a {type(value).__name__}; need ({NODES}, 2) numbers, pixels") from None
    if nodes.shape != (NODES, 2):
        raise InvalidOptionError(f"{name} has shape {nodes.shape}; need ({NODES}, 2), the nodes from tether to tip")
    if not np.isfinite(nodes).all():
        raise InvalidOptionError(f"{name} holds NaN or infinity at node {int(np.argmin(np.isfinite(nodes).all(1)))}")
    if np.abs(nodes[0] - TETHER).max() > _TETHER_ERROR:
        raise InvalidOptionError(f"{name} begins at {_point(nodes[0])}; the rope is tethered at {_point(TETHER)}")
    nodes[0] = TETHER
    outside = (nodes < MARGIN - _OVERLAP).any(1) | (nodes > SIZE - MARGIN + _OVERLAP).any(1)
    if outside.any():
        node = int(np.argmax(outside))
        raise InvalidOptionError(
            f"node {node} of {name} is at {_point(nodes[node])}; the arena is {MARGIN:g} to {SIZE - MARGIN:g} pixels"
        )
    steps = np.diff(nodes, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    worst = int(np.argmax(np.abs(lengths - LINK)))
    if abs(lengths[worst] - LINK) > _LINK_ERROR * LINK:
        raise InvalidOptionError(f"link {worst} of {name} is {lengths[worst]:.2f} pixels long; links are {LINK:g}")
    headings = np.arctan2(steps[:, 1], steps[:, 0])
    turns = np.abs((np.diff(headings) + np.pi) % (2 * np.pi) - np.pi)
    if turns.max() > _SHARPEST:
        raise InvalidOptionError(
            f"{name} turns by {np.degrees(turns.max()):.0f} degrees at node {int(turns.argmax()) + 1}; "
            f"the rope is too stiff for more than {np.degrees(_SHARPEST):.0f}"
        )
    clearance = float(peg_clearance(nodes))
    if clearance < ROPE_RADIUS - _OVERLAP:
        raise InvalidOptionError(
            f"{name} passes {clearance:.2f} pixels from a peg's edge; the rope is {ROPE_RADIUS:g} thick to each side"
        )
    return nodes


def _point(xy: Any) -> str:
    return f"({float(xy[0]):.2f}, {float(xy[1]):.2f})"
