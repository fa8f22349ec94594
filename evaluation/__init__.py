"""Judge agents: tasks, protocols, oracles, statistics, reports and the command line.

Names load on first use, so that `import evaluation` costs nothing. The protocols are functions of their modules:
`evaluation.closed_loop.closed_loop`, `evaluation.graph_walk.graph_walk`.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "EvalResult": "results",
    "TaskList": "tasks",
    "corridor_ratio": "embedding",
    "make_tasks": "tasks",
}

__all__ = ["EvalResult", "TaskList", "corridor_ratio", "make_tasks"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
