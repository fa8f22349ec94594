"""An animation of solved tasks, side by side, drawn with Pillow."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from plan2vec_envs.geometry import AGENT_HALF, ARENA_HALF
from plan2vec_envs.rooms import Room

from .style import AGENT, FLOOR, GOAL, PAPER, WALL

if TYPE_CHECKING:
    from PIL import Image

_SCALE = 2  # supersampling
_EDGE = ARENA_HALF + 0.018
_TRAIL = "#9dbff5"


def tasks_gif(room: Room, paths: list[np.ndarray], goals: np.ndarray, *, size: int = 170) -> bytes:
    """One panel a task: the agent (blue) on its way to the goal (red), its trail behind it.

    Args:
        room: where the tasks lie.
        paths: one (T + 1, 2) array of true positions a task.
        goals: (len(paths), 2) metres.
        size: of a panel, pixels.
    """
    from PIL import Image

    gap = 8
    width = len(paths) * size + (len(paths) - 1) * gap
    rooms = [_background(room, goal, size) for goal in goals]
    frames = []
    for time in range(max(len(path) for path in paths)):
        frame = Image.new("RGB", (width, size), PAPER)
        for i, path in enumerate(paths):
            frame.paste(_panel(rooms[i], path[: time + 1], size), (i * (size + gap), 0))
        frames.append(frame.quantize(48, dither=Image.Dither.NONE))
    buffer = io.BytesIO()
    durations = [110] * (len(frames) - 1) + [1400]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=True)
    return buffer.getvalue()


def _pixels(xy: np.ndarray, size: int) -> list[tuple[float, float]]:
    xy = np.atleast_2d(xy)
    scaled = (np.stack([xy[:, 0], -xy[:, 1]], 1) + _EDGE) / (2 * _EDGE) * size
    return [(float(x), float(y)) for x, y in scaled]


def _box(centre: np.ndarray, half_x: float, half_y: float, size: int) -> list[tuple[float, float]]:
    corner = np.array([half_x, -half_y])  # pixels count downwards: from the north-west to the south-east
    return [*_pixels(centre - corner, size), *_pixels(centre + corner, size)]


def _background(room: Room, goal: np.ndarray, size: int) -> Image.Image:
    from PIL import Image, ImageDraw

    big = size * _SCALE
    image = Image.new("RGB", (big, big), WALL)
    draw = ImageDraw.Draw(image)
    draw.rectangle(_box(np.zeros(2), ARENA_HALF, ARENA_HALF, big), fill=FLOOR)
    for wall in room.obstacles:
        draw.rectangle(_box(np.array([wall.x, wall.y]), wall.half_x, wall.half_y, big), fill=WALL)
    draw.ellipse(_box(np.asarray(goal), 0.02, 0.02, big), fill=GOAL)
    draw.rectangle(_box(np.asarray(goal), AGENT_HALF, AGENT_HALF, big), outline=GOAL, width=2)
    return image


def _panel(background: Image.Image, path: np.ndarray, size: int) -> Image.Image:
    from PIL import Image, ImageDraw

    big = size * _SCALE
    image = background.copy()
    draw = ImageDraw.Draw(image)
    if len(path) > 1:
        draw.line(_pixels(path, big), fill=_TRAIL, width=5, joint="curve")
    draw.rectangle(_box(path[-1], AGENT_HALF, AGENT_HALF, big), fill=AGENT)
    return image.resize((size, size), Image.Resampling.LANCZOS)
