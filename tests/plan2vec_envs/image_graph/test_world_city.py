"""Cities that are made on the fly: what makes them streets, whatever is drawn."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest

from plan2vec_envs.errors import InvalidOptionError
from plan2vec_envs.image_graph import WorldGraph, load_world, make_city, save_world

KINDS = [{}, {"one_way": True}, {"river": True}, {"one_way": True, "river": True}]


def reached(start, neighbors):
    """Places that are reached from one, by breadth first."""
    seen, queue = {start}, deque([start])
    while queue:
        for place in neighbors[queue.popleft()]:
            if place not in seen:
                seen.add(place)
                queue.append(place)
    return seen


def both_ways(world):
    """Neighbours by link, and against the links."""
    onward, back = ([[] for _ in range(world.num_places)] for _ in range(2))
    for a, b in world.links.tolist():
        onward[a].append(b)
        back[b].append(a)
    return onward, back


def streets_at(world):
    """How many streets leave each place, whichever way they may be driven."""
    onward, back = both_ways(world)
    return np.array([len({*a, *b}) for a, b in zip(onward, back, strict=True)])


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize(("num_places", "seed"), [(40, 0), (41, 3), (97, 1), (250, 0), (250, 1), (250, 2), (1500, 0)])
def test_every_place_reaches_every_other_and_there_are_as_many_as_asked(num_places, seed, options):
    world = make_city(num_places, seed=seed, **options)
    assert world.num_places == num_places
    for neighbors in both_ways(world):
        assert len(reached(0, neighbors)) == num_places


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_most_places_have_two_neighbours_and_none_more_than_six(seed, options):
    streets = streets_at(make_city(1500, seed=seed, **options))
    assert np.mean(streets == 2) > 0.9
    assert 3 <= np.mean(streets[streets > 2]) <= 4
    assert set(streets.tolist()) <= {1, 2, 3, 4, 5, 6}
    assert 0 < np.sum(streets == 1) < 20


def test_the_default_city_has_a_dead_end_crossings_and_a_diagonal():
    streets = streets_at(make_city())
    assert len(streets) == 250
    assert np.bincount(streets, minlength=6)[[1, 3, 5]].tolist() == [1, 8, 1]  # five only where the diagonal joins


@pytest.mark.parametrize("num_places", [100, 250, 3000])
def test_places_are_about_ten_metres_apart(num_places):
    world = make_city(num_places)
    assert world.median_length == pytest.approx(10, abs=0.3)
    assert 7 < world.lengths.min() < world.lengths.max() < 14
    assert np.mean((world.lengths > 8) & (world.lengths < 13)) > 0.98
    a, b = world.oracle_position[world.links].transpose(1, 0, 2)
    np.testing.assert_allclose(world.lengths, np.linalg.norm(a - b, axis=1), rtol=1e-5)


def overpasses(world):
    """How many pairs of links without a common end intersect, by testing all."""
    links = np.unique(np.sort(world.links, 1), axis=0)
    i, j = np.triu_indices(len(links), 1)
    apart = ~(links[i][:, :, None] == links[j][:, None, :]).any((1, 2))
    i, j = i[apart], j[apart]
    (a, b), (c, d) = (world.oracle_position[links[k]].transpose(1, 0, 2) for k in (i, j))

    def side(p, q, r):
        """1 left, -1 right, 0 in line, as along a street."""
        area = (q[:, 0] - p[:, 0]) * (r[:, 1] - p[:, 1]) - (q[:, 1] - p[:, 1]) * (r[:, 0] - p[:, 0])
        return np.sign(np.where(np.abs(area) < 1e-6, 0, area))

    crossing = (side(a, b, c) * side(a, b, d) < 0) & (side(c, d, a) * side(c, d, b) < 0)
    return int(crossing.sum())


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_streets_meet_at_crossings_only(seed, options):
    assert overpasses(make_city(400, seed=seed, **options)) == 0


def test_an_overpass_would_be_found():
    square = np.array([[0, 0], [1, 1], [0, 1], [1, 0.0]])
    assert overpasses(WorldGraph.from_links("cross", np.array([[0, 1], [2, 3]]), square)) == 1
    assert overpasses(WorldGraph.from_links("sides", np.array([[0, 2], [1, 3]]), square)) == 0


@pytest.mark.parametrize("seed", range(3))
def test_one_way_streets_have_no_link_back(seed):
    two_way, one_way = make_city(seed=seed), make_city(seed=seed, one_way=True)
    assert np.array_equal(two_way.oracle_position, one_way.oracle_position)
    links, all_links = ({(a, b) for a, b in world.links.tolist()} for world in (one_way, two_way))
    assert all((b, a) in all_links for a, b in all_links)
    assert links < all_links
    assert {tuple(sorted(link)) for link in links} == {tuple(sorted(link)) for link in all_links}  # no street is lost
    assert np.mean([(b, a) not in links for a, b in links]) > 0.4


@pytest.mark.parametrize("num_places", [250, 1500])
def test_a_river_is_crossed_by_few_bridges(num_places):
    """Along the direction of the streets there is a gap, wider than any block is long, with few links across."""

    def fewest_links_across_a_line(world):
        heading = np.radians(world.yaw[np.isin(world.yaw, _commonest(world.yaw))].mean())
        across = world.oracle_position @ [np.cos(heading), -np.sin(heading)]
        middle = np.quantile(across, np.linspace(0.3, 0.7, 200))
        a, b = across[np.unique(np.sort(world.links, 1), axis=0)].T
        return min(int(((a < line) != (b < line)).sum()) for line in middle)

    assert make_city(num_places, river=True).about["river"]
    assert fewest_links_across_a_line(make_city(num_places, river=True)) <= 3
    assert fewest_links_across_a_line(make_city(num_places)) > 3 - (num_places == 250)


def _commonest(yaw):
    values, counts = np.unique(yaw, return_counts=True)
    return values[counts.argmax()]


def test_yaw_is_the_direction_of_the_street(rng):
    world = make_city(600, one_way=True)
    inner = np.flatnonzero(streets_at(world) == 2)
    for place in rng.choice(inner, 60, replace=False):
        headings = world.headings[(world.links == place).any(1)]  # of links that leave it or lead there
        turn = (headings - world.yaw[place] + 180) % 360 - 180
        assert np.abs(turn).min() < 1e-2
    one_way = np.diff(world.indptr)[inner] == 1
    turn = (world.headings[world.indptr[inner[one_way]]] - world.yaw[inner[one_way]] + 180) % 360 - 180
    assert np.median(np.abs(turn)) < 1e-2


def test_the_seed_decides(tmp_path):
    assert make_city(seed=0).fingerprint == make_city(seed=0).fingerprint
    assert make_city(seed=0).fingerprint != make_city(seed=1).fingerprint
    assert make_city(300, seed=1).fingerprint != make_city(301, seed=1).fingerprint
    world = make_city(river=True)
    assert load_world(save_world(world, tmp_path / "city.npz")).fingerprint == world.fingerprint


def test_a_city_as_large_as_manhattan_is_made_too():
    world = make_city(30_000)
    assert world.num_places == 30_000
    assert world.components().max() == 0
    assert 61_000 < world.num_links < 63_000  # the real one: 29,641 places, 61,319 links


def test_a_city_needs_some_places():
    with pytest.raises(InvalidOptionError, match="a city of 39 places; need at least 40"):
        make_city(39)
