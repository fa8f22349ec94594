"""Agents saved before options had variants: one table from the options of then to those of today."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

CONFIG_NAMES = 2
"""Which names the configuration of a saved agent has; absent in those of before."""

_KINDS = {"all_pairs": "landmark_regression", "printed": "amortized_search", "ways": "paths"}
_ANY: dict[str, str] = {}
_NETWORK, _ANCHORED, _CLASSIFIED = ({"embedding": name} for name in ("network", "anchored", "classified"))
_BLOCKS, _IQE = {**_NETWORK, "global_metric.algorithm": "all_pairs"}, {**_NETWORK, "global_metric.head": "iqe"}
_INVERSE, _FORWARD, _AUTO = ({"control": name} for name in ("inverse", "forward", "auto"))
_HOPS, _RING = {"waypoint": "hops"}, {"waypoint": "ring"}

_GONE = {
    "local_metric.shrinkage": 3.0,
    "local_metric.mistaken": 0.01,
    "graph.overlap": 2.2,
    "graph.least_step": 0.5,
    "neighbourhood_first": False,
    "saturation": None,
    "qrl.dual_rate": 10.0,
    "frequencies": 64,
    "bandwidth": 1.5,
}
"""Options that nothing ever set, and what is done now in any case."""

# Option of then, option of today, and options of then that must have a value for it to count.
_TABLE: list[tuple[str, str, Mapping[str, str]]] = [
    ("local_metric.reach", "local_metric.positive_window", _ANY),
    ("local_metric.negatives", "local_metric.negatives.kind", _ANY),
    ("local_metric.temperature", "local_metric.negatives.temperature", {"local_metric.negatives": "nce"}),
    ("pair_metric.reach", "pair_metric.positive_window", _ANY),
    ("memory.revisit", "memory.visit_penalty", _ANY),
    ("memory.revisit_radius", "memory.visit_radius", _ANY),
    ("graph.wormholes", "graph.pruning", _ANY),
    ("graph.vertices", "graph.vertices.kind", _ANY),
    ("graph.pool", "graph.vertices.pool", {"graph.vertices": "spread"}),
    ("embedding", "global_metric.kind", _ANY),
    ("table", "global_metric.table", _ANCHORED),
    ("table", "global_metric.table", _CLASSIFIED),
    ("anchors", "global_metric.anchors", _ANCHORED),
    ("classifier", "global_metric.classifier", _CLASSIFIED),
    ("classifier.disturbance", "global_metric.classifier.augmentation", _CLASSIFIED),
    ("global_metric", "global_metric", _NETWORK),
    ("global_metric.head", "global_metric.head.kind", _NETWORK),
    ("global_metric.p", "global_metric.head.p", {**_NETWORK, "global_metric.head": "lp"}),
    ("global_metric.iqe", "global_metric.head", _IQE),
    ("global_metric.unit", "global_metric.target_scale", _NETWORK),
    ("global_metric.algorithm", "global_metric.algorithm.kind", _NETWORK),
    *((f"global_metric.{name}", f"global_metric.algorithm.{name}", _BLOCKS)
      for name in ("sources", "steps", "batch_sources", "batch_frames", "learning_rate")),
    *((f"global_metric.{name}", "global_metric.algorithm", {**_NETWORK, "global_metric.algorithm": name})
      for name in ("printed", "value_iteration")),
]  # fmt: skip
_OF_WAYPOINTS: list[tuple[str, str, Mapping[str, str]]] = [
    ("control", "control.kind", _ANY),
    ("choice", "control.selection", _AUTO),
    *(
        rule
        for inverse, forward, when_inverse, when_forward in (
            ("control", "control", _INVERSE, _FORWARD),
            ("control.inverse", "control.forward", _AUTO, _AUTO),
        )
        for rule in (
            ("inverse_model", f"{inverse}.inverse_model", when_inverse),
            ("waypoint", f"{inverse}.waypoint.kind", when_inverse),
            ("hops", f"{inverse}.waypoint.hops", {**when_inverse, **_HOPS}),
            ("ring", f"{inverse}.waypoint.ring", {**when_inverse, **_RING}),
            ("foresight.guide", f"{inverse}.waypoint.distance_source", {**when_inverse, **_RING}),
            ("forward_model", f"{forward}.forward_model", when_forward),
            ("foresight", f"{forward}.lookahead", when_forward),
            ("foresight.guide", f"{forward}.lookahead.distance_source", when_forward),
            ("foresight.off_graph", f"{forward}.lookahead.off_graph_weight", when_forward),
            ("foresight.reach", f"{forward}.lookahead.goal_radius", when_forward),
        )
    ),
]


def modern_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a saved agent with the names of today; what agents of one stage did not note is filled in."""
    filled = {"config": {}, "seed": 0, "execution": {}, "env_id": None, "dataset_fingerprint": "", "fit_log": []}
    found = {**filled, **record}
    found["execution"] = {name: value for name, value in found["execution"].items() if name != "compile"}
    if "config_names" not in record:
        found["config"] = modern_config(found["config"], str(record.get("agent")))
    return found


def modern_config(config: Mapping[str, Any], agent: str) -> dict[str, Any]:
    """A configuration of then with the names of today; an option that is gone, and was set, is warned of."""
    if agent == "plan2vec-places":
        config = {("global_metric" if name == "network" else name): value for name, value in config.items()}
    table = _TABLE + (_OF_WAYPOINTS if agent == "plan2vec-waypoints" else [])
    leaves = dict(_leaves(config))
    found: dict[str, Any] = {}
    for path, value in leaves.items():
        if path in _GONE:
            if value != _GONE[path]:
                warnings.warn(
                    f"{agent} was saved with {path} = {value!r}; that option is gone, and {_GONE[path]!r} is used",
                    stacklevel=2,
                )
            continue
        matching = [rule for rule in table if path == rule[0] or path.startswith(rule[0] + ".")]
        longest = max((len(rule[0]) for rule in matching), default=0)
        for old, new, when in [rule for rule in matching if len(rule[0]) == longest] or [("", "", _ANY)]:
            if any(leaves.get(option) != wanted for option, wanted in when.items()):
                continue
            target = new + path[len(old) :] if old else path
            _put(found, target.split("."), _KINDS.get(value, value) if isinstance(value, str) else value)
    return found


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _put(target: dict[str, Any], names: list[str], value: Any) -> None:
    for name in names[:-1]:
        target = target.setdefault(name, {})
    target[names[-1]] = value
