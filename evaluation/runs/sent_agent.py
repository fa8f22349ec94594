"""An agent on its way to other processes: as the files that ``save`` writes, read by ``load_agent``."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any


class SentAgent:
    """Holds an agent; pickled, it is the agent's files, and unpickled the agent that was read from them.

    No weight is ever pickled, and no folder has to be shared. Whoever receives the same agent twice in a row reads it
    once. It arrives on the CPU.

    Attributes:
        agent: fitted.
    """

    def __init__(self, agent: Any) -> None:
        self.agent = agent

    @cached_property
    def files(self) -> dict[str, bytes]:
        """Names and contents of what ``save`` writes."""
        with tempfile.TemporaryDirectory() as folder:
            self.agent.save(folder)
            found = sorted(path for path in Path(folder).rglob("*") if path.is_file())
            return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}

    @cached_property
    def digest(self) -> str:
        """Hash of the files."""
        each = [name.encode() + hashlib.sha256(content).digest() for name, content in self.files.items()]
        return hashlib.sha256(b"\0".join(each)).hexdigest()

    def __reduce__(self) -> tuple[Callable[..., SentAgent], tuple[Any, ...]]:
        return _received, (self.digest, self.files)


_last: dict[str, SentAgent] = {}


def _received(digest: str, files: dict[str, bytes]) -> SentAgent:
    if digest not in _last:
        from agents import load_agent

        # Weights may be mapped from their file, which Windows cannot remove before the process ends.
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            for name, content in files.items():
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            _last.clear()
            _last[digest] = SentAgent(load_agent(folder))
    return _last[digest]
