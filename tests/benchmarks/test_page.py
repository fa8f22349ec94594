"""The page about speed: from the history to series, tables, a picture and the committed page."""

import importlib
import io
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from evaluation.cli import main
from evaluation.commands import benchmarks
from plan2vec_envs.errors import UnknownNameError

bench, speed = (importlib.import_module(f"{benchmarks()}.{name}") for name in ("run", "page"))
plot, readme = (importlib.import_module(f"{benchmarks()}.{name}") for name in ("plot", "readme"))
panels_of, speed_figure, render_readme = plot.panels_of, plot.speed_figure, readme.render_readme
ROOT = Path(__file__).resolve().parents[2]
SEARCH = {
    "search, 10,000 vertices": (40.0, "ms"),
    "search, 2,000 vertices": (8.0, "ms"),
    "search: exponent": (1.0, ""),
    "plans, 2,000 vertices": (250.0, "plans/s"),
    "plans, 10,000 vertices": (50.0, "plans/s"),
    "plans: exponent": (1.0, ""),
    "search, 2,000 vertices: share of a lane": (4.0, "us"),
    "search, 10,000 vertices: share of a lane": (2.0, "us"),
    "search, 2,000 vertices vs others": (7.0, "x"),
    "resets, of 7 kinds": (3.0, "resets/s"),
    "peak memory": (512.0, "MiB"),
}


def line(cpu, version="0.1.0", **benches):
    """A line of a history whose benches hold name -> (value, unit), each 10 % up and down."""
    return {
        "format": bench.FORMAT,
        "date": "2026-01-02T03:04:05",
        "commit": {"sha": "0123456789abcdef"},
        "hardware": {"cpu": cpu, "cores": 2},
        "versions": {"plan2vec": version, "numpy": "2.0", "torch": "2.8"},
        "repeats": 3,
        "benches": {
            name: {key: {"value": v, "low": 0.9 * v, "high": 1.1 * v, "unit": unit} for key, (v, unit) in found.items()}
            for name, found in benches.items()
        },
    }


def write(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(each) + "\n" for each in lines))
    return path


def test_one_thing_at_several_sizes_is_one_series_with_its_exponent():
    found = {each.name: each for each in speed.series_of(line("c", b=SEARCH)["benches"]["b"])}
    assert set(found) == {
        *("search", "plans", "search: share of a lane"),
        *("search, 2,000 vertices vs others", "resets, of 7 kinds", "peak memory"),
    }
    assert [size for size, _ in found["search"].points] == [2000, 10_000]
    assert (found["search"].of, found["search"].exponent) == ("vertices", 1.0)
    assert found["search: share of a lane"].exponent is None
    assert [found[name].of for name in ("resets, of 7 kinds", "search, 2,000 vertices vs others")] == ["", ""]


def test_seconds_are_those_of_one_whatever_the_unit():
    found = {each.name: each for each in speed.series_of(line("c", b=SEARCH)["benches"]["b"])}
    assert found["search"].seconds() == pytest.approx([0.008, 0.04])
    assert found["plans"].seconds() == pytest.approx([0.004, 0.02])
    assert found["search: share of a lane"].seconds() == pytest.approx([4e-6, 2e-6])
    assert found["peak memory"].seconds() == []


def test_the_last_entry_of_each_bench_on_the_last_processor_counts():
    old, other, new = line("mine", a=SEARCH, b=SEARCH), line("other", a=SEARCH, c=SEARCH), line("mine", b=SEARCH)
    found = speed.latest([old, other, new])
    assert list(found) == ["a", "b"]
    assert found["a"] is old
    assert found["b"] is new
    with pytest.raises(bench.BenchError, match="run `plan2vec bench` first"):
        speed.latest([])


def test_a_table_has_the_exponent_beside_the_sizes_and_the_command_below(tmp_path):
    file = write(tmp_path / "bench.jsonl", line("A processor", graphs=SEARCH))
    text = speed.markdown_of(ROOT, file)
    assert "2 cores of an A processor" in text
    assert "### graphs: Building and searching graphs" in text
    assert (
        "| search | 2,000 vertices | 8 | 7.2 to 8.8 | ms | 1.00 |\n|  | 10,000 vertices | 40 | 36 to 44 | ms |  |"
        in text
    )
    assert (
        "`plan2vec bench --only graphs --repeats 3`; peak memory 512 MiB; 2026-01-02, commit 0123456789; plan2vec"
        in text
    )
    assert speed.markdown_of(ROOT, file, "graphs") == text
    with pytest.raises(bench.BenchError, match=r"no bench 'rope' .* there are graphs"):
        speed.markdown_of(ROOT, file, "rope")


def test_a_bench_without_sizes_has_no_columns_for_them():
    entry = line("c", rope={"drags": (900.0, "drags/s"), "peak memory": (70.0, "MiB")})
    table = speed.table_of("rope", entry, "drags")
    assert table.head == ["quantity", "median", "range", "unit"]
    assert table.rows == [("", ["drags", "900", "810 to 990", "drags/s"])]


def test_the_picture_has_a_panel_for_each_kind_of_size_of_a_bench():
    more = SEARCH | {"step, 1 lanes": (2.0, "us"), "step, 4 lanes": (1.0, "us"), "step: exponent": (-0.5, "")}
    entries = speed.latest([line("c", a=more, b=SEARCH)])
    found = {title: [each.name for each in lines] for title, lines in panels_of(entries).items()}
    assert found == {
        "a, over vertices": ["search", "plans"],
        "a, over lanes": ["step"],
        "b, over vertices": ["search", "plans"],
    }
    assert Image.open(io.BytesIO(speed_figure(entries))).format == "PNG"


def test_the_report_writes_page_and_picture_and_measures_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench, "checkout", lambda: tmp_path)
    monkeypatch.setattr(bench, "run_bench", lambda *_, **__: pytest.fail("measured"))
    write(tmp_path / bench.HISTORY, line("A processor", graphs=SEARCH))
    (tmp_path / "docs/speed.md").write_text("before\n<!-- results:bench -->\nold\n<!-- /results -->\nafter\n")
    (tmp_path / "docs/images").mkdir()
    assert main(["bench", "--report"]) == 0
    text = (tmp_path / "docs/speed.md").read_text()
    assert text.startswith("before\n<!-- results:bench -->\n2 cores of an A processor")
    assert text.endswith("<!-- /results -->\nafter\n")
    assert "old" not in text
    assert Image.open(io.BytesIO((tmp_path / speed.PICTURE).read_bytes())).format == "PNG"
    assert main(["bench", "--report", "--only", "graphs"]) == 2
    assert "leave out --only" in capsys.readouterr().err


def test_a_version_to_compare_with_leaves_the_others_out():
    history = [line("c", "0.1.0", a=SEARCH), line("c", "0.2.0", a=SEARCH)]
    assert bench.of_version(history, "0.1.0") == history[:1]
    assert bench.of_version(history, "") == history
    with pytest.raises(UnknownNameError, match=r"'0\.3\.0'.*Known: 0\.1\.0, 0\.2\.0"):
        bench.of_version(history, "0.3.0")


@pytest.mark.parametrize("page", ["README.md", "docs/results.md", "docs/speed.md"])
def test_every_marked_block_of_the_pages_is_what_the_recorded_results_give(page, tmp_path):
    copy = tmp_path / Path(page).name
    shutil.copy(ROOT / page, copy)
    assert render_readme(copy, ROOT / "docs/results")
    assert copy.read_text(encoding="utf-8") == (ROOT / page).read_text(encoding="utf-8")
