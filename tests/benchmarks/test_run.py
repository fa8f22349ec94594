"""Benches: the harness on a clock of its own, the history, and the command on a checkout with one tiny bench."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from evaluation.cli import main
from evaluation.commands import benchmarks

bench = importlib.import_module(f"{benchmarks()}.run")
BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"

TINY = """
from harness import Quantity, rate, run

def bench(repeats):
    yield rate("sums", "sums/s", lambda: len([sum(range(1000)) for _ in range(200)]), repeats)
    yield Quantity("answers", "x", 42.123456, 40.0, 44.0)

if __name__ == "__main__":
    run(bench)
"""


@pytest.fixture
def harness(monkeypatch):
    """The harness with a clock that says how long each work is told to take."""
    spec = importlib.util.spec_from_file_location("harness_under_test", BENCHMARKS / "harness.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(__import__("sys").modules, spec.name, module)  # dataclasses look their module up
    spec.loader.exec_module(module)
    clock = [0.0]
    monkeypatch.setattr(module.time, "process_time", lambda: clock[0])
    module.clock = clock
    return module


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A checkout that holds one tiny bench."""
    folder = tmp_path / "tests" / "benchmarks"
    folder.mkdir(parents=True)
    shutil.copy(BENCHMARKS / "harness.py", folder)
    (folder / "bench_tiny.py").write_text(TINY)
    monkeypatch.setattr(bench, "checkout", lambda: tmp_path)
    return tmp_path


def lasting(harness, durations, things):
    """A work that takes these seconds one after the other."""
    durations = iter(durations)

    def work():
        harness.clock[0] += next(durations)
        return things

    return work


def test_a_rate_is_the_median_of_its_repeats_and_the_first_does_not_count(harness):
    found = harness.rate("things", "things/s", lasting(harness, [100, 2, 1, 4], 8), repeats=3)
    assert (found.value, found.low, found.high) == (4.0, 2.0, 8.0)


def test_a_ratio_has_both_sides_measured_in_turns(harness):
    order = []

    def side(name, seconds):
        def work():
            order.append(name)
            harness.clock[0] += seconds
            return 10

        return work

    found = list(harness.against("ours", "n/s", side("a", 1.0), {"theirs": side("b", 5.0)}, repeats=4, their_repeats=2))
    assert "".join(order) == "ab" + "abab" + "aa"
    assert [(q.name, q.value, q.unit) for q in found] == [
        ("ours", 10.0, "n/s"),
        ("ours in theirs", 2.0, "n/s"),
        ("ours vs theirs", 5.0, "x"),
    ]


def test_a_ratio_of_unequal_work_is_refused(harness):
    with pytest.raises(AssertionError, match="theirs did 3 things, we did 4"):
        list(harness.against("ours", "n/s", lambda: 4, {"theirs": lambda: 3}, repeats=1))


def test_the_exponent_of_a_power_is_found_exactly_and_noise_around_it_cancels(harness):
    sizes = [1, 16, 64, 256]
    assert harness.exponent(sizes, [3 * n**1.7 for n in sizes]) == pytest.approx(1.7)
    # Least squares by hand: logarithms 0, 1, 2 of the sizes, 0, 3, 2 of the seconds, so the slope is 2/2.
    assert harness.exponent([1, 10, 100], [1, 1000, 100]) == pytest.approx(1.0)


def test_what_is_measured_at_several_sizes_has_the_exponent_of_its_seconds_whatever_its_unit(harness):
    growth = harness.Growth("vertices")
    found = [growth.time("search", size, [3 * size**1.5 for _ in range(3)], "ms") for size in (10, 1000)]
    found += [growth.rate("plans", size, "plans/s", 8, [8 * size**0.5]) for size in (10, 1000)]
    found += [growth.time("once", 10, [1.0])]
    assert [q.name for q in found[:2]] == ["search, 10 vertices", "search, 1,000 vertices"]
    assert (found[0].unit, found[0].value) == ("ms", pytest.approx(3000 * 10**1.5))
    assert (found[2].unit, found[2].value) == ("plans/s", pytest.approx(10**-0.5))
    assert {q.name: q.value for q in growth.exponents()} == {
        "search: exponent": pytest.approx(1.5),
        "plans: exponent": pytest.approx(0.5),
    }


def test_peak_memory_knows_of_an_array_that_was_given_back():
    code = "from harness import peak_memory as now; a = now().value; bytearray(b'1' * 2**26); print(now().value - a)"
    done = subprocess.run([sys.executable, "-c", code], cwd=BENCHMARKS, capture_output=True, text=True, check=True)
    assert 64 <= float(done.stdout) < 192  # 64 MiB, and once more for the copy


def test_a_quotient_spans_the_extremes_of_both_sides(harness):
    found = harness.quotient("share", "x", [2.0, 4.0, 6.0], [1.0, 2.0, 4.0])
    assert (found.value, found.low, found.high) == (2.0, 0.5, 6.0)


def test_a_peer_that_is_not_installed_is_named_with_the_way_to_get_it(harness, capsys):
    assert harness.installed("math", "Python")
    assert not harness.installed("no_such_module", "no-such-package")
    assert capsys.readouterr().err == "no-such-package is not installed and not measured: pip install -e '.[bench]'\n"


def test_the_command_prints_a_table_and_notes_one_line_a_run(tree, capfd):
    assert main(["bench", "--repeats", "2"]) == 0
    first = capfd.readouterr()
    assert "sums" in first.out
    assert "42.1" in first.out
    assert "sums" in first.err  # progress, while it runs
    assert main(["bench", "--only", "tiny", "--repeats", "2"]) == 0
    assert "+0%" in capfd.readouterr().out
    lines = (tree / "docs/results/bench.jsonl").read_text().splitlines()
    assert len(lines) == 2
    entry = json.loads(lines[0])
    assert entry["benches"]["tiny"]["answers"] == {"unit": "x", "value": 42.12, "low": 40.0, "high": 44.0}
    assert {"date", "commit", "hardware", "versions", "repeats"} <= set(entry)
    assert entry["versions"]["plan2vec"]
    assert entry["benches"]["tiny"]["peak memory"]["unit"] == "MiB"


def test_large_sizes_are_measured_only_when_asked_for(tree):
    sized = TINY.replace("def bench(repeats):", "def bench(repeats, large):").replace("42.123456", "1.0 + large")
    (tree / "tests/benchmarks/bench_sized.py").write_text(sized.replace("40.0", "0.0"))
    assert main(["bench", "--repeats", "1"]) == 0
    assert main(["bench", "--repeats", "1", "--large"]) == 0  # the other bench has no large sizes
    lines = (tree / "docs/results/bench.jsonl").read_text().splitlines()
    assert [json.loads(line)["benches"]["sized"]["answers"]["value"] for line in lines] == [1.0, 2.0]


def test_the_command_only_compares_when_told_to_note_nothing(tree):
    assert main(["bench", "--repeats", "1", "--no-note", "--history", str(tree / "history.jsonl")]) == 0
    assert not (tree / "history.jsonl").exists()


def test_what_cannot_run_is_said_in_one_line(tree, capsys):
    assert main(["bench", "--only", "tini"]) == 2
    assert "Did you mean 'tiny'" in capsys.readouterr().err
    assert main(["bench", "--repeats", "0"]) == 2
    (tree / "tests/benchmarks/bench_tiny.py").write_text("raise SystemExit(3)")
    assert main(["bench"]) == 2
    assert "failed with exit code 3" in capsys.readouterr().err
    history = tree / "docs/results/bench.jsonl"
    history.parent.mkdir(parents=True)
    history.write_text('{"format": 1, "hardware": {}, "benches": {}}\nnot json\n')
    assert main(["bench"]) == 2
    assert "line 2 is no entry" in capsys.readouterr().err


def test_an_installation_without_benches_says_where_they_are(monkeypatch, tmp_path):
    monkeypatch.setattr(bench, "__file__", str(tmp_path / "evaluation" / "bench.py"))
    with pytest.raises(bench.BenchError, match="Clone the repository"):
        bench.checkout()


def test_the_last_measurement_on_the_same_processor_is_compared_with():
    def line(cpu, value):
        return {"hardware": {"cpu": cpu}, "benches": {"b": {"q": {"value": value}}}}

    history = [line("mine", 1), line("mine", 2), line("other", 3)]
    assert bench.previous(history, "b", "q", "mine") == ({"value": 2}, True)
    assert bench.previous(history, "b", "q", "third") == ({"value": 3}, False)
    assert bench.previous(history, "b", "unknown", "mine") is None


def test_every_bench_of_this_checkout_is_found():
    assert {"envs", "search"} <= set(bench.bench_files(bench.checkout()))
    assert "harness" not in bench.bench_files(bench.checkout())


@pytest.mark.slow
def test_every_bench_of_this_checkout_runs():
    root = bench.checkout()
    for name, file in bench.bench_files(root).items():
        found = bench.run_bench(root, file, 1)
        assert found, name
        assert all(q["low"] <= q["value"] <= q["high"] for q in found)
        assert len({q["name"] for q in found}) == len(found)
