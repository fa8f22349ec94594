"""Figs. 9 and 14: distances between quarters of the map that were never asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.graphs.shortest_paths import distances_from
from agents.metrics.distillation import LandmarkRegressionConfig
from agents.metrics.global_metric import GlobalMetricConfig
from agents.metrics.heads.l2 import L2Head
from agents.metrics.heads.lp import LpHead
from plan2vec_envs.image_graph import WorldGraph, get_views

from ..figures import streets as street_figures
from ..lab import AgentCache, Experiment, Figure, Found, Plan, Run, Table, crossed, register_experiment
from ..lab.plan import configured
from ..lab.scores import mean_of, plain, row
from ..streets import streets
from ..streets.street_walk import by_latents, street_tasks, street_walk

WORLDS = ("small", "medium")
HEADS: dict[str, tuple[str, dict[str, Any]]] = {
    "l2-32": ("L2, 32-d", {"head": L2Head(), "latent_dim": 32}),
    "l1-32": ("L1, 32-d", {"head": LpHead(1.0), "latent_dim": 32}),
    "l2-3": ("L2, 3-d", {"head": L2Head(), "latent_dim": 3}),
    "paper-2": ("l^1.2, 2-d", {"head": LpHead(1.2), "latent_dim": 2}),
}


@register_experiment
class Fig9(Experiment):
    """Training pairs restricted by quarters, and a control that sees all of them."""

    id = "fig9"
    title = "Figs. 9 and 14: quarters of the map"
    panels = ("fig14",)
    choices = (*WORLDS, *HEADS)
    seeds = 2
    groups = ("worlds", "world", "head", "side")
    about = (
        "The map is cut in four at the mean east and north. Networks regress distances on the true graph from recorded "
        "views, one a place; restricted: pairs between diagonally opposite quarters are never trained on, control: all "
        "pairs are. Judged on those held-out pairs: relative error of D, and driving between them, goals within 50 "
        "links, with one look a step and a visited set. Which quarter a place lies in is ground truth, of the "
        "experiment and not of the learner."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One run per world, seed, head and side."""
        seeds, worlds = range(plan.num_seeds(self.seeds)), streets.worlds_at_hand(plan.chosen(WORLDS))
        axes = {"seed": seeds, "world": worlds, "head": plan.chosen(HEADS), "side": ("restricted", "control")}
        return crossed("{world} seed {seed} {head}", "{side}", axes, steps=plan.preset.steps)

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """Trains one network and judges it."""
        params = run.params
        world = streets.street_world(params["world"])
        graph, quarters = streets.true_graph(world), quarters_of(world)
        views = get_views(world, "recorded", 1)
        config = GlobalMetricConfig(
            trunk="cnn", hidden=256, algorithm=LandmarkRegressionConfig(1024, 1500), **HEADS[params["head"]][1]
        )

        def opposite(sources: np.ndarray) -> np.ndarray:
            return is_diagonal(quarters[sources][:, None], quarters[None])

        known = (lambda sources: ~opposite(sources)) if params["side"] == "restricted" else None
        config, training = configured(config, {}, params["steps"]), cache.plan.training(params["seed"])
        metric, _ = streets.fit_on_frames(config, views.frames, graph, training, known)
        latents = metric.embed(views.frames)
        rng = np.random.default_rng(params["seed"])
        sources = np.sort(rng.choice(world.num_places, min(256, world.num_places), replace=False))
        truth = distances_from(graph, sources)
        found = metric.between(latents[sources][:, None], latents[None])
        diagonal = opposite(sources)
        error = np.abs(found - truth) / (truth + 1)
        tasks = street_tasks(world, 600)
        held_out = np.flatnonzero(is_diagonal(quarters[tasks.start], quarters[tasks.goal]))[:100]
        walked = street_walk(world, views, by_latents(latents, metric.between), tasks.take(held_out), visited=True)
        return {
            "held_out": round(float(error[diagonal].mean()), 4),
            "trained": round(float(error[~diagonal].mean()), 4),
            "bias": round(float(((found - truth) / (truth + 1))[diagonal].mean()), 4),
            "success": round(float(walked.solved.mean()), 4) if len(held_out) else None,
            "tasks": len(held_out),
        }

    def say(self, result: dict[str, Any]) -> str:
        """Errors on both kinds of pairs."""
        return f"error {result['held_out']:.1%} between opposite quarters, {result['trained']:.1%} elsewhere"

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """A table a world."""
        head = ["", "error between opposite quarters, %", "bias there, %", "error elsewhere, %"]
        head += ["success between them, %"]
        tables = []
        for name, heads in summary["worlds"].items():
            rows = []
            for kind, sides in heads.items():
                for side, runs in sides.items():
                    shares = [mean_of(run[key] and 100 * run[key] for run in runs) for key in _SHARES]
                    cells = [plain(share, ".1f") for share in shares]
                    rows.append(row(f"{HEADS[kind][0]}, {side}", *cells, ours=side == "restricted"))
            note = f"{summary['seeds']} seeds; mean [least, greatest of them]."
            tables.append(Table(f"{name}: pairs between opposite quarters", head, rows, [note]))
        return tables

    def figures(self, found: Found, summary: dict[str, Any]) -> list[Figure]:
        """The quarters on the map."""
        name = next(iter(summary["worlds"]))
        world = streets.street_world(name)
        data = street_figures.quarters_figure(world, quarters_of(world))
        return [Figure("fig9.png", data, f"{name}: opposite quarters have the same hue.", narrow=True)]


_SHARES = ("held_out", "bias", "trained", "success")


def quarters_of(world: WorldGraph) -> np.ndarray:
    """(N,) int64: 0 south-west, 1 south-east, 2 north-west, 3 north-east of the mean position."""
    east, north = (world.oracle_position > world.oracle_position.mean(0)).T
    return east + 2 * north.astype(np.int64)


def is_diagonal(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Whether quarters lie opposite each other."""
    return a + b == 3
