"""`plan2vec doctor`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ..runs import environment
from .context import Context


@dataclass(frozen=True)
class Command:
    """Say what is installed, where data is kept, and what looks wrong."""

    def run(self, context: Context) -> int:
        """Prints one line a finding; the exit code is 1 if something is wrong."""
        console, healthy = context.console, True
        for name, value, ok in _findings():
            mark = "[green]ok[/green]  " if ok else "[red]look[/red]"
            console.print(f"{mark} {name:<16} {value}", soft_wrap=True)
            healthy &= ok
        return 0 if healthy else 1


class _Finding(NamedTuple):
    """What was looked at, what was found, whether that is fine."""

    name: str
    value: str
    ok: bool = True


def _findings() -> Iterator[_Finding]:
    for name, version in environment.versions().items():
        yield _Finding(name, version, version != "not installed")
    for check in (_processor, _cache, _data, _names, _opencv, _threads, _cuda):  # the last two load torch
        yield check()


def _processor() -> _Finding:
    found = environment.hardware()
    return _Finding("processor", f"{found['cpu']}, {found['cores']} cores")


def _threads() -> _Finding:
    import torch

    return _Finding("torch threads", f"{torch.get_num_threads()} (acting uses 1)")


def _cuda() -> _Finding:
    import torch

    if not torch.cuda.is_available():
        return _Finding("CUDA", "none; --device cpu is the default and is enough for the rooms")
    return _Finding("CUDA", f"{torch.cuda.get_device_name()}, built for {torch.version.cuda}")


def _cache() -> _Finding:
    from data_collection.storage import cache_dir

    folder = cache_dir()
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) if folder.exists() else 0
    writable = os.access(existing, os.W_OK)
    note = "" if writable else "; not writable, so data is collected again each time (set PLAN2VEC_CACHE)"
    return _Finding("cache", f"{folder}, {size / 2**20:.1f} MiB{note}", writable)


def _data() -> _Finding:
    named = os.environ.get("PLAN2VEC_DATA")
    if not named:
        return _Finding("PLAN2VEC_DATA", "not set; only needed for real data")
    there = Path(named).is_dir()
    return _Finding("PLAN2VEC_DATA", named if there else f"{named} is not a folder", there)


def _names() -> _Finding:
    from plan2vec_envs.io.name_clash import check_siblings

    try:
        check_siblings()
    except ImportError as error:
        return _Finding("package names", str(error), False)
    return _Finding("package names", "agents, data_collection and evaluation are ours")


def _opencv() -> _Finding:
    wheels = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
    versions = {wheel: environment.version_of(wheel) for wheel in wheels}
    found = [f"{wheel} {version}" for wheel, version in versions.items() if version != "not installed"]
    if len(found) > 1:
        advice = "they overwrite each other: uninstall all, then install one"
        return _Finding("OpenCV", f"{' and '.join(found)}: {advice}", False)
    return _Finding("OpenCV", found[0] if found else "not installed")
