"""Views of streets: what decides their bytes, what they show, what they refuse."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from plan2vec_envs.errors import InvalidOptionError, WorldError
from plan2vec_envs.image_graph import WorldGraph
from plan2vec_envs.image_graph.street_view.dice import hashed, normals, uniform
from plan2vec_envs.image_graph.street_view.field import StreetField
from plan2vec_envs.image_graph.street_view.lens import EDGES, below
from plan2vec_envs.image_graph.street_view.nuisance import HARDER, NUISANCE, Nuisance
from plan2vec_envs.image_graph.street_view.renderer import StreetRenderer

NO_NUISANCE = Nuisance(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def crossing_streets(arm: int = 10, yaw: float = 0.0) -> WorldGraph:
    """A street to the north and one to the east, crossing in the middle; a place every 10 m."""
    steps = np.arange(-arm, arm + 1) * 10.0
    north = np.stack([np.zeros_like(steps), steps], 1)
    east = np.stack([steps, np.zeros_like(steps)], 1)
    east_rows = np.arange(len(steps)) + len(steps)
    east_rows[arm] = arm  # one middle
    east_rows[arm + 1 :] -= 1
    rows = [np.arange(len(steps)), east_rows]
    links = np.concatenate([np.stack([r[:-1], r[1:]], 1) for r in rows])
    position = np.concatenate([north, np.delete(east, arm, 0)])
    return WorldGraph.from_links(
        "crossing", np.concatenate([links, links[:, ::-1]]), position, yaw=np.full(len(position), yaw)
    )


@pytest.fixture(scope="module")
def world() -> WorldGraph:
    return crossing_streets()


@pytest.fixture(scope="module")
def renderer(world) -> StreetRenderer:
    return StreetRenderer(world)


def standardised(views: np.ndarray) -> np.ndarray:
    flat = views.reshape(len(views), -1).astype(float)
    return (flat - flat.mean(1, keepdims=True)) / flat.std(1, keepdims=True)


def test_views_are_frames_and_fresh(renderer):
    views = renderer.views([3, 4], [0, 0])
    assert views.shape == (2, 1, 64, 64)
    assert views.dtype == np.uint8
    assert views.flags.owndata or views.base.flags.owndata
    assert renderer.views([], []).shape == (0, 1, 64, 64)


def test_a_batch_equals_its_views_one_by_one_in_any_order(world, rng):
    renderer = StreetRenderer(world, HARDER)
    places, ids = rng.integers(world.num_places, size=53), rng.integers(2**31, size=53)
    together = renderer.views(places, ids)
    order = rng.permutation(53)
    np.testing.assert_array_equal(renderer.views(places[order], ids[order]), together[order])
    alone = np.concatenate([renderer.views(places[i : i + 1], ids[i : i + 1]) for i in range(53)])
    np.testing.assert_array_equal(alone, together)


def test_two_renderers_draw_the_same_city(world, renderer):
    places, ids = np.arange(8), np.arange(8)
    np.testing.assert_array_equal(StreetRenderer(world).views(places, ids), renderer.views(places, ids))


def test_views_of_a_place_differ_but_less_than_places_do(world, renderer):
    every = np.arange(world.num_places)
    first, second = (standardised(renderer.views(every, np.full(len(every), view))) for view in (0, 1))
    distance = np.linalg.norm(first[:, None] - second, axis=-1)
    same = np.diag(distance)
    assert same.min() > 0
    assert same.mean() < 0.8 * distance[~np.eye(len(every), dtype=bool)].mean()
    assert (distance.argmin(1) == every).mean() > 0.7


@pytest.mark.parametrize(("nuisance", "lane", "turn"), [(NUISANCE, 2, 0), (HARDER, 4, 5)])
def test_the_camera_stays_within_its_jitter(world, nuisance, lane, turn):
    places = np.repeat(np.arange(world.num_places), 20)
    position, yaw = StreetRenderer(world, nuisance).poses(places, np.arange(len(places)))
    offset = np.abs(position - world.oracle_position[places])
    northward = world.oracle_position[places, 0] == 0  # the crossing belongs to one of the two
    crossing = (world.oracle_position[places] == 0).all(1)
    across = np.where(northward, offset[:, 0], offset[:, 1])[~crossing]
    along = np.where(northward, offset[:, 1], offset[:, 0])[~crossing]
    assert 0.95 * lane < across.max() <= lane
    assert 0.95 < along.max() <= 1
    assert 0.95 * turn <= np.abs(yaw).max() <= turn


def test_noise_depends_on_both_the_place_and_the_view(world):
    """Else every view of a place would carry the same noise, and recognising noise is easy."""
    quiet, noisy = (StreetRenderer(world, n) for n in (NO_NUISANCE, replace(NO_NUISANCE, noise=4.0)))
    places, ids = np.array([2, 2, 7]), np.array([0, 1, 0])
    noise = noisy.views(places, ids).astype(float) - quiet.views(places, ids)
    assert noise.std() == pytest.approx(4, rel=0.1)
    correlation = np.corrcoef(noise.reshape(3, -1))
    assert np.abs(correlation[~np.eye(3, dtype=bool)]).max() < 0.06  # 4 standard errors of 64 x 64 pixels


def test_without_nuisance_all_views_of_a_place_are_one(world):
    views = StreetRenderer(world, NO_NUISANCE).views([5, 5, 5], [0, 1, 99])
    assert (views == views[0]).all()


def test_moving_cars_come_and_go(world):
    empty, busy = (StreetRenderer(world, replace(NO_NUISANCE, cars=n)) for n in (0, 6))
    places = np.full(6, 4)
    changed = (empty.views(places, np.arange(6)) != busy.views(places, np.arange(6))).mean((1, 2, 3))
    assert (changed > 0.002).sum() >= 4
    assert changed.max() < 0.3


def test_turning_right_moves_the_panorama_left():
    """A quarter turn is 16 of 64 columns; the streets do not turn with the camera."""
    ahead, right = (StreetRenderer(crossing_streets(yaw=yaw), NO_NUISANCE) for yaw in (0.0, 90.0))
    places, ids = np.arange(10), np.zeros(10, int)
    turned = np.roll(ahead.views(places, ids), -16, axis=-1)
    # The rays' last bits differ, and with them here and there the edge of a pane.
    assert (turned != right.views(places, ids)).mean() < 0.02


def test_a_part_of_a_world_looks_as_the_whole(world):
    kept = np.flatnonzero(np.abs(world.oracle_position[:, 0]) < 1)  # the street to the north
    part = world.take(kept[3:], "part")
    whole_view = StreetRenderer(world, NO_NUISANCE).views(kept[18:], np.zeros(3, int))
    part_view = StreetRenderer(part, NO_NUISANCE).views(np.arange(15, 18), np.zeros(3, int))
    near = np.abs(whole_view.astype(int) - part_view) > 2
    assert near[..., 10:54, :].mean() < 0.08  # far away, the crossing is missing


def test_a_place_without_links_is_a_yard(world):
    position = np.concatenate([world.oracle_position, [[200.0, 200.0]]])
    lonely = StreetRenderer(WorldGraph.from_links("lonely", world.links, position))
    view = lonely.views([len(position) - 1], [0])
    assert view.std() > 10


@pytest.mark.parametrize(
    ("places", "ids", "message"),
    [
        ([41], [0], r"places\[0\] is 41; need 0 to 40"),
        ([0, -1], [0, 0], r"places\[1\] is -1"),
        ([0], [2**31], r"view_ids\[0\] is 2147483648"),
        ([0, 1], [0], "2 places and 1 view_ids"),
        ([[0]], [[0]], r"places has shape \(1, 1\)"),
        ([0.5], [0], "float64; need"),
        (3, 0, r"places has shape \(\)"),
    ],
)
def test_views_that_are_none_are_refused(renderer, places, ids, message):
    with pytest.raises(InvalidOptionError, match=message):
        renderer.views(places, ids)


@pytest.mark.parametrize("bad", [{"lane": -1}, {"lane": 9}, {"noise": float("nan")}, {"cars": "many"}, {"yaw": True}])
def test_nuisances_out_of_range_are_refused(bad):
    with pytest.raises(InvalidOptionError, match=f"nuisance {next(iter(bad))} is"):
        Nuisance(**bad)


def test_a_world_without_links_has_no_streets():
    with pytest.raises(WorldError, match="no links, hence no streets"):
        StreetRenderer(WorldGraph.from_links("dots", np.empty((0, 2)), np.zeros((3, 2))))


def test_a_world_of_degrees_times_a_million_is_refused_before_it_is_drawn():
    position = np.array([[0.0, 0.0], [1e6, 1e6]])
    with pytest.raises(WorldError, match=r"needs 1\.0 TB, the limit is 536\.9 MB.*positions are in metres"):
        StreetRenderer(WorldGraph.from_links("huge", [[0, 1]], position))


def test_a_small_world_is_ready_in_an_instant(world):
    start = time.process_time()
    StreetRenderer(world)
    assert time.process_time() - start < 0.3


def test_depth_is_the_distance_from_the_walls_by_brute_force(rng):
    position = rng.uniform(-60, 60, (7, 2))
    world = WorldGraph.from_links("seven", [(i, i + 1) for i in range(6)], position)
    field = StreetField(world)
    points = rng.uniform(-60, 60, (500, 2))
    start, way = position[:-1], np.diff(position, axis=0)
    share = np.clip(((points[:, None] - start) * way).sum(-1) / (way**2).sum(-1), 0, 1)
    distance = np.linalg.norm(points[:, None] - start - share[..., None] * way, axis=-1).min(1)
    found = field.depth(*(points - field.origin).astype(np.float32).T)
    # Creases are blunted by up to half a cell's diagonal; a quarter of it is typical.
    np.testing.assert_allclose(found, np.maximum(9 - distance, -1), atol=0.72)
    assert np.abs(found - np.maximum(9 - distance, -1)).mean() < 0.06


def test_rays_end_at_the_walls_of_a_straight_street():
    """From d metres off the walls, at an angle a to the street, it is d / sin(a) to the wall."""
    field = StreetField(WorldGraph.from_links("long", [[0, 1]], np.array([[0.0, 0.0], [0.0, 400.0]])))
    angle = np.radians([10, 30, 60, 90, 120, 150, -20, -90])[None]
    x, y = (np.array([[v]], np.float32) for v in (2.0 - field.origin[0], 200.0 - field.origin[1]))
    found = field.cast(x, y, np.sin(angle).astype(np.float32), np.cos(angle).astype(np.float32))
    expected = np.where(angle > 0, 7, 11) / np.abs(np.sin(angle))
    np.testing.assert_allclose(found, expected, rtol=0.01, atol=0.05)
    east, north = field.normal(x + found * np.sin(angle).astype(np.float32), y + 0 * found)
    np.testing.assert_allclose(east, -np.sign(angle), atol=0.02)
    np.testing.assert_allclose(north, 0, atol=0.02)


def test_below_covers_half_of_a_picture_at_the_horizon_and_grows_with_the_elevation():
    assert below(np.zeros((1, 1), np.float32)).sum() == pytest.approx(32)
    some = below(EDGES[20][None].astype(np.float32))
    np.testing.assert_allclose(some[0, :, 0], np.arange(64) >= 20, atol=1e-5)


def test_hashes_are_uniform_and_noise_is_normal():
    draws = uniform(np.arange(100_000), 3)
    assert 0 <= draws.min() <= draws.max() < 1
    assert np.abs(np.histogram(draws, 10)[0] - 10_000).max() < 400
    noise = normals(hashed(np.arange(50)), 2000)
    assert noise.mean() == pytest.approx(0, abs=0.015)
    assert noise.std() == pytest.approx(1, abs=0.01)
    assert np.abs(np.corrcoef(noise[:10]) - np.eye(10)).max() < 0.1
    assert len(np.unique(hashed(-1, [0, 1, 2], 2**31 - 1))) == 3


# Mean greys of 8 x 8 blocks as version 1 drew them; a change of these is a change of RENDERER_VERSION. They were
# printed by the lines of the test itself.
GOLDEN_PLACES, GOLDEN_IDS = (4, 27), (0, 1000)
GOLDEN = (
    (201, 199, 198, 198, 199, 198, 199, 202),
    (220, 217, 191, 214, 196, 151, 154, 198),
    (195, 173, 125, 170, 207, 151, 154, 159),
    (127, 104, 105, 126, 133, 114, 128, 133),
    (117, 124, 111, 107, 104, 97, 101, 102),
    (102, 112, 106, 100, 114, 94, 97, 116),
    (87, 98, 99, 91, 121, 135, 136, 117),
    (85, 86, 85, 86, 85, 97, 97, 86),
    (166, 164, 164, 163, 164, 166, 166, 166),
    (118, 177, 179, 180, 178, 177, 149, 109),
    (60, 126, 164, 173, 178, 176, 141, 63),
    (89, 86, 106, 109, 126, 111, 90, 91),
    (76, 92, 88, 88, 85, 82, 79, 91),
    (75, 66, 82, 63, 68, 85, 66, 71),
    (69, 58, 77, 105, 111, 77, 55, 67),
    (57, 57, 57, 60, 58, 55, 56, 55),
)


def test_views_are_those_of_this_renderer_version(renderer):
    views = renderer.views(GOLDEN_PLACES, GOLDEN_IDS).astype(float)
    blocks = views.reshape(2, 8, 8, 8, 8).mean((2, 4))
    np.testing.assert_allclose(blocks, np.array(GOLDEN).reshape(2, 8, 8), atol=1.0)
