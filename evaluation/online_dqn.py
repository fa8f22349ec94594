"""DQN with hindsight and interaction, for reference: what Q learning needs when it may ask the environment.

Stable-Baselines3 as it comes, on state observations: its own loop, exploration and replay buffer. The one change is
that a goal chosen in hindsight ends the task where it is reached.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .closed_loop import closed_loop
from .tasks import TaskList, make_tasks


def online_dqn(
    env_id: str,
    seed: int = 0,
    total_steps: int = 50_000,
    *,
    every: int = 2_500,
    num_tasks: int = 200,
    stop_at: float | None = None,
) -> list[tuple[int, float]]:
    """Trains with interaction and asks now and then how well it does.

    Args:
        env_id: a registered room.
        seed: of exploration, initial weights and draws.
        total_steps: environment steps allowed.
        every: environment steps between two evaluations.
        num_tasks: of the fixed task list; evaluation steps are not counted.
        stop_at: success rate in [0, 1] at which to stop early.

    Returns:
        (environment steps, success rate in [0, 1]) of each evaluation, in order.

    Raises:
        UnknownNameError: with the closest registered id.
    """
