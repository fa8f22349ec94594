"""The rooms as a person sees them."""

from __future__ import annotations

import numpy as np

from .style import figure, png


def rooms_figure(env_ids: tuple[str, ...]) -> bytes:
    """Each room in colour with the agent (blue) at the start and the goal (red) of its first named task."""
    import gymnasium as gym

    with figure(2.5 * len(env_ids), 2.75, len(env_ids)) as (drawing, axes):
        for axis, env_id in zip(axes, env_ids, strict=True):
            env = gym.make(env_id, render_mode="rgb_array")
            try:
                env.reset(seed=0, options={"task": 0})
                axis.imshow(np.asarray(env.render()), interpolation="lanczos")
            finally:
                env.close()
            axis.set_axis_off()
            axis.set_title(env_id)
        return png(drawing)
