from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from agents.heads import HEADS, get_head
from data_collection.errors import Plan2vecError

POINTS = arrays(np.float32, (3, 8), elements=st.floats(-4, 4, width=32))


@pytest.mark.parametrize("name", HEADS)
@settings(deadline=None)
@given(points=POINTS)
def test_head_satisfies_the_axioms_it_declares(name, points):
    head = get_head(name)
    x, y, z = torch.as_tensor(points)

    def d(a, b):
        return head.distance(a, b).item()

    assert d(x, x) == pytest.approx(0, abs=2e-6)
    assert d(x, y) >= 0
    if head.is_symmetric:
        assert d(x, y) == pytest.approx(d(y, x), rel=1e-5)
    if head.has_triangle_inequality:
        assert d(x, z) <= d(x, y) + d(y, z) + 1e-5  # Eq. 3


@pytest.mark.parametrize("name", HEADS)
@settings(deadline=None)
@given(points=POINTS)
def test_head_measures_all_pairs_as_it_measures_each(name, points):
    head = get_head(name)
    z = torch.as_tensor(points)
    singly = torch.stack([torch.stack([head.distance(a, b) for b in z]) for a in z])
    torch.testing.assert_close(head.pairwise(z, z), singly, atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("name", HEADS)
def test_head_has_a_finite_gradient_where_two_latents_coincide(name):
    z = torch.zeros(2, 4, requires_grad=True)
    (get_head(name).pairwise(z, z).sum() + get_head(name).distance(z, z.detach()).sum()).backward()
    assert torch.isfinite(z.grad).all()


def test_l2_head_is_the_euclidean_distance(rng):
    z, g = rng.normal(size=(2, 5, 3))
    found = get_head("l2").distance(torch.as_tensor(z), torch.as_tensor(g)).numpy()
    np.testing.assert_allclose(found, np.linalg.norm(z - g, axis=1), rtol=1e-6)


def test_an_unknown_head_is_answered_with_the_closest_name():
    with pytest.raises(Plan2vecError, match="Did you mean 'l2'"):
        get_head("L_2")
