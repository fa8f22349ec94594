"""The rooms as a person sees them, and as the agent does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from .style import figure, grid, plain, png


def rooms_figure(env_ids: tuple[str, ...]) -> bytes:
    """Each room in colour with the agent (blue) at the start and the goal (red) of its first named task."""
    with figure(2.5 * len(env_ids), 2.75, len(env_ids)) as (drawing, axes):
        for axis, env_id in zip(axes, env_ids, strict=True):
            axis.imshow(_first_task(env_id)[0], interpolation="lanczos")
            axis.set_axis_off()
            axis.set_title(env_id)
        return png(drawing)


def gallery_figure(env_ids: Sequence[str]) -> bytes:
    """A row a room: as a person sees it, the observation, and the goal's observation (the paper's Fig. 4)."""
    with grid(6.6, 2.25 * len(env_ids) + 0.2, len(env_ids), 3) as (drawing, axes):
        for panels, env_id in zip(axes, env_ids, strict=True):
            picture, observation = _first_task(env_id)
            panels[0].imshow(picture, interpolation="lanczos")
            for panel, key in zip(panels[1:], ("observation", "desired_goal"), strict=True):
                panel.imshow(observation[key][0], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            for panel in panels:
                plain(panel)
            panels[0].set_ylabel(env_id.partition("/")[2], fontsize=13, fontweight="bold")
        for panel, title in zip(axes[0], ("as you see it", "what the agent sees", "and its goal"), strict=True):
            panel.set_title(title, fontsize=13)
        return png(drawing)


def _first_task(env_id: str) -> tuple[np.ndarray, dict[str, Any]]:
    """The picture for people and the observation at the start of the room's first named task."""
    env = gym.make(env_id, render_mode="rgb_array")
    try:
        observation, _ = env.reset(seed=0, options={"task": 0})
        return np.asarray(env.render()), observation
    finally:
        env.close()
