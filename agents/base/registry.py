"""Agents by name: the method's, the baselines, and those of plugins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from data_collection.registry import Registry

from ..training.saving import read_record

_PACKAGE = __name__.partition(".base.")[0]
AGENTS = Registry("agent", f"{_PACKAGE}.plan2vec", f"{_PACKAGE}.baselines")


def register_agent(cls: Any) -> Any:
    """Class decorator: make an agent known under its ``name``."""
    AGENTS[cls.name] = cls
    return cls


def get_agent(name: str) -> Any:
    """The agent class of that name.

    Raises:
        UnknownNameError: with the closest registered name.
    """
    return AGENTS.find(name)


def load_agent(path: Path | str, *, device: str = "cpu") -> Any:
    """Read a saved agent of any kind; its folder says which it is.

    Raises:
        CheckpointError: if there is no agent, or one that cannot be read.
        UnknownNameError: if it is of a kind this version does not know.
    """
    return get_agent(read_record(path)["agent"]).load(path, device=device)
