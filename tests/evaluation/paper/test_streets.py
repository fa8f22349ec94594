"""Streets to judge on: heuristics that promise something, searches for pictures, drivers that know the truth."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.sparse.csgraph import shortest_path
from scipy.spatial.distance import cdist

from agents import Plan2VecPlaces
from agents.graphs.graph import Graph
from agents.graphs.search import a_star, best_first, dijkstra
from agents.metrics.distillation import LandmarkRegressionConfig
from agents.metrics.global_metric import GlobalMetric, GlobalMetricConfig
from agents.metrics.nearest import k_nearest
from agents.training.loop import Training, resolve_device
from agents.training.workdir import Workdir
from data_collection.collection.drives import collect_drives
from evaluation.cli import main
from evaluation.errors import ProtocolError
from evaluation.paper.experiments import table5_streets
from evaluation.paper.experiments.fig8 import corner_query
from evaluation.paper.experiments.fig9 import is_diagonal, quarters_of
from evaluation.paper.figures.streets import expansions_figure
from evaluation.paper.lab import AgentCache, Plan, get_experiment
from evaluation.paper.lab.plan import PRESETS
from evaluation.paper.lab.publish import summary_of
from evaluation.paper.protocols.decision_cost import decision_cost, walk_by_table
from evaluation.paper.streets import streets
from evaluation.paper.streets.street_planners import (
    ALT,
    LABELS,
    along_grid,
    alt_heuristic,
    planners,
    straight_line,
    table_config,
    table_of,
)
from evaluation.paper.streets.street_walk import street_tasks, street_walk
from plan2vec_envs.errors import MissingFileError, UnknownNameError
from plan2vec_envs.image_graph import Views, WorldGraph, get_views, make_city


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLAN2VEC_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("PLAN2VEC_DATA", raising=False)
        yield


@pytest.fixture(scope="module")
def city():
    world = make_city(150, seed=2)
    graph = streets.true_graph(world, 1.0)
    return world, graph, shortest_path(graph.matrix)


@pytest.fixture(scope="module")
def driven(tmp_path_factory):
    """A city of 60 places, driven through in three passes, and what was learned from it."""
    world = make_city(60, seed=0)
    views = get_views(world, "recorded", 3)
    dataset = collect_drives(world, views, coverage=3, passes=3, seed=0)
    agent = Plan2VecPlaces().fit(dataset.without_oracle(), seed=0, progress=False)
    return world, views, dataset, agent


def test_alt_and_the_straight_line_never_overestimate(city, rng):
    world, graph, truth = city
    a, b = rng.integers(150, size=(2, 400))
    for heuristic in (alt_heuristic(graph, 8), straight_line(world)):
        assert (heuristic(a, b) <= truth[a, b] + 1e-3).all()
    np.testing.assert_allclose(alt_heuristic(graph, 150)(a, b), truth[a, b], rtol=1e-5)  # every place is a landmark


def test_the_distance_along_the_grid_is_l1_between_turned_axes(city):
    world, _, _ = city
    a, b = np.array([0, 5]), np.array([9, 77])
    gap = world.oracle_position[a] - world.oracle_position[b]
    turn = np.radians(29)
    avenue, street = np.array([np.sin(turn), np.cos(turn)]), np.array([np.cos(turn), -np.sin(turn)])
    truth = (np.abs(gap @ avenue) + np.abs(gap @ street)) / world.median_length
    np.testing.assert_allclose(along_grid(world)(a, b), truth)


def test_every_planner_of_fig_8_finds_ways_and_the_exact_ones_the_cheapest(city, rng):
    world, graph, truth = city
    start, goal = rng.integers(150, size=(2, 20))
    found = planners(world, graph, table_of(world, graph, 0)[0], {n: alt_heuristic(graph, n) for n in ALT})
    assert list(found) == list(LABELS)
    for name in ("dijkstra", "bidirectional", "a-star-l2", "a-star-alt-16", "a-star-alt-64"):
        np.testing.assert_allclose(found[name](start, goal).cost, truth[start, goal], rtol=1e-5)
    for name, plan in found.items():
        plans = plan(start, goal)
        assert (plans.cost[plans.success] >= truth[start, goal][plans.success] - 1e-3).all(), name
        assert plans.success.all() or name.startswith("one"), name


def test_one_driver_by_itself_goes_where_the_walk_of_many_goes(city, rng):
    world, graph, _ = city
    table, _ = table_of(world, graph, 0)
    start, goal = rng.integers(150, size=(2, 20))
    many = planners(world, graph, table, {n: alt_heuristic(graph, n) for n in ALT})["one-visited-table"](start, goal)
    for i in np.flatnonzero(many.success):
        path = walk_by_table(graph, table, int(start[i]), int(goal[i]), 150)
        assert path[-1] == goal[i]
        cost = sum(float(graph.matrix[a, b]) for a, b in pairwise(path))
        assert cost == pytest.approx(many.cost[i], rel=1e-4)


def test_ways_that_do_not_arrive_are_counted_and_not_timed():
    graph = Graph.from_edges(5, np.array([(0, 1, 1.0), (1, 0, 1.0), (1, 2, 1.0), (3, 4, 1.0)]))
    table = np.tri(5, dtype=np.float32)
    assert walk_by_table(graph, table, 2, 0, 10) == [2]  # nothing leads away from there
    found = decision_cost(graph, table, np.array([0, 2, 3, 1]), np.array([2, 0, 0, 1]))
    assert found["arrived"] == 0.25
    assert found["longest"] == 2
    assert found["exponent"] is None
    with pytest.raises(ProtocolError, match="no way arrived"):
        decision_cost(graph, table, np.array([2]), np.array([0]))


def test_what_was_put_together_is_judged_by_true_places(driven, monkeypatch):
    world, _, dataset, agent = driven
    monkeypatch.setattr(table5_streets, "PASSES", 3)
    found = table5_streets.place_accuracy(world, 0)
    rows, places = agent.frame_graph.anchor_rows, agent.frame_graph.anchor_places
    true = cdist(dataset.oracle_position[rows], world.oracle_position).argmin(1)
    same = np.triu(true[:, None] == true[None], 1)
    merged = np.triu(places[:, None] == places[None], 1)
    assert found["recall"] == pytest.approx((same & merged).sum() / same.sum())
    assert found["precision"] == pytest.approx((same & merged).sum() / merged.sum())
    assert found["true_places"] == 60
    assert found["places"] == agent.graph.num_vertices
    assert found["novel"] > 0.8


def test_the_ceiling_of_neighbours_is_what_true_links_reach(driven):
    world = driven[0]
    found = table5_streets.siamese_accuracy(world, 0.02, Plan(PRESETS["smoke"]).training(0))
    dataset = collect_drives(world, get_views(world, "recorded", 1), seed=0)
    pairs = dataset.sample_pairs(table5_streets.PAIRS, rng=np.random.default_rng(0))
    places = cdist(dataset.oracle_position, world.oracle_position).argmin(1)
    linked = {(int(a), int(b)) for a, b in world.links}
    near = [
        places[a] == places[b] or (places[a], places[b]) in linked for a, b in zip(pairs.left, pairs.right, strict=True)
    ]
    assert found["ceiling"] == pytest.approx(np.mean(np.array(near) == (pairs.target < 2)))
    assert found["ceiling"] < 1


def test_a_way_that_takes_time_in_proportion_to_its_length_has_exponent_one(monkeypatch):
    # A street without side streets, and a clock that ticks once a decision and once for the start of each way.
    graph = Graph.from_edges(100, np.array([(a, b, 1.0) for a in range(100) for b in (a - 1, a + 1) if 0 <= b < 100]))
    table = np.tri(100, dtype=np.float32)
    ticks = iter(np.cumsum([step for length in (10, 20, 40, 80) for step in (1.0, 1e-6 * length)]).tolist())
    monkeypatch.setattr("evaluation.paper.protocols.decision_cost.time.perf_counter", lambda: next(ticks))
    found = decision_cost(graph, table, np.zeros(4, int), np.array([10, 20, 40, 80]), repeats=1)
    assert found["exponent"] == pytest.approx(1)
    assert found["us"] == pytest.approx(1)
    assert found["longest"] == 80


@pytest.mark.parametrize("search", [dijkstra, a_star, best_first])
def test_a_search_records_what_it_expands(city, rng, search):
    world, graph, _ = city
    options = {} if search is dijkstra else {"heuristic": straight_line(world)}
    for start, goal in rng.integers(150, size=(10, 2)):
        record = []
        plan = search(graph, np.array([start]), np.array([goal]), record=record, **options)
        assert len(record) == plan.expanded[0]
        assert {int(vertex) for (vertex,) in record} >= set(plan.vertices[0][:-1].tolist())


def test_the_query_between_corners_goes_across_the_map(city):
    world, _, _ = city
    start, goal = (world.oracle_position[end[0]] for end in corner_query(world))
    low, high = world.oracle_position.min(0), world.oracle_position.max(0)
    assert ((start - low) / (high - low) < 0.4).all()
    assert ((goal - low) / (high - low) > 0.6).all()


def test_the_map_of_expansions_is_a_picture(city):
    world, graph, _ = city
    table = np.zeros((150, 1), np.float32)
    assert expansions_figure(world, graph, table, 0, 100)[:8] == b"\x89PNG\r\n\x1a\n"


def test_large_worlds_get_a_larger_table(city):
    assert table_config(city[0]).latent_dim < table_config(make_city(10_001, seed=0)).latent_dim


def test_a_part_of_manhattan_without_data_says_how_to_get_it():
    with pytest.raises(MissingFileError, match="plan2vec world"):
        streets.street_world("tiny")
    with pytest.raises(UnknownNameError, match="Did you mean 'large'"):
        streets.street_world("larg")
    assert streets.worlds_at_hand(("tiny", "large")) == ["city-53", "city-1530"]
    assert streets.street_world("city-53").num_places == 53


def test_a_part_of_manhattan_comes_straight_from_the_files_of_touchdown(tmp_path, monkeypatch):
    folder = tmp_path / "touchdown"
    folder.mkdir()
    rows = [("a", 40.7290, -73.9965), ("b", 40.7291, -73.9965), ("c", 40.7292, -73.9965), ("away", 41.0, -73.0)]
    (folder / "nodes.txt").write_text("".join(f"{name},0,{lat},{lng}\n" for name, lat, lng in rows))
    links = ["a,0,b", "b,180,a", "b,0,c", "c,180,b", "c,0,away", "away,180,c"]
    (folder / "links.txt").write_text("\n".join(links) + "\n")
    monkeypatch.setenv("PLAN2VEC_DATA", str(tmp_path))
    world = streets.street_world("tiny")
    assert (world.name, world.num_places, world.num_links) == ("tiny", 3, 4)


def test_true_positions_name_their_places(driven):
    world, _, dataset, _ = driven
    places = streets.places_of(world, dataset.oracle_position)
    np.testing.assert_allclose(world.oracle_position[places], dataset.oracle_position, atol=1e-3)


def test_what_was_learned_drives_to_goals_seen_in_new_light(driven):
    world, _, _, agent = driven
    novel = get_views(world, "novel")
    tasks = street_tasks(world, 60)
    distance, microseconds = streets.by_agent(agent, novel)
    assert microseconds > 0
    walked = street_walk(world, novel, distance, tasks, visited=True)
    lost = street_walk(world, novel, streets.by_chance(0), tasks, visited=False)
    assert walked.solved.mean() >= 0.95
    assert walked.solved.mean() > lost.solved.mean() + 0.3


def test_the_true_map_is_at_least_as_good_as_the_learned_one(driven):
    world, _, dataset, agent = driven
    novel = get_views(world, "novel")
    anchors = agent.frame_graph.anchor_rows
    metric = streets.with_true_links(agent, world, streets.places_of(world, dataset.oracle_position[anchors]))
    rows = np.arange(len(novel.frames))
    true = np.repeat(np.arange(60), 2)
    nearest, _ = k_nearest(metric.local.embed(novel.frames), metric.keys, 1)
    found = metric.places[nearest[:, 0]]
    assert (found == true).mean() > 0.95
    latents = metric.embed(novel.frames)
    gap = np.square(latents[rows[:-1]] - latents[rows[1:]]).sum(1)
    truth = shortest_path(streets.true_graph(world).matrix)[true[:-1], true[1:]]
    assert np.corrcoef(gap, truth)[0, 1] > 0.95


def test_pixels_judge_pictures_by_their_root_mean_squared_difference(rng):
    views = Views.drawn(rng.integers(0, 256, (4, 1, 1, 8, 8), np.uint8))
    a, b = views.frames[[0, 1]].astype(float), views.frames[[2, 2]].astype(float)
    truth = np.sqrt(((a - b) ** 2).mean((1, 2, 3)))
    np.testing.assert_allclose(streets.by_pixels(views)(np.array([0, 1]), np.array([2, 2])), truth, rtol=1e-6)


def test_the_nearest_pixels_are_those_of_brute_force(rng):
    views = Views.drawn(rng.integers(0, 256, (9, 1, 1, 8, 8), np.uint8))
    recorded = rng.integers(0, 256, (20, 1, 8, 8), np.uint8)
    gaps = ((views.frames[:, None].astype(float) - recorded[None]) ** 2).sum((2, 3, 4))
    np.testing.assert_array_equal(streets.nearest_pictures(views, recorded), gaps.argmin(1))


@pytest.mark.parametrize(
    ("name", "only"),
    [
        ("table2", ("tiny", "places", "pixel-places", "random")),
        ("table3", ("tiny",)),
        ("fig8", ("tiny",)),
        ("table4", ("tiny", "cnn-3")),
        pytest.param("fig9", ("small", "l2-3"), marks=pytest.mark.slow),
        pytest.param("table5-streets", ("tiny",), marks=pytest.mark.slow),
        pytest.param("networks", ("classified", "l2-disturbed"), marks=pytest.mark.slow),
    ],
)
def test_the_experiment_gives_a_summary_and_tables(name, only, tmp_path):
    experiment, plan = get_experiment(name), Plan(PRESETS["smoke"], only=only)
    cells = experiment.runs(plan)
    cache = AgentCache(tmp_path, plan)
    found = [(run, experiment.measure(run, cache)) for run in cells]
    assert all(experiment.say(result) for _, result in found)
    summary = summary_of(experiment, found, plan, "", 1)
    assert all(table.rows for table in experiment.tables(summary))
    assert all(figure.data.startswith(b"\x89PNG") for figure in experiment.figures(found, summary))


def test_what_is_for_rooms_says_so_of_streets(capsys):
    assert main(["train", "Plan2vec/StreetLearn-v0"]) != 0
    assert "docs/streets.md" in capsys.readouterr().err


def test_quarters_are_opposite_across_the_middle():
    corners = np.array([(0, 0), (10, 0), (0, 10), (10, 10)], float)
    world = WorldGraph.from_links("square", np.array([(0, 1), (1, 0)]), corners)
    quarters = quarters_of(world)
    assert quarters.tolist() == [0, 1, 2, 3]
    assert is_diagonal(quarters[:, None], quarters[None]).tolist() == [[i + j == 3 for j in range(4)] for i in range(4)]


def test_distances_that_are_not_told_are_not_learned(driven):
    """A network told nothing of half the places errs there; told all, it does not."""
    world, _, _, _ = driven
    graph = streets.true_graph(world)
    frames = get_views(world, "recorded", 1).frames
    half = np.arange(60) < 30
    truth = shortest_path(graph.matrix)[:30, 30:]
    blocks, errors = LandmarkRegressionConfig(steps=120, batch_sources=32, batch_frames=64), []
    for known in (None, lambda sources: half[sources][:, None] == half[None]):
        training = Training(0, Workdir(None), resolve_device("cpu"), progress=False)
        config = GlobalMetricConfig(trunk="pooled_mlp", algorithm=blocks)
        metric, _ = GlobalMetric.fit(config, frames, np.zeros(60, bool), graph, training, known_mask=known)
        latents = metric.embed(frames)
        errors.append(np.abs(metric.between(latents[:30, None], latents[30:]) - truth).mean())
    assert errors[1] > 1.3 * errors[0]
