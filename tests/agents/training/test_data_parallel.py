"""Several processes make one fit. They talk over the loopback interface of this machine."""

from __future__ import annotations

import csv
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from agents.errors import ExecutionError
from agents.training.ranks import ALONE, Ranks, asked_for

from . import rank_script

ROOT = Path(__file__).parents[3]
SCRIPT = "tests.agents.training.rank_script"


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return opened.getsockname()[1]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "PYTHONPATH": str(ROOT), **more}


def run_two(folder: Path) -> None:
    """The script in two processes, as a launcher starts them."""
    launched = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2"}
    ranks = [
        subprocess.Popen(
            [sys.executable, "-m", SCRIPT, "everything", str(folder)],
            env=environment(**launched, RANK=str(rank), LOCAL_RANK=str(rank)),
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        errors = [process.communicate(timeout=120)[1] for process in ranks]
    finally:
        for process in ranks:
            process.kill()
    assert [process.returncode for process in ranks] == [0, 0], "\n".join(errors)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Everything, by this process alone and by two: arrays and what was said, of each rank."""
    root = tmp_path_factory.mktemp("ranks")
    for name, work in (("one", rank_script.everything), ("two", run_two)):
        (root / name).mkdir()
        work(root / name)
    found = {
        name: SimpleNamespace(
            arrays=dict(np.load(root / folder / f"rank{rank}.npz")),
            said=json.loads((root / folder / f"rank{rank}.json").read_text()),
        )
        for name, folder, rank in (("one0", "one", 0), ("two0", "two", 0), ("two1", "two", 1))
    }
    return SimpleNamespace(root=root, **found)


def losses(folder: Path) -> list[float]:
    with open(folder / "metrics.csv", newline="") as file:
        return [float(row["value"]) for row in csv.DictReader(file) if row["name"] == "loss"]


def test_two_ranks_learn_what_one_process_learns(done):
    """Weights, and statistics of batch normalisation, up to the order of sums."""
    for name, expected in done.one0.arrays.items():
        if name != "embedded":  # a graph decides by a threshold, which such a difference may cross
            np.testing.assert_allclose(done.two0.arrays[name], expected, rtol=1e-4, atol=1e-6, err_msg=name)
    assert len(losses(done.root / "two/whole")) == 6
    np.testing.assert_allclose(losses(done.root / "two/whole"), losses(done.root / "one/whole"), rtol=1e-4)


def test_both_ranks_end_with_the_same_bits(done):
    """Also of a whole agent, though they began with other weights."""
    for name, array in done.two0.arrays.items():
        np.testing.assert_array_equal(done.two1.arrays[name], array, err_msg=name)


def test_the_work_is_divided(done):
    assert done.one0.said["calls"] == 6 * 4
    assert done.two0.said["calls"] == done.two1.said["calls"] == 6 * 4 / 2


def test_ranks_resume_together_from_the_first_ones_checkpoint(done):
    """Three steps were done, so three are left for both, to the same bits."""
    for each in (done.two0, done.two1):
        assert each.said["calls_after"] == 3 * 4 / 2
        for name in (name for name in each.arrays if name.startswith("whole/")):
            np.testing.assert_array_equal(each.arrays[name.replace("whole", "resumed")], each.arrays[name])
    assert losses(done.root / "two/cut") == losses(done.root / "two/whole")


def test_the_first_rank_alone_writes_the_folder(done):
    """Every row once, every stage once."""
    with open(done.root / "two/fit/metrics.csv", newline="") as file:
        rows = [(row["stage"], row["step"], row["name"]) for row in csv.DictReader(file)]
    assert len(rows) == len(set(rows))
    stages = {path.stem for path in (done.root / "two/fit/stages").glob("*.json")}
    assert stages == {"local", "graph", "global", "forward"}


def test_a_step_of_one_batch_cannot_be_divided(done):
    for each in (done.two0, done.two1):
        assert "2 ranks cannot divide 1 micro-batch of a step evenly; give accumulate=2" in each.said["plain"]


def test_agents_with_a_loop_of_their_own_refuse_ranks(done):
    assert "dqn was asked for accumulate" in done.two0.said["dqn"]


def test_what_the_first_rank_finds_or_fails_at_counts_for_all(done):
    assert done.two0.said["agreed"] == done.two1.said["agreed"] == "from 0"
    assert done.two0.said["failed"] == "JSONDecodeError"
    assert "rank 1 stops, because the first rank did: JSONDecodeError" in done.two1.said["failed"]


@pytest.mark.parametrize(("count", "size", "advice"), [(3, 2, "accumulate=2 or 4"), (1, 4, "accumulate=4"),
                                                       (10, 4, "accumulate=8 or 12")])  # fmt: skip
def test_an_uneven_division_is_refused_with_the_nearest_even_ones(count, size, advice):
    with pytest.raises(ExecutionError, match=f"{size} ranks cannot divide {count} micro-batch.*{advice}"):
        Ranks(0, size).check(count)


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_every_micro_batch_is_somebodys(size):
    shares = [Ranks(rank, size).share(range(6)) for rank in range(size)]
    assert sorted(micro for share in shares for micro in share) == list(range(6))
    assert len({len(share) for share in shares}) == 1


def test_a_process_that_nobody_launched_is_alone(monkeypatch):
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert asked_for() == 1
    monkeypatch.setenv("WORLD_SIZE", "8")  # of a batch system, say; a launcher sets both
    assert asked_for() == 1
    monkeypatch.setenv("RANK", "3")
    assert asked_for() == 8
    assert ALONE.agree(lambda: 5) == 5


@pytest.mark.slow
def test_ray_train_starts_ranks_as_the_documentation_says(tmp_path):
    if subprocess.run([sys.executable, "-c", "import ray.train"], capture_output=True, check=False).returncode:
        pytest.skip("needs the ray extra")
    ((code,),) = (re.findall(r"```py\n(.*?)```", (ROOT / "docs/training.md").read_text(), re.DOTALL),)
    few = "'local_metric': {'steps': 20}, 'global_metric': {'algorithm': {'steps': 20}}, 'forward_model': {'steps': 20}"
    little = f"from_dict(Plan2VecConfig, {{{few}}})"
    for words, others in {
        "1000x10": "40x10",
        "import Plan2Vec": "import Plan2Vec, Plan2VecConfig; from agents.training.config_json import from_dict",
        "Plan2Vec()": f"Plan2Vec({little})",
        "WORK": repr(str(tmp_path / "work")),
        "AGENT": "{!r} + __import__('os').environ['RANK']".format(str(tmp_path / "agent")),
        "DEVICE": "'cpu'",
        "RunConfig(": f"RunConfig(storage_path={str(tmp_path / 'kept')!r}, ",
    }.items():
        code = code.replace(words, others)
    (tmp_path / "fit_by_ray.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "fit_by_ray.py"],
        env=environment(
            PYTHONPATH=os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            RAY_ADDRESS="local",  # not what a killed cluster left behind
        ),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = ((tmp_path / f"agent{rank}" / "weights.safetensors").read_bytes() for rank in (0, 1))
    assert first == second
    assert (tmp_path / "work/metrics.csv").read_text().count("global,-1,relative_error") == 1


@pytest.mark.slow
def test_a_rank_that_dies_is_started_again_and_nothing_is_lost(done, tmp_path):
    """By torchrun; all begin again together, from the checkpoint, to the bits of a run in which nobody died."""
    (tmp_path / "mortal").mkdir()
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--max-restarts", "1"]
    where = ["--master_addr", "127.0.0.1", "--master_port", str(free_port())]
    run = subprocess.run(
        [*launch, *where, "-m", SCRIPT, "mortal", str(tmp_path / "mortal")],
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    assert [(tmp_path / "mortal" / f"lives{rank}").read_text() for rank in (0, 1)] == ["1", "1"]
    for rank in (0, 1):
        for name, array in np.load(tmp_path / "mortal" / f"rank{rank}.npz").items():
            np.testing.assert_array_equal(array, done.two0.arrays[f"whole/{name}"], err_msg=name)
    assert len(losses(tmp_path / "mortal/work")) == 6
