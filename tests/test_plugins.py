"""One file outside of the repository adds a room, an agent, a network, a head, a format and an experiment."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

PLUGIN = """
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from agents import get_agent, register_agent
from agents.metrics.heads import MetricHead, register_head
from agents.networks import PooledMLP, register_trunk
from data_collection import Dataset
from data_collection.sources.formats import FORMATS, Format
from data_collection.sources.repairs import EpisodeRepairs
from evaluation.paper.lab import Experiment, Run, Table, register_experiment
from plan2vec_envs import register_room
from plan2vec_envs.geometry import Rect, Room

register_room(
    Room(
        name="hall", title="Hall", doc="A wall from the north.", obstacles=(Rect(0.0, 0.13, 0.03, 0.15),),
        start_low=-0.2, start_high=0.2, goal_low=-0.2, goal_high=0.2, tasks={"round": ((-0.15, 0.2), (0.15, 0.2))},
    )
)


@register_agent
class Newcomer(get_agent("random-network")):
    name = "newcomer"


@register_trunk("wide")
class Wide(PooledMLP):
    def __init__(self, observation_shape, latent_dim, hidden):
        super().__init__(observation_shape, latent_dim, 2 * hidden)


@register_head
@dataclass(frozen=True)
class L1Head(MetricHead):
    kind: ClassVar[str] = "l1"
    is_symmetric: ClassVar[bool] = True
    has_triangle_inequality: ClassVar[bool] = True
    degree: ClassVar[int] = 1

    def distance(self, z, g):
        return (z - g).abs().sum(-1)


def read_walks(path):
    walks = np.loadtxt(path, np.float32, ndmin=2).reshape(20, 11, 2)
    moves = np.diff(walks, axis=1)
    return Dataset(walks.reshape(-1, 2), moves.reshape(-1, 2), np.full(20, 10)), EpisodeRepairs()


FORMATS["walks"] = Format("walks", "text files of walks", lambda path: Path(path).suffix == ".walks", read_walks)


@register_experiment
class CountToThree(Experiment):
    id = "count"
    title = "Counting"
    about = "Whether it counts."

    def runs(self, plan):
        return [Run("all", str(number), {"number": number}) for number in range(3)]

    def measure(self, run, cache):
        return {"twice": 2 * run.params["number"]}

    def summarise(self, found, plan):
        return {"sum": sum(result["twice"] for _, result in found)}

    def tables(self, summary):
        return [Table("Counted", ["sum"], [("", [str(summary["sum"])])])]
"""


@pytest.fixture
def plan2vec(tmp_path):
    """The command line beside the plugin; gives what it printed."""
    (tmp_path / "newcomers.py").write_text(PLUGIN)
    path = os.pathsep.join([*filter(None, sys.path), str(tmp_path)])
    places = {"PYTHONPATH": path, "PLAN2VEC_PLUGINS": "newcomers", "PLAN2VEC_CACHE": str(tmp_path / "cache")}

    def run(*words):
        done = subprocess.run(
            [sys.executable, "-c", "from evaluation.cli import main; raise SystemExit(main())", *map(str, words)],
            capture_output=True, text=True, check=False, cwd=tmp_path, env={**os.environ, **places},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.mark.slow
def test_what_a_plugin_adds_runs_like_what_is_here(plan2vec, tmp_path):
    room = ["--env", "Plan2vec/Hall-v0", "--size", "30x10", "--preset", "smoke", "--jobs", "1"]
    plan2vec("reproduce", "table1", "--only", "newcomer", *room, "--out", "table")
    (results,) = tmp_path.glob("table/table1-*/results.json")
    assert list(json.loads(results.read_text())["rooms"]["Plan2vec/Hall-v0"]) == ["newcomer", "oracles"]

    walks = np.cumsum(np.random.default_rng(0).uniform(-1, 1, (20, 11, 2)), axis=1)
    np.savetxt(tmp_path / "some.walks", walks.reshape(-1, 2))
    few = [f"--config.{stage}.steps=5" for stage in ("local-metric", "global-metric.algorithm", "forward-model")]
    new = ["--config.global-metric.head", "l1", "--config.local-metric.trunk", "wide"]
    said = plan2vec("fit", "some.walks", "--agent", "plan2vec", *new, *few, "--out", "fitted")
    assert "reading some.walks as walks: text files of walks" in said
    config = json.loads((tmp_path / "fitted/agent/agent.json").read_text())["config"]
    assert config["global_metric"]["head"]["kind"] == "l1"
    assert config["local_metric"]["trunk"] == "wide"

    assert "count" in plan2vec("reproduce")
    plan2vec("reproduce", "count", "--jobs", "1", "--out", "count")
    (results,) = tmp_path.glob("count/count-*/results.json")
    assert json.loads(results.read_text())["sum"] == 6
