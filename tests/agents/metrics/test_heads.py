from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from agents.errors import ConfigError
from agents.metrics.heads import HEADS, get_head
from data_collection.errors import Plan2vecError

POINTS = arrays(np.float32, (3, 8), elements=st.floats(-4, 4, width=32))
VARIANTS = [
    *((name, {}) for name in HEADS),
    *(("lp", {"p": p}) for p in (1.0, 1.2, 3.0, 200.0, math.inf)),
    *(("iqe", options) for options in ({"reduction": "sum"}, {"size": 1}, {"size": 8}, {"size": 2, "weight": 0.0})),
]


def test_all_heads_are_there():
    assert set(HEADS) == {"l2", "lp", "squared-l2", "iqe"}


@pytest.mark.parametrize(("name", "options"), VARIANTS)
@settings(deadline=None, max_examples=60)
@given(points=POINTS)
def test_head_satisfies_the_axioms_it_declares(name, options, points):
    head = get_head(name, **options)
    x, y, z = torch.as_tensor(points)

    def d(a, b):
        return head.distance(a, b).item()

    assert d(x, x) == pytest.approx(0, abs=2e-6)
    assert d(x, y) >= 0
    if head.is_symmetric:
        assert d(x, y) == pytest.approx(d(y, x), rel=1e-5)
    if head.has_triangle_inequality:
        assert d(x, z) <= d(x, y) + d(y, z) + 2e-5  # Eq. 3


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_head_breaks_the_axioms_that_it_does_not_declare(name, options, rng):
    """A flag that is False where it could be True would be a promise withheld."""
    head = get_head(name, **options)
    x, y = torch.as_tensor(rng.normal(size=(2, 8)))
    if not head.is_symmetric:
        assert head.distance(x, y).item() != pytest.approx(head.distance(y, x).item(), rel=1e-3)
    if not head.has_triangle_inequality:
        middle = (x + y) / 2
        assert head.distance(x, y) > 1.5 * (head.distance(x, middle) + head.distance(middle, y))


@pytest.mark.parametrize(("name", "options"), VARIANTS)
@settings(deadline=None, max_examples=30)
@given(points=POINTS)
def test_head_measures_all_pairs_as_it_measures_each(name, options, points):
    head = get_head(name, **options)
    z = torch.as_tensor(points)
    singly = torch.stack([torch.stack([head.distance(a, b) for b in z]) for a in z])
    torch.testing.assert_close(head.pairwise(z, z), singly, atol=2e-6, rtol=1e-5)
    torch.testing.assert_close(head.pairwise(z[:1], z[1:]), singly[:1, 1:], atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_head_has_a_finite_gradient_where_two_latents_coincide(name, options):
    head, z = get_head(name, **options), torch.zeros(2, 8, requires_grad=True)
    (head.pairwise(z, z).sum() + head.distance(z, z.detach()).sum()).backward()
    assert torch.isfinite(z.grad).all()


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_head_has_the_gradient_that_finite_differences_say(name, options, rng):
    head = get_head(name, **options)
    z, g = torch.as_tensor(rng.normal(size=(2, 4, 8)))
    assert torch.autograd.gradcheck(lambda z, g: head.distance(z, g), (z.requires_grad_(), g.requires_grad_()))


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_head_grows_with_its_latents_by_the_degree_it_declares(name, options, rng):
    head = get_head(name, **options)
    z, g = torch.as_tensor(rng.normal(size=(2, 20, 8)))
    torch.testing.assert_close(head.distance(3 * z, 3 * g), 3**head.degree * head.distance(z, g))


def test_l2_head_is_the_euclidean_distance(rng):
    z, g = rng.normal(size=(2, 5, 3))
    found = get_head("l2").distance(torch.as_tensor(z), torch.as_tensor(g)).numpy()
    np.testing.assert_allclose(found, np.linalg.norm(z - g, axis=1), rtol=1e-6)
    squared = get_head("squared-l2").distance(torch.as_tensor(z), torch.as_tensor(g)).numpy()
    np.testing.assert_allclose(squared, np.linalg.norm(z - g, axis=1) ** 2, rtol=1e-6)


@pytest.mark.parametrize("p", [1.0, 1.2, 1.5, 2.0, 5.0, math.inf])
def test_lp_head_is_the_norm_of_that_p(p, rng):
    z, g = rng.normal(size=(2, 50, 7))
    found = get_head("lp", p=p).distance(torch.as_tensor(z), torch.as_tensor(g)).numpy()
    np.testing.assert_allclose(found, np.linalg.norm(z - g, ord=p, axis=1), rtol=1e-12)


@pytest.mark.parametrize("p", [1.2, 64.0, 1e4])
@pytest.mark.parametrize("size", [1e-25, 1e-6, 1.0, 1e6])
def test_lp_head_neither_overflows_nor_vanishes(p, size):
    """||(s, s)||_p = s * 2^(1/p), with gradient 2^(1/p - 1) in each entry; s^p leaves float32 at once."""
    z = torch.full((2,), size, requires_grad=True)
    distance = get_head("lp", p=p).distance(z, torch.zeros(2))
    distance.backward()
    assert distance.item() == pytest.approx(size * 2 ** (1 / p), rel=1e-5)
    assert z.grad.tolist() == pytest.approx([2 ** (1 / p - 1)] * 2, rel=1e-5)


def union_length(intervals) -> float:
    """By which of the elementary pieces between neighbouring ends some interval covers."""
    ends = sorted(itertools.chain(*intervals))
    return sum(b - a for a, b in itertools.pairwise(ends) if any(lo <= a and b <= hi for lo, hi in intervals))


@pytest.mark.parametrize("reduction", ["sum", "maxmean"])
@pytest.mark.parametrize("size", [1, 3, 4, 12])
def test_iqe_head_measures_unions_of_intervals(size, reduction, rng):
    head = get_head("iqe", size=size, reduction=reduction, weight=0.3)
    for z, g in rng.normal(size=(20, 2, 12)):
        intervals = [(a, max(a, b)) for a, b in zip(z.tolist(), g.tolist(), strict=True)]
        parts = [union_length(intervals[i : i + size]) for i in range(0, 12, size)]
        expected = sum(parts) if reduction == "sum" else 0.3 * max(parts) + 0.7 * sum(parts) / len(parts)
        found = head.distance(torch.as_tensor(z), torch.as_tensor(g)).item()
        assert found == pytest.approx(expected, rel=1e-12)


def test_iqe_head_charges_one_direction_only():
    low, high = torch.zeros(8), torch.ones(8)
    head = get_head("iqe", size=4, reduction="sum")
    assert head.distance(low, high).item() == 2  # each of two components covers [0, 1]
    assert head.distance(high, low).item() == 0


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("L_2", {}, "Did you mean 'l2'"),
        ("lp", {"p": 0.5}, "p is 0.5; .* 1 <= p <= inf"),
        ("lp", {"p": math.nan}, "p is nan"),
        ("iqe", {"size": 0}, "at least 1 interval"),
        ("iqe", {"weight": 1.5}, "from 0 to 1"),
        ("iqe", {"reduction": "summ"}, "Did you mean 'sum'"),
    ],
)
def test_a_head_that_cannot_be_is_refused(name, options, message):
    with pytest.raises(Plan2vecError, match=message):
        get_head(name, **options)


def test_iqe_head_refuses_latents_that_do_not_divide():
    with pytest.raises(ConfigError, match=r"latents of 6 dimensions .* components of 4"):
        get_head("iqe", size=4).distance(torch.zeros(6), torch.zeros(6))
