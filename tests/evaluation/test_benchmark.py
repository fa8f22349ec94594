"""The multi-seed table: resumable, and rendered between its markers only."""

import json

import numpy as np
import pytest

from evaluation import benchmark as bench
from evaluation.benchmark_seed import bits, flags
from evaluation.benchmark_tables import _interval, render_readme, table
from evaluation.errors import ResultsError

ENV = "Plan2vec/CMaze-v0"


def fake_seed(env_id, seed, success=(1, 1, 0, 1)):
    def row(name, hits, oracle=False):
        return {
            "label": name,
            "oracle": oracle,
            "success_02": bits(np.array(hits, bool)),
            "success_03": bits(np.array(hits, bool)),
            "success_04": "1111",
            "blocked": "0110",
            "steps": "3 4 50 6",
            "steps_over_least": 1.1,
        }

    return {
        "env_id": env_id,
        "seed": seed,
        "fingerprint": f"{seed:064d}",
        "agent_config": {},
        "stages": [{"stage": "local", "wall": 1.0 + seed, "cpu": 2.0}],
        "learning": {},
        "decision_seconds": 0.001,
        "corridor": {"learned": 4.0 + seed, "geodesic": 4.5, "num_across": 5, "num_open": 9},
        "rows": {
            "closed-loop-memory": row("plan2vec, with memory", success),
            "geodesic": row("geodesic greedy (oracle)", (1, 1, 1, 1), oracle=True),
        },
    }


@pytest.fixture
def ran(monkeypatch):
    """What was really run, in place of minutes of training."""
    keys = []

    def run_parts(wanted, benchmark):
        for env_id, seed in wanted:
            keys.append((env_id, seed))
            if len(keys) == 3 and benchmark.jobs == 99:
                raise KeyboardInterrupt
            yield (env_id, seed), fake_seed(env_id, seed)

    monkeypatch.setattr(bench, "_run_parts", run_parts)
    return keys


def test_an_interrupted_benchmark_runs_only_what_is_missing(ran, tmp_path, capsys):
    out = tmp_path / "rooms.json"
    with pytest.raises(KeyboardInterrupt):
        bench.run(bench.Benchmark(env=ENV, seeds=4, tasks=4, jobs=99, out=out), "x")
    assert not out.exists()
    ran.clear()
    bench.run(bench.Benchmark(env=ENV, seeds=4, tasks=4, out=out), "x")
    assert ran == [(ENV, 2), (ENV, 3)]
    assert "resuming: 2 of 4" in capsys.readouterr().out
    assert json.loads(out.read_text())["seeds"] == [0, 1, 2, 3]
    assert not out.with_suffix(".parts").exists()


def test_kept_seeds_of_another_question_are_run_again(ran, tmp_path):
    out = tmp_path / "rooms.json"
    with pytest.raises(KeyboardInterrupt):
        bench.run(bench.Benchmark(env=ENV, seeds=4, tasks=4, jobs=99, out=out), "x")
    ran.clear()
    bench.run(bench.Benchmark(env=ENV, seeds=4, tasks=4, size="100x10", out=out), "x")
    assert len(ran) == 4


def test_the_summary_keeps_every_task_of_every_seed(ran, tmp_path):
    out = tmp_path / "rooms.json"
    bench.run(bench.Benchmark(env=ENV, seeds=3, tasks=4, out=out), "the command")
    summary = json.loads(out.read_text())
    row = summary["rooms"][ENV]["rows"]["closed-loop-memory"]
    assert row["success_02"] == ["1101"] * 3
    assert row["mean"]["value"] == 0.75
    assert row["blocked_mean"]["value"] == 0.5
    assert row["iqm"]["value"] == 1.0
    assert summary["command"] == "the command"
    oracle = summary["rooms"][ENV]["rows"]["geodesic"]
    assert len(oracle["success_02"]) == 1  # the same in every run, so counted once
    assert oracle["mean"]["low"] < 1


def test_tables_are_written_between_their_markers_only(ran, tmp_path, capsys):
    results = tmp_path / "results"
    bench.run(bench.Benchmark(env=ENV, seeds=2, tasks=4, out=results / "rooms-1.json"), "the command")
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- results:rooms-1 -->\nold\n<!-- /results -->\nafter\n")
    assert render_readme(readme, results) == ["rooms-1"]
    text = readme.read_text()
    assert text.startswith("before\n<!-- results:rooms-1 -->\n| success")
    assert text.endswith("<!-- /results -->\nafter\n")
    assert "old" not in text
    assert "`the command`" in text
    assert "80.2 ± 6.3" in text
    render_readme(readme, results)
    assert readme.read_text() == text


def test_a_marker_without_results_changes_nothing(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("<!-- results:none -->\nold\n<!-- /results -->\n")
    with pytest.raises(ResultsError, match=r"none\.json"):
        render_readme(readme, tmp_path)
    assert "old" in readme.read_text()


def test_a_table_says_seeds_interval_and_hardware(ran, tmp_path):
    out = tmp_path / "rooms.json"
    bench.run(bench.Benchmark(env=ENV, seeds=2, tasks=4, out=out), "x")
    text = table(json.loads(out.read_text()))
    assert "2 data-and-training seeds × 4 tasks" in text
    assert "bootstrap" in text
    assert "4.50 times as far in the embedding (4.00 to 5.00 over seeds), truly 4.50" in text


def test_a_row_without_a_failure_shows_an_interval_all_the_same():
    """Ten of ten: the Wilson lower bound is 1 / (1 + 1.96^2 / 10) = 72.2 %."""
    flat = {"value": 1.0, "low": 1.0, "high": 1.0}
    row = {"mean": flat, "blocked_mean": flat, "success_02": ["11111"] * 2, "blocked": ["11000"]}
    assert _interval(row)["low"] == pytest.approx(0.7225, abs=1e-4)
    assert _interval(row, blocked=True)["low"] == pytest.approx(4 / (4 + 1.959964**2), abs=1e-4)
    varied = row | {"mean": {"value": 0.5, "low": 0.4, "high": 0.6}}
    assert _interval(varied) is varied["mean"]


def test_digits_round_trip():
    assert flags(bits(np.array([True, False]))).tolist() == [True, False]
