"""Judge agents: tasks, protocols, oracles, statistics, reports and the command line.

Names load on first use, so that `import evaluation` costs nothing. The protocols are functions of their modules:
`evaluation.protocols.closed_loop.closed_loop`, `evaluation.protocols.graph_walk.graph_walk`.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "EvalResult": "protocols.results",
    "TaskList": "protocols.tasks",
    "corridor_ratio": "figures.flat_map",
    "make_tasks": "protocols.tasks",
}

__all__ = ["EvalResult", "TaskList", "corridor_ratio", "make_tasks"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
