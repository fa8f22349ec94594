"""Frozen configuration dataclasses from and to plain dictionaries."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, get_type_hints

from data_collection.errors import suggest

from ..errors import CheckpointError

T = TypeVar("T")


def from_dict(cls: type[T], values: dict[str, Any]) -> T:
    """A (nested) configuration from the dictionary that ``dataclasses.asdict`` made.

    Raises:
        CheckpointError: for an entry this version does not know.
    """
    hints = get_type_hints(cls)
    known = {entry.name for entry in fields(cls)}  # type: ignore[arg-type]
    for name in values.keys() - known:
        raise CheckpointError(f"{cls.__name__} has no entry {name!r}.{suggest(name, known)}")
    return cls(
        **{
            name: from_dict(hints[name], value) if is_dataclass(hints[name]) else value
            for name, value in values.items()
        }
    )
