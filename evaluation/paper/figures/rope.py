"""Rows of pictures with a line above and a number below each: plans, neighbours and pairs of the rope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plan2vec_envs.rope.picture import draw_picture

from ...figures.gif import looped
from ...figures.style import GOAL, INK, PAPER, QUIET, grid, plain, png


@dataclass(frozen=True)
class Strip:
    """A row of pictures.

    Attributes:
        label: left of it.
        frames: (B, 1, H, W) uint8.
        above: of each picture, such as its sequence and step.
        below: of each picture, such as d to the one before; "" for nothing.
        red: of each picture, whether what stands below is printed in red.
    """

    label: str
    frames: np.ndarray
    above: Sequence[str]
    below: Sequence[str]
    red: Sequence[bool] = ()


def strips_figure(strips: Sequence[Strip]) -> bytes:
    """PNG of the rows below each other."""
    columns = max(len(strip.frames) for strip in strips)
    with grid(1.05 * columns + 0.9, 1.42 * len(strips), len(strips), columns) as (drawing, axes):
        for panels, strip in zip(axes, strips, strict=True):
            for panel in panels:
                plain(panel)
            panels[0].set_ylabel(strip.label, fontsize=9)
            for i, (panel, frame) in enumerate(zip(panels, strip.frames, strict=False)):
                panel.imshow(frame[0], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
                panel.set_title(strip.above[i], fontsize=8, fontweight="normal", color=QUIET, pad=2)
                color = GOAL if strip.red and strip.red[i] else INK
                panel.text(0.5, -0.04, strip.below[i], fontsize=8, color=color, ha="center", va="top",
                           transform=panel.transAxes)  # fmt: skip
        return png(drawing)


def drags_gif(paths: Sequence[np.ndarray], goals: np.ndarray) -> bytes:
    """Animated panels side by side: the rope on its way to the goal, which lies behind it in red.

    Args:
        paths: one (T + 1, 22, 2) array of configurations a panel, in pixels.
        goals: (len(paths), 22, 2).
    """
    from PIL import Image

    size, gap, frames = 200, 8, []  # pixels
    for time in range(max(len(path) for path in paths)):
        frame = Image.new("RGB", (len(paths) * (size + gap) - gap, size), PAPER)
        for i, (path, goal) in enumerate(zip(paths, goals, strict=True)):
            picture = Image.fromarray(draw_picture(path[min(time, len(path) - 1)], goal))
            frame.paste(picture.resize((size, size), Image.Resampling.LANCZOS), (i * (size + gap), 0))
        frames.append(frame.quantize(48, dither=Image.Dither.NONE))
    return looped(frames, 1400)
