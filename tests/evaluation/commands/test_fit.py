"""`plan2vec fit` and `inspect`: from strangers' files to an agent with a metric report."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from agents import Plan2Vec, load_agent
from agents.plan2vec.presets import FEATURELESS_ROPE, STATES, VECTORS
from agents.plan2vec.recommend import recommend
from data_collection import Dataset, save_dataset
from evaluation.cli import main
from evaluation.diagnostics import memory_need
from evaluation.diagnostics.metric_report import make_metric_report
from evaluation.diagnostics.report_text import metric_report_text, read_metric_report
from evaluation.errors import ResultsError
from evaluation.protocols.goal_env import judge_in_env

LITTLE = ["--config.control.inverse-model.steps", "40", "--config.graph.max-vertices", "200"]
NETWORKS = [f"--config.{stage}.steps=20" for stage in ("local-metric", "global-metric.algorithm", "forward-model")]


def walks(episodes: int, length: int, seed: int = 0) -> Dataset:
    """A point that is pushed about a square of 8 x 8, pushes of length up to 1 and remembered."""
    rng = np.random.default_rng(seed)
    pushes = rng.uniform(-0.7, 0.7, (episodes, length, 2)).astype(np.float32)
    places = [rng.uniform(0, 8, (episodes, 2))]
    for step in range(length):
        places.append(np.clip(places[-1] + pushes[:, step], 0, 8))
    frames = np.stack(places, 1).astype(np.float32)
    return Dataset(frames.reshape(-1, 2), pushes.reshape(-1, 2), np.full(episodes, length))


@pytest.fixture(scope="module")
def flat(tmp_path_factory):
    data = walks(30, 60)
    rows = data.num_observations
    ends = np.zeros(rows)
    ends[data.episode_starts + data.episode_lengths] = 1
    actions = np.zeros((rows, 2), np.float32)
    actions[ends == 0] = data.actions
    path = tmp_path_factory.mktemp("data") / "flat.npz"
    np.savez(path, observations=data.observations, actions=actions, terminals=ends)
    return path


@pytest.fixture(scope="module")
def fitted(flat, tmp_path_factory):
    out = tmp_path_factory.mktemp("fit") / "run"
    assert main(["fit", str(flat), "--out", str(out), *LITTLE]) == 0
    return out


def test_a_file_of_flat_arrays_becomes_an_agent_with_a_card(fitted, capsys):
    agent = load_agent(fitted)
    assert agent.name == "plan2vec-waypoints"
    assert agent.config.local_metric.trunk == "identity"
    report = read_metric_report(fitted / "agent")
    assert report["data"]["transitions"] == 1800
    assert report["graph"]["vertices"] == 200
    assert main(["inspect", str(fitted)]) == 0
    assert capsys.readouterr().out == metric_report_text(report) == (fitted / "agent/metric_report.md").read_text()
    assert main(["inspect", str(fitted), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == report


def test_fitting_again_takes_the_finished_stages(flat, fitted, capsys):
    before = (fitted / "agent/weights.safetensors").read_bytes()
    assert main(["fit", str(flat), "--out", str(fitted), *LITTLE]) == 0
    assert (fitted / "agent/weights.safetensors").read_bytes() == before
    assert "plan2vec-waypoints: vectors, " in capsys.readouterr().out


def test_a_dataset_of_ours_is_read_as_one(tmp_path, capsys):
    save_dataset(walks(12, 10), tmp_path / "ours.npz")
    assert main(["fit", str(tmp_path / "ours.npz"), "--out", str(tmp_path / "run"), *NETWORKS]) == 0
    assert "as a dataset of plan2vec" in capsys.readouterr().out
    assert isinstance(load_agent(tmp_path / "run"), Plan2Vec)


def test_an_environment_with_goals_is_judged_in_afterwards(tmp_path):
    words = ["collect", "Plan2vec/Open-v0", "--size", "60x10", "--out", str(tmp_path / "open.npz")]
    assert main(words) == 0
    out = tmp_path / "run"
    asked = ["--env", "plan2vec_envs:Plan2vec/Open-v0", "--tasks", "3"]
    assert main(["fit", str(tmp_path / "open.npz"), "--out", str(out), *asked, *NETWORKS]) == 0
    assert read_metric_report(out / "agent")["environment"]["episodes"] == 3
    assert "- episodes: 3" in (out / "agent/metric_report.md").read_text()


def test_data_decides_which_agent_is_recommended(rng):
    images = rng.integers(256, size=(200, 1, 8, 8), dtype=np.uint8)
    assert recommend(walks(30, 60)).config == VECTORS
    assert recommend(walks(30, 10)).config == STATES
    assert recommend(Dataset(images, None, np.full(2, 99))).config == FEATURELESS_ROPE
    assert recommend(Dataset(images, None, np.full(20, 9))).agent == "plan2vec"


def test_the_card_compares_with_the_graph_by_the_definitions(fitted, flat):
    """On vertices that are all embedded exactly: D is the table's, and its error is what a loop finds."""
    agent, data = load_agent(fitted), Dataset.from_npz(flat, report=None)
    report = make_metric_report(agent, data)["metric"]
    assert report["goals reached by one look-up a step, visited set"] > 0.9
    assert 0 < report["relative error"] < 0.3
    assert report["rank correlation"] > 0.95
    assert report["relative error of 64 landmarks (ALT)"] <= report["relative error of 16 landmarks (ALT)"]
    assert report["expansions a step, best-first by D"] < report["expansions a step, Dijkstra"]


def test_a_folder_without_a_card_says_how_to_get_one(tmp_path):
    with pytest.raises(ResultsError, match="plan2vec fit"):
        read_metric_report(tmp_path)


def test_too_little_memory_is_refused_where_nobody_can_be_asked(flat, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(memory_need, "available_memory", lambda: 1000)
    assert main(["fit", str(flat), "--out", str(tmp_path / "run"), *LITTLE]) == 2
    assert not (tmp_path / "run").exists()
    assert "lower --config.graph.max-vertices" in capsys.readouterr().err


@pytest.mark.slow
def test_predicted_memory_of_a_million_transitions_is_within_a_fifth_of_the_peak():
    code = """
import sys
sys.path.insert(0, "tests")
from evaluation.diagnostics.memory_need import predict_memory
from agents.networks.device_memory import peak_memory
from agents.plan2vec.presets import VECTORS
from agents.plan2vec.waypoints import Plan2VecWaypoints
import numpy as np
from data_collection import Dataset
rng = np.random.default_rng(0)
pushes = rng.uniform(-0.7, 0.7, (5000, 200, 2)).astype(np.float32)
places = np.empty((5000, 201, 4), np.float32)
places[:, 0] = rng.uniform(0, 40, (5000, 4))
for step in range(200):
    places[:, step + 1] = np.clip(places[:, step] + np.tile(pushes[:, step], 2), 0, 40)
data = Dataset(places.reshape(-1, 4), pushes.reshape(-1, 2), np.full(5000, 200))
del places, pushes
agent = Plan2VecWaypoints(VECTORS)
need = predict_memory(agent, data).peak
agent.fit(data, progress=False)
print(need, peak_memory())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    need, peak = map(float, done.stdout.split())
    assert 0.8 < need / peak < 1.2


@pytest.mark.parametrize(("env", "words"), [("Nope-v0", "cannot make"), ("CartPole-v1", "shows no goal")])
def test_an_environment_that_cannot_judge_is_refused_before_anything_is_learned(flat, tmp_path, capsys, env, words):
    assert main(["fit", str(flat), "--out", str(tmp_path / "run"), "--env", env]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_episodes_end_at_success_or_the_limit():
    class Still:
        is_image = True

        def new_memory(self, lanes):
            return None

        def act(self, observation, goal, *, memory=None, rng=None):
            return np.array([0])

    found = judge_in_env(Still(), "plan2vec_envs:Plan2vec/Open-v0", 2, first_seed=0)
    assert found["steps"].tolist() == [50, 50]
    assert not found["solved"].any()
