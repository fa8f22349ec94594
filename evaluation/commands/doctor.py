"""`plan2vec doctor`."""

from __future__ import annotations

from dataclasses import dataclass

from .context import Context


@dataclass(frozen=True)
class Command:
    """Say what is installed, where data is kept, and what looks wrong."""

    def run(self, context: Context) -> int:
        """Prints one line a finding; the exit code is 1 if something is wrong."""
        from ..diagnostics.doctor import findings

        console, healthy = context.console, True
        for finding in findings():
            mark = "[green]ok[/green]  " if finding.ok else "[red]look[/red]"
            console.print(f"{mark} {finding.name:<16} {finding.value}", soft_wrap=True)
            healthy &= finding.ok
        return 0 if healthy else 1
