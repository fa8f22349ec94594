"""Frames of a room and back: exact-coverage drawing, and the pose read from the drawing.

A grey is the share of the pixel that is covered, rounded once, so a frame determines the agent's pose to a
few hundredths of a millimetre. Rewards are computed from what frames show; this is what makes that exact.
"""

from __future__ import annotations

import functools

import numpy as np

from .errors import FrameError
from .geometry import AGENT_HALF, Rect, Room, border

SIZE = 64  # pixels a side
VIEW_HALF = 0.3065  # metres from the middle of the arena to the frame's edge
FRAME_SHAPE = (1, SIZE, SIZE)
FLOOR, WALL, AGENT = 0, 96, 255  # greys
WALL_DRAWN = 0.02  # metres of border wall that are seen
# An agent whose centre is farther out is not wholly in view, and its pose cannot be read back.
POSE_HALF = VIEW_HALF - AGENT_HALF

_PIXEL = 2 * VIEW_HALF / SIZE  # metres
_SIDE = 2 * AGENT_HALF / _PIXEL  # the agent's side in pixels: 8.35
_PATCH = int(_SIDE) + 2  # pixels that a side can touch: 10
_STRIDE = int(_SIDE) - 1  # a side covers at least this many pixels fully: 7
_AT_ONCE = 64  # frames; the work on more would leave the processor's cache
_GREY_TOLERANCE = 3  # grey levels between a frame and the drawing of the pose decoded from it


def coverage(low: np.ndarray, high: np.ndarray, first_pixel: np.ndarray, num_pixels: int) -> np.ndarray:
    """How much of each pixel of a line an interval covers.

    Args:
        low: (...) left end, in pixels.
        high: (...) right end, in pixels.
        first_pixel: (...) where the line of pixels begins.
        num_pixels: length of the line; pixel i spans [i, i + 1].

    Returns:
        (..., num_pixels) float64 in [0, 1].
    """
    left = np.asarray(first_pixel)[..., None] + np.arange(num_pixels, dtype=np.float64)
    covered = np.minimum(left + 1, np.asarray(high)[..., None]) - np.maximum(left, np.asarray(low)[..., None])
    return np.clip(covered, 0.0, 1.0)


def rect_coverage(rect: Rect, size: int = SIZE) -> np.ndarray:
    """How much of each pixel of a frame a rectangle covers: (size, size) float64, row 0 in the north."""
    centre = np.array([VIEW_HALF - rect.y, VIEW_HALF + rect.x])  # down and right of the frame's corner
    half = np.array([rect.half_y, rect.half_x])
    scale = size / (2 * VIEW_HALF)
    rows, columns = coverage((centre - half) * scale, (centre + half) * scale, np.zeros(2), size)
    return rows[:, None] * columns


def walls_coverage(room: Room, size: int = SIZE, hidden_walls: bool = False) -> np.ndarray:
    """How much of each pixel the drawn walls of a room cover: (size, size) float64."""
    drawn = [rect for rect in room.obstacles if not (hidden_walls and rect in room.hideable)]
    # Walls that meet inside a pixel add up; the bound is for rooms whose obstacles overlap.
    shares = [rect_coverage(rect, size) for rect in (*border(WALL_DRAWN), *drawn)]
    return np.minimum(np.sum(shares, axis=0), 1.0)


class Renderer:
    """Draws the agent in a room, and reads its pose from such a drawing.

    The view is orthographic, +-.3065 m; row 0 is the north. Floor 0, walls 96, agent 255, each blended by
    the share of the pixel that it covers.
    """

    def __init__(self, room: Room, hidden_walls: bool = False) -> None:
        """Draw the empty room once; frames differ from it by one small patch.

        Args:
            room: what to draw.
            hidden_walls: leave out the room's hideable walls; the agent may then stand where nothing is drawn.
        """
        self.room = room
        walls = walls_coverage(room, hidden_walls=hidden_walls)
        self._background = np.rint(FLOOR + (WALL - FLOOR) * walls).astype(np.uint8)

    def frames(self, xy: np.ndarray) -> np.ndarray:
        """Draw the agent at each position.

        Args:
            xy: (B, 2) centres, metres, within +-POSE_HALF.

        Returns:
            (B, 1, 64, 64) uint8, a fresh array.
        """
        xy = np.asarray(xy, dtype=np.float64)
        frames = np.empty((len(xy), SIZE * SIZE), dtype=np.uint8)
        for block in _blocks(len(xy)):
            self._draw(xy[block], frames[block])
        return frames.reshape(len(xy), *FRAME_SHAPE)

    def _draw(self, xy: np.ndarray, frames: np.ndarray) -> None:
        column, row = (VIEW_HALF + xy[:, 0]) / _PIXEL, (VIEW_HALF - xy[:, 1]) / _PIXEL  # centres, in pixels
        corner = np.stack([row, column], axis=1) - _SIDE / 2  # (B, 2) north-west corner
        first = np.clip(corner.astype(np.int64), 0, SIZE - _PATCH)
        covered = coverage(corner, corner + _SIDE, first, _PATCH)  # (B, 2, _PATCH)
        share = (covered[:, 0, :, None] * covered[:, 1, None, :]).reshape(len(xy), _PATCH**2)
        # Only the pixels of a patch around the agent differ from the empty room.
        pixels = (first[:, 0] * SIZE + first[:, 1])[:, None] + _PATCH_PIXELS
        background = self._background.ravel()[pixels]
        frames[:] = self._background.ravel()
        patch = np.rint(background + share * (AGENT - background)).astype(np.uint8)
        np.put_along_axis(frames, pixels, patch, axis=1)

    def decode(self, frames: np.ndarray, check: bool = True) -> np.ndarray:
        """Read the agent's position from frames, to within 1e-4 m.

        The row and the column through one fully covered pixel hold the agent's profile along each axis: the
        covered length to the left of that pixel and to the right of it are the two edges. Each lane is
        computed by itself, so a batch gives the same bits as its frames one by one.

        Args:
            frames: (B, 1, 64, 64) uint8.
            check: draw the pose again and compare. Without it a frame of another kind may give nonsense;
                the numbers for a true frame are the same.

        Returns:
            (B, 2) float64 metres.

        Raises:
            FrameError: if a frame does not show exactly one agent in this room.
        """
        frames = _as_frames(frames)
        xy = np.empty((len(frames), 2))
        for block in _blocks(len(frames)):
            try:
                xy[block] = self._read(frames[block, 0])
                if check:
                    self._check(frames[block], xy[block])
            except _BadFrame as bad:
                number = f"frame {block.start + bad.index} of {len(frames)}"
                raise FrameError(f"{number} {bad.reason}") from None
        return xy

    def _read(self, images: np.ndarray) -> np.ndarray:
        """Positions (B, 2) from images (B, 64, 64)."""
        lane = np.arange(len(images))
        # The agent holds at least _STRIDE fully covered pixels in a row, so one of them is on this grid.
        grid = np.arange(_STRIDE // 2, SIZE, _STRIDE)
        full = (images[:, grid[:, None], grid] == AGENT).reshape(len(images), len(grid) ** 2)
        found = full.argmax(axis=1)
        if not full[lane, found].all():
            i = int(np.flatnonzero(~full.any(axis=1))[0])
            raise _BadFrame(
                i,
                f"shows no agent in the room '{self.room.name}': no fully covered pixel (grey {AGENT}) where "
                f"one must be; its greys go from {images[i].min()} to {images[i].max()}. Give frames as the "
                "environment draws them: uint8, not scaled, not stacked.",
            )
        row, column = grid[found // len(grid)], grid[found % len(grid)]
        x = _middle(images[lane, row], self._background[row], column)
        y = _middle(images[lane, :, column], self._background.T[column], row)
        return np.stack([x * _PIXEL - VIEW_HALF, VIEW_HALF - y * _PIXEL], axis=1)

    def _check(self, frames: np.ndarray, xy: np.ndarray) -> None:
        """Draw the poses again and compare."""
        in_view = (np.abs(xy) <= POSE_HALF + _PIXEL).all(axis=1)
        drawn = self.frames(np.where(in_view[:, None], xy, 0.0))
        error = np.maximum(frames, drawn) - np.minimum(frames, drawn)  # |a - b| without leaving uint8
        worst = error.reshape(len(frames), -1).max(axis=1)
        wrong = np.flatnonzero((worst > _GREY_TOLERANCE) | ~in_view)
        if wrong.size:
            i = int(wrong[0])
            row, column = np.unravel_index(error[i, 0].argmax(), (SIZE, SIZE))
            raise _BadFrame(
                i,
                f"is not one agent in the room '{self.room.name}': an agent was found at "
                f"({xy[i, 0]:.3f}, {xy[i, 1]:.3f}), but pixel ({row}, {column}) is {frames[i, 0, row, column]} "
                f"instead of {drawn[i, 0, row, column]}. A second agent, another room, or a changed image?",
            )


class _BadFrame(Exception):
    """A frame of a block that cannot be read, by its index in the block."""

    def __init__(self, index: int, reason: str) -> None:
        self.index, self.reason = index, reason


def _blocks(length: int) -> list[slice]:
    return [slice(first, first + _AT_ONCE) for first in range(0, length, _AT_ONCE)]


_PATCH_PIXELS = (np.arange(_PATCH)[:, None] * SIZE + np.arange(_PATCH)).ravel()


def _middle(line: np.ndarray, background: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The middle of the agent on lines of pixels that it crosses.

    Args:
        line: (B, 64) uint8 greys.
        background: (B, 64) uint8 greys without the agent.
        inside: (B,) a pixel that the agent covers fully.

    Returns:
        (B,) float64 pixels.
    """
    share = _shares()[background, line]
    side = np.where(np.arange(SIZE) < inside[:, None], -0.5, 0.5)
    return inside + (share * side).sum(axis=1)


@functools.cache
def _shares() -> np.ndarray:
    """(256, 256) share of a pixel that the agent covers, by the grey without and with the agent.

    Shares are multiples of 2^-20, so sums of them are exact: no order of summation changes a bit.
    """
    background, grey = np.arange(256)[:, None], np.arange(256)
    share = (grey - background) / np.maximum(AGENT - background, 1)
    return np.rint(share.clip(0, 1) * 2**20) / 2**20


def _as_frames(frames: np.ndarray) -> np.ndarray:
    frames = np.asarray(frames)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[1:] != FRAME_SHAPE:
        raise FrameError(
            f"frames must be (B, {', '.join(map(str, FRAME_SHAPE))}) uint8, got shape {frames.shape} of {frames.dtype}"
        )
    return frames
