"""What each control of wormholes keeps out, and what true closures it costs, in rooms, streets and on the rope."""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.graphs.pruning import PruningConfig
from agents.metrics.places import PlaceMetricConfig
from agents.training.config_json import to_dict
from plan2vec_envs.rope.env import SUCCESS_DISPLACEMENT

from ..edges.edge_truth import CLOSURES_ASKED, SHORT_WAY, STARTS_A_GOAL, clean_up, draw_tasks, judge
from ..edges.edge_worlds import BAGS, FAR_IN_ROOM, PASSES, edge_world, metric_config
from ..lab import AgentCache, Experiment, Found, Plan, Run, Table, crossed, register_experiment
from ..lab.scores import means, number, plain, row
from ..streets import streets

LOOSE = {"rooms": (1.5, 2.2, 2.6), "streets": (0.7, 0.75, 0.9), "rope": (1.6, 2.0, 2.4)}
"""Fixed thresholds in steps, above the calibrated ones; the controls work on graphs of the middle one."""
CONTROLS: dict[str, tuple[str, dict[str, Any]]] = {
    "agreement-1.1": ("agreement 1.1", {"agreement": 1.1}),
    "agreement-1": ("agreement 1", {"agreement": 1.0}),
    "mutual-20": ("mutual 20", {"mutual": 20}),
    "mutual-5": ("mutual 5", {"mutual": 5}),
    "consistent-slack": ("consistent 3, slack .5", {"consistent": 3, "slack": 0.5}),
    "consistent": ("consistent 3, slack 0", {"consistent": 3}),
    "support-.45": ("support .45", {"support": 0.45}),
    "support-.3": ("support .3", {"support": 0.3}),
    "penalty-2": ("penalty 2", {"penalty": 2.0}),
    "penalty-10": ("penalty 10", {"penalty": 10.0}),
    "together": ("agreement 1, mutual 20, penalty 10", {"agreement": 1.0, "mutual": 20, "penalty": 10.0}),
}
"""Controls on top of the loose threshold, the weaker setting of each first."""
CUTS = (1, 3, 10)
PLANS_A_ROUND = 100
ROWS = ("calibrated", "default", "tight", "loose", "looser", *CONTROLS, *(f"cut-{rounds}" for rounds in CUTS))
_COLUMNS = {
    "found": ",.0f",
    "recall": ".2f",
    "short": ".1f",
    "false": ".2f",
    "alone_false": ".2f",
    "connected": ".1f",
    "clean": ".1f",
    "alone_clean": ".1f",
}
_COUNTS = ("vertices", "closures", "threshold")
_TITLES = {"rooms": "Rooms", "streets": "Streets", "rope": "Rope"}


@register_experiment
class Wormholes(Experiment):
    """Recall of closures, false edges and plans without one, by control and domain."""

    id = "wormholes"
    title = "Wormholes: what each control keeps out and what it costs"
    choices = tuple(LOOSE)
    varies_size = True
    seeds = 3
    groups = ("domains", "domain", "name")
    about = (
        "One local metric a domain and seed; only the graph is built again in each row. Rooms: C-Maze, 150 rollouts. "
        f"Streets: the part Small of Manhattan, or a city of its size, drives in {PASSES} passes, the linear metric of "
        "plan2vec-places in median recorded steps; a vertex is a picture. Rope: order visible, 18 sequences of 261 "
        "pictures, its local metric with 4 networks and 400 steps. All bridges are left out. The truth is of this "
        "evaluation alone. A true closure: two frames of different trajectories within one step of each other round "
        "the walls (rooms), pictures of one place (streets; what two drives of a pass saw there are the same bytes "
        f"and one vertex), no node displaced by {SUCCESS_DISPLACEMENT:g} px (rope). A false edge: a found edge "
        f"between frames more than {FAR_IN_ROOM:g} steps apart (rooms: a threshold of 2.2 may join what is 2 apart), "
        f"of places neither the same nor linked (streets), {SUCCESS_DISPLACEMENT:g} px or more (rope). Recall: "
        f"closures that are edges; beside it, which of {CLOSURES_ASKED} closures {SHORT_WAY} edges or fewer join. "
        "Plans are Dijkstra's between frames of different trajectories; connected: pairs that have one; then, which "
        "of these go along no false edge. The controls stand on a threshold that is too large on purpose; beside each "
        "that drops edges, what a threshold alone would give that has the same recall. agreement in the streets: of "
        f"{BAGS} metrics, each learned without another third of the drives. Clean-up: a round makes {PLANS_A_ROUND} "
        "plans and cuts the false edges on them, at which an execution would fail; plans are judged on other pairs."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One group per domain and seed, one run per row."""
        comparable = plan.preset.comparable
        (world,) = streets.worlds_at_hand(("small" if comparable else "tiny",))
        sizes = {"rooms": "150x10", "rope": "18x260"} if comparable else {"rooms": "40x10", "rope": "4x60"}
        configs = {domain: PlaceMetricConfig() if domain == "streets" else metric_config(domain) for domain in LOOSE}
        return crossed(
            "{domain} seed {seed}",
            "{row}",
            {"domain": plan.only or LOOSE, "seed": range(plan.num_seeds(self.seeds)), "row": ROWS},
            size=lambda at: sizes.get(at["domain"], world),
            loose=lambda at: list(LOOSE[at["domain"]]),
            controls=lambda at: CONTROLS[at["row"]][1] if at["row"] in CONTROLS else {},
            config=lambda at: to_dict(configs[at["domain"]]),
            **plan.effort,
        )

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """Builds one graph and judges it."""
        params = run.params
        seed, row, (tight, loose, looser) = params["seed"], params["row"], params["loose"]
        how = cache.plan.device, cache.plan.execution
        world = edge_world(params["domain"], seed, params["size"], params["steps"], *how)
        if row == "default":
            graph = world.default()
        else:
            thresholds = {"calibrated": world.threshold, "tight": tight, "looser": looser}
            graph = world.build(thresholds.get(row, loose), PruningConfig(**params["controls"]))
        if row.startswith("cut-"):
            rounds, rng = int(row.removeprefix("cut-")), np.random.default_rng([seed, 1])
            graph = clean_up(graph, world.oracle_is_false, world.groups, rounds, PLANS_A_ROUND, rng)
        tasks = draw_tasks(world.groups, params["tasks"], np.random.default_rng([seed, 0]))
        found = judge(graph, world.oracle_closures, world.oracle_is_false, *tasks)
        alone = None
        if found["recall"] and (row == "default" or params["controls"].keys() - {"penalty"}):
            alone_graph = world.build(world.threshold_of_recall(found["recall"]), PruningConfig())
            alone = judge(alone_graph, world.oracle_closures, world.oracle_is_false, *tasks)
        found |= {f"alone_{key}": alone and alone[key] for key in ("false", "clean")}
        counts = {"vertices": len(world.latents), "closures": len(world.oracle_closures)}
        return {**found, **counts, "threshold": round(float(world.threshold), 4)}

    def say(self, result: dict[str, Any]) -> str:
        """False edges, and plans without."""
        shares = {key: result[key] for key in ("recall", "false", "clean")}
        return ", ".join(f"{key} {number(share, '.1%')}" for key, share in shares.items())

    def pool(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """Each over the runs that had something to take a share of."""
        return means(runs, *_COLUMNS, *_COUNTS)

    def summarise(self, found: Found, plan: Plan) -> dict[str, Any]:
        """Domains -> rows -> means over seeds."""
        sizes = {run.params["domain"]: run.params["size"] for run, _ in found}
        summary = super().summarise(found, plan)
        for domain, each in summary["domains"].items():
            summary["domains"][domain] = {
                "size": sizes[domain],
                "loose": list(LOOSE[domain]),
                **{key: each["loose"][key] for key in _COUNTS},
                "rows": {name: {key: found[key] for key in _COLUMNS} for name, found in each.items()},
            }
        return summary

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """A table a domain."""
        head = ["found edges", "recall of closures, %", f"within {SHORT_WAY} edges, %", "false edges, %"]
        head += ["threshold alone", "connected, %", "plans without a wormhole, %", "threshold alone"]
        tables = []
        for domain, found in summary["domains"].items():
            rows = []
            for name, one in found["rows"].items():
                scales = {key: 1 if key == "found" else 100 for key in _COLUMNS}
                texts = [plain(one[key], form, scales[key]) for key, form in _COLUMNS.items()]
                rows.append(row(_label(name, found["loose"]), *texts, ours=name == "default"))
            note = (
                f"{found['size']}, {summary['seeds']} seeds, {found['vertices']['value']:,.0f} vertices, "
                f"{found['closures']['value']:,.0f} true closures, calibrated threshold "
                f"{plain(found['threshold'], '.2f')} steps; {summary['tasks']} plans a row, {STARTS_A_GOAL} to each "
                "goal; mean [95 % bootstrap over seeds]."
            )
            tables.append(Table(_TITLES[domain], ["", *head], rows, [note]))
        return tables


def _label(row: str, loose: list[float]) -> str:
    steps = dict(zip(("tight", "loose", "looser"), loose, strict=True))
    if row in steps:
        return f"threshold {steps[row]:g}"
    if row in CONTROLS:
        return f"{steps['loose']:g}, {CONTROLS[row][0]}"
    if row.startswith("cut-"):
        rounds = row.removeprefix("cut-")
        return f"{steps['loose']:g}, cut after {rounds} round{'s' * (rounds != '1')}"
    return {"calibrated": "calibrated threshold", "default": "default of the domain"}[row]
