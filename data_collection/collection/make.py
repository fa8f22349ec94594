"""A standard dataset in one line, collected once and kept in the cache."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
from functools import cache, partial
from pathlib import Path
from typing import Any

import gymnasium as gym
from filelock import FileLock

import plan2vec_envs
from plan2vec_envs.errors import InvalidOptionError
from plan2vec_envs.io.hashing import json_sha256
from plan2vec_envs.rooms import ROOMS

from ..engines import Engine
from ..records import Dataset
from ..storage import cache_dir, load_mapped, save_dataset
from .collect import collect, find_env, load_if_whole

_log = logging.getLogger(__name__)


def make_dataset(
    env_id: str,
    *,
    size: str = "1000x10",
    seed: int = 0,
    obs_type: str = "image",
    action_type: str = "discrete",
    hidden_walls: bool = False,
    progress: bool = True,
    engine: Engine | None = None,
) -> Dataset:
    """Uniformly random rollouts, from the cache when they were collected before.

    The same arguments give the same dataset on every machine. An interrupted collection is continued by the
    next call; two processes that ask at once collect once. Where the cache cannot be written, the dataset is
    collected in memory each time.

    Args:
        env_id: for example "Plan2vec/CMaze-v0".
        size: rollouts x horizon, for example "1000x10".
        seed: seed of the collection.
        obs_type: "image" or "state".
        action_type: "discrete", "discrete9" or "box".
        hidden_walls: leave the room's hideable walls out of the observations.
        progress: show a progress bar while collecting.
        engine: where to collect, see `collect`; the dataset is the same.

    Raises:
        UnknownNameError: there is no such environment, observation or action type.
        InvalidOptionError: size or seed make no sense, or the room has no walls to hide.
        DiskFullError: no space left in the cache folder.
    """
    num_rollouts, horizon = parse_size(size)
    options: dict[str, Any] = {"obs_type": obs_type, "action_type": action_type}
    if hidden_walls:  # named only then: worlds without walls have no such option
        options["hidden_walls"] = True
    arguments: dict[str, Any] = {"num_rollouts": num_rollouts, "horizon": horizon, "seed": seed}
    request = {"env_id": env_id, "env_kwargs": options, "policy": "uniform", **arguments}
    room = ROOMS.get(find_env(env_id).kwargs.get("room", ""))  # its walls may stand in other people's code
    key = json_sha256([request, _code_sha256(), repr(room)])[:16]
    slug = re.sub(r"[^A-Za-z0-9.-]+", "-", env_id).lower()
    path = cache_dir() / "datasets" / f"{slug}-{num_rollouts}x{horizon}-seed{seed}-{key}.npz"
    run = partial(collect, env_id, **arguments, env_kwargs=options, progress=progress, engine=engine)
    if (kept := load_if_whole(load_mapped, path)) is not None:
        return kept
    if not _is_writable(path.parent):
        _log.info("collecting in memory: cannot write to %s", path.parent)
        return run()
    with FileLock(path.with_suffix(".lock")):
        if (kept := load_if_whole(load_mapped, path)) is not None:  # a second process was faster
            return kept
        parts_dir = path.with_suffix(".parts")
        dataset = run(parts_dir=parts_dir)
        provenance = {**request, "env_spec": json.loads(gym.spec(env_id).to_json())}
        save_dataset(dataset, path, provenance=provenance)
        shutil.rmtree(parts_dir, ignore_errors=True)
        return load_mapped(path, expect_env_id=env_id)


def parse_size(size: str) -> tuple[int, int]:
    """(rollouts, horizon) of a size such as "1000x10".

    Raises:
        InvalidOptionError: it is written in another way, or one of the numbers is zero.
    """
    match = re.fullmatch(r"(\d{1,9})x(\d{1,9})", str(size))
    if match is None or 0 in (numbers := (int(match[1]), int(match[2]))):
        raise InvalidOptionError(f"size={size!r} must be rollouts x horizon, both at least 1, such as '1000x10'")
    return numbers


def _is_writable(folder: Path) -> bool:
    """Whether files can be made in a folder, which is created when missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


@cache
def _code_sha256() -> str:
    """Hash of the sources that decide what is collected: the cache never answers for other code."""
    here, worlds = Path(__file__).parent, Path(plan2vec_envs.__file__).parent
    sources = [
        *sorted(path for path in worlds.rglob("*.py") if not {"image_graph", "rope"} & set(path.parts)),
        here / "collect.py",
    ]
    return hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()
