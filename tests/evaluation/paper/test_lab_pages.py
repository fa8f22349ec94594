"""The pages of experiments: self-contained, escaped, made again from what is on disk."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from evaluation.cli import main
from evaluation.errors import ResultsError
from evaluation.paper.lab import Experiment, Figure, Plan, Run, Table
from evaluation.paper.lab.pages import all_finished, finished
from evaluation.paper.lab.plan import PRESETS
from evaluation.paper.lab.publish import publish, summary_of
from evaluation.report.html import picture

from ..report.test_report import EVIL, Collector


def png(width=40):
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((8, width), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


class Evil(Experiment):
    """Every text in it wants to be markup."""

    id, title, about = "evil", EVIL, EVIL

    def runs(self, plan):
        return [
            Run(
                EVIL,
                EVIL,
                {"env_id": EVIL, "size": EVIL, "seed": 3, "method": {"key": EVIL, "config": {EVIL: EVIL}}},
            )
        ]

    def measure(self, run, cache):
        return {"fingerprint": "0123456789abcdef" + EVIL}

    def summarise(self, found, plan):
        return {}

    def tables(self, summary):
        return [Table(EVIL, [EVIL], [("", [f"{EVIL}\n{EVIL}"])], [EVIL])]

    def figures(self, found, summary):
        return [Figure("picture.png", png(), EVIL)]


def published(folder, preset="quick"):
    experiment, plan = Evil(), Plan(PRESETS[preset])
    found = [(run, experiment.measure(run, None)) for run in experiment.runs(plan)]
    publish(experiment, found, summary_of(experiment, found, plan, f"plan2vec reproduce {EVIL}", 1), folder)
    return folder


@pytest.fixture
def root(tmp_path):
    for name in ("table1-quick", "fig10-quick", "fig5-quick", "ablations-quick"):
        published(tmp_path / name)
    published(tmp_path / "fig5-smoke", "smoke")
    (tmp_path / "agents").mkdir()
    return tmp_path


def test_one_page_holds_all_experiments_and_needs_no_network(root, capsys):
    assert main(["reproduce", "--report", str(root)]) == 0
    text = (root / "report.html").read_text(encoding="utf-8")
    parsed = Collector()
    parsed.feed(text)
    assert parsed.open == []
    assert "script" not in parsed.tags
    links = [address for address in parsed.addresses if address.startswith("#")]
    pictures = [address for address in parsed.addresses if address.startswith("data:image/png;base64,")]
    assert len(links) + len(pictures) == len(parsed.addresses)
    assert len(pictures) == 5
    assert all(text.count(f'<section id="{link[1:]}"') == 1 for link in links)
    assert "http" not in text
    assert "80.2 ± 6.3" in text, "the paper's numbers stand beside ours"
    assert text.count("smoke run") == 1


def test_tables_come_first_then_figures_by_number(root):
    assert [entry.folder.name for entry in all_finished(root)] == [
        "table1-quick", "fig5-quick", "fig5-smoke", "fig10-quick", "ablations-quick",
    ]  # fmt: skip


def test_text_of_an_experiment_becomes_markup_nowhere(root):
    main(["reproduce", "--report", str(root)])
    for file in (*root.glob("*.html"), *root.glob("*.md"), *root.glob("*/report.*")):
        assert "<script" not in file.read_text(encoding="utf-8").split("`plan2vec reproduce")[0], file
    page = (root / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 8


def test_the_page_says_how_it_was_made(root):
    page = (root / "fig5-quick" / "report.html").read_text(encoding="utf-8")
    record = json.loads((root / "fig5-quick" / "results.json").read_text())
    assert record["report"]["seeds"] == [3]
    assert list(record["report"]["datasets"].values()) == ["0123456789abcdef" + EVIL]
    assert record["report"]["configuration"] == {EVIL: {EVIL: EVIL}}
    assert "0123456789abcdef" in page
    assert record["versions"]["torch"] in page
    assert record["hardware"]["cpu"] in page
    assert record["commit"]["sha"] is None or record["commit"]["sha"] in page


def test_the_page_of_one_experiment_is_made_again_from_its_folder(root):
    before = (root / "fig5-quick" / "report.html").read_bytes()
    (root / "fig5-quick" / "report.html").unlink()
    assert main(["reproduce", "--report", str(root / "fig5-quick")]) == 0
    assert (root / "fig5-quick" / "report.html").read_bytes() == before


def test_results_of_another_version_are_refused_with_their_command(root):
    file = root / "fig5-quick" / "results.json"
    record = json.loads(file.read_text())
    del record["report"]
    file.write_text(json.dumps(record))
    with pytest.raises(ResultsError, match="plan2vec reproduce"):
        finished(file.parent)


def test_a_folder_with_neither_run_nor_experiment_is_named(tmp_path, capsys):
    assert main(["reproduce", "--report", str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert "no results.json" in message
    assert "see `plan2vec report`" in message
    assert main(["report", str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert "no config.json" in message
    assert "see `plan2vec reproduce --report`" in message


def test_a_picture_that_lies_elsewhere_is_not_shown(root):
    (root / "secret.png").write_bytes(png())
    file = root / "fig5-quick" / "results.json"
    record = json.loads(file.read_text())
    record["report"]["figures"][0]["name"] = "../secret.png"
    file.write_text(json.dumps(record))
    main(["reproduce", "--report", str(root / "fig5-quick")])
    assert "data:image" not in (root / "fig5-quick" / "report.html").read_text()


def test_only_a_wide_picture_scrolls_on_a_phone(tmp_path):
    for width, css in ((1400, "wide"), (700, "narrow")):
        (tmp_path / "p.png").write_bytes(png(width))
        assert f'<figure class="{css}">' in picture(tmp_path / "p.png", "a", "b")
    assert '<figure class="narrow">' in picture(tmp_path / "p.png", "a", "b", narrow=True)
