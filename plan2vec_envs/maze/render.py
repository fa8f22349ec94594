"""Frames of a room and back: exact-coverage drawing, and the pose read from the drawing.

A grey is the share of the pixel that is covered, rounded once, so a frame determines the agent's pose to a
few hundredths of a millimetre. Rewards are computed from what frames show; this is what makes that exact.
"""

from __future__ import annotations

import functools

import numpy as np

from ..errors import FrameError
from ..geometry import AGENT_HALF, Rect, Room, border

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
_REACH = int(_SIDE)  # its edges are at most this many pixels away from any pixel that it covers fully: 8
_WINDOW = 2 * _REACH + 1
_AT_ONCE = 256  # frames; the patches of more would leave the processor's cache, ...
_CHECKED_AT_ONCE = 64  # ... and so would whole frames beside their drawings
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
        # Where the shares of each grey stand in _shares, over the background of each pixel that is read.
        self._read_from = 256 * self._background.ravel()[_READ_PIXELS].astype(np.int64)

    def frames(self, xy: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Draw the agent at each position.

        Args:
            xy: (B, 2) centres, metres, within +-POSE_HALF.
            out: (B, 1, 64, 64) uint8, C-contiguous, to draw into whatever it holds; None for a fresh array.

        Returns:
            (B, 1, 64, 64) uint8: ``out`` or the fresh array.
        """
        xy = np.asarray(xy, dtype=np.float64)
        frames = np.empty((len(xy), *FRAME_SHAPE), dtype=np.uint8) if out is None else out
        for block in _blocks(len(xy), _AT_ONCE):
            self._draw(xy[block], frames[block])
        return frames

    def _draw(self, xy: np.ndarray, frames: np.ndarray) -> None:
        centre = np.empty((len(xy), 2))  # row and column, in pixels
        centre[:, 0], centre[:, 1] = VIEW_HALF - xy[:, 1], VIEW_HALF + xy[:, 0]
        corner = centre / _PIXEL - _SIDE / 2  # the north-west one
        first = np.minimum(np.maximum(corner.astype(np.int64), 0), SIZE - _PATCH)
        covered = coverage(corner, corner + _SIDE, first, _PATCH)  # (B, 2, _PATCH)
        share = covered[:, 0, :, None] * covered[:, 1, None, :]
        # Only the pixels of a patch around the agent differ from the empty room; (B, _PATCH) runs of them.
        runs = (first[:, :1] * SIZE + first[:, 1:]) + _PATCH_ROWS
        background = _runs(self._background)[runs].view(np.uint8).reshape(share.shape)
        share *= AGENT - background
        share += background
        patch = np.rint(share, out=share).astype(np.uint8)
        frames[:] = self._background
        runs += np.arange(0, len(xy) * SIZE**2, SIZE**2)[:, None]
        _runs(frames)[runs] = patch.view(f"V{_PATCH}")[..., 0]

    def decode(self, frames: np.ndarray, check: bool = True) -> np.ndarray:
        """Read the agent's position from frames, to within 1e-4 m.

        The row and the column through one fully covered pixel hold the agent's profile along each axis: the
        covered length to the left of that pixel and to the right of it are the two edges. Only as much of the two is
        read as the agent can cover. Each lane is computed by itself, so a batch gives the same bits as its frames one
        by one.

        Args:
            frames: (B, 1, 64, 64) uint8.
            check: draw the pose again and compare. Without it a frame of another kind may give nonsense;
                the numbers for a true frame are the same.

        Returns:
            (B, 2) float64 metres.

        Raises:
            FrameError: if a frame does not show exactly one agent in this room.
        """
        frames = np.asarray(frames)
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[1:] != FRAME_SHAPE:
            need = f"(B, {', '.join(map(str, FRAME_SHAPE))}) uint8"
            raise FrameError(f"frames must be {need}, got shape {frames.shape} of {frames.dtype}")
        xy = np.empty((len(frames), 2))
        for block in _blocks(len(frames), _CHECKED_AT_ONCE if check else _AT_ONCE):
            xy[block] = self._read(frames, block)
            if check:
                self._check(frames, xy, block)
        return xy

    def _read(self, frames: np.ndarray, block: slice) -> np.ndarray:
        """Positions (B, 2) from a block of frames."""
        images = frames[block, 0]
        # The agent holds at least _STRIDE fully covered pixels in a row, so one of them is on this grid.
        full = (images[:, _GRID, _GRID] == AGENT).reshape(len(images), -1)
        found = full.argmax(axis=1)
        lane = np.arange(len(images))
        if not full[lane, found].all():
            i = int(np.flatnonzero(~full.any(axis=1))[0])
            raise FrameError(
                f"frame {block.start + i} of {len(frames)} shows no agent in the room '{self.room.name}': no fully "
                f"covered pixel (grey {AGENT}) where one must be; its greys go from {images[i].min()} to "
                f"{images[i].max()}. Give frames as the environment draws them: uint8, not scaled, not stacked."
            )
        # What the row and the column through that pixel show, as far as the agent can reach from there.
        pixels = _READ_PIXELS[found]
        pixels += lane[:, None] * SIZE**2
        grey = images.reshape(-1)[pixels]
        share = _shares()[self._read_from[found] + grey].reshape(len(images), 2, _WINDOW)
        # Middles along x and along y, in pixels: sums of shares are exact, so no order of summation changes a bit.
        middle = _READ_INSIDE[found] + np.einsum("bij,bij->bi", share, _READ_SIDE[found])
        xy = middle * _PIXEL
        xy[:, 0] -= VIEW_HALF
        xy[:, 1] = VIEW_HALF - xy[:, 1]
        return xy

    def _check(self, frames: np.ndarray, xy: np.ndarray, block: slice) -> None:
        """Draw the poses of a block again and compare."""
        of, frames, xy = len(frames), frames[block], xy[block]
        in_view = (np.abs(xy) <= POSE_HALF + _PIXEL).all(axis=1)
        poses = np.where(in_view[:, None], xy, 0.0)
        drawn = self.frames(poses)
        # |a - b| without leaving uint8, and without more memory: large new arrays cost more than the work on them.
        error = np.maximum(frames, drawn)
        error -= np.minimum(frames, drawn, out=drawn)
        worst = error.reshape(len(frames), -1).max(axis=1)
        wrong = np.flatnonzero((worst > _GREY_TOLERANCE) | ~in_view)
        if wrong.size:
            i = int(wrong[0])
            row, column = np.unravel_index(error[i, 0].argmax(), (SIZE, SIZE))
            due = self.frames(poses[i : i + 1])[0, 0, row, column]
            raise FrameError(
                f"frame {block.start + i} of {of} is not one agent in the room '{self.room.name}': an agent was found "
                f"at ({xy[i, 0]:.3f}, {xy[i, 1]:.3f}), but pixel ({row}, {column}) is {frames[i, 0, row, column]} "
                f"instead of {due}. A second agent, another room, or a changed image?"
            )


def _blocks(length: int, at_once: int) -> list[slice]:
    return [slice(first, first + at_once) for first in range(0, length, at_once)]


def _runs(pixels: np.ndarray) -> np.ndarray:
    """Every run of _PATCH pixels of C-contiguous ``pixels`` (P in all) as one item: (P - _PATCH + 1,), a view.

    Many short runs are gathered and scattered several times faster than as many pixels.
    """
    return np.ndarray((pixels.size - _PATCH + 1,), f"V{_PATCH}", pixels, strides=(1,))


_PATCH_ROWS = np.arange(0, _PATCH * SIZE, SIZE)  # where the rows of a patch begin, in pixels of a flat frame
_GRID = slice(_STRIDE // 2, SIZE, _STRIDE)


def _reading() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each pixel of the grid (K,), row by row: what to read of a frame whose agent covers that pixel fully.

    Returns:
        (K, 2) that pixel's column and row; (K, 2 * _WINDOW) the pixels in its row and in its column that the agent can
        touch, as indices into a flat frame; (K, 2, _WINDOW) their share in the middle's distance from that pixel.
    """
    row, column = (axis.ravel() for axis in np.meshgrid(*2 * [np.arange(SIZE)[_GRID]], indexing="ij"))
    inside = np.stack([column, row], axis=1)
    window = np.clip(inside - _REACH, 0, SIZE - _WINDOW)[:, :, None] + np.arange(_WINDOW)
    pixels = np.concatenate([row[:, None] * SIZE + window[:, 0], window[:, 1] * SIZE + column[:, None]], axis=1)
    return inside, pixels, np.where(window < inside[:, :, None], -0.5, 0.5)


_READ_INSIDE, _READ_PIXELS, _READ_SIDE = _reading()


@functools.cache
def _shares() -> np.ndarray:
    """(256 * 256,) share of a pixel that the agent covers, at 256 times the grey without it plus the grey with it.

    Shares are multiples of 2^-20, so sums of them are exact: no order of summation changes a bit.
    """
    background, grey = np.arange(256)[:, None], np.arange(256)
    share = (grey - background) / np.maximum(AGENT - background, 1)
    return (np.rint(share.clip(0, 1) * 2**20) / 2**20).ravel()
