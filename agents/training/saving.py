"""Agents on disk: a folder of ``weights.safetensors`` and ``agent.json``; nothing in it is ever unpickled."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from data_collection.storage import atomic_write, read_json, write_json

from ..errors import CheckpointError

Arrays = dict[str, np.ndarray]
FORMAT_VERSION = 1


def save_agent(path: Path | str, name: str, arrays: Arrays, record: dict[str, Any]) -> None:
    """Write weights, then the record that vouches for them by checksum."""
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    checksum = save_arrays(folder / "weights.safetensors", arrays)
    head = {"agent": name, "format_version": FORMAT_VERSION, "weights_sha256": checksum}
    write_json(folder / "agent.json", {**record, **head}, allow_nan=True)


def agent_folder(path: Path | str) -> Path:
    """The folder of a saved agent: ``path`` itself, or its ``agent/`` if it is the folder of a finished run.

    Raises:
        CheckpointError: if there is no agent in either.
    """
    folder = Path(path)
    for candidate in (folder, folder / "agent"):
        if (candidate / "agent.json").is_file():
            return candidate
    if not folder.exists():
        raise CheckpointError(f"{folder} does not exist; give the folder of a finished run, or one that save() wrote")
    raise CheckpointError(
        f"{folder} holds no saved agent (no agent.json, nor agent/agent.json); give the folder of a finished run, "
        "such as runs/<env>/<agent>/seed0-..., or one that save() wrote"
    )


def read_record(path: Path | str) -> dict[str, Any]:
    """The record of a saved agent.

    Raises:
        CheckpointError: if there is no agent here, or one of another format version.
    """
    file = agent_folder(path) / "agent.json"
    record = read_json(file, CheckpointError)
    if "agent" not in record:
        raise CheckpointError(f"{file} is not the record of an agent")
    if record.get("format_version") != FORMAT_VERSION:
        raise CheckpointError(
            f"{file} has format version {record.get('format_version')}, this plan2vec reads {FORMAT_VERSION}; "
            "train again, or install the plan2vec that wrote it"
        )
    return record


def read_agent(path: Path | str, name: str) -> tuple[Arrays, dict[str, Any]]:
    """Arrays and record of a saved agent called ``name``.

    Raises:
        CheckpointError: if it is another agent, of another version, or damaged.
    """
    record = read_record(path)
    if record["agent"] != name:
        raise CheckpointError(f"{Path(path)} holds a {record['agent']!r} agent, not {name!r}; use load_agent(path)")
    weights = agent_folder(path) / "weights.safetensors"
    if weights.is_file() and hashlib.sha256(weights.read_bytes()).hexdigest() != record.get("weights_sha256"):
        raise CheckpointError(
            f"{weights} does not match the checksum in agent.json: it is damaged, or from another save; train again"
        )
    return load_arrays(weights), record


def save_arrays(path: Path, arrays: Arrays) -> str:
    """Write arrays as safetensors, atomically; returns the file's sha256."""
    # Not ascontiguousarray, which makes a (1,) of a scalar such as the batch count of a batch normalisation.
    data = save({name: np.asarray(array, order="C") for name, array in arrays.items()})
    with atomic_write(path) as file:
        file.write(data)
    return hashlib.sha256(data).hexdigest()


def load_arrays(path: Path) -> Arrays:
    """Read a safetensors file.

    Raises:
        CheckpointError: if it is missing, truncated or not safetensors.
    """
    if not path.is_file():
        raise CheckpointError(f"{path} does not exist; train again or point to a complete folder")
    try:
        return load_file(path)
    except (SafetensorError, ValueError, OSError) as error:
        raise CheckpointError(f"{path} is damaged ({error}); delete it and run the same command again") from error


def with_prefix(prefix: str, arrays: Arrays) -> Arrays:
    """The arrays under ``prefix/``."""
    return {f"{prefix}/{name}": array for name, array in arrays.items()}


def under_prefix(prefix: str, arrays: Arrays) -> Arrays:
    """The arrays that ``with_prefix`` put under ``prefix/``."""
    return {name.removeprefix(f"{prefix}/"): array for name, array in arrays.items() if name.startswith(f"{prefix}/")}
