"""The forecast: a simulated cluster held to closed forms, and its rates to what was measured."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from agents.training.loop import CHECKPOINT_SECONDS
from plan2vec_envs.errors import InvalidOptionError, UnknownNameError
from tests.benchmarks.commands.forecast import Command
from tests.benchmarks.forecast import DESIGNS, Cluster, Job, Machine, Stage, choose_design, rates, simulate
from tests.benchmarks.forecast.designs import halo_share, refusal
from tests.benchmarks.forecast.simulate import DoesNotFitError
from tests.benchmarks.forecast.tables import clock, render_page

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "scaling.md"
LAB = Cluster(Machine(cores=16, memory=64e9, gpus=1), count=16)


def one(stage: Stage, cluster: Cluster, seed: int = 0):
    (cost,) = simulate([stage], cluster, seed=seed)
    return cost


def test_equal_pieces_take_as_many_rounds_as_processes_need_for_them():
    rng = np.random.default_rng(0)
    for _ in range(50):
        pieces, cores, count = rng.integers(1, 40), rng.integers(1, 6), rng.integers(1, 5)
        cost = one(Stage("s", int(pieces), 3.0), Cluster(Machine(cores=int(cores)), int(count)))
        assert cost.wall == pytest.approx(3.0 * math.ceil(pieces / (cores * count)))
        assert cost.busy == pytest.approx(3.0 * pieces)


def test_a_piece_takes_the_longer_of_its_computing_and_its_share_of_the_disk():
    machine = Machine(cores=4, disk=1e9)
    assert one(Stage("s", 4, 1.0, disk=5e8), Cluster(machine)).wall == pytest.approx(2.0)  # 4 readers at 0.25e9 each
    assert one(Stage("s", 1, 1.0, disk=5e8), Cluster(machine)).wall == pytest.approx(1.0)  # one has the disk for itself


def test_nothing_moves_between_machines_where_there_is_one():
    stage = Stage("s", 8, 1.0, network=1e9, once=4e9)
    assert one(stage, Cluster(Machine(cores=2))).network == 0
    spread = one(stage, Cluster(Machine(cores=2), 2))
    assert spread.network == 8 * 1e9 + 2 * 4e9
    assert spread.wall == pytest.approx(4e9 / 1.25e9 + 2 * (2 * 1e9 / 1.25e9))


def test_bytes_do_not_depend_on_how_many_processes_share_them():
    stage = Stage("s", 37, 1.0, disk=1e9)
    assert {one(stage, Cluster(Machine(cores=cores))).disk for cores in (1, 2, 16)} == {37e9}


def test_memory_decides_how_many_processes_run_at_once():
    cluster = Cluster(Machine(cores=16, memory=10e9))
    cost = one(Stage("s", 100, 1.0, memory=3e9, once=2e9), cluster)
    assert (cost.processes, cost.memory) == (2, 8e9)
    with pytest.raises(DoesNotFitError, match="a process needs 11 GB where a machine has 10"):
        one(Stage("s", 1, 1.0, memory=11e9), cluster)


def test_a_piece_that_is_killed_again_and_again_takes_as_long_as_restarts_take_on_average():
    # From the beginning after each failure, at rate r: E = (e^(r t) - 1) / r for a piece of t seconds.
    rate, seconds, pieces = 3600.0, 1.2, 20_000
    cost = one(Stage("s", pieces, seconds), Cluster(Machine(cores=8), failures=rate))
    r = rate / 3600
    assert cost.busy / pieces == pytest.approx((math.exp(r * seconds) - 1) / r, rel=0.03)
    assert cost.retries / pieces == pytest.approx(math.exp(r * seconds) - 1, rel=0.03)


def test_a_piece_that_keeps_checkpoints_loses_what_came_after_the_last():
    often = Cluster(Machine(cores=1), failures=360)
    kept, anew = (one(Stage("s", 50, 60.0, keeps=keeps), often) for keeps in (2.0, None))
    assert 50 * 60 < kept.busy < 50 * 60 + 2.0 * kept.retries  # a kill costs less than the 2 s between checkpoints
    assert kept.busy < anew.busy / 2
    all_kept = one(Stage("s", 50, 60.0, keeps=0.0), often)
    assert all_kept.busy == pytest.approx(50 * 60)


def test_failures_under_which_nothing_would_end_are_refused():
    with pytest.raises(InvalidOptionError, match="it would hardly ever end"):
        one(Stage("s", 1, 100.0), Cluster(failures=3600))


def test_the_clock_stays_within_the_bounds_of_list_scheduling():
    for seed in range(20):
        cluster = Cluster(Machine(cores=5), failures=900)
        cost = one(Stage("s", 60, 2.0), cluster, seed)
        assert cost.busy / 5 <= cost.wall + 1e-9
        assert cost.wall <= cost.busy / 5 + 2.0 * (cost.retries + 1)


def test_a_forecast_without_failures_is_the_same_whatever_the_seed():
    stages = DESIGNS["whole"].stages(Job(10**6), LAB)
    assert simulate(stages, LAB, seed=0) == simulate(stages, LAB, seed=1)


@pytest.mark.parametrize("dimensions", [1, 2, 3, 4])
def test_the_halo_of_a_shard_is_what_counting_points_around_it_gives(dimensions: int):
    vertices = 2000
    ball = math.pi ** (dimensions / 2) / math.gamma(dimensions / 2 + 1)
    side = (vertices * ball / rates.EDGES) ** (1 / dimensions)  # so that 20 lie within 1 of each
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, side + 1, (400_000, dimensions))
    inside = ((points >= 0) & (points <= side)).all(1).mean()
    assert halo_share(vertices, dimensions) == pytest.approx((1 - inside) / inside, rel=0.05)


def test_more_frames_never_cost_less_whatever_the_design():
    for name, sizes in {
        "whole": (10**4, 10**5, 10**6),
        "cover": (10**5, 10**6, 10**9),
        "shards": (10**7, 10**8),
    }.items():
        for cluster in (Cluster(Machine(memory=1e12)), LAB):
            found = []
            for frames in sizes:
                places = 50_000 if name == "cover" else None
                costs = simulate(DESIGNS[name].stages(Job(frames, places), cluster), cluster)
                found.append([sum(getattr(cost, key) for cost in costs) for key in ("wall", "busy", "disk", "network")])
            assert (np.diff(found, axis=0) >= 0).all(), name


def test_the_cheapest_design_that_does_is_chosen():
    laptop = Cluster(Machine(cores=2, memory=24e9))
    for job, cluster, name in [
        (Job(10**9, places=30_000), laptop, "cover"),
        (Job(10**6), laptop, "whole"),
        (Job(10**8), LAB, "shards"),
    ]:
        found = choose_design(job, cluster)
        assert found is not None
        assert found.name == name
    assert choose_design(Job(10**9, dimensions=8), LAB) is None  # shards would be all border


def test_a_graph_whose_edges_32_bits_do_not_count_is_refused():
    roomy = Cluster(Machine(memory=1e15))
    assert refusal(DESIGNS["whole"], Job(10**8), roomy) is None
    assert "32 bits" in (refusal(DESIGNS["whole"], Job(108 * 10**6), roomy) or "")


def test_a_graph_of_a_million_and_its_sources_take_what_was_measured():
    # docs/scaling.md: 142 s by the clock on 2 cores, 3.0 GiB, `python tests/benchmarks/graph_and_sources.py`.
    laptop = Cluster(Machine(cores=2, memory=24e9))
    job = Job(10**6, dimensions=4, latent_dimensions=4, landmarks=256)
    costs = {cost.stage.name: cost for cost in simulate(DESIGNS["whole"].stages(job, laptop), laptop)}
    assert costs["graph"].wall + costs["landmarks"].wall == pytest.approx(142, rel=0.5)
    assert costs["graph"].memory == pytest.approx(3.0 * 2**30, rel=0.25)


def test_rates_are_those_of_the_latest_bench_or_nearly():
    entries = [json.loads(line) for line in (ROOT / "docs/results/bench.jsonl").read_text().splitlines()]
    checked = 0
    for name, rate in vars(rates).items():
        if not isinstance(rate, rates.Rate) or not rate.quantity:
            continue
        bench, quantity = rate.quantity.split(": ", 1)
        found = [entry["benches"][bench][quantity] for entry in entries if quantity in entry["benches"].get(bench, {})]
        assert found, f"{name}: no entry of the history has {rate.quantity!r}"
        value, unit = found[-1]["value"], found[-1]["unit"]
        things = {"SOURCE": 1, "SPREAD": rate.size / 1000}.get(name, rate.size)  # a source; frames for 1000 vertices
        seconds = value if unit == "s" else things / value
        assert rate.seconds == pytest.approx(seconds, rel=0.5), name
        checked += 1
    assert checked >= 5
    assert rates.CHECKPOINT == CHECKPOINT_SECONDS


def test_the_tables_of_the_page_are_what_the_command_says(tmp_path: Path):
    copy = tmp_path / "scaling.md"
    copy.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    assert render_page(copy) >= 3
    assert copy.read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8"), (
        "run python -m tests.benchmarks.forecast.tables"
    )


def test_the_command_prints_every_stage_and_what_was_not_chosen(capsys):
    from evaluation.cli import main

    assert main(["forecast", "--frames", "1e8", "--machines", "16", "--cores", "16", "--memory", "64"]) == 0
    said = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert "100,000,000 frames" in said
    assert "landmarks of shards" in said
    assert "whole (every frame is a vertex of one graph) was not taken" in said
    assert "not built" in said


def test_options_that_cannot_be_are_refused_in_words():
    for asked, words in [
        (Command(frames=0), "frames is 0"),
        (Command(frames=10, places=20), "need 1 to 10"),
        (Command(machines=0), "need at least 1"),
        (Command(frames=1e9, dimensions=8), "no design does"),
        (Command(frames=float("nan")), "--frames nan: a finite number"),
        (Command(frames=1e15), "at most 1e.11 are forecast"),
        (Command(memory=0), "memory of 0; need more than 0"),
        (Command(gpus=-1), "gpus of -1; need 0 or more"),
    ]:
        with pytest.raises(InvalidOptionError, match=words):
            asked.table()
    with pytest.raises(UnknownNameError, match="shards"):
        Command(design="shard").table()


def test_times_are_said_as_people_say_them():
    assert [clock(seconds) for seconds in (0.04, 0.44, 61, 119, 7200, 200_000)] == [
        "0 s",
        "0.4 s",
        "61 s",
        "2 min",
        "2 h",
        "2.3 d",
    ]
