"""Where a number was made: versions, commit, processor, threads."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("plan2vec", "torch", "numpy", "scipy", "gymnasium", "pymunk", "matplotlib", "pillow")


def versions() -> dict[str, str]:
    """Installed versions of what decides the numbers; "not installed" where there is none."""
    return {"python": platform.python_version()} | {name: version_of(name) for name in PACKAGES}


def version_of(package: str) -> str:
    """Its installed version, or "not installed"."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def commit() -> dict[str, Any]:
    """Git commit of this source tree, and whether code has uncommitted changes; None outside a checkout."""
    root = Path(__file__).resolve().parents[2]

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, timeout=10, check=True)
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip()

    sha = git("rev-parse", "HEAD") if (root / ".git").exists() else None
    changed = git("status", "--porcelain", "--untracked-files=no", "--", "*.py", "*.toml", "*.txt") if sha else None
    return {"sha": sha, "dirty": bool(changed) if changed is not None else None}


def processor() -> str:
    """The processor's own name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.lower().startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def hardware(device: str = "cpu") -> dict[str, Any]:
    """Processor, cores this process may use, and the accelerator where one is asked for."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found: dict[str, Any] = {"system": platform.system(), "cpu": processor(), "cores": cores, "device": device}
    if device != "cpu":
        import torch

        found["gpu"] = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return found


def record(device: str = "cpu") -> dict[str, Any]:
    """All of it, as written into `env.json` of a run folder."""
    import torch

    return {
        "versions": versions(),
        "commit": commit(),
        "hardware": hardware(device),
        "torch_threads": torch.get_num_threads(),
        "platform": sys.platform,
    }
