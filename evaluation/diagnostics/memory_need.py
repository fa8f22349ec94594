"""How much memory a fit will take, said before it begins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.networks.device_memory import available_memory
from data_collection import Dataset

_FLOAT = 4
_LOADED = 60_000_000
"""Bytes of libraries that are loaded only once a stage needs them."""


@dataclass(frozen=True)
class MemoryNeed:
    """Bytes: what the process holds already, what the largest stage adds, and what the machine has left."""

    held: int
    added: dict[str, int]
    """by stage, while it runs"""
    free: int | None
    """None where the system does not tell"""

    @property
    def peak(self) -> int:
        """Held, the largest stage, and what is loaded for it."""
        return self.held + max(self.added.values()) + _LOADED

    @property
    def fits(self) -> bool:
        """Whether the largest stage finds room."""
        return self.free is None or max(self.added.values()) <= self.free


def predict_memory(dataset: Dataset, config: Any) -> MemoryNeed:
    """What a staged agent with this configuration will need on this dataset.

    Each stage holds arrays whose sizes are known beforehand: prepared frames, latents, a table of landmarks by
    vertices, and a matrix between landmarks. Networks and their optimisers are small beside them.

    Args:
        dataset: already read.
        config: of `plan2vec`, `plan2vec-waypoints` or another agent with a graph.
    """
    rows = dataset.num_observations
    local = config.local_metric
    entries = _prepared_entries(local.trunk, dataset)
    latent = entries if local.trunk == "identity" else local.members * local.latent_dim
    added = {"local": rows * (entries + 2 * latent) * _FLOAT + rows * 16}
    graph = getattr(config, "graph", None)
    vertices = rows
    if graph is not None:
        vertices = min(rows, graph.max_vertices)
        pool = min(rows, graph.pool) if graph.vertices == "spread" else vertices
        edges = vertices * min(vertices, 80)
        added["graph"] = (pool + vertices) * latent * _FLOAT + edges * 60
    if hasattr(config, "embedding"):
        added["global"] = _global_bytes(config, vertices, dataset)
    model = _control_model(config)
    if model is not None and dataset.actions is not None:
        embedded = latent if model == "forward" else _prepared_entries(config.inverse_model.trunk, dataset)
        added[model] = rows * (embedded + 4) * _FLOAT + dataset.actions.nbytes
    return MemoryNeed(_held(), added, available_memory())


def _prepared_entries(trunk: str, dataset: Dataset) -> int:
    """Entries of what a trunk keeps of each frame while it learns."""
    shape = dataset.observation_shape
    if len(shape) == 1:
        return int(shape[0])
    small = {"pooled_mlp": shape[0] * 256, "grey_levels": shape[0] * 64}
    return small.get(trunk, int(shape[0] * shape[1] * shape[2]))


def _global_bytes(config: Any, vertices: int, dataset: Dataset) -> int:
    if config.embedding == "anchored":
        landmarks = min(vertices, config.table.landmarks)
        # Rows of Dijkstra in float64 and float32 once each, then three matrices between landmarks in float64.
        return landmarks * vertices * 12 + 3 * landmarks**2 * 8 + vertices * config.table.latent_dim * 8
    metric = config.global_metric
    return vertices * (_prepared_entries(metric.trunk, dataset) + metric.sources * 3) * _FLOAT


def _control_model(config: Any) -> str | None:
    if hasattr(config, "control"):
        return str(config.control) if config.control in ("inverse", "forward") else "inverse"
    return "forward" if hasattr(config, "forward_model") else None


def _held() -> int:
    """Resident bytes of this process; a guess where the system does not tell."""
    try:
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return 400_000_000
