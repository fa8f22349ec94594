"""The snippets of the documents, run as they stand but for the amount of learning."""

import json
import re
from pathlib import Path

import pytest

from agents import Plan2VecConfig
from agents.configs import from_dict
from evaluation.lab.experiment import get_experiment
from evaluation.lab.publish import tables_of

ROOT = Path(__file__).resolve().parent.parent
LITTLE = {part: {"steps": 30} for part in ("local_metric", "global_metric", "forward_model")}
SHORTER = {"1000x10": "40x10", "Plan2Vec()": "Plan2Vec(little)", "learn(20_000": "learn(1_000"}


def snippets(document: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(encoding="utf-8"), re.DOTALL)


def test_there_are_snippets():
    assert [len(snippets(name)) for name in ("README.md", "docs/rewards.md", "docs/streets.md")] == [1, 4, 1]


@pytest.mark.parametrize("document", ["README.md", "docs/rewards.md", "docs/streets.md"])
def test_snippets_run_one_after_the_other(document, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {"little": from_dict(Plan2VecConfig, LITTLE)}
    for code in snippets(document):
        for words, fewer in SHORTER.items():
            code = code.replace(words, fewer)
        exec(compile(code, document, "exec"), names)
    if document == "README.md":
        assert "reached the goal" in capsys.readouterr().out
    if document == "docs/streets.md":
        assert "arrived: True" in capsys.readouterr().out


@pytest.mark.parametrize("file", sorted((ROOT / "docs/results").glob("*.json")), ids=lambda file: file.stem)
def test_every_recorded_summary_still_gives_its_tables(file):
    summary = json.loads(file.read_text(encoding="utf-8"))
    assert summary["comparable"]
    assert all(table.rows for table in tables_of(get_experiment(summary["experiment"]), summary))
