"""Streets to judge on, and drivers that know nothing or everything."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from agents.graphs.graph import Graph
from agents.metrics.global_metric import GlobalMetric, GlobalMetricConfig
from agents.metrics.tables.anchored import AnchoredMetric
from agents.metrics.tables.table_embedding import embed_table
from agents.training.loop import Training
from data_collection.sources import read_streets
from plan2vec_envs.errors import MissingFileError
from plan2vec_envs.image_graph import Views, WorldGraph, get_world
from plan2vec_envs.io.folders import data_dir

from .street_walk import Distance, StreetTasks, Walked, by_latents, street_walk

STAND_INS = {"tiny": "city-53", "small": "city-264", "medium": "city-540", "large": "city-1530"}
"""Cities of the same sizes, for who has no street data."""


def street_world(name: str) -> WorldGraph:
    """A world by name; a part of Manhattan also straight from Touchdown's files in PLAN2VEC_DATA.

    Raises:
        MissingFileError: if there is no such data, saying how to get it.
        UnknownNameError: with the closest name.
    """
    try:
        return get_world(name)
    except MissingFileError:
        if (data := data_dir()) is None or not (data / "touchdown").is_dir():
            raise
        return read_streets("touchdown", data / "touchdown", subset=name, connected=True)[0]


def worlds_at_hand(names: Iterable[str]) -> list[str]:
    """These parts of Manhattan, or cities of their sizes where there is no street data."""
    found = []
    for name in names:
        try:
            street_world(name)
        except MissingFileError:
            name = STAND_INS.get(name, "city")
        found.append(name)
    return found


def fit_on_frames(
    config: GlobalMetricConfig,
    frames: np.ndarray,
    graph: Graph,
    training: Training,
    known_mask: Callable[[np.ndarray], np.ndarray] | None = None,
) -> tuple[GlobalMetric, dict[str, float]]:
    """A network on all frames of a graph, none held out; figures as of `GlobalMetric.fit`, with ``cpu`` seconds."""
    training.clock.begin()
    metric, figures = GlobalMetric.fit(
        config, frames, np.zeros(len(frames), bool), graph, training, known_mask=known_mask
    )
    return metric, {**figures, "cpu": round(training.clock.spent()[1], 1)}


def both_walks(world: WorldGraph, views: Views, distance: Distance, tasks: StreetTasks, seed: int) -> dict[str, Walked]:
    """The tasks with a visited set and without: "visited" and "memoryless"."""
    return {
        how: street_walk(world, views, distance, tasks, visited=how == "visited", seed=seed)
        for how in ("visited", "memoryless")
    }


def by_agent(agent: Any, views: Views) -> tuple[Distance, float]:
    """An agent's distance between pictures, each embedded once, and microseconds that embedding one took."""
    began = time.perf_counter()
    latents = agent.embed(views.frames)
    spent = time.perf_counter() - began
    return by_latents(latents, agent.between), 1e6 * spent / len(latents)


def by_pixels(views: Views) -> Distance:
    """Root of the mean squared difference of pixels, in grey levels."""
    flat = views.frames.reshape(len(views.frames), -1).astype(np.float32)
    return lambda rows, goals: np.sqrt(np.square(flat[rows] - flat[goals]).mean(1))


def by_chance(seed: int) -> Distance:
    """A coin for each neighbour, at every look."""
    rng = np.random.default_rng(seed)
    return lambda rows, goals: rng.random(len(rows))


def nearest_pictures(views: Views, recorded: np.ndarray) -> np.ndarray:
    """For each picture the row of the recorded frame with the nearest pixels: (R,) of (U, C, H, W)."""
    from agents.metrics.nearest import k_nearest

    queries, keys = (frames.reshape(len(frames), -1).astype(np.float32) for frames in (views.frames, recorded))
    return k_nearest(queries, keys, 1, at_once=256)[0][:, 0]


def by_pixel_places(agent: Any, views: Views, recorded: np.ndarray) -> tuple[Distance, float]:
    """The agent's own table of places, looked up by the nearest recorded pixels in place of its local metric.

    Args:
        agent: ``plan2vec-places``.
        views: pictures on the way.
        recorded: (U, ...) the agent's anchors.

    Returns:
        The distance, and microseconds that looking one picture up took.
    """
    metric: AnchoredMetric = agent.metric
    began = time.perf_counter()
    latents = metric.table[metric.places[nearest_pictures(views, recorded)]]
    spent = time.perf_counter() - began
    return by_latents(latents, agent.between), 1e6 * spent / len(latents)


def with_true_links(agent: Any, world: WorldGraph, oracle_places: np.ndarray) -> AnchoredMetric:
    """The agent's eyes on the true map: which place each anchor shows, and every link, are ground truth.

    Args:
        agent: ``plan2vec-places``.
        world: the true map.
        oracle_places: (U,) place that each of the agent's anchors shows.
    """
    metric: AnchoredMetric = agent.metric
    config = agent.config.global_metric
    table, _ = embed_table(config.table, true_graph(world), np.random.default_rng(0))
    return AnchoredMetric(config.anchors, metric.local, metric.keys, oracle_places, table)


def true_graph(world: WorldGraph, least_step: float = 0.5) -> Graph:
    """The world's links as a graph of an agent: lengths in median links, at least ``least_step``."""
    lengths = np.maximum(world.lengths / world.median_length, least_step)
    return Graph.from_edges(world.num_places, np.column_stack([world.links, lengths]))


def places_of(world: WorldGraph, oracle_position: np.ndarray) -> np.ndarray:
    """The place of each true position: (N, 2) metres -> (N,) int64; of places at one position, the first."""
    from scipy.spatial import cKDTree

    first = np.unique(world.oracle_position.round(3), axis=0, return_index=True)[1]
    first.sort()
    return first[cKDTree(world.oracle_position[first]).query(oracle_position)[1]]
