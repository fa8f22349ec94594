"""What `plan2vec doctor` looks at: versions, threads, accelerator, folders, name clashes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..runs import environment


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, what was found, whether that is fine."""

    name: str
    value: str
    ok: bool = True


def findings() -> Iterator[Finding]:
    """Everything worth knowing when something does not work."""
    for name, version in environment.versions().items():
        yield Finding(name, version, version != "not installed")
    for check in (_processor, _cache, _data, _names, _opencv, _threads, _cuda):  # the last two load torch
        yield check()


def _processor() -> Finding:
    found = environment.hardware()
    return Finding("processor", f"{found['cpu']}, {found['cores']} cores")


def _threads() -> Finding:
    import torch

    return Finding("torch threads", f"{torch.get_num_threads()} (acting uses 1)")


def _cuda() -> Finding:
    import torch

    if not torch.cuda.is_available():
        return Finding("CUDA", "none; --device cpu is the default and is enough for the rooms")
    return Finding("CUDA", f"{torch.cuda.get_device_name()}, built for {torch.version.cuda}")


def _cache() -> Finding:
    from data_collection.storage import cache_dir

    folder = cache_dir()
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) if folder.exists() else 0
    writable = os.access(existing, os.W_OK)
    note = "" if writable else "; not writable, so data is collected again each time (set PLAN2VEC_CACHE)"
    return Finding("cache", f"{folder}, {size / 2**20:.1f} MiB{note}", writable)


def _data() -> Finding:
    named = os.environ.get("PLAN2VEC_DATA")
    if not named:
        return Finding("PLAN2VEC_DATA", "not set; only needed for real data")
    there = Path(named).is_dir()
    return Finding("PLAN2VEC_DATA", named if there else f"{named} is not a folder", there)


def _names() -> Finding:
    from plan2vec_envs.io.name_clash import check_siblings

    try:
        check_siblings()
    except ImportError as error:
        return Finding("package names", str(error), False)
    return Finding("package names", "agents, data_collection and evaluation are ours")


def _opencv() -> Finding:
    wheels = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
    versions = {wheel: environment.version_of(wheel) for wheel in wheels}
    found = [f"{wheel} {version}" for wheel, version in versions.items() if version != "not installed"]
    if len(found) > 1:
        advice = "they overwrite each other: uninstall all, then install one"
        return Finding("OpenCV", f"{' and '.join(found)}: {advice}", False)
    return Finding("OpenCV", found[0] if found else "not installed")
