"""Animations, drawn with Pillow: solved tasks side by side, or agents side by side on one task."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from matplotlib.font_manager import FontProperties, findfont
from PIL import Image, ImageDraw, ImageFont

from plan2vec_envs.geometry import AGENT_HALF, ARENA_HALF
from plan2vec_envs.rooms import Room

from .style import ACCENT, AGENT, EDGE, FLOOR, GOAL, INK, PAPER, WALL

_SCALE = 2  # supersampling
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
    step = size + 8
    still = Image.new("RGB", (len(paths) * step - 8, size), PAPER)
    panels = [_Panel((i * step, 0), _background(room, goal, size), paths[i]) for i, goal in enumerate(goals)]
    return _film(still, panels, size, colors=48, last=1400)


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
    gap = 14
    titles = [_lines(run.name) for run in runs]
    heads = [_LINE * max(map(len, titles[i : i + columns])) + 8 for i in range(0, len(runs), columns)]
    tops = np.cumsum([0, *(head + size + gap for head in heads)])
    background = _background(room, goal, size)
    still = Image.new("RGB", (columns * (size + gap) - gap, int(tops[-1]) - gap), PAPER)
    panels = []
    for i, (run, title) in enumerate(zip(runs, titles, strict=True)):
        left, top = (size + gap) * (i % columns), int(tops[i // columns])
        for row, (text, font, color) in enumerate(title):
            ImageDraw.Draw(still).text((left + 2, top + _LINE * row), text, font=font, fill=color)
        panels.append(_Panel((left, top + heads[i // columns]), background, run.path, run.solved))
    return _film(still, panels, size, colors=64, last=3000)


class _Panel(NamedTuple):
    corner: tuple[int, int]
    background: Image.Image
    path: np.ndarray
    solved: bool | None = None
    """said in the end; None to say nothing"""


def _film(still: Image.Image, panels: Sequence[_Panel], size: int, *, colors: int, last: int) -> bytes:
    """A frame a step, of panels pasted on what does not move."""
    frames = []
    for time in range(max(len(panel.path) for panel in panels)):
        frame = still.copy()
        for corner, background, path, solved in panels:
            drawn = _draw(background, path[: time + 1], size)
            if solved is not None and time >= len(path) - 1:
                _verdict(drawn, len(path) - 1, solved)
            frame.paste(drawn, corner)
        frames.append(frame.quantize(colors, dither=Image.Dither.NONE))
    return looped(frames, last)


def looped(frames: list[Image.Image], last: int) -> bytes:
    """GIF bytes; the last frame stays so many milliseconds."""
    buffer = io.BytesIO()
    durations = [110] * (len(frames) - 1) + [last]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=True)
    return buffer.getvalue()


def _font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(findfont(FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")), size)


def _lines(name: str) -> list[tuple[str, ImageFont.FreeTypeFont, str]]:
    """The name in bold, and what comes after its comma in at most two smaller lines."""
    first, _, rest = name.partition(", ")
    small = _font(21)
    return [(first, _font(25, bold=True), INK), *((line, small, _SOFT) for line in textwrap.wrap(rest, 21)[:2])]


def _verdict(panel: Image.Image, steps: int, solved: bool) -> None:
    draw, font = ImageDraw.Draw(panel), _font(22, bold=True)
    text = f"{steps} steps" if solved else "not there"
    width = draw.textlength(text, font=font)
    middle, centre = panel.width / 2, panel.height / 2
    box = [(middle - width / 2 - 10, centre - 18), (middle + width / 2 + 10, centre + 18)]
    draw.rounded_rectangle(box, 9, fill=ACCENT if solved else GOAL)
    draw.text((middle, centre), text, font=font, fill=PAPER, anchor="mm")


def _pixels(xy: np.ndarray, size: int) -> list[tuple[float, float]]:
    xy = np.atleast_2d(xy)
    scaled = (np.stack([xy[:, 0], -xy[:, 1]], 1) + EDGE) / (2 * EDGE) * size
    return [(float(x), float(y)) for x, y in scaled]


def _box(centre: np.ndarray, half_x: float, half_y: float, size: int) -> list[tuple[float, float]]:
    corner = np.array([half_x, -half_y])  # pixels count downwards: from the north-west to the south-east
    return [*_pixels(centre - corner, size), *_pixels(centre + corner, size)]


def _background(room: Room, goal: np.ndarray, size: int) -> Image.Image:
    big = size * _SCALE
    image = Image.new("RGB", (big, big), WALL)
    draw = ImageDraw.Draw(image)
    draw.rectangle(_box(np.zeros(2), ARENA_HALF, ARENA_HALF, big), fill=FLOOR)
    for wall in room.obstacles:
        draw.rectangle(_box(np.array([wall.x, wall.y]), wall.half_x, wall.half_y, big), fill=WALL)
    draw.ellipse(_box(np.asarray(goal), 0.02, 0.02, big), fill=GOAL)
    draw.rectangle(_box(np.asarray(goal), AGENT_HALF, AGENT_HALF, big), outline=GOAL, width=2)
    return image


def _draw(background: Image.Image, path: np.ndarray, size: int) -> Image.Image:
    big = size * _SCALE
    image = background.copy()
    draw = ImageDraw.Draw(image)
    if len(path) > 1:
        draw.line(_pixels(path, big), fill=_TRAIL, width=5, joint="curve")
    draw.rectangle(_box(path[-1], AGENT_HALF, AGENT_HALF, big), fill=AGENT)
    return image.resize((size, size), Image.Resampling.LANCZOS)
