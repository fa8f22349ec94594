"""Table 5, rope: how well a local metric tells neighbouring pictures from far ones, on trajectories held out."""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.metrics.local import LocalMetric
from agents.metrics.pair import ROPE_PAIR_METRIC
from agents.plan2vec.presets import FEATURELESS_ROPE, ROPE
from agents.training.config_json import to_dict
from data_collection import Dataset
from plan2vec_envs.rope import node_displacement
from plan2vec_envs.rope.env import SUCCESS_DISPLACEMENT

from ...report.published import TABLE_5_ROPE
from ..lab import AgentCache, Experiment, Plan, Run, Table, crossed, register_experiment
from ..lab.plan import configured
from ..lab.scores import means, plain
from ..rope.rope_plans import pairs_across
from .rope import LOOKS, recorded
from .table5 import fit_fold, in_parts

FOLDS, PAIRS = 9, 20_000
REACH = ROPE.local_metric.positive_window
BOUNDARY = 1.5
METRICS = {"siamese": "Siamese", "pair": "stacked pair of App. G, B.2's schedule"}


@register_experiment
class Table5Rope(Experiment):
    """Accuracy at 1.5, threshold and what it accepts, by fold."""

    id = "table5-rope"
    title = "Table 5, rope: accuracy of the local metric"
    choices = (*LOOKS, *METRICS)
    groups = ("looks", "look", "name")
    about = (
        f"Pictures up to {REACH} recorded steps apart are neighbours (App. B.2). Pairs identical : neighbour : far at "
        f"1 : 1 : 2 from trajectories; a pair is right if d, in units of {REACH} steps, lies on its side of 1.5. "
        f"{FOLDS} folds of 2 of 18 sequences: the paper's 10 would not divide them. Far pairs are drawn at random and "
        "not filtered. The threshold of the graph is calibrated on the held-out trajectories; beside it, which share "
        "of held-out recorded steps it accepts, and which share of the pairs of two sequences that it accepts lie "
        f"{SUCCESS_DISPLACEMENT:g} px or more apart. The stacked pair takes many minutes: only where it is asked for."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One group per look and fold."""
        size, folds = ([18, 780], FOLDS) if plan.preset.comparable else ([6, 100], 2)
        metrics = plan.chosen(METRICS, default=["siamese"])
        return crossed(
            "{look} fold {fold}",
            "{metric}",
            {"look": plan.chosen(LOOKS), "metric": metrics, "fold": range(folds)},
            size=size,
            steps=plan.preset.steps,
            config=lambda at: to_dict(_config_of(at["look"], at["metric"])),
        )

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """One fold."""
        params = run.params
        dataset = recorded(0, params["look"] == "ordered", *params["size"])
        folds = FOLDS if cache.plan.preset.comparable else 2
        config = configured(_config_of(params["look"], params["metric"]), {}, params["steps"])
        metric, figures, parts, cpu = fit_fold(params["metric"], config, dataset, params["fold"], folds, cache.plan)
        result = {"cpu": cpu}
        unit = REACH if params["metric"] == "siamese" else 1
        for name, part in parts.items():
            pairs = part.sample_pairs(PAIRS, reach=REACH, rng=np.random.default_rng(params["fold"]))
            found = in_parts(metric, part.observations, pairs.left, pairs.right)
            result[name] = round(float(((found > BOUNDARY * unit) == (pairs.target == 2)).mean()), 5)
        if params["metric"] == "siamese":
            result |= {"threshold": round(figures["threshold"], 4), "recall": round(figures["recall"], 4)}
            result["false"] = false_share(metric, parts["held_out"])
        return result

    def say(self, result: dict[str, Any]) -> str:
        """Accuracies."""
        return f"{result['train']:.2%} on its trajectories, {result['held_out']:.2%} on others"

    def pool(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """Means over the folds of a metric."""
        return {"folds": len(runs), **means(runs, *runs[0])}

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """One table."""
        rows: list[tuple[str, list[str]]] = []
        for look, metrics in summary["looks"].items():
            for metric, found in metrics.items():
                shares = [plain(found[key], ".1f", 100) for key in ("train", "held_out")]
                graph = [plain(found.get("threshold"), ".2f"), plain(found.get("recall"), ".0f", 100)]
                graph += [plain(found.get("false"), ".2f", 100), f"{found['cpu']['value']:.0f}"]
                label = f"{LOOKS[look]}, {METRICS[metric]}, {found['folds']} folds"
                rows.append(("ours", [label, *shares, *graph]))
        rows.append(("paper", ["paper, photographs", *TABLE_5_ROPE, "–", "–", "–", "–"]))
        head = ["accuracy at 1.5, %", "train", "held out", "threshold, steps", "of recorded steps, %"]
        head += ["too far apart, %", "CPU s a fit"]
        return [Table("Rope: local metric", head, rows, ["Mean [95 % bootstrap over folds]."])]


def _config_of(look: str, metric: str) -> Any:
    if metric == "pair":
        return ROPE_PAIR_METRIC
    return (ROPE if look == "ordered" else FEATURELESS_ROPE).local_metric


def false_share(metric: LocalMetric, dataset: Dataset) -> float:
    """Of the pairs of two trajectories within the threshold, those whose ropes lie apart; 0 where there is none."""
    near = pairs_across(metric.embed(dataset.observations), dataset.episode_ids, metric.threshold)
    nodes = np.asarray(dataset.oracle_position, np.float64)
    apart = node_displacement(nodes[near[:, 0]], nodes[near[:, 1]])
    return round(float((apart >= SUCCESS_DISPLACEMENT).mean()), 5) if len(near) else 0.0
