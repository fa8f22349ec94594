"""The page: self-contained, escaped, true to the run."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from evaluation.cli import main
from evaluation.report.html import table, tag, terms
from evaluation.report.numbers import Numbers
from evaluation.report.published import TABLE_1, paper_number
from evaluation.report.writing import render
from evaluation.runs.folder import RunFolder

EVIL = '<script>alert("x")</script>'


class Collector(HTMLParser):
    """Tags, addresses and what is not closed."""

    def __init__(self):
        super().__init__()
        self.tags, self.addresses, self.open = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)  # <rect/>, <path/>: closed as it opens

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page(tiny_run):
    return (tiny_run / "report.html").read_text(encoding="utf-8")


def test_the_page_is_one_file_that_needs_no_network_and_no_script(page):
    parsed = Collector()
    parsed.feed(page)
    assert parsed.open == []
    assert "script" not in parsed.tags
    assert all(address.startswith("data:image/") for address in parsed.addresses)
    assert len(parsed.addresses) >= 5
    words = re.sub(r'"data:image/[^"]*"', "", page)  # the text of a picture may hold any letters
    assert "url(" not in words
    assert "://" not in words


def test_the_page_shows_rate_paper_seconds_command_and_fingerprint(page, tiny_run):
    numbers = Numbers.of(RunFolder(tiny_run))
    line = numbers.line("closed-loop-memory")
    assert f"{100 * line.success.value:.1f} %" in page
    assert "80.2 ± 6.3" in page
    assert numbers.facts["fingerprint"] in page
    assert "plan2vec train" in page
    assert all(stage in page for stage in ("local", "graph", "global", "forward", "evaluate"))


def test_the_numbers_stand_beside_the_page_as_json(tiny_run):
    data = json.loads((tiny_run / "results.json").read_text())
    labels = [row["label"] for row in data["rows"]]
    assert labels[:2] == ["plan2vec, with memory", "plan2vec, memoryless"]
    assert any("oracle" in label for label in labels)
    assert data["rows"][0]["tasks"] == 8


def test_text_from_a_run_cannot_become_markup(tiny_run, tmp_path):
    numbers = Numbers.of(RunFolder(tiny_run))
    job = replace(numbers.job, agent=EVIL, env_id=EVIL)
    page = render(replace(numbers, job=job, command=EVIL, config={EVIL: EVIL}), tmp_path)
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_every_piece_of_the_page_escapes_its_text():
    for piece in (tag("p", EVIL), terms([(EVIL, EVIL)]), table([EVIL], [(EVIL, [f"{EVIL}\n{EVIL}"])])):
        assert "<script" not in piece


def test_a_report_is_drawn_again_with_the_same_numbers(tiny_run, capsys):
    before = (tiny_run / "results.json").read_bytes()
    assert main(["report", str(tiny_run)]) == 0
    assert (tiny_run / "results.json").read_bytes() == before


def test_an_unfinished_run_has_no_report_yet(tmp_path, capsys):
    from evaluation.runs import folder as runs

    run = runs.create(tmp_path, "Plan2vec/CMaze-v0", "plan2vec", 0, {}, "plan2vec demo")
    assert main(["report", str(run.root)]) == 2
    assert "plan2vec demo" in capsys.readouterr().err


def test_the_animation_is_a_small_gif(tiny_run):
    file = tiny_run / "figures" / "tasks.gif"
    if file.is_file():  # five gradient steps may solve nothing
        assert file.read_bytes().startswith(b"GIF89a")
        assert file.stat().st_size < 2**20


def test_the_paper_is_quoted_as_printed():
    assert paper_number("plan2vec", "Plan2vec/Table-v0") == "76.4 ± 9.2"
    assert paper_number("geodesic", "Plan2vec/Table-v0") is None
    assert sum(map(len, TABLE_1.values())) == 12


def test_no_machine_path_reaches_the_page(page, tiny_run):
    assert not re.search(r"/(home|root|tmp|work)/(?!.*--out)", page.split("How to repeat it")[0])
