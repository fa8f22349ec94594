"""Adapters to Stable-Baselines3: the metric as reward, hindsight, native vector environments, learning from datasets.

Stable-Baselines3 takes half a second to import, so nothing in ``agents`` imports it before it is used.
"""

from __future__ import annotations

import importlib
from typing import Any

_WHERE = {
    "MetricHerReplayBuffer": "hindsight",
    "MetricRewardCallback": "callback",
    "MetricRewardVecEnv": "reward_vec_env",
    "NativeVecEnv": "native_vec_env",
    "PlanWrapper": "plan_wrapper",
    "ScaledPair": "extractors",
    "TerminatingHerReplayBuffer": "hindsight",
    "TwoChannel": "extractors",
}

__all__ = [*_WHERE]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
