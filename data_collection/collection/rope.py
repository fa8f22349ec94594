"""Random drags of the rope: long sequences, as of a camera that films while somebody plays with it."""

from __future__ import annotations

from functools import partial

import numpy as np
from tqdm import tqdm

from plan2vec_envs import ROPE_ID

from ..engines import Engine, LocalEngine
from ..errors import check_whole
from ..records import Dataset, Episode


def collect_rope(
    sequences: int = 18,
    steps: int = 780,
    *,
    seed: int = 0,
    ordered: bool = True,
    progress: bool = True,
    engine: Engine | None = None,
) -> Dataset:
    """Drag the rope of `Plan2vec/Rope-v0` at random, in a few long sequences (Sec. 5.2: 18 of 14,000 frames in all).

    A sequence begins at a random configuration. A link and a direction are drawn and kept for some steps, eight on
    average, or until nothing moves any more. With the defaults it takes half a minute on one core.

    Args:
        sequences: how many.
        steps: actions of each; a sequence has one frame more.
        seed: decides everything drawn. A sequence depends on it and on its own number alone, not on how many there are.
        ordered: as the argument of the environment: whether pictures show which end of the rope is which.
        progress: show a progress bar.
        engine: where sequences are collected; in this process by default.

    Returns:
        A dataset with (3,) float32 box actions; ``oracle_position`` (N, 22, 2), the nodes in pixels, is for evaluation.

    Raises:
        InvalidOptionError: if a number is out of range.
    """
    check_whole(1, sequences=sequences, steps=steps)
    check_whole(0, seed=seed)
    work = partial(collect_rope_sequence, steps=steps, seed=seed, ordered=ordered)
    found = (engine or LocalEngine()).map(work, range(sequences))
    bar = tqdm(found, f"Collecting {ROPE_ID}", sequences, unit="sequence", disable=not progress)
    episodes = dict(bar)
    return Dataset.from_episodes([episodes[number] for number in range(sequences)], env_id=ROPE_ID)


def collect_rope_sequence(number: int, steps: int = 780, *, seed: int = 0, ordered: bool = True) -> Episode:
    """One of the sequences of :func:`collect_rope`, which is given the same other arguments."""
    # The physics engine is loaded by those who drag only.
    from plan2vec_envs.rope.picture import draw_frames
    from plan2vec_envs.rope.wander import draw_nodes, wander

    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
    nodes, actions = wander(draw_nodes(rng), steps, rng)
    return Episode(draw_frames(nodes, ordered), actions, oracle_position=nodes.astype(np.float32))
