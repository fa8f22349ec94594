"""Knowing places again from sequences, putting them together, and their distances as a table."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse.csgraph import shortest_path
from scipy.spatial.distance import cdist

from agents import Plan2VecPlaces, load_agent
from agents.errors import ConfigError, GraphError
from agents.graphs.graph import Graph
from agents.metrics.distillation import LandmarkRegressionConfig
from agents.metrics.nearest import k_nearest, squared_norms
from agents.metrics.places import Neighbours, PlaceMetric, PlaceMetricConfig, group_frames
from agents.metrics.places.matching import find_matches, merge_matches, pairs_within
from agents.metrics.places.place_metric import unique_frames
from agents.metrics.places.scatter import discriminants, principal_components, standardised
from agents.metrics.tables.augmentation import AugmentationConfig
from agents.metrics.tables.classified import ClassifiedConfig, ClassifiedMetric, ClassifierConfig
from agents.metrics.tables.table_embedding import TableConfig, embed_table
from agents.plan2vec.places import PlaceNetworkConfig, Plan2VecPlacesConfig
from agents.training.loop import Training
from agents.training.workdir import Workdir
from data_collection import Dataset

SIDE = 16


def ring_world(num_places: int, passes: int, noise: float, rng: np.random.Generator):
    """Places in a ring, a picture of random texture each, seen in several passes; returns dataset and place of rows."""
    textures = rng.normal(128, 40, (num_places, 1, SIDE, SIDE))
    light = rng.normal(0, 12, (3, 1, SIDE, SIDE))  # what differs within a place: three ways of being lit
    frames, places, lengths = [], [], []
    for _ in range(passes):
        start = int(rng.integers(num_places))
        for first in range(start, start + num_places, 8):
            drive = np.arange(first, first + 9) % num_places
            lit = textures[drive] + np.einsum("bk,kchw->bchw", rng.normal(size=(9, 3)), light)
            frames.append(lit + rng.normal(0, noise, lit.shape))
            places.append(drive)
            lengths.append(8)
    rows = np.clip(np.concatenate(frames), 0, 255).astype(np.uint8)
    steps = np.full(sum(lengths), 10.0, np.float32)
    return Dataset(rows, None, np.array(lengths), step_lengths=steps), np.concatenate(places)


def path_graph(size: int) -> Graph:
    edges = [(i, i + 1, 1.0 + i % 3) for i in range(size - 1)]
    return Graph.from_edges(size, edges + [(b, a, w) for a, b, w in edges])


def test_exposure_does_not_count(rng):
    images = rng.integers(60, 120, (4, 1, 32, 32)).astype(np.uint8)
    brighter = (2 * images.astype(int) + 7).astype(np.uint8)
    np.testing.assert_allclose(standardised(images, 16), standardised(brighter, 16), atol=2e-3)
    assert standardised(images, 16).shape == (4, 256)


def test_an_image_without_contrast_has_finite_features():
    assert np.isfinite(standardised(np.full((2, 1, 8, 8), 90, np.uint8), 4)).all()


def test_nearest_agrees_with_all_pairs_whatever_the_block(rng):
    queries, keys = rng.normal(size=(50, 6)).astype(np.float32), rng.normal(size=(70, 6)).astype(np.float32)
    rows, gaps = k_nearest(queries, keys, 5, at_once=7)
    truth = cdist(queries, keys, "sqeuclidean")
    np.testing.assert_array_equal(rows, np.argsort(truth, axis=1)[:, :5])
    np.testing.assert_allclose(gaps, np.sort(truth, axis=1)[:, :5], rtol=1e-5)


def test_nearest_with_norms_at_hand_is_the_same_to_the_bit(rng):
    queries, keys = (rng.normal(size=(count, 9)).astype(np.float32) for count in (11, 60))
    found = k_nearest(queries, keys, 4, norms=squared_norms(keys))
    for mine, theirs in zip(found, k_nearest(queries, keys, 4), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_nearest_is_exact_far_from_the_origin():
    """Squared norms of 1e8 leave float32 nothing of a distance of 1; ranks may suffer, distances may not."""
    keys = (np.array([[0.0], [1.0], [5.0]]) + 1e4).astype(np.float32)
    _, gaps = k_nearest(keys[:1], keys, 3)
    np.testing.assert_allclose(gaps[0], [0, 1, 25])


def test_discriminants_make_differences_within_places_white(rng):
    latents = rng.normal(size=(3000, 5)) * [5, 1, 1, 1, 1]
    twins = latents + rng.normal(size=latents.shape) * [1, 0.1, 2, 0.5, 1]
    both = np.concatenate([latents, twins]).astype(np.float32)
    pairs = np.stack([np.arange(3000), np.arange(3000, 6000)], 1)
    found = both @ discriminants(both, pairs, 5, shrinkage=0.0)
    gaps = found[pairs[:, 0]] - found[pairs[:, 1]]
    np.testing.assert_allclose(gaps.T @ gaps / (2 * len(gaps)), np.eye(5), atol=1e-3)
    assert (np.diff(found.var(0)) <= 1e-3).all()


def test_principal_components_are_those_of_the_singular_value_decomposition(rng):
    samples = rng.normal(size=(200, 6)).astype(np.float32) * [9, 5, 3, 1, 1, 1]
    mean, components = principal_components(samples.astype(np.float32), 3)
    right = np.linalg.svd(samples - mean, full_matrices=False)[2][:3]
    np.testing.assert_allclose(np.abs(np.sum(components.T * right, axis=1)), 1, atol=1e-4)


def two_drives(shift: float = 0.0):
    """Two drives through the same four places (frames 0..3 and 4..7), one apart, and a lonely likeness (8 of 0)."""
    places = np.array([[0.0, 0], [10, 0], [20, 0], [30, 0]])
    latents = np.concatenate([places, places + np.array([shift, 0.5]), [[0, -0.2]], [[500, 0]]]).astype(np.float32)
    steps = np.array([[0, 1], [1, 2], [2, 3], [4, 5], [5, 6], [6, 7], [8, 9]])
    return latents, Neighbours.of(10, steps)


def test_frames_match_where_the_drives_around_them_match_too():
    latents, neighbours = two_drives()
    pairs, supported = find_matches(latents, neighbours, 2.0, 5)
    assert {tuple(pair) for pair in pairs[supported]} == {(0, 4), (1, 5), (2, 6), (3, 7)}
    assert (0, 8) in {tuple(pair) for pair in pairs[~supported]}


def test_frames_of_one_recorded_step_never_match():
    latents = np.array([[0.0], [0.1], [0.2]], np.float32)
    pairs, _ = find_matches(latents, Neighbours.of(3, np.array([[0, 1], [1, 2]])), 5.0, 2)
    assert not {(0, 1), (1, 2)} & {tuple(pair) for pair in pairs}


def test_a_frame_that_is_nearer_to_the_place_before_is_no_match_of_this_one():
    """Six metres on, every frame of the second drive is nearer to the next place of the first: 4 matches 1, not 0."""
    latents, neighbours = two_drives(shift=6.0)
    pairs, supported = find_matches(latents, neighbours, 9.0, 6)
    assert {tuple(pair) for pair in pairs[supported]} == {(1, 4), (2, 5), (3, 6)}


def test_a_match_that_joins_both_ends_of_a_step_is_refused():
    latents = np.array([[0.0], [0.3], [0.5]], np.float32)
    neighbours = Neighbours.of(3, np.array([[0, 2]]))
    places, refused = merge_matches(latents, neighbours, np.array([[0, 1], [1, 2]]), 10.0)
    assert refused == 1
    assert places[0] != places[2]


def test_one_chance_likeness_does_not_make_one_place_of_two():
    """Two groups of three, 4 apart on average, whose nearest frames are 1 apart: single linkage would merge them."""
    latents = np.array([[0.0], [1.0], [2.0], [3.0], [5.0], [6.0]], np.float32)
    neighbours = Neighbours.of(6, np.zeros((0, 2), int))
    pairs = np.array([[0, 1], [1, 2], [3, 4], [4, 5], [2, 3]])
    places, _ = merge_matches(latents, neighbours, pairs, 2.5)
    assert len(np.unique(places)) >= 2
    assert places[0] != places[5]


def test_without_any_likeness_nothing_matches():
    latents, neighbours = two_drives()
    pairs, supported = find_matches(latents, neighbours, 0.0, 5)
    assert len(pairs) == len(supported) == 0
    places, figures = group_frames(latents, neighbours, 0.0, 5)
    assert places.tolist() == list(range(10))
    assert figures["matches"] == 0


@pytest.mark.parametrize("options", [{"rounds": ()}, {"components": 0}, {"rounds": (0.1, -1)}])
def test_configurations_that_cannot_be_are_named(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        PlaceMetricConfig(**options)


def test_pairs_within_places_are_all_of_them(rng):
    places = np.array([3, 0, 1, 3, 3, 1, 2])
    found = {tuple(sorted(pair)) for pair in pairs_within(places)}
    brute = {(i, j) for i in range(7) for j in range(i + 1, 7) if places[i] == places[j]}
    assert found == brute
    assert len(pairs_within(np.arange(4))) == 0


def test_equal_frames_are_one(rng):
    frames = rng.integers(0, 9, (4, 1, 3, 3)).astype(np.uint8)
    rows, which = unique_frames(frames[[0, 1, 0, 2, 1, 3]])
    assert rows.tolist() == [0, 1, 3, 5]
    assert which.tolist() == [0, 1, 0, 2, 1, 3]


def test_places_seen_in_other_light_are_put_together(rng):
    dataset, truth = ring_world(40, 4, noise=12, rng=rng)
    metric, figures = PlaceMetric.fit(PlaceMetricConfig(), dataset)
    rows, which = unique_frames(dataset.observations)
    places, _ = group_frames(
        metric.embed(dataset.observations[rows]),
        Neighbours.of(len(rows), which[dataset.transitions]),
        metric.threshold,
        24,
    )
    for place in range(places.max() + 1):
        assert len(np.unique(truth[rows][places == place])) == 1, "two places became one"
    assert places.max() + 1 <= 48  # 40 places, few of them in two pieces
    assert figures["alike"] > 0


def test_the_table_holds_distances_of_a_path_exactly():
    """A path embeds in a line by L1, and so in squared L2 without error."""
    graph = path_graph(30)
    table, figures = embed_table(TableConfig(), graph, np.random.default_rng(0))
    np.testing.assert_allclose(cdist(table, table, "sqeuclidean"), shortest_path(graph.matrix), atol=1e-3)
    assert figures["relative_error"] < 1e-4


def test_landmarks_keep_their_distances_and_others_come_close():
    graph = path_graph(200)
    table, _ = embed_table(TableConfig(landmarks=100), graph, np.random.default_rng(0))
    truth, found = shortest_path(graph.matrix), cdist(table, table, "sqeuclidean")
    landmarks = np.sort(np.random.default_rng(0).choice(200, 100, replace=False))
    np.testing.assert_allclose(found[landmarks][:, landmarks], truth[landmarks][:, landmarks], atol=0.01)
    assert np.abs(found - truth).mean() < 0.02 * truth.mean()


def test_a_directed_graph_is_averaged_over_both_directions():
    """A one-way ring of 9: from any vertex to any other it is 9 steps there and back, so 4.5 on average."""
    graph = Graph.from_edges(9, [(i, (i + 1) % 9, 1.0) for i in range(9)])
    table, figures = embed_table(TableConfig(), graph, np.random.default_rng(0))
    found = cdist(table, table, "sqeuclidean")
    np.testing.assert_allclose(found[~np.eye(9, dtype=bool)], 4.5, atol=1e-4)
    assert figures["relative_error"] < 1e-5


def test_a_shortcut_one_way_counts_half():
    edges = [(i, i + 1, 1.0) for i in range(9)]
    graph = Graph.from_edges(10, [*edges, *((b, a, w) for a, b, w in edges), (0, 9, 1.0)])
    table, _ = embed_table(TableConfig(), graph, np.random.default_rng(0))
    assert np.square(table[0] - table[9]).sum() == pytest.approx((1 + 9) / 2, abs=0.5)


def test_the_table_of_a_graph_in_pieces_is_refused():
    graph = Graph.from_edges(4, [(0, 1, 1.0), (1, 0, 1.0), (2, 3, 1.0), (3, 2, 1.0)])
    with pytest.raises(GraphError, match=r"50\.0% of the vertex pairs .* bridge=True"):
        embed_table(TableConfig(), graph, np.random.default_rng(0))


@pytest.fixture(scope="module")
def ring():
    rng = np.random.default_rng(5)
    dataset, truth = ring_world(40, 4, noise=12, rng=rng)
    return dataset, truth, Plan2VecPlaces().fit(dataset, seed=0, progress=False)


def test_the_agent_measures_steps_around_the_ring(ring):
    dataset, truth, agent = ring
    rows = np.array([np.flatnonzero(truth == place)[0] for place in range(40)])
    found = agent.distance(np.repeat(dataset.observations[rows[:1]], 40, 0), dataset.observations[rows])
    around = np.minimum(np.arange(40), 40 - np.arange(40))
    assert np.corrcoef(found, around)[0, 1] > 0.98
    assert np.abs(found - around).mean() < 1.5


def test_a_loaded_agent_measures_the_same_bits(ring, tmp_path):
    dataset, _, agent = ring
    agent.save(tmp_path / "agent")
    other = load_agent(tmp_path / "agent")
    frames = dataset.observations[:20]
    assert np.array_equal(agent.embed(frames), other.embed(frames))


# The other embeddings of the same table


@pytest.fixture(scope="module")
def classified(ring):
    config = Plan2VecPlacesConfig(
        global_metric=ClassifiedConfig(classifier=ClassifierConfig(steps=300, batch_frames=64))
    )
    return Plan2VecPlaces(config).fit(ring[0], seed=0, progress=False)


def test_a_classifier_measures_steps_in_pictures_that_it_never_saw(ring, classified):
    fresh, places = ring_world(40, 1, noise=12, rng=np.random.default_rng(5))  # the same textures, in another light
    rows = np.array([np.flatnonzero(places == place)[0] for place in range(40)])
    found = classified.distance(np.repeat(fresh.observations[rows[:1]], 40, 0), fresh.observations[rows])
    around = np.minimum(np.arange(40), 40 - np.arange(40))
    assert np.corrcoef(found, around)[0, 1] > 0.98


def test_latents_of_a_classifier_are_means_of_the_table_under_its_odds(ring, classified):
    metric, frames = classified.metric, ring[0].observations[:7]
    with torch.inference_mode():
        scores = metric.network(torch.as_tensor(frames.copy())).double().numpy()
    odds = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    np.testing.assert_allclose(metric.embed(frames), odds @ metric.table, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "embedding",
    [
        ClassifiedConfig(classifier=ClassifierConfig(steps=3)),
        PlaceNetworkConfig(trunk="cnn", latent_dim=4, hidden=8, algorithm=LandmarkRegressionConfig(steps=3)),
    ],
    ids=lambda config: config.kind,
)
def test_an_agent_of_another_embedding_measures_the_same_bits_when_loaded(ring, embedding, tmp_path):
    agent = Plan2VecPlaces(Plan2VecPlacesConfig(global_metric=embedding)).fit(ring[0], seed=0, progress=False)
    agent.save(tmp_path / "agent")
    frames = ring[0].observations[:20]
    assert np.array_equal(agent.embed(frames), load_agent(tmp_path / "agent").embed(frames))


def test_a_classifier_that_was_interrupted_ends_with_the_same_bits_and_another_seed_with_others(ring, tmp_path):
    frames, places = ring[0].observations, ring[1]
    table, config = np.eye(40, dtype=np.float32), ClassifierConfig(steps=20, batch_frames=16)

    def fit(seed=0, folder=None):
        training = Training(seed, Workdir(folder), torch.device("cpu"), progress=False, checkpoint_seconds=0)
        if folder is not None:
            training.workdir.claim({"test": 0})
        return ClassifiedMetric.fit(config, frames, places, table, training)[0].embed(frames[:5])

    whole, real = fit(), torch.nn.functional.cross_entropy
    assert not np.array_equal(whole, fit(seed=1))
    with pytest.MonkeyPatch.context() as patch:
        steps = iter(range(20))

        def loss(*args):
            if next(steps) == 12:
                raise KeyboardInterrupt
            return real(*args)

        patch.setattr("agents.metrics.tables.classified.F.cross_entropy", loss)
        with pytest.raises(KeyboardInterrupt):
            fit(folder=tmp_path)
    assert np.array_equal(fit(folder=tmp_path), whole)


# Disturbance


def images(rng, count=6):
    return torch.as_tensor(rng.integers(60, 190, (count, 1, 12, 20)).astype(np.uint8))


@pytest.mark.parametrize("only", ["turn", "gain", "bias", "noise", "patch"])
def test_each_kind_of_disturbance_does_what_it_says_and_nothing_else(only, rng):
    none = dict.fromkeys(("turn", "gain", "bias", "noise", "patch"), 0)
    config = AugmentationConfig(**{**none, only: {"turn": 3, "gain": 0.1, "bias": 9.0, "noise": 5.0, "patch": 6}[only]})
    before = images(rng)
    what = config.sample(rng, 6)
    after = config.apply(before, what)
    seen = before.float()
    if only == "turn":
        expected = torch.stack([torch.roll(x, int(by), -1) for x, by in zip(seen, what["turn"], strict=True)])
        assert torch.equal(after, expected)
    elif only == "gain":
        torch.testing.assert_close(after, seen * torch.as_tensor(what["gain"])[:, None, None, None])
    elif only == "bias":
        torch.testing.assert_close(after, seen + torch.as_tensor(what["bias"])[:, None, None, None])
    elif only == "noise":
        assert (after - seen).std().item() == pytest.approx(5, rel=0.1)
    else:
        for old, new, (high, wide) in zip(seen, after, what["side"].T, strict=True):
            hidden = torch.isclose(new, old.mean(), atol=1e-3)[0] & (new != old)[0]
            assert hidden.sum() == high * wide
            assert (new == old)[0].sum() == 240 - high * wide
            rows, columns = hidden.any(1).nonzero(), hidden.any(0).nonzero()
            assert (len(rows), len(columns)) == ((high, wide) if high * wide else (0, 0))


def test_images_disturbed_by_nothing_are_the_images(rng):
    config = AugmentationConfig(0, 0, 0, 0, 0)
    before = images(rng)
    assert torch.equal(config.apply(before, config.sample(rng, 6)), before.float())


def test_the_same_draw_disturbs_in_the_same_way(rng):
    config, before = AugmentationConfig(), images(rng)
    first, again, other = (config.sample(np.random.default_rng(seed), 6) for seed in (1, 1, 2))
    assert torch.equal(config.apply(before, first), config.apply(before, again))
    assert not torch.equal(config.apply(before, first), config.apply(before, other))


def test_a_disturbance_that_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="noise of the disturbance is -1"):
        AugmentationConfig(noise=-1)


def test_step_lengths_are_lengths_of_edges():
    """A ring of which one arc is three times as long: its ends are farther apart by the way through it."""
    rng = np.random.default_rng(5)
    dataset, truth = ring_world(40, 4, noise=12, rng=rng)
    first = truth[dataset.transitions[:, 0]]
    long = Dataset(
        dataset.observations,
        None,
        dataset.episode_lengths,
        step_lengths=np.where(first < 5, 30, 10).astype(np.float32),
    )
    agent = Plan2VecPlaces().fit(long, seed=0, progress=False)
    rows = [np.flatnonzero(truth == place)[0] for place in (0, 5, 10)]
    here, there = dataset.observations[rows[:2]], dataset.observations[rows[1:]]
    far, near = agent.distance(here, there)
    assert far > 2 * near
