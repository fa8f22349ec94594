"""Fail when a test skipped for a reason that nobody agreed to: a skipped test guards nothing."""

from __future__ import annotations

import sys
from fnmatch import fnmatchcase
from pathlib import Path
from xml.etree import ElementTree


def skips(report: Path) -> list[str]:
    """'module::test: reason' of every test that a JUnit report lists as skipped."""
    return [
        f"{case.get('classname')}::{case.get('name')}: {skipped.get('message')}"
        for case in ElementTree.parse(report).iter("testcase")
        for skipped in case.iter("skipped")
    ]


def main(allowed_file: str, *reports: str) -> str | None:
    """The complaint to exit with, or None."""
    lines = Path(allowed_file).read_text(encoding="utf-8").splitlines()
    allowed = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    found = [skip for report in reports for skip in skips(Path(report))]
    unlisted = [skip for skip in found if not any(fnmatchcase(skip, pattern) for pattern in allowed)]
    print(f"{len(found)} tests skipped, {len(unlisted)} of them unlisted")
    return "\n".join(["These skips are not in .ci/allowed_skips.txt:", *unlisted]) if unlisted else None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
