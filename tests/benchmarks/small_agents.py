"""Agents that are hardly trained, for measuring: what acting costs does not depend on what was learned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from agents import Plan2Vec
from agents.graphs.building import WholeEpisodes
from agents.metrics.tables.table_embedding import TableConfig
from agents.plan2vec.presets import VECTORS
from agents.plan2vec.waypoints import Plan2VecWaypoints
from data_collection import Dataset, make_dataset
from evaluation.paper.lab.plan import configured

NEIGHBOURS = 20  # vertices within a step of each


def small_agent(env_id: str) -> Plan2Vec:
    """The networks of the defaults, from images."""
    dataset = make_dataset(env_id, size="30x10", seed=0, progress=False).without_oracle()
    return Plan2Vec(configured(Plan2Vec().config, {}, steps=0.02)).fit(dataset, seed=0, progress=False)


def wanderers(num_rows: int, horizon: int = 49) -> Dataset:
    """Random walks of steps up to 1 each way in a square field that has room for about so many rows."""
    rng = np.random.default_rng(0)
    side, walks = (np.pi * num_rows / NEIGHBOURS) ** 0.5, num_rows // (horizon + 1)
    places, moves = [rng.uniform(0, side, (walks, 2))], rng.uniform(-1, 1, (horizon, walks, 2))
    for move in moves:
        places.append(np.clip(places[-1] + move, 0, side))
    return Dataset(
        np.stack(places, 1).reshape(-1, 2).astype(np.float32),
        moves.swapaxes(0, 1).reshape(-1, 2).astype(np.float32),
        np.full(walks, horizon),
    )


def waypoint_agent(dataset: Dataset) -> Plan2VecWaypoints:
    """The waypoint agent for vectors with all rows as vertices, and a coarse table of latents."""
    config = configured(VECTORS, {}, steps=0.02)
    graph = replace(config.graph, vertices=WholeEpisodes(), max_vertices=len(dataset.observations), threshold=1.0)
    table = replace(config.global_metric, table=TableConfig(latent_dim=256, landmarks=300))
    config = replace(config, graph=graph, global_metric=table)
    return Plan2VecWaypoints(config).fit(dataset, seed=0, progress=False)
