"""The command line: quick, readable when it fails, resumable when it is stopped."""

import csv
import os
import signal
import socket
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest

from agents.training.execution import Execution
from evaluation import cli
from evaluation.commands import command_names
from evaluation.commands.context import split_args
from evaluation.protocols.closed_loop import closed_loop
from evaluation.runs.folder import RunFolder
from evaluation.runs.job import Job

from ..conftest import CMAZE, TINY

ROOT = Path(__file__).resolve().parents[3]


def start(*args, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "evaluation.cli", *args],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_help_is_quick_and_imports_nothing_heavy():
    code = (
        "import sys\nfrom evaluation.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'matplotlib', 'gymnasium', 'agents'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in command_names())
    assert time.perf_counter() - began < 2  # .15 s on an idle machine


@pytest.mark.parametrize("name", command_names())
def test_every_command_has_help(name, capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main([name, "--help"])
    assert "usage" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["train", "Plan2vec/CMaz-v0"], "Did you mean 'Plan2vec/CMaze-v0'"),
        (["collect", "Plan2vec/Opn-v0"], "Did you mean 'Plan2vec/Open-v0'"),
        (["train", "--agent", "plan2vek"], "Did you mean 'plan2vec'"),
        (["train", "--size", "ten"], "rollouts x horizon"),
        (["evaluate", "nowhere"], "does not exist"),
        (["report", "nowhere"], "no run folder"),
        (["envs", "--config.memory.radius", "1"], "trains no agent"),
        (["train", "--data", "missing.npz"], "missing.npz"),
        (["envs", "--execution.accumulate", "2"], "`envs` fits no agent; use it with train, demo, fit, reproduce"),
    ],
)
def test_errors_are_one_readable_line(args, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(args) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("plan2vec: ")
    assert message in captured.err
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    "wrong", [["--tasks", "0"], ["--size", "10y10"], ["--data", "no-such-file.npz"], ["--rollouts", "1"]]
)
def test_a_job_that_cannot_run_leaves_no_run_folder(wrong, tmp_path, capsys):
    assert cli.main(["train", "--out", str(tmp_path / "runs"), *wrong]) == 2
    assert not list(tmp_path.glob("runs/*/*/*"))


def test_the_help_of_agent_options_names_them_as_they_are_typed(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["train", "--config.help"])
    assert "--config.local-metric.steps" in capsys.readouterr().out


def test_the_help_of_execution_options_names_them_as_they_are_typed(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["train", "--execution.help"])
    assert "--execution.accumulate" in capsys.readouterr().out


def test_ranks_are_refused_where_there_is_nothing_to_share(monkeypatch, capsys):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert cli.main(["reproduce", "table1"]) == 2
    assert "2 ranks were started, but `reproduce` is no single fit to share" in capsys.readouterr().err
    assert cli.main(["train"]) == 2
    assert "2 ranks cannot divide 1 micro-batch" in capsys.readouterr().err


def test_other_executions_are_other_runs():
    plain, asked = Job().identity(), Job(execution=Execution(accumulate=2)).identity()
    assert plain == Job(execution=Execution(frame_bytes=0)).identity()
    assert asked == {**plain, "execution": {"accumulate": 2}}


@pytest.mark.slow
def test_ranks_make_one_run_of_one_job(tmp_path):
    """By torchrun: one folder, one report, and the losses of a process alone as far as they begin alike."""
    few = [f"--config.{stage}.steps=50" for stage in ("local-metric", "global-metric.algorithm", "forward-model")]
    asked = ["train", "--rollouts", "20", "--tasks", "2", "--no-tensorboard", "--execution.accumulate", "2", *few]
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port = str(opened.getsockname()[1])
    torchrun = ["-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_addr", "127.0.0.1"]
    loss = {}
    for name, launcher in (("one", []), ("two", [*torchrun, "--master_port", port])):
        done = subprocess.run(
            [sys.executable, *launcher, "-m", "evaluation.cli", *asked, "--out", str(tmp_path / name)],
            cwd=ROOT,
            env={**os.environ, "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("Report: ") == 1
        (folder,) = tmp_path.glob(f"{name}/*/*/*")
        assert (folder / "finished.json").is_file()
        with open(folder / "metrics.csv", newline="") as file:
            loss[name] = [float(row["value"]) for row in csv.DictReader(file) if row["name"] == "loss"]
    assert len(loss["two"]) == 3
    assert loss["two"][0] == pytest.approx(loss["one"][0], rel=1e-4)
    assert loss["two"] == pytest.approx(loss["one"], rel=0.05)


def test_the_version_is_the_installed_one(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"plan2vec {version('plan2vec')}\n"


def test_debug_shows_the_traceback(capsys):
    assert cli.main(["train", "nope", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_an_unavailable_device_is_said_in_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert cli.main([*TINY, "--device", "cuda", "--out", str(tmp_path)]) == 2
    assert "cuda" in capsys.readouterr().err.splitlines()[-1].lower()


def test_a_dataset_of_another_environment_is_refused(tmp_path, capsys):
    file = tmp_path / "open.npz"
    assert cli.main(["collect", "Plan2vec/Open-v0", "--rollouts", "20", "--out", str(file)]) == 0
    assert cli.main([*TINY, "--data", str(file), "--out", str(tmp_path / "runs")]) == 2
    assert "Plan2vec/Open-v0" in capsys.readouterr().err


@pytest.mark.parametrize(("stop", "code"), [(KeyboardInterrupt, 130), (cli.Terminated, 143)])
def test_a_stopped_command_says_how_to_resume(stop, code, monkeypatch, capsys):
    def interrupted(args):
        raise stop

    monkeypatch.setattr(cli, "_run", interrupted)
    assert cli.main(["demo"]) == code
    assert "run the same command to resume" in capsys.readouterr().err


def test_sigterm_ends_a_training_that_can_be_resumed(tmp_path):
    command = [*TINY, "--out", str(tmp_path), "--config.local-metric.steps", "100000"]
    process = start(*command)
    try:
        _wait_for(lambda: any(tmp_path.glob("*/*/*/metrics.csv")))
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 143, errors
    assert "run the same command to resume" in errors
    (root,) = tmp_path.glob("*/*/*")
    assert not RunFolder(root).is_finished


def test_an_interrupted_run_is_resumed_and_keeps_what_was_judged(tmp_path, capsys, monkeypatch):
    from evaluation import pipeline

    judged = []

    def killed(run):
        judged.extend(run.path("eval").glob("closed-loop-*.json"))
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "draw_figures", killed)
    assert cli.main([*TINY, "--out", str(tmp_path)]) == 130
    (root,) = tmp_path.glob("*/*/*")
    before = {file: file.stat().st_mtime_ns for file in judged}
    monkeypatch.setattr(pipeline, "draw_figures", lambda run: None)
    capsys.readouterr()
    assert cli.main([*TINY, "--out", str(tmp_path)]) == 0
    assert "Resuming the interrupted run" in capsys.readouterr().out
    assert list(tmp_path.glob("*/*/*")) == [root]
    assert RunFolder(root).is_finished
    assert before
    assert {file: file.stat().st_mtime_ns for file in judged} == before


def test_a_trained_agent_is_evaluated_from_its_run_folder(tiny_run, tmp_path, capsys):
    assert cli.main(["evaluate", str(tiny_run), "--tasks", "4", "--out", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert all(row in shown for row in ("with memory", "memoryless", "random actions", "geodesic", "straight-line"))
    assert (tmp_path / "closed-loop-memory.json").is_file()


def test_an_evaluation_that_was_stopped_goes_on_and_mixes_with_no_other(tiny_run, tmp_path, monkeypatch, capsys):
    ask = ["evaluate", str(tiny_run), "--tasks", "4", "--out", str(tmp_path)]
    judged = []

    def judge(agent, tasks, **options):
        if len(judged) == 3:
            raise KeyboardInterrupt
        judged.append(agent.name)
        return closed_loop(agent, tasks, **options)

    monkeypatch.setattr("evaluation.runs.judging.closed_loop", judge)
    assert cli.main(ask) == 130
    assert len(list(tmp_path.glob("*.json"))) == 4  # three rows and what was asked
    judged[:] = [None] * 10
    assert cli.main(ask) == 0
    assert len(judged) == 13, "a row that was there was judged again"
    assert cli.main([*ask, "--seed", "1"]) == 2
    assert "another agent or other tasks" in capsys.readouterr().err


def test_the_agent_is_given_no_true_positions(tmp_path, monkeypatch):
    from agents import Plan2Vec, UniformAgent

    seen = []
    for agent in (Plan2Vec, UniformAgent):
        fit = agent.fit

        def spy(self, dataset, fit=fit, **options):
            seen.append(dataset.oracle_position)
            return fit(self, dataset, **options)

        monkeypatch.setattr(agent, "fit", spy)
    monkeypatch.setattr("evaluation.pipeline.draw_figures", lambda run: None)
    assert cli.main([*TINY, "--out", str(tmp_path)]) == 0
    assert seen == [None, None]


def test_an_agent_without_graph_or_embedding_has_a_report_too(tmp_path, capsys):
    args = ["train", CMAZE, "--agent", "random", "--rollouts", "20", "--tasks", "8", "--out", str(tmp_path)]
    assert cli.main(args) == 0
    assert "random actions" in capsys.readouterr().out
    (root,) = tmp_path.glob("*/*/*")
    page = (root / "report.html").read_text(encoding="utf-8")
    assert "4.7 ± 2.8" in page
    assert "From pixels to control" not in page


@pytest.mark.parametrize("agent", ["sptm-1-step", "vae", "random-network"])
def test_an_embedding_without_a_graph_has_a_report_too(agent, tmp_path):
    short = {"sptm-1-step": ["--config.local-metric.steps", "5"], "vae": ["--config.vae.steps", "5"]}.get(agent, [])
    args = ["train", CMAZE, "--agent", agent, "--rollouts", "20", "--tasks", "4", "--out", str(tmp_path)]
    assert cli.main([*args, "--no-tensorboard", *short, "--config.forward-model.steps", "5"]) == 0
    (root,) = tmp_path.glob("*/*/*")
    assert (root / "figures" / "embedding.png").is_file()
    assert not (root / "figures" / "edges.png").exists()


def test_environments_are_listed(capsys):
    assert cli.main(["envs"]) == 0
    assert CMAZE in capsys.readouterr().out


def test_the_doctor_names_versions_threads_cache_and_clashes(capsys):
    cli.main(["doctor"])
    out = capsys.readouterr().out
    assert all(word in out for word in ("torch", "threads", "cache", "PLAN2VEC_DATA", "package names", "OpenCV"))


def test_agent_options_are_set_apart_with_their_values():
    typed = ["train", "--config.a.b", "3", "--seed", "1", "--config.c=4", "x", "--execution.accumulate", "2", "--map"]
    plain, config, execution = split_args(typed)
    assert plain == ["train", "--seed", "1", "x", "--map"]
    assert config == ["--config.a.b", "3", "--config.c=4"]
    assert execution == ["--execution.accumulate", "2"]


def _wait_for(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the run did not begin"
        time.sleep(0.05)


@pytest.mark.parametrize(
    "words", [["train"], ["reproduce", "table1", "--preset", "smoke"], ["sb3", "--reward", "sparse"]]
)
def test_a_folder_that_cannot_be_written_is_named_in_one_line(words, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    assert cli.main([*words, "--out", str(tmp_path / "file" / "runs")]) == 2
    error = capsys.readouterr().err
    assert str(tmp_path / "file") in error
    assert "choose another folder" in error
