"""Figs. 7, 11, 12 and 13: what a plan through pictures of the rope looks like, and what it rests on."""

from __future__ import annotations

from typing import Any

import numpy as np

from data_collection import Dataset

from ..figures.frames import frames_from_text, frames_to_text
from ..figures.rope import Strip, strips_figure
from ..lab import AgentCache, Experiment, Figure, Found, Plan, Run, Table, register_experiment
from ..rope.rope_plans import pairs_across, plan_all, rope_tasks
from ..streets.street_walk import by_latents
from .rope import fitted, recorded

SHOWN = 11
"""Pictures a row."""
CAPTIONS = {
    "fig7": "A plan from one sequence into another: sequence and step above each picture, d to the last one below.",
    "fig11": "Pairs that are joined (above) and not joined (below), d between them.",
    "fig12": "Pictures of other sequences nearest to the left-most one; in red those beyond the threshold.",
    "fig13": "Within one sequence: as recorded, every n-th picture; Dijkstra; one look-up a step, every n-th each.",
}


@register_experiment
class Fig7(Experiment):
    """One graph, four figures."""

    id = "fig7"
    title = "Figs. 7, 11, 12 and 13: plans and neighbours of the rope"
    panels = ("fig11", "fig12", "fig13")
    about = "Seed 0 of `plan2vec reproduce rope`, order visible. The pictures are drawn by the simulator."

    def runs(self, plan: Plan) -> list[Run]:
        """One run."""
        size = [18, 780] if plan.preset.comparable else [4, 100]
        return [Run("rope", "pictures", {"size": size, "steps": plan.preset.steps})]

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """Fits the agent and keeps the rows of pictures."""
        size = run.params["size"]
        dataset = recorded(0, True, *size)
        agent = fitted(0, True, *size, "calibrated", run.params["steps"])
        graph = agent.graph.without_bridges()
        latents = agent.local_latents
        rng = np.random.default_rng(0)
        distance = by_latents(agent.vertex_embeddings, agent.between)
        across = rope_tasks(dataset, 60, rng, across=True)
        plans = plan_all(graph, distance, across.start, across.goal)["dijkstra"]
        lengths = np.where(plans.success & (plans.hops >= 4), plans.hops, np.iinfo(np.int64).max)
        shortest = plans.vertices[int(lengths.argmin())]
        rows = {"fig7": [_plan("plan", _around_crossing(dataset, shortest), dataset, latents)]}
        rows["fig11"] = _pairs(dataset, latents, agent.threshold, rng)
        rows["fig12"] = _neighbours(dataset, latents, agent.threshold, rng)
        within = rope_tasks(dataset, 60, rng, across=False)
        found = plan_all(graph, distance, within.start, within.goal)
        both = found["dijkstra"].success & found["one-visited"].success & (within.recorded >= 20)
        i = int(np.flatnonzero(both)[0]) if both.any() else 0
        original = np.arange(within.start[i], within.goal[i] + 1)
        rows["fig13"] = [
            _plan("recorded", _thinned(original), dataset, latents),
            _plan("Dijkstra", _thinned(found["dijkstra"].vertices[i]), dataset, latents),
            _plan("one look-up", _thinned(found["one-visited"].vertices[i]), dataset, latents),
        ]
        return {"figures": rows, "hops": int(plans.hops[int(lengths.argmin())])}

    def say(self, result: dict[str, Any]) -> str:
        """Length of the plan shown."""
        return f"a plan of {result['hops']} steps"

    def summarise(self, found: Found, plan: Plan) -> dict[str, Any]:
        """Nothing but what was drawn."""
        return {"drawn": list(CAPTIONS)}

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """What each figure shows."""
        rows = [("", [name, CAPTIONS[name]]) for name in summary["drawn"]]
        return [Table("Figures of the rope", ["figure", "what it shows"], rows)]

    def figures(self, found: Found, summary: dict[str, Any]) -> list[Figure]:
        """The four figures."""
        ((_, result),) = found
        return [
            Figure(f"{name}.png", strips_figure([_strip(**row) for row in rows]), CAPTIONS[name])
            for name, rows in result["figures"].items()
        ]


def _strip(frames: str, **texts: Any) -> Strip:
    return Strip(frames=frames_from_text(frames), **texts)


def _row(
    label: str, rows: np.ndarray, below: list[str], dataset: Dataset, red: list[bool] | None = None
) -> dict[str, Any]:
    ids = dataset.episode_ids[rows]
    above = [f"{e}·{r - dataset.episode_starts[e]}" for e, r in zip(ids.tolist(), rows.tolist(), strict=True)]
    frames = frames_to_text(dataset.observations[rows])
    return {"label": label, "frames": frames, "above": above, "below": below, "red": red or [False] * len(rows)}


def _plan(label: str, rows: np.ndarray, dataset: Dataset, latents: np.ndarray) -> dict[str, Any]:
    gaps = np.linalg.norm(latents[rows[1:]] - latents[rows[:-1]], axis=1)
    return _row(label, rows, ["", *(f"{gap:.2f}" for gap in gaps)], dataset)


def _around_crossing(dataset: Dataset, path: np.ndarray) -> np.ndarray:
    """So many vertices of a path, its first change of sequence in the middle."""
    crossings = np.flatnonzero(np.diff(dataset.episode_ids[path]))
    first = max(0, min(int(crossings[0]) - SHOWN // 2 + 1, len(path) - SHOWN)) if len(crossings) else 0
    return path[first : first + SHOWN]


def _thinned(path: np.ndarray) -> np.ndarray:
    return path[np.linspace(0, len(path) - 1, min(SHOWN, len(path))).astype(int)]


def _pairs(dataset: Dataset, latents: np.ndarray, threshold: float, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Five pairs within the threshold and five random ones, of two sequences each; a pair side by side."""
    ids = dataset.episode_ids
    near = pairs_across(latents, ids, threshold)
    joined = near[rng.choice(len(near), min(5, len(near)), replace=False)] if len(near) else np.zeros((0, 2), np.int64)
    far = rng.integers(len(ids), size=(200, 2))
    far = far[(ids[far[:, 0]] != ids[far[:, 1]])][:5]
    rows = []
    for label, pairs in (("joined", joined), ("not joined", far)):
        if not len(pairs):
            continue
        gaps = np.linalg.norm(latents[pairs[:, 0]] - latents[pairs[:, 1]], axis=1)
        below = [text for gap in gaps for text in ("", f"{gap:.2f}")]
        rows.append(_row(label, pairs.ravel(), below, dataset))
    return rows


def _neighbours(
    dataset: Dataset, latents: np.ndarray, threshold: float, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Four pictures of those that come near another sequence, and what the local metric finds nearest elsewhere."""
    ids, rows = dataset.episode_ids, []
    near = pairs_across(latents, ids, threshold)
    close = np.flatnonzero(np.bincount(near.ravel(), minlength=len(ids)) >= 3)
    for query in rng.choice(close if len(close) >= 4 else len(ids), 4, replace=False):
        others = np.flatnonzero(ids != ids[query])
        gaps = np.linalg.norm(latents[others] - latents[query], axis=1)
        order = gaps.argsort()[: SHOWN - 1]
        shown = np.concatenate([[query], others[order]])
        below = ["", *(f"{gap:.2f}" for gap in gaps[order])]
        rows.append(_row("", shown, below, dataset, [False, *(gaps[order] > threshold).tolist()]))
    return rows
