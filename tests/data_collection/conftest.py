"""Small datasets whose contents are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from data_collection import Dataset, Episode

LENGTHS = (3, 1, 5, 2)


@pytest.fixture
def make_episodes(rng) -> Callable[..., list[Episode]]:
    """Random episodes of given lengths: images or vectors, discrete, continuous or no actions."""

    def make(
        lengths: Sequence[int] = LENGTHS, image: bool = True, actions: str | None = "discrete", oracle: bool = True
    ) -> list[Episode]:
        def draw(steps: int) -> Episode:
            pixels = rng.integers(256, size=(steps + 1, 1, 4, 5), dtype=np.uint8)
            vectors = rng.normal(size=(steps + 1, 3)).astype(np.float32)
            moves = {
                "discrete": rng.integers(8, size=steps),
                "continuous": rng.uniform(-1, 1, (steps, 2)).astype(np.float32),
                None: None,
            }
            return Episode(
                observations=pixels if image else vectors,
                actions=moves[actions],
                oracle_position=rng.normal(size=(steps + 1, 2)) if oracle else None,
            )

        return [draw(steps) for steps in lengths]

    return make


@pytest.fixture
def dataset(make_episodes) -> Dataset:
    """Four episodes of images with discrete actions."""
    return Dataset.from_episodes(make_episodes(), env_id="Toy-v0", num_actions=8)


def same_data(a: Dataset, b: Dataset) -> bool:
    """Every field equal, ground truth included."""
    arrays = ("observations", "actions", "episode_lengths", "oracle_position")
    return (a.env_id, a.num_actions) == (b.env_id, b.num_actions) and all(
        np.array_equal(getattr(a, name), getattr(b, name)) for name in arrays
    )


@pytest.fixture(name="same_data")
def same_data_fixture() -> Callable[[Dataset, Dataset], bool]:
    return same_data
