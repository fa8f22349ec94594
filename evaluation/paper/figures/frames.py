"""Observations as pictures: small grey frames kept as text, and drawn large."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np

from plan2vec_envs.maze.render import SIZE

from ...figures.style import grid, plain, png


def frames_to_text(frames: np.ndarray) -> str:
    """(B, 1, 64, 64) uint8 frames as one PNG strip in base64, without loss; the inverse of `frames_from_text`."""
    from PIL import Image

    strip = np.concatenate(list(np.asarray(frames, np.uint8)[:, 0]), axis=1)
    buffer = io.BytesIO()
    Image.fromarray(strip).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def frames_from_text(text: str) -> np.ndarray:
    """What `frames_to_text` was given."""
    from PIL import Image

    strip = np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))
    return np.stack(np.split(strip, strip.shape[1] // SIZE, axis=1))[:, None]


def frames_figure(rows: Sequence[tuple[str, np.ndarray]]) -> bytes:
    """A labelled row for each (label, (B, 1, 64, 64) frames)."""
    columns = max(len(frames) for _, frames in rows)
    with grid(0.86 * columns + 1.5, 0.88 * len(rows), len(rows), columns) as (drawing, axes):
        for panels, (label, frames) in zip(axes, rows, strict=True):
            for panel in panels:
                plain(panel)
            for panel, frame in zip(panels, frames, strict=False):
                panel.imshow(frame[0], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            panels[0].set_ylabel(label, fontsize=11, rotation=0, ha="right", va="center")
        return png(drawing)
