"""Frozen configuration dataclasses from and to plain dictionaries; a variant is told by its ``kind``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from data_collection.errors import check_name, suggest

from ..errors import CheckpointError, ConfigError

T = TypeVar("T")


def to_dict(config: Any) -> dict[str, Any]:
    """A (nested) configuration as plain JSON; of a field that has variants, ``kind`` says which it is."""
    found: dict[str, Any] = {} if _kind(type(config)) is None else {"kind": _kind(type(config))}
    for entry in fields(config):
        value = getattr(config, entry.name)
        found[entry.name] = to_dict(value) if is_dataclass(value) else value
    return found


def from_dict(cls: type[T], values: Mapping[str, Any]) -> T:
    """The configuration that ``to_dict`` wrote.

    Raises:
        CheckpointError: for an entry or variant this version does not know, or a value that is no entry at all.
    """
    hints, found = get_type_hints(cls), {}
    known = {entry.name for entry in fields(cls)}  # type: ignore[arg-type]
    for name, value in values.items():
        if name == "kind" and "kind" not in known:
            continue
        if name not in known:
            raise CheckpointError(f"{cls.__name__} has no entry {name!r}.{suggest(name, known)}")
        choices = variants(hints[name])
        if choices and not isinstance(value, Mapping):
            raise CheckpointError(f"{cls.__name__}.{name} is {value!r}, and options were expected")
        if choices:
            kind = value.get("kind", next(iter(choices)))
            if kind not in choices:
                raise CheckpointError(f"{cls.__name__}.{name} has no variant {kind!r}.{suggest(str(kind), choices)}")
            value = from_dict(choices[kind], value)
        elif isinstance(value, list):
            value = tuple(value)
        found[name] = value
    return cls(**found)


def variants(hint: Any) -> dict[str, type]:
    """The dataclasses that a field of this type can hold, by their ``kind``; a plain one is its own only variant."""
    if hasattr(hint, "kinds") and _kind(hint) is None:  # an open folder, such as the heads
        return hint.kinds()
    members = get_args(hint) if get_origin(hint) is UnionType or isinstance(hint, UnionType) else (hint,)
    return {_kind(each) or each.__name__: each for each in members if isinstance(each, type) and is_dataclass(each)}


def with_option(config: Any, path: str, value: Any) -> Any:
    """The configuration with one dotted option set, such as ``global_metric.latent_dim``.

    A field with variants is set by the name of one, which then has its own defaults: ``global_metric.head`` to "lp".

    Raises:
        ConfigError: for an option or variant that there is not, with the closest name.
    """
    first, _, rest = path.partition(".")
    known = [entry.name for entry in fields(config)] if is_dataclass(config) else []
    if first not in known:
        raise ConfigError(f"{type(config).__name__} has no option {path!r}.{suggest(first, known)}")
    if rest:
        return replace(config, **{first: with_option(getattr(config, first), rest, value)})
    choices = variants(get_type_hints(type(config))[first])
    if choices and isinstance(value, str):
        chosen, now = choices[check_name(f"variant of {first}", value, choices)], getattr(config, first)
        value = now if isinstance(now, chosen) else chosen()
    return replace(config, **{first: value})


def choices_of(config: Any) -> dict[str, list[str]]:
    """The dotted path of every option that has variants, and their names; below a variant only its own."""
    found: dict[str, list[str]] = {}
    hints = get_type_hints(type(config))
    for entry in fields(config):
        kinds, value = variants(hints[entry.name]), getattr(config, entry.name)
        if len(kinds) > 1:
            found[entry.name] = list(kinds)
        if is_dataclass(value):
            found |= {f"{entry.name}.{path}": each for path, each in choices_of(value).items()}
    return found


def _kind(cls: Any) -> str | None:
    """The name of a variant; None for a dataclass that is not one of several."""
    kind = getattr(cls, "kind", MISSING)
    return kind if isinstance(kind, str) else None
