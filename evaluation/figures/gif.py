"""Animations, drawn with Pillow: solved tasks side by side, or agents side by side on one task."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from plan2vec_envs.geometry import AGENT_HALF, ARENA_HALF
from plan2vec_envs.rooms import Room

from .style import ACCENT, AGENT, FLOOR, GOAL, INK, PAPER, WALL

if TYPE_CHECKING:
    from PIL import Image, ImageFont

_SCALE = 2  # supersampling
_EDGE = ARENA_HALF + 0.018
_TRAIL = "#9dbff5"
_SOFT = "#5b6478"
_LINE = 28  # pixels from one line of a title to the next


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
    return looped(frames, 1400)


@dataclass(frozen=True)
class Drive:
    """One agent on the task that all share.

    Attributes:
        name: of the agent, what comes after a comma in smaller print.
        path: (T + 1, 2) true positions, metres.
        solved: whether it arrived.
    """

    name: str
    path: np.ndarray
    solved: bool


def agents_gif(room: Room, goal: np.ndarray, runs: Sequence[Drive], *, columns: int = 3, size: int = 250) -> bytes:
    """One labelled panel an agent, all on the same task; labels are large enough for a phone.

    Args:
        room: where the task lies.
        goal: (2,) metres.
        runs: what each agent did.
        columns: panels in a row.
        size: of a panel, pixels.
    """
    from PIL import Image, ImageDraw

    gap = 14
    titles = [_lines(run.name) for run in runs]
    heads = [_LINE * max(map(len, titles[i : i + columns])) + 8 for i in range(0, len(runs), columns)]
    tops = np.cumsum([0, *(head + size + gap for head in heads)])
    background = _background(room, goal, size)
    still = Image.new("RGB", (columns * (size + gap) - gap, int(tops[-1]) - gap), PAPER)
    corners = []
    for i, title in enumerate(titles):
        left, top = (size + gap) * (i % columns), int(tops[i // columns])
        for row, (text, font, color) in enumerate(title):
            ImageDraw.Draw(still).text((left + 2, top + _LINE * row), text, font=font, fill=color)
        corners.append((left, top + heads[i // columns]))
    frames = []
    for time in range(max(len(run.path) for run in runs)):
        frame = still.copy()
        for (left, top), run in zip(corners, runs, strict=True):
            panel = _panel(background, run.path[: time + 1], size)
            if time >= len(run.path) - 1:
                _verdict(panel, len(run.path) - 1, run.solved)
            frame.paste(panel, (left, top))
        frames.append(frame.quantize(64, dither=Image.Dither.NONE))
    return looped(frames, 3000)


def looped(frames: list[Image.Image], last: int) -> bytes:
    """GIF bytes; the last frame stays so many milliseconds."""
    buffer = io.BytesIO()
    durations = [110] * (len(frames) - 1) + [last]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=True)
    return buffer.getvalue()


def _font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    from matplotlib.font_manager import FontProperties, findfont
    from PIL import ImageFont

    return ImageFont.truetype(findfont(FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")), size)


def _lines(name: str) -> list[tuple[str, ImageFont.FreeTypeFont, str]]:
    """The name in bold, and what comes after its comma in at most two smaller lines."""
    first, _, rest = name.partition(", ")
    small = _font(21)
    return [(first, _font(25, bold=True), INK), *((line, small, _SOFT) for line in textwrap.wrap(rest, 21)[:2])]


def _verdict(panel: Image.Image, steps: int, solved: bool) -> None:
    from PIL import ImageDraw

    draw, font = ImageDraw.Draw(panel), _font(22, bold=True)
    text = f"{steps} steps" if solved else "not there"
    width = draw.textlength(text, font=font)
    middle, centre = panel.width / 2, panel.height / 2
    box = [(middle - width / 2 - 10, centre - 18), (middle + width / 2 + 10, centre + 18)]
    draw.rounded_rectangle(box, 9, fill=ACCENT if solved else GOAL)
    draw.text((middle, centre), text, font=font, fill=PAPER, anchor="mm")


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
