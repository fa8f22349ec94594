"""The 2-d embedding, coloured by true position (the paper's Fig. 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from data_collection import Dataset

from ..protocols.worlds import room_of
from .lattice import Lattice
from .style import draw_room, figure, grid, plain, png, position_colors


def embedding_figure(agent: Any, dataset: Dataset) -> bytes:
    """Latents of 4000 dataset frames, coloured by where they were taken, beside the room in the same colours.

    More than two latent dimensions are shown by their first two principal components, and the title says so.
    """
    rows = np.random.default_rng(0).permutation(len(dataset.observations))[:4000]
    position = np.asarray(dataset.oracle_position)[rows]
    latents = np.asarray(agent.embed(dataset.observations[np.sort(rows)]))[np.argsort(np.argsort(rows))]
    title = "embedding (2-d)"
    if latents.shape[1] > 2:
        centred = latents - latents.mean(0)
        _, spread, axes_ = np.linalg.svd(centred, full_matrices=False)
        share = (spread[:2] ** 2).sum() / (spread**2).sum()
        latents = centred @ axes_[:2].T
        title = f"first two principal components of {len(spread)} ({share:.0%} of the variance)"
    latents = upright(latents - latents.mean(0), position)
    colors = position_colors(position)
    with figure(7.6, 3.8, 2, width_ratios=[1, 1.25]) as (drawing, axes):
        draw_room(axes[0], room_of(str(dataset.env_id)), "the room")
        axes[0].scatter(*position.T, c=colors, s=5, linewidths=0)
        axes[1].scatter(*latents.T, c=colors, s=5, linewidths=0)
        axes[1].set(aspect="equal", title=title, xlabel="steps", ylabel="steps")
        return png(drawing)


@dataclass(frozen=True)
class Sheet:
    """A room laid out by a 2-d embedding.

    Attributes:
        lattice: the places.
        latents: (F, 2) where the embedding puts each of them.
        note: small print.
    """

    lattice: Lattice
    latents: np.ndarray
    note: str = ""


def sheets_figure(names: Sequence[str], rows: Sequence[Sequence[Sheet]]) -> bytes:
    """A row a room: the room in colours, then its sheets in the same colours, a column a name."""
    with grid(6.6, 2.35 * len(rows), len(rows), 1 + len(names)) as (drawing, axes):
        for panels, sheets in zip(axes, rows, strict=True):
            lattice = sheets[0].lattice
            draw_room(panels[0], lattice.room)
            _paint(panels[0], lattice, lattice.positions)
            panels[0].set_ylabel(lattice.room.title, fontsize=13, fontweight="bold")
            for panel, sheet in zip(panels[1:], sheets, strict=True):
                _draw(panel, sheet)
        for panel, name in zip(axes[0], ("the room", *names), strict=True):
            panel.set_title(name, fontsize=13)
        return png(drawing)


def seeds_figure(rows: Sequence[tuple[str, Sequence[Sheet]]], names: Sequence[str]) -> bytes:
    """Small multiples: a labelled row of sheets for each room and agent, a column a name."""
    with grid(1.32 * len(names) + 0.4, 1.36 * len(rows) + 0.2, len(rows), len(names)) as (drawing, axes):
        for panels, (label, sheets) in zip(axes, rows, strict=True):
            panels[0].set_ylabel(label, fontsize=11, fontweight="bold")
            for panel in panels:
                plain(panel)
            for panel, sheet in zip(panels, sheets, strict=False):
                _draw(panel, sheet)
        for panel, name in zip(axes[0], names, strict=True):
            panel.set_title(name)
        return png(drawing)


def upright(latents: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Turns (or mirrors) centred 2-d latents to lie as the positions do; distances stay as they are."""
    u, _, vt = np.linalg.svd(latents.T @ (position - position.mean(0)))
    return latents @ (u @ vt)


def _draw(axes: Axes, sheet: Sheet) -> None:
    latents = sheet.latents - sheet.latents.mean(0)
    _paint(axes, sheet.lattice, upright(latents, sheet.lattice.positions))
    plain(axes)
    axes.set_adjustable("datalim")  # all panels stay of one size
    axes.margins(0.04)
    axes.autoscale_view()
    if sheet.note:
        axes.set_xlabel(sheet.note)


def _paint(axes: Axes, lattice: Lattice, where: np.ndarray) -> None:
    """Each free square of the lattice where its corners (F, 2) are, in the colour of its place."""
    middles = lattice.positions[lattice.squares].mean(1)
    colors = position_colors(middles)
    axes.add_collection(
        PolyCollection(where[lattice.squares], facecolors=colors, edgecolors="white", linewidths=0.3, alpha=0.92)
    )
