"""The search by faiss: nearly all neighbours, none that is too far, the same ones every time."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("faiss", reason="needs the ann extra")

from agents.graphs.neighbours.within_radius import near_pairs


def surface(rng: np.random.Generator, size: int) -> np.ndarray:
    """Points of a bent surface of 3 dimensions in 24, far from the origin."""
    flat = rng.uniform(-1, 1, (size, 3))
    return (np.sin(flat @ rng.normal(size=(3, 24))) + 100).astype(np.float32)


@pytest.mark.parametrize(("size", "share"), [(3000, 1.0), (21_000, 0.99)])
@pytest.mark.parametrize("count", [0, 10])
def test_nearly_all_neighbours_are_found_and_none_beyond_the_threshold(rng, size, share, count):
    latents = surface(rng, size)
    threshold = 0.35 if size > 10_000 else 0.6
    exact = set(map(tuple, near_pairs(latents, threshold, max_degree=count, search="blocks").tolist()))
    found = near_pairs(latents, threshold, max_degree=count, search="faiss")
    assert len(exact) > size
    assert len(exact & set(map(tuple, found.tolist()))) >= share * len(exact)
    gaps = np.linalg.norm(latents[found[:, 0]].astype(float) - latents[found[:, 1]], axis=1)
    assert gaps.max() <= threshold


def test_the_search_is_the_same_every_time(rng):
    latents = surface(rng, 12_000)
    first, second = (near_pairs(latents, 0.4, max_degree=8, search="faiss") for _ in range(2))
    np.testing.assert_array_equal(first, second)
