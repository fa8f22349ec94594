"""Policies of Stable-Baselines3 with and without a metric reward, from the job to the run folder."""

import json
import time
from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest

from agents.reward import MetricReward, MetricRewardWrapper
from evaluation.cli import main
from evaluation.errors import ProtocolError
from evaluation.protocols.rewards import StraightLine
from evaluation.protocols.tasks import make_tasks
from evaluation.rl.algorithms import ALGORITHMS, get_algorithm, new_model, training_envs
from evaluation.rl.job import RLJob
from evaluation.rl.judge import Point, drive, judging_callback
from evaluation.rl.learning import learn
from plan2vec_envs.errors import InvalidOptionError, UnknownNameError
from plan2vec_envs.geometry import STEP

OPEN = "Plan2vec/Open-v0"
TINY = RLJob(OPEN, reward="straight-line", obs_type="state", steps=600, num_envs=4, num_tasks=20, every=256)
TINY_WORDS = ["sb3", OPEN, "--obs", "state", "--steps", "600", "--envs", "4", "--tasks", "20", "--every", "256"]


@pytest.mark.parametrize("obs_type", ["state", "image"])
def test_the_straight_line_is_the_distance_of_true_positions(obs_type):
    import gymnasium as gym

    env = gym.make(OPEN, obs_type=obs_type)
    line = StraightLine(OPEN, obs_type)
    observation, info = env.reset(seed=3)
    found = line.between(line.embed(observation["observation"][None]), line.embed(observation["desired_goal"][None]))
    truth = np.linalg.norm(info["oracle_position"] - info["oracle_goal"]) / STEP
    assert found[0] == pytest.approx(truth, abs=0.01)
    assert MetricRewardWrapper(env, MetricReward(line)).reset(seed=0)


@pytest.mark.parametrize("name", sorted(ALGORITHMS))
def test_every_algorithm_learns_for_a_moment_from_every_kind_of_reward(name):
    for reward in ("sparse", "straight-line"):
        model, curve, share = learn(replace(TINY, algorithm=name, reward=reward), _metric(reward))
        assert model.num_timesteps >= 600
        assert [point.steps for point in curve] == sorted(point.steps for point in curve)
        assert all(0 <= point.success <= 1 for point in curve)
        assert 0 <= share < 1
        assert (share > 0) == (reward != "sparse")


def _metric(reward):
    return None if reward == "sparse" else StraightLine(OPEN, "state")


def test_a_few_thousand_steps_with_a_right_metric_are_enough_in_the_open_room():
    """States, and a straight line that no wall crosses: a policy gradient has nothing left to find out."""
    job = replace(TINY, steps=24_000, num_envs=16, every=4_000, stop_at=0.9)
    curve = learn(job, _metric("straight-line")).curve
    assert curve[-1].success >= 0.9


def test_an_interrupted_run_goes_on_from_its_last_evaluation(tmp_path):
    first, curve, _ = learn(replace(TINY, steps=300), _metric("line"), tmp_path)
    second, longer, _ = learn(TINY, _metric("line"), tmp_path)
    assert longer[: len(curve)] == curve
    assert longer[-1].steps > curve[-1].steps
    assert longer[-1].wall > curve[-1].wall
    assert second.num_timesteps < first.num_timesteps + TINY.steps


@pytest.mark.parametrize("name", ["dqn", "sac"])
def test_an_interrupted_run_with_a_replay_buffer_fills_it_again_before_it_learns_on(name, tmp_path):
    job = replace(TINY, algorithm=name, reward="sparse", steps=600)
    _, curve, _ = learn(replace(job, steps=520), None, tmp_path)
    model, longer, _ = learn(replace(job, steps=1_100), None, tmp_path)
    assert longer[-1].steps > curve[-1].steps
    assert model.num_timesteps >= 1_100
    assert model.learning_starts == 60 * TINY.num_envs + curve[-1].steps


def test_a_finished_run_has_model_curve_and_pictures(tmp_path, capsys):
    words = [*TINY_WORDS, "--reward", "straight-line", "--out", str(tmp_path)]
    assert main(words) == 0
    (folder,) = tmp_path.glob("*/sb3-ppo-straight-line-shaping/seed0-*")
    curve = [Point(**point) for point in json.loads((folder / "curve.json").read_text())["points"]]
    assert [point.steps for point in curve] == [256, 512, 768]  # PPO fills its last rollout of 4 times 64 steps
    for name in ("model.zip", "curve.png", "policy.gif", "finished.json", "config.json"):
        assert (folder / name).stat().st_size > 0
    assert not (folder / "checkpoint.pt").exists()
    assert "Model, curve and pictures" in capsys.readouterr().out


def test_the_same_command_resumes_a_run_that_was_stopped(tmp_path, capsys, monkeypatch):
    words = [*TINY_WORDS, "--reward", "sparse", "--out", str(tmp_path)]
    monkeypatch.setattr("evaluation.rl.run.draw", _stop)
    assert main(words) == 130
    monkeypatch.undo()
    assert main(words) == 0
    assert "Resuming" in capsys.readouterr().out
    (folder,) = tmp_path.glob("*/*/seed0-*")
    assert json.loads((folder / "curve.json").read_text())["points"][0]["steps"] == 256


def _stop(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--algo", "pppo"], "ppo"),
        (["--reward", "plan2vex"], "plan2vec"),
        (["--mode", "shapping"], "shaping"),
        (["--gamma", "1.5"], "above 0"),
        (["--task", "est"], "east"),
        (["--size", "10"], "10"),
        (["--steps", "0"], "at least 1"),
        (["--algo", "dqn", "--buffer-size", "1000000000000"], "GiB"),
    ],
)
def test_what_cannot_be_is_refused_with_what_could(options, message, tmp_path, capsys):
    words = [*TINY_WORDS, "--reward", "sparse", *options, "--out", str(tmp_path / "runs")]
    assert main(words) == 2
    assert message in capsys.readouterr().err
    assert not list((tmp_path / "runs").glob("*/*/*"))


def test_a_folder_that_has_the_name_of_an_agent_is_not_taken_for_one(tmp_path, monkeypatch):
    """As where the project was cloned to, one folder up."""
    monkeypatch.chdir(tmp_path)
    for name in ("plan2vec", "mine"):
        (tmp_path / name).mkdir()
    assert not replace(TINY, reward="plan2vec").reads_agent
    assert replace(TINY, reward="mine").reads_agent


def test_a_run_that_had_enough_does_not_learn_on_when_it_is_resumed(tmp_path):
    job = replace(TINY, reward="sparse", stop_at=0.01)
    first = learn(job, None, tmp_path)
    second = learn(job, None, tmp_path)
    assert second.model.num_timesteps == first.curve[-1].steps
    assert second.curve == first.curve


def test_paths_begin_at_the_start_and_end_at_the_goal_where_it_is_reached():
    tasks = make_tasks(OPEN, 30)
    done = drive(learn(TINY, _metric("line")).model, tasks, ALGORITHMS["ppo"])
    for path, start, goal, solved in zip(done.trajectories, tasks.start, tasks.goal, done.success_02, strict=True):
        np.testing.assert_allclose(path[0], start, atol=1e-9)
        assert solved == (np.linalg.norm(path[-1] - goal) < 0.02)
        assert solved or len(path) == 51


def test_a_fixed_goal_is_that_of_every_episode_and_of_every_task():
    job = replace(TINY, task="east")
    goal = RLJob(OPEN, task="east").goal
    assert (job.tasks().goal == goal).all()
    np.testing.assert_array_equal(job.tasks().start, make_tasks(OPEN, 20).start)
    venv = training_envs(OPEN, 3, seed=0, obs_type="state", goal=goal)
    seen = [venv.reset()["desired_goal"]]
    for _ in range(60):
        seen.append(venv.step(np.zeros(3, int))[0]["desired_goal"])
    venv.close()
    np.testing.assert_allclose(np.concatenate(seen), np.tile(goal, (183, 1)), atol=1e-6)


def test_an_algorithm_of_continuous_actions_refuses_moves():
    venv = training_envs(OPEN, 2, seed=0, obs_type="state")
    with pytest.raises(ProtocolError, match="action_type='box'"):
        new_model(get_algorithm("sac"), venv, gamma=0.9, seed=0)
    venv.close()


def test_names_and_numbers_of_a_job_are_checked():
    TINY.check()
    with pytest.raises(UnknownNameError, match="dqn"):
        replace(TINY, algorithm="dqm").check()
    with pytest.raises(InvalidOptionError, match="num_envs"):
        replace(TINY, num_envs=0).check()


def test_the_seconds_of_an_evaluation_are_not_those_of_training(monkeypatch):
    def slow(*_, **options):
        time.sleep(0.4)
        return SimpleNamespace(success_02=np.ones(3, bool))

    monkeypatch.setattr("evaluation.rl.judge.drive", slow)
    points = [Point(1, 10.0, 20.0, 0.0, None)]
    judge = judging_callback(replace(TINY, num_tasks=3, every=1), points)
    judge.model, judge.num_timesteps = SimpleNamespace(logger=Mock()), 1
    judge._on_training_start()
    for judge.num_timesteps in (2, 3):
        assert judge._on_step()
    _, second, third = points
    assert second.wall >= 10
    assert third.wall - second.wall < 0.4
    assert third.cpu >= second.cpu >= 20
