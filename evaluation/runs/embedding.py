"""Latents of more observations than memory holds, a chunk at a time, wherever an engine runs them."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from tqdm import tqdm

from agents import Metric
from agents.errors import ObservationError
from data_collection import atomic_write
from data_collection.engines import Engine, LocalEngine
from data_collection.errors import InvalidOptionError

from .sent_agent import SentAgent


def embed_all(
    agent: Any,
    observations: np.ndarray,
    out: Path | str,
    *,
    chunk: int = 2048,
    engine: Engine | None = None,
    progress: bool = True,
) -> np.ndarray:
    """Write ``agent.embed`` of all observations into a .npy file, which appears when it is complete.

    Each finished chunk is kept beside it, in ``<out>.parts/``, under a name made of the agent and of the observations
    in it. So whoever was stopped goes on, and chunks of another agent or of other data are never taken for these.
    Memory holds a chunk a job, whatever N; observations may be mapped from a file.

    Args:
        agent: Fitted, with an embedding.
        observations: (N, ...) as the agent was trained on; only slices of it are read.
        out: The file.
        chunk: Observations embedded at once. The same chunks give the same bits on the same kind of machine.
        engine: Who embeds; this process by default.
        progress: Show a progress bar.

    Returns:
        (N, D) float32, mapped from the file.

    Raises:
        InvalidOptionError: if the agent has no embedding, or a chunk would be empty.
        ObservationError: if there is no observation, or they are not those that the agent was trained on.
        StorageError: if a file cannot be written.
    """
    if not isinstance(agent, Metric):
        raise InvalidOptionError(
            f"agent {agent.name!r} has no embedding; give one that measures distances between latents, such as plan2vec"
        )
    if chunk < 1:
        raise InvalidOptionError(f"chunk is {chunk}; need at least 1, the observations that are embedded at once")
    if not len(observations):
        raise ObservationError("there is no observation to embed; need at least one")
    agent.embed(np.asarray(observations[:1]))  # what it refuses, it refuses before there is a folder
    out = Path(out)
    folder = out.with_name(out.name + ".parts")
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):  # a second process with the same file waits
        files = _chunks(SentAgent(agent), observations, folder, chunk, engine or LocalEngine(), progress)
        _join(files, out, len(observations))
        shutil.rmtree(folder, ignore_errors=True)
    return np.load(out, mmap_mode="r")


def _chunks(
    sent: SentAgent, observations: np.ndarray, folder: Path, chunk: int, engine: Engine, progress: bool
) -> list[Path]:
    """The file of each chunk, in order; those that are not there are made."""
    files: list[Path] = []
    asked: list[tuple[Path, int]] = []
    bar = tqdm(total=len(observations), desc="Embedding", unit="image", disable=not progress, mininterval=1)

    def missing() -> Iterator[np.ndarray]:
        for start in range(0, len(observations), chunk):
            part = np.ascontiguousarray(observations[start : start + chunk])
            head = f"{sent.digest} {part.dtype.str} {part.shape} ".encode()
            name = hashlib.sha256(head + hashlib.sha256(part.data).digest()).hexdigest()[:24]
            files.append(folder / f"{name}.npy")
            if files[-1].is_file():
                bar.update(len(part))
            else:
                asked.append((files[-1], len(part)))
                yield part

    with bar:
        for number, latents in engine.map(partial(_embed, sent), missing()):
            file, count = asked[number]
            with atomic_write(file, needed=latents.nbytes) as opened:
                np.save(opened, latents, allow_pickle=False)
            bar.update(count)
    return files


def _embed(sent: SentAgent, part: np.ndarray) -> np.ndarray:
    return np.asarray(sent.agent.embed(part), np.float32)


def _join(files: list[Path], out: Path, rows: int) -> None:
    first = np.load(files[0], mmap_mode="r", allow_pickle=False)
    shape = (rows, *first.shape[1:])
    with atomic_write(out, needed=int(np.prod(shape)) * first.itemsize) as opened:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(opened, header)
        for file in files:
            opened.write(np.load(file, allow_pickle=False).astype("<f4", copy=False).tobytes())
