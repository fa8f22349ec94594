"""Views side by side, for people."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike

from .renderer import StreetRenderer

_GAP = 4  # pixels, white


def montage(renderer: StreetRenderer, places: ArrayLike, view_ids: ArrayLike, height: int = 96) -> np.ndarray:
    """One row a place, one column a view id; each view as wide as a panorama is, twice its height.

    Args:
        renderer: draws them.
        places: (R,) whole numbers.
        view_ids: (C,) whole numbers.
        height: of one view, pixels.

    Returns:
        (H, W) uint8 grey, with white gaps between the views and around them.

    Raises:
        InvalidOptionError: as `StreetRenderer.views`.
    """
    places, view_ids = np.atleast_1d(np.asarray(places)), np.atleast_1d(np.asarray(view_ids))
    views = renderer.views(np.repeat(places, len(view_ids)), np.tile(view_ids, len(places)))[:, 0]
    canvas = np.full((len(places) * (height + _GAP) + _GAP, len(view_ids) * (2 * height + _GAP) + _GAP), 255, np.uint8)
    for i, view in enumerate(views):
        row, column = divmod(i, len(view_ids))
        top, left = _GAP + row * (height + _GAP), _GAP + column * (2 * height + _GAP)
        wide = cv2.resize(view, (2 * height, height), interpolation=cv2.INTER_CUBIC)
        canvas[top : top + height, left : left + 2 * height] = wide
    return canvas
