"""Table 2: driving through streets with one look at the neighbours a step."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from agents import Plan2VecPlaces, get_agent
from agents.metrics.tables.classified import ClassifiedMetric
from data_collection import Dataset
from data_collection.collection.drives import collect_drives
from plan2vec_envs.image_graph import Views, WorldGraph, get_views

from ...report.published import TABLE_2
from ..lab import AgentCache, Experiment, Found, Plan, Run, Table, crossed, register_experiment
from ..lab.plan import configured
from ..lab.scores import averages, bits, percent, rate, successes
from ..streets import streets
from ..streets.street_walk import Distance, StreetTasks, street_tasks, street_walk

WORLDS = ("tiny", "small", "medium", "large")
PASSES = 5
LABELS = {
    "places": "plan2vec, anchored",
    "places-3": "plan2vec, anchored, 3 passes",
    "places-2": "plan2vec, anchored, 2 passes",
    "places-1": "plan2vec, anchored, 1 pass",
    "places-harder": "plan2vec, anchored, lane ±4 m and yaw ±5° everywhere",
    "harder-unseen": "plan2vec, anchored, lane ±4 m and yaw ±5° in new views alone",
    "true-links": "plan2vec, anchored, true links (oracle)",
    "classified": "plan2vec, network that says which place",
    "network": "plan2vec, network that regresses",
    "pixel-places": "nearest pixels + the same table",
    "sptm-1-step": "SPTM (1-step), Siamese",
    "vae": "VAE, 8-d",
    "pixels": "pixels, L2",
    "random": "random",
}
"""Methods, ours first."""
_VARIANTS = ("places-3", "places-2", "places-1", "places-harder", "harder-unseen", "true-links", "pixels")
_NETWORKS = ("classified", "network", "sptm-1-step", "vae")
_PAPER = {"places": "plan2vec", "sptm-1-step": "SPTM (1-step)", "vae": "VAE", "random": "Random"}


@register_experiment
class Table2(Experiment):
    """Strict and lenient, with views that were seen and with new ones."""

    id = "table2"
    title = "Table 2: streets, one look a step"
    choices = (*WORLDS, *LABELS)
    seeds = 5
    groups = ("worlds", "world", "name")
    about = (
        f"Random drives of 10 links come through every place once in each of {PASSES} passes (fewer where a row says "
        "so); a pass has one picture of each place, so that drives of one pass which cross see the very same bytes, as "
        "recorded panoramas are. The learner sees picture sequences and step lengths with 5 % error, no positions. "
        "Then 200 tasks, goals within 50 links, 200 steps at most: at every place the driver sees one picture of each "
        "neighbour and goes where the distance to the goal's picture is least (k = 1, |H| = 1). Novel: all pictures on "
        "the way and of the goal are views that no drive has seen; the goal's own picture is never shown on the way, "
        "where there is another. Success is to stand at the goal place itself; within 20 m is the lenient criterion of "
        "the paper's released code. The network that says which place is trained on pictures disturbed at random "
        "(turned, in another exposure, noisy, partly hidden): it knows more of what may differ than the other rows do."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One group per world and seed, one run per method."""
        seeds, worlds = range(plan.num_seeds(self.seeds)), streets.worlds_at_hand(plan.chosen(WORLDS))
        axes = {"seed": seeds, "world": worlds, "who": plan.chosen(LABELS)}
        return crossed("{world} seed {seed}", "{who}", axes, **plan.effort)

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """One method in one world."""
        name, seed = run.params["who"], run.params["seed"]
        world = streets.street_world(run.params["world"])
        tasks = street_tasks(world, run.params["tasks"])
        digits = name.rpartition("-")[2]
        passes = int(digits) if digits.isdigit() else PASSES
        recorded = get_views(world, "recorded", passes, harder=name == "places-harder")
        novel = get_views(world, "novel", harder="harder" in name)
        began = time.process_time()
        see, costs = _driver(name, world, recorded, passes, seed, run.params["steps"], cache.plan)
        result: dict[str, Any] = {"cpu": round(time.process_time() - began, 2), **costs}
        for kind, views in (("novel", novel), ("recorded", recorded)):
            distance, result[f"{kind}_us"] = see(views)
            for how in ("visited", "memoryless"):
                result[f"{kind} {how}"] = _scores(world, views, distance, tasks, how == "visited", seed)
        return result

    def say(self, result: dict[str, Any]) -> str:
        """Strict success on novel views."""
        seen = [rate(result[f"novel {how}"]["solved"]) for how in ("visited", "memoryless")]
        return f"novel views {seen[0]:.1%} with visited set, {seen[1]:.1%} memoryless; {result['cpu']:.0f} CPU s"

    def pool(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """Rates with intervals, and costs, of a method."""
        found: dict[str, Any] = averages(runs, cpu=2, megabytes=2)
        found["us"] = round(float(np.median([run["novel_us"] for run in runs])), 1)
        for key in (f"{kind} {how}" for kind in ("novel", "recorded") for how in ("visited", "memoryless")):
            each = [run[key] for run in runs]
            spent = {"us_a_step": round(float(np.median([one["us_a_step"] for one in each])), 1)}
            found[key] = successes(each, "solved", "near") | averages(each, ratio=3) | spent
        return found

    def summarise(self, found: Found, plan: Plan) -> dict[str, Any]:
        """Worlds -> methods, as pooled."""
        return {"passes": PASSES, **super().summarise(found, plan)}

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """Novel views strictly, all ways of judging, and what each costs."""
        worlds = summary["worlds"]

        def row(name: str, label: str, key: str | None = None, score: str = "") -> tuple[str, list[str]]:
            found = [rows.get(name) for rows in worlds.values()]
            texts = ["–" if r is None else percent(r[key][score]) if key else _cost(r) for r in found]
            return _kind(name), [LABELS[name] + label, *texts]

        head = ["success at the goal place, %", *worlds]
        strict: list[tuple[str, list[str]]] = []
        variants: list[tuple[str, list[str]]] = []
        rows, costs = [], []
        for name in LABELS:
            if not any(name in rows_ for rows_ in worlds.values()):
                continue
            for how, label in (("visited", ", with visited set"), ("memoryless", ", memoryless")):
                (variants if name in _VARIANTS else strict).append(row(name, label, f"novel {how}", "solved"))
                for kind in ("novel", "recorded"):
                    for score, judged in (("solved", "goal place"), ("near", "within 20 m")):
                        rows.append(row(name, f"{label}, {kind}, {judged}", f"{kind} {how}", score))
            if name in _PAPER:
                numbers = [TABLE_2[_PAPER[name]].get(world, "–") for world in worlds]
                strict.append(("paper", [f"paper, {_PAPER[name]}", *numbers]))
            costs.append(row(name, ""))
        note = (
            f"{summary['seeds']} data-and-training seeds x {summary['tasks']} tasks; mean [95 % stratified "
            "bootstrap over seeds within tasks; Wilson where all runs agree]. The paper's numbers are for its own "
            "graphs and pictures, within 20 m and 20 steps as the released code suggests."
        )
        return [
            Table("Novel views, strictly", head, strict, [note]),
            *([Table("Other data and other eyes, novel views", head, variants)] if variants else []),
            Table("All ways of judging", ["%", *worlds], rows),
            Table(
                "What it costs", ["CPU s to learn · MB to keep · us to embed a picture", *worlds], costs,
            ),
        ]  # fmt: skip


def _driver(
    name: str, world: WorldGraph, recorded: Views, passes: int, seed: int, steps: float, plan: Plan
) -> tuple[Callable[[Views], tuple[Distance, float]], dict[str, float]]:
    """Who drives: how it sees a set of pictures, with microseconds a picture; what it takes to keep."""
    if name == "random":
        return (lambda views: (streets.by_chance(seed), 0.0)), {"megabytes": 0.0}
    if name == "pixels":
        return (lambda views: (streets.by_pixels(views), 0.0)), {"megabytes": 0.0}
    if name in _NETWORKS:
        drives = collect_drives(world, recorded, coverage=passes, passes=passes, seed=seed)
        how = {"device": plan.device, "execution": plan.execution, "progress": False}
        agent = _network_agent(name, steps).fit(drives.without_oracle(), seed=seed, **how)
        return (lambda views: streets.by_agent(agent, views)), {"megabytes": _megabytes(agent)}
    drives, agent = places_of_drives(world, recorded, passes, seed)
    anchors = agent.frame_graph.anchor_rows
    places: Any = agent.metric
    costs: dict[str, float] = {"megabytes": places.nbytes / 1e6, "places": agent.graph.num_vertices}
    if name == "pixel-places":
        frames = drives.observations[anchors]
        costs["megabytes"] += frames.nbytes / 1e6
        return (lambda views: streets.by_pixel_places(agent, views, frames)), costs
    if name == "true-links":
        assert drives.oracle_position is not None
        true_places = streets.places_of(world, drives.oracle_position[anchors])
        agent.metric = streets.with_true_links(agent, world, true_places)
    return (lambda views: streets.by_agent(agent, views)), costs


def places_of_drives(world: WorldGraph, recorded: Views, passes: int, seed: int) -> tuple[Dataset, Plan2VecPlaces]:
    """Drives through so many passes of recorded views, and plan2vec-places fitted on them."""
    drives = collect_drives(world, recorded, coverage=passes, passes=passes, seed=seed)
    return drives, Plan2VecPlaces().fit(drives.without_oracle(), seed=seed, progress=False)


def _network_agent(name: str, steps: float) -> Any:
    options: dict[str, Any] = {"vae.latent_dim": 8} if name == "vae" else {}
    if name in ("classified", "network"):
        name, options = "plan2vec-places", {"global_metric": name}
    agent = get_agent(name)
    return agent(configured(agent().config, options, steps))


def _megabytes(agent: Any) -> float:
    """What acting needs; a decoder is not among it."""
    if isinstance(agent.metric, ClassifiedMetric):
        return agent.metric.nbytes / 1e6
    network = agent.local_metric.network if agent.name == "sptm-1-step" else agent.metric.network
    network = getattr(network, "encoder", network)
    return 4e-6 * sum(weight.numel() for weight in network.parameters())


def _scores(
    world: WorldGraph, views: Views, distance: Distance, tasks: StreetTasks, visited: bool, seed: int
) -> dict[str, Any]:
    began = time.perf_counter()
    walked = street_walk(world, views, distance, tasks, visited=visited, seed=seed)
    spent = time.perf_counter() - began
    ratio = walked.metres[walked.solved] / tasks.metres[walked.solved]
    return {
        "solved": bits(walked.solved),
        "near": bits(walked.near),
        "ratio": round(float(ratio.mean()), 4) if len(ratio) else None,
        "us_a_step": round(1e6 * spent / max(int(walked.steps.sum()), 1), 2),
    }


def _kind(name: str) -> str:
    return "oracle" if "true" in name else "ours" if name.startswith(("places", "harder", "classified")) else ""


def _cost(row: dict[str, Any]) -> str:
    return f"{row['cpu']:.1f} · {row['megabytes']:.1f} · {row['us']:.0f}"
