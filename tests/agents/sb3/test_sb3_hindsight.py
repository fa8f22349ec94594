"""Hindsight replay of a metric reward: no sampled reward or done is that of another goal."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3 import DQN
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor, VecNormalize
from stable_baselines3.her.her_replay_buffer import HerReplayBuffer

import agents.sb3.hindsight
from agents.errors import BufferTooLargeError, RewardError
from agents.reward import MetricReward, MetricRewardVectorWrapper, MetricRewardWrapper
from agents.sb3 import MetricHerReplayBuffer, MetricRewardVecEnv, NativeVecEnv, TerminatingHerReplayBuffer

from ..metric_worlds import (
    LIMIT,
    LatentMetric,
    PlainMetric,
    actions_to,
    audit,
    make,
    make_vec,
    native,
    new_buffer,
    strays,
)


@pytest.fixture(scope="module")
def played():
    """Transitions as an algorithm hands them to its buffer, by number of lanes and kind of observation."""
    made = {}

    def play(num_envs, obs_type="state", num_steps=110):
        if (num_envs, obs_type) not in made:
            venv = native(num_envs, obs_type)
            venv.seed(1)
            obs, steps = venv.reset(), []
            for stray in strays(num_steps, num_envs):
                actions = actions_to(obs["observation"], obs["desired_goal"], obs_type, stray)
                new, rewards, ended, infos = venv.step(actions)
                reached = {key: value.copy() for key, value in new.items()}
                for lane in np.flatnonzero(ended):
                    for key in reached:
                        reached[key][lane] = infos[lane]["terminal_observation"][key]
                steps.append((obs, reached, actions[:, None], rewards, ended, infos))
                obs = new
            made[num_envs, obs_type] = steps
        return made[num_envs, obs_type]

    return play


@pytest.mark.parametrize("num_envs", [1, 3])
@pytest.mark.parametrize("strategy", ["future", "final", "episode"])
@pytest.mark.parametrize("metric_class", [LatentMetric, PlainMetric])
def test_no_reward_and_no_done_in_a_metric_batch_is_that_of_another_goal(played, num_envs, strategy, metric_class):
    metric = metric_class()
    for mode in ("shaping", "distance", "progress", "sparse"):
        reward = MetricReward(metric, mode, gamma=0.9, scale=0.7, radius=3, max_distance=500)
        buffer = new_buffer(
            MetricHerReplayBuffer, native(num_envs), metric_reward=reward, goal_selection_strategy=strategy
        )
        for i, step in enumerate(played(num_envs)):
            buffer.add(*step)
            if i in (40, 80, 109):  # not yet full, wrapped around, and wrapped around further
                assert audit(buffer, metric, reward) == (0, 0, 0, 0)
        assert buffer.full


def test_no_reward_and_no_done_is_stale_with_images_and_nothing_is_embedded_to_sample(played):
    metric = LatentMetric("image")
    reward = MetricReward(metric, gamma=0.9)
    buffer = new_buffer(MetricHerReplayBuffer, native(2, "image"), size=30, metric_reward=reward)
    steps = played(2, "image", 45)
    for step in steps:
        buffer.add(*step)
    ends = sum(int(step[4].sum()) for step in steps[:-1])
    assert metric.embedded == 2 * len(steps) + 2 * (2 + ends)
    assert audit(buffer, LatentMetric("image"), reward, "image", 100) == (0, 0, 0, 0)
    assert metric.embedded == 2 * len(steps) + 2 * (2 + ends)


@pytest.mark.parametrize("num_envs", [1, 3])
def test_terminating_hindsight_ends_where_the_new_goal_is_reached(played, num_envs):
    buffer = new_buffer(TerminatingHerReplayBuffer, native(num_envs))
    for step in played(num_envs):
        buffer.add(*step)
    assert audit(buffer, None, None) == (0, 0, 0, 0)


class NaiveReward(gym.Wrapper):
    """The metric put in place of the reward of a step, and nothing more."""

    def __init__(self, env, metric, reward):
        super().__init__(env)
        self.metric, self.paying = metric, reward

    def compute_reward(self, achieved_goal, desired_goal, info):
        return self.env.get_wrapper_attr("compute_reward")(achieved_goal, desired_goal, info)


def test_plain_hindsight_over_a_replaced_reward_is_stale_which_the_audit_sees(played):
    metric = LatentMetric()
    reward = MetricReward(metric, gamma=0.9)
    buffer = new_buffer(HerReplayBuffer, DummyVecEnv([lambda: NaiveReward(make(), metric, reward)] * 3))
    for obs, reached, actions, env_rewards, ended, infos in played(3):
        timeouts = np.array([info["TimeLimit.truncated"] for info in infos])
        goal = obs["desired_goal"]
        paid = reward(obs["observation"], reached["observation"], goal, env_rewards, ended & ~timeouts)
        buffer.add(obs, reached, actions, paid, ended, infos)
    stale_virtual, stale_real, wrong_virtual, wrong_real = audit(buffer, metric, reward)
    assert (stale_real, wrong_real) == (0, 0)
    assert stale_virtual > 0.9
    assert wrong_virtual > 0.1


@pytest.mark.parametrize("strategy", ["future", "final", "episode"])
def test_goals_chosen_in_hindsight_are_of_the_same_episode(played, strategy):
    steps, reward = played(3), MetricReward(LatentMetric())
    buffer = new_buffer(MetricHerReplayBuffer, native(3), metric_reward=reward, goal_selection_strategy=strategy)
    episode, known = np.zeros(3, int), {}  # where a transition ended -> its lane, episode and time
    lasts = {}
    for time, step in enumerate(steps):
        buffer.add(*step)
        for lane in range(3):
            place = step[1]["achieved_goal"][lane].tobytes()
            known[place] = None if place in known else (lane, episode[lane], time)  # a wall may stop two at one place
            lasts[lane, episode[lane]] = time
        episode += step[4]
    np.random.seed(0)  # noqa: NPY002
    batch = buffer.sample(400)
    ahead = []
    for there, goal in zip(
        *(batch.next_observations[key][80:] for key in ("achieved_goal", "desired_goal")), strict=True
    ):
        ended, chosen = (known[place.numpy().tobytes()] for place in (there, goal))
        if ended is None or chosen is None:
            continue
        (*which, time), (*goal_of, goal_time) = ended, chosen
        assert which == goal_of
        ahead.append(goal_time - time)
        if strategy == "final":
            assert goal_time == lasts[tuple(which)]
    assert (min(ahead) < 0) == (strategy == "episode")
    assert max(ahead) == LIMIT - 1


def test_an_episode_that_was_left_in_its_midst_leaves_nothing_stale(played):
    metric = LatentMetric()
    reward = MetricReward(metric, gamma=0.9)
    buffer = new_buffer(MetricHerReplayBuffer, native(3), metric_reward=reward)
    steps = played(3)
    left = next(t for t in range(20, 40) if not steps[t][4].any())
    for step in [*steps[: left + 1], *steps[70:]]:  # a second ``learn`` resets; no ``done`` tells
        buffer.add(*step)
    assert audit(buffer, metric, reward) == (0, 0, 0, 0)
    assert buffer.timeouts[left].all()
    assert (buffer.ep_start[left + 1] == left + 1).all()


def test_a_buffer_read_from_a_file_goes_on_without_a_stale_reward(played, tmp_path):
    metric = LatentMetric()
    reward = MetricReward(metric, gamma=0.9)
    venv, steps = native(3), played(3)
    model = DQN(
        "MultiInputPolicy",
        venv,
        buffer_size=180,
        device="cpu",
        replay_buffer_class=MetricHerReplayBuffer,
        replay_buffer_kwargs={"metric_reward": reward},
    )
    left = next(t for t in range(20, 40) if not steps[t][4].any())
    for step in steps[: left + 1]:
        model.replay_buffer.add(*step)
    model.save_replay_buffer(tmp_path / "buffer.pkl")
    with pytest.warns(UserWarning, match="last trajectory"):
        model.load_replay_buffer(tmp_path / "buffer.pkl")
    for step in steps[70:]:
        model.replay_buffer.add(*step)
    assert audit(model.replay_buffer, metric, reward) == (0, 0, 0, 0)


# ---- what does not fit


def test_a_hindsight_buffer_refuses_what_it_cannot_be_right_about():
    reward = MetricReward(LatentMetric())
    with pytest.raises(RewardError, match="novelty"):
        new_buffer(MetricHerReplayBuffer, native(), metric_reward=MetricReward(LatentMetric(), "novelty"))
    with pytest.raises(RewardError, match=r"uint8 images of shape \(1, 64, 64\)"):
        new_buffer(MetricHerReplayBuffer, native(), metric_reward=MetricReward(LatentMetric("image")))
    paying = [
        MetricRewardVecEnv(native(), reward),
        VecMonitor(MetricRewardVecEnv(native(), reward)),
        NativeVecEnv(MetricRewardVectorWrapper(make_vec(2), reward)),
        DummyVecEnv([lambda: Monitor(MetricRewardWrapper(make(), reward))]),
    ]
    for venv in paying:
        for buffer_class, kwargs in (
            (MetricHerReplayBuffer, {"metric_reward": reward}),
            (TerminatingHerReplayBuffer, {}),
        ):
            with pytest.raises(RewardError, match=f"{buffer_class.__name__}.*pays a metric reward already"):
                new_buffer(buffer_class, venv, **kwargs)
    scaled = VecNormalize(native(), norm_obs=False)
    with pytest.raises(RewardError, match="norm_reward=False"):
        new_buffer(TerminatingHerReplayBuffer, scaled)
    new_buffer(TerminatingHerReplayBuffer, VecNormalize(native(), norm_obs=False, norm_reward=False))


def test_a_buffer_that_memory_cannot_hold_is_refused_before_it_is_allocated(monkeypatch):
    monkeypatch.setattr(agents.sb3.hindsight, "available_memory", lambda: 4 * 2**30)
    venv = native(2, "image")
    # 6 images of 4096 bytes each: 22.9 GiB for a million.
    with pytest.raises(BufferTooLargeError, match=r"24\.6 kB takes 22\.9 GiB, and 4\.0 GiB .* use buffer_size=87_000"):
        DQN("MultiInputPolicy", venv, device="cpu", replay_buffer_class=TerminatingHerReplayBuffer)
    monkeypatch.setattr(agents.sb3.hindsight, "available_memory", lambda: None)
    agents.sb3.hindsight.check_memory(10**9, venv.observation_space)


def test_free_memory_is_that_of_this_machine():
    free = agents.sb3.hindsight.available_memory()
    assert free is None or 2**20 < free < 2**50
