"""Result tables in Markdown files, rendered from the summaries in docs/results: `python -m tests.benchmarks.readme`.

`<!-- results:table1 -->` marks all tables of docs/results/table1.json, `<!-- results:table1-closed-loop -->` the one
whose title contains these words. `<!-- results:bench -->` marks what the benches measured last, by
docs/results/bench.jsonl, and `<!-- results:bench-graphs -->` that of one bench.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from evaluation.errors import ResultsError
from evaluation.paper.lab import get_experiment
from evaluation.paper.lab.publish import markdown_of
from evaluation.protocols.results import read_json
from plan2vec_envs.io.files import atomic_write

from . import page as speed
from .run import HISTORY, checkout

_BLOCK = re.compile(r"(<!-- results:(?P<name>[A-Za-z0-9._-]+) -->\n).*?(<!-- /results -->)", re.DOTALL)


def render_readme(readme: Path, results: Path) -> list[str]:
    """Rewrites every marked block of a Markdown file; returns the names of those written.

    Raises:
        ResultsError: if a marked block has no results file, or one that proves nothing; nothing is written then.
    """
    written: list[str] = []

    def fill(match: re.Match[str]) -> str:
        name = match["name"]
        history = results / HISTORY.name
        if name.split("-")[0] == history.stem:
            text = speed.markdown_of(checkout(), history, name[len(history.stem) + 1 :])
            written.append(name)
            return f"{match[1]}{text}\n{match[3]}"
        file, words = _file_and_words(results, name)
        if not file.is_file():
            raise ResultsError(
                f"{readme} asks for results:{name}, but {file} does not exist; "
                f"run `plan2vec reproduce … --summary {file}` first"
            )
        summary = read_json(file)
        if not summary["comparable"]:
            raise ResultsError(f"{file} comes from preset {summary['preset']!r}, which is not for comparison")
        written.append(name)
        return f"{match[1]}{markdown_of(get_experiment(summary['experiment']), summary, words)}\n{match[3]}"

    text = _BLOCK.sub(fill, readme.read_text(encoding="utf-8"))
    with atomic_write(readme) as out:
        out.write(text.encode())
    return written


def _file_and_words(results: Path, name: str) -> tuple[Path, str]:
    """The file with the longest id that the name begins with, and the rest as words of a title."""
    parts = name.split("-")
    for count in range(len(parts), 0, -1):
        file = results / f"{'-'.join(parts[:count])}.json"
        if file.is_file():
            break
    return file, " ".join(parts[count:])


if __name__ == "__main__":
    for page in sys.argv[1:] or ["README.md", "docs/results.md", "docs/speed.md"]:
        print(f"{page}: " + ", ".join(render_readme(Path(page), Path("docs/results"))))
