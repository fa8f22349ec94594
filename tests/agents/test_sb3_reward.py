"""The metric as a reward in Stable-Baselines3: environments, hindsight replay, log, extractors."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import KVWriter, Logger
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecExtractDictObs, VecMonitor, VecNormalize
from stable_baselines3.her.her_replay_buffer import HerReplayBuffer

import agents.sb3.hindsight
from agents.errors import BufferTooLargeError, MetricError, RewardError
from agents.reward import MetricReward, MetricRewardVectorWrapper, MetricRewardWrapper
from agents.sb3 import (
    MetricHerReplayBuffer,
    MetricRewardCallback,
    MetricRewardVecEnv,
    NativeVecEnv,
    ScaledPair,
    TerminatingHerReplayBuffer,
    TwoChannel,
)
from agents.sb3.extractors import extractor_for
from data_collection.errors import Plan2vecError

from .metric_worlds import CORES, LIMIT, LatentMetric, PlainMetric, actions_to, by_hand, make, make_vec, strays


def native(num_envs=3, obs_type="state", **kwargs):
    return NativeVecEnv(make_vec(num_envs, obs_type=obs_type, **kwargs))


# ---- the native vector environment


def assert_same(one, other):
    """Equal in structure, dtype and value."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for each, its in zip(one, other, strict=True):
            assert_same(each, its)
    else:
        np.testing.assert_array_equal(one, other)
        assert np.asarray(one).dtype == np.asarray(other).dtype


@pytest.mark.parametrize("obs_type", ["state", "image"])
@pytest.mark.parametrize("action_type", ["discrete", "box"])
def test_native_vec_env_equals_dummy_vec_env_step_by_step(obs_type, action_type):
    kwargs = {"obs_type": obs_type, "action_type": action_type}
    pair = NativeVecEnv(make_vec(3, **kwargs), info_keys=None), DummyVecEnv([lambda: make(**kwargs)] * 3)
    assert pair[0].observation_space == pair[1].observation_space
    assert pair[0].action_space == pair[1].action_space
    tasks = [{"start": (0.1, 0.1), "goal": (0.15, 0.1)}, {"start": (0.0, -0.2), "goal": (0.1, 0.2)}, {}]
    tasks[2] = {"start": np.array([0.2, 0.2]), "goal": np.array([0.2, 0.17])}
    pair[0].action_space.seed(0)
    ends = np.zeros(2, int)
    for options in (None, tasks, [{"task": i} for i in range(3)], {"start": (0.0, 0.1)}):
        for venv in pair:
            venv.seed(11)
            if options is not None:
                venv.set_options(options)
        assert_same(*(venv.reset() for venv in pair))
        assert_same(*(venv.reset_infos for venv in pair))
        for _ in range(18):
            actions = np.array([pair[0].action_space.sample() for _ in range(3)])
            if options is tasks and action_type == "discrete":
                actions[0] = 6  # to the east, where the goal of this lane is
            answers = [venv.step(actions) for venv in pair]
            assert_same(*answers)
            assert_same(*(venv.reset_infos for venv in pair))
            timeouts = [info["TimeLimit.truncated"] for info in answers[0][3]]
            ends += np.sum(timeouts), answers[0][2].sum() - np.sum(timeouts)
    assert ends[0] > 5
    assert ends[1] > 0 or action_type == "box"


def test_native_vec_env_equals_dummy_vec_env_over_any_vector_environment():
    envs = gym.vector.SyncVectorEnv([make] * 3, autoreset_mode="SameStep")
    pair = NativeVecEnv(envs, info_keys=None), DummyVecEnv([make] * 3)
    for venv in pair:
        venv.seed(2)
    assert_same(*(venv.reset() for venv in pair))
    for actions in np.random.default_rng(0).integers(8, size=(20, 3)):
        one, other = (venv.step(actions) for venv in pair)
        assert_same(one[:3], other[:3])
        assert [info["TimeLimit.truncated"] for info in one[3]] == [info["TimeLimit.truncated"] for info in other[3]]
        for info, its in zip(one[3], other[3], strict=True):
            assert_same(info.get("terminal_observation", {}), its.get("terminal_observation", {}))


def test_native_vec_env_passes_on_the_infos_that_are_asked_for():
    venv = native()
    venv.seed(0)
    venv.reset()
    found = set()
    for actions in strays(LIMIT, 3).clip(0):
        infos = venv.step(actions)[3]
        found |= {key for info in infos for key in info}
    assert found == {"is_success", "TimeLimit.truncated", "terminal_observation"}


def test_native_vec_env_reaches_methods_attributes_and_pictures():
    venv = native(2, render_mode="rgb_array")
    venv.reset()
    assert [picture.shape for picture in venv.get_images()] == [(320, 320, 3)] * 2
    assert venv.get_attr("max_episode_steps", [1]) == [LIMIT]
    venv.set_attr("max_episode_steps", 3)
    assert venv.get_attr("max_episode_steps") == [3, 3]
    places = np.array([[0.1, 0.1], [0.1, 0.1]], np.float32)
    np.testing.assert_array_equal(venv.env_method("compute_reward", places, places, [{}, {}], indices=[0])[0], [0, 0])
    assert venv.env_is_wrapped(Monitor) == [False, False]
    venv.close()


@pytest.mark.parametrize("mode", ["next_step", "disabled"])
def test_another_autoreset_mode_is_refused(mode):
    with pytest.raises(RewardError, match=r"MazeVectorEnv has autoreset mode .*autoreset_mode='same_step'"):
        NativeVecEnv(make_vec(2, mode))


# ---- hindsight


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


def new_buffer(buffer_class, venv, size=60, **kwargs):
    return buffer_class(
        size * venv.num_envs,
        venv.observation_space,
        venv.action_space,
        venv,
        device="cpu",
        n_envs=venv.num_envs,
        **kwargs,
    )


def audit(buffer, metric, reward, obs_type="state", batch_size=300):
    """Shares of stale rewards and of stale dones in a batch, by its arrays alone: of goals in hindsight, of others."""
    np.random.seed(0)  # noqa: NPY002  (what Stable-Baselines3 draws from)
    batch = buffer.sample(batch_size)
    here, there = (each["achieved_goal"].numpy() for each in (batch.observations, batch.next_observations))
    goal = batch.observations["desired_goal"].numpy()
    np.testing.assert_array_equal(batch.next_observations["desired_goal"].numpy(), goal)
    env_reward = CORES[obs_type].compute_reward(there, goal)
    done = env_reward == 0
    expected = env_reward
    if reward is not None:
        expected = by_hand(reward, metric.distance(here, goal), metric.distance(there, goal), env_reward, done)
    virtual = slice(batch_size - int(buffer.her_ratio * batch_size), None)  # they follow the others
    real = slice(virtual.start)
    stale = np.abs(batch.rewards.numpy()[:, 0] - expected) > 1e-4 * (1 + np.abs(expected))
    wrong = batch.dones.numpy()[:, 0] != done
    assert 0.02 < done[virtual].mean() < 0.98, "no goal chosen in hindsight was reached, or all were"
    return stale[virtual].mean(), stale[real].mean(), wrong[virtual].mean(), wrong[real].mean()


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


def test_environments_refuse_to_pay_twice_or_on_scaled_observations():
    reward = MetricReward(LatentMetric())
    for venv in (MetricRewardVecEnv(native(), reward), DummyVecEnv([lambda: MetricRewardWrapper(make(), reward)])):
        with pytest.raises(RewardError, match=r"pays? a metric reward already, by MetricReward"):
            MetricRewardVecEnv(venv, reward)
    with pytest.raises(RewardError, match=r"VecNormalize is inside .*VecNormalize\(MetricRewardVecEnv"):
        MetricRewardVecEnv(VecNormalize(native()), reward)
    with pytest.raises(RewardError, match="VecExtractDictObs hides it"):
        MetricRewardVecEnv(VecExtractDictObs(native(), "observation"), reward)


def test_plain_hindsight_over_the_metric_s_environments_is_refused_before_the_first_step():
    venv = MetricRewardVecEnv(native(), MetricReward(LatentMetric()))
    with pytest.raises(RewardError, match="MetricHerReplayBuffer"):
        venv.env_method("compute_reward", None, None, None, indices=[0])
    model = DQN(
        "MultiInputPolicy", venv, buffer_size=300, replay_buffer_class=HerReplayBuffer, device="cpu", gamma=0.98
    )
    with pytest.raises(RewardError, match="MetricHerReplayBuffer"):
        model.learn(1, callback=MetricRewardCallback())
    assert model.num_timesteps == 0


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


def test_a_metric_that_is_not_a_number_stops_before_a_gradient_is_taken():
    metric = LatentMetric()
    metric._map[:] = np.nan
    reward = MetricReward(metric, gamma=0.98)
    settings = {"gamma": 0.98, "device": "cpu"}
    learners = [
        PPO("MultiInputPolicy", MetricRewardVecEnv(native(), reward), n_steps=8, batch_size=8, **settings),
        DQN(
            "MultiInputPolicy",
            native(),
            buffer_size=300,
            replay_buffer_class=MetricHerReplayBuffer,
            replay_buffer_kwargs={"metric_reward": reward},
            **settings,
        ),
    ]
    for model in learners:
        with pytest.raises(MetricError, match="'latent' is nan for 3 of 3"):
            model.learn(100)
        assert model._n_updates == 0


def test_another_gamma_is_warned_of_and_the_same_is_not():
    def learn(gamma, mode="shaping"):
        venv = MetricRewardVecEnv(native(), MetricReward(LatentMetric(), mode, gamma=0.9))
        model = PPO("MultiInputPolicy", venv, n_steps=1, batch_size=3, n_epochs=1, gamma=gamma, device="cpu")
        model.learn(3, callback=MetricRewardCallback())

    with pytest.warns(UserWarning, match=r"gamma 0\.9 and PPO discounts with 0\.95"):
        learn(0.95)
    learn(0.9)
    learn(0.95, "distance")


@pytest.mark.parametrize(
    "outside",
    [
        lambda reward: VecMonitor(MetricRewardVecEnv(native(), reward)),
        lambda reward: DummyVecEnv([lambda: Monitor(MetricRewardWrapper(make(), reward))]),
        lambda reward: VecMonitor(NativeVecEnv(MetricRewardVectorWrapper(make_vec(2), reward))),
    ],
)
def test_a_monitor_that_would_call_the_metric_s_return_the_true_one_is_refused(outside):
    venv = outside(MetricReward(LatentMetric(), gamma=0.98))
    model = PPO("MultiInputPolicy", venv, n_steps=2, batch_size=2, gamma=0.98, device="cpu")
    with pytest.raises(RewardError, match=r"Monitor is outside of MetricReward\w+, .*put it inside"):
        model.learn(1, callback=MetricRewardCallback())


# ---- learning


class Ledger(BaseCallback):
    """Keeps what an algorithm was paid, by episode, and what the environments said was theirs."""

    def _on_training_start(self):
        self.now, self.episodes = np.zeros((self.training_env.num_envs, 3)), []

    def _on_step(self):
        infos = self.locals["infos"]
        self.now += np.array([[paid, info.get("env_reward", np.nan), 1] for paid, info in zip(self.paid(), infos)])  # noqa: B905
        for lane in np.flatnonzero(self.locals["dones"]):
            self.episodes.append((*self.now[lane], infos[lane]["is_success"], infos[lane].get("metric_distance")))
            self.now[lane] = 0
        return True

    def paid(self):
        return self.locals["rewards"].astype(np.float64)


class Rows(KVWriter):
    """A log in memory."""

    def __init__(self):
        self.rows = []

    def write(self, key_values, key_excluded, step=0):
        self.rows.append(dict(key_values))


def log_of(model):
    """The rows of a new log of this algorithm, which fill as it learns."""
    writer = Rows()
    model.set_logger(Logger(None, [writer]))
    return writer.rows


def test_ppo_learns_from_the_metric_while_the_log_tells_both_returns_apart(tmp_path):
    venv = MetricRewardVecEnv(VecMonitor(native(4)), MetricReward(LatentMetric(), gamma=0.95))
    model = PPO(
        "MultiInputPolicy",
        venv,
        n_steps=32,
        batch_size=64,
        n_epochs=1,
        gamma=0.95,
        seed=0,
        device="cpu",
        policy_kwargs={"features_extractor_class": extractor_for(venv.observation_space), "net_arch": [16]},
    )
    rows = log_of(model)
    ledger = Ledger()
    model.learn(256, callback=[MetricRewardCallback(), ledger])
    logged = rows[-1]
    paid, true, lengths, success, distances = np.array(ledger.episodes, np.float64)[-100:].T
    assert 0 < len(paid) < 100
    np.testing.assert_allclose(true, success - lengths)  # -1 a step, 0 at the goal
    assert logged["rollout/ep_rew_mean"] == pytest.approx(true.mean(), abs=1e-3)
    assert logged["rollout/ep_intrinsic_mean"] == pytest.approx((paid - true).mean(), rel=1e-4)
    assert logged["rollout/ep_final_distance"] == pytest.approx(distances.mean(), rel=1e-4)
    assert abs((paid - true).mean()) > 1, "the two returns are told apart only if they differ"
    model.save(tmp_path / "model.zip")
    loaded, obs = PPO.load(tmp_path / "model.zip", device="cpu"), venv.reset()
    np.testing.assert_array_equal(loaded.predict(obs, deterministic=True)[0], model.predict(obs, deterministic=True)[0])


@pytest.mark.parametrize("inner", ["wrapper", "vector_wrapper"])
def test_the_log_takes_gymnasium_s_adapters_too(inner):
    reward = MetricReward(LatentMetric(), gamma=0.95)
    if inner == "wrapper":
        venv = DummyVecEnv([lambda: MetricRewardWrapper(Monitor(make()), reward)] * 2)
    else:
        venv = NativeVecEnv(MetricRewardVectorWrapper(make_vec(2), reward), info_keys=None)
    model = PPO("MultiInputPolicy", venv, n_steps=16, batch_size=32, n_epochs=1, gamma=0.95, device="cpu")
    rows = log_of(model)
    ledger = Ledger()
    model.learn(32, callback=[MetricRewardCallback(), ledger])
    logged = rows[-1]
    paid, true, *_ = np.array(ledger.episodes, np.float64).T
    assert logged["rollout/ep_intrinsic_mean"] == pytest.approx((paid - true).mean(), rel=1e-4)


@pytest.mark.parametrize("obs_type", ["state", "image"])
def test_dqn_learns_from_the_metric_in_hindsight_and_is_saved_and_loaded(obs_type, tmp_path):
    metric = LatentMetric(obs_type)
    reward, venv = MetricReward(metric, gamma=0.95), VecMonitor(native(4, obs_type))
    extractor = {"trunk": "pooled_mlp", "hidden": 16, "features_dim": 16} if obs_type == "image" else {}
    model = DQN(
        "MultiInputPolicy",
        venv,
        buffer_size=400,
        learning_starts=4 * LIMIT + 4,
        batch_size=32,
        train_freq=4,
        gamma=0.95,
        seed=0,
        device="cpu",
        replay_buffer_class=MetricHerReplayBuffer,
        replay_buffer_kwargs={"metric_reward": reward},
        policy_kwargs={
            "features_extractor_class": extractor_for(venv.observation_space),
            "features_extractor_kwargs": extractor,
            "net_arch": [16],
        },
    )
    rows = log_of(model)
    model.learn(256, callback=MetricRewardCallback(), log_interval=1)
    assert model._n_updates > 0
    assert audit(model.replay_buffer, metric, reward, obs_type) == (0, 0, 0, 0)
    assert -LIMIT <= rows[-1]["rollout/ep_rew_mean"] <= 0
    model.learn(40, callback=MetricRewardCallback())  # resets in the midst of episodes
    assert audit(model.replay_buffer, metric, reward, obs_type) == (0, 0, 0, 0)
    model.save(tmp_path / "model.zip")
    loaded, obs = DQN.load(tmp_path / "model.zip", env=venv, device="cpu"), venv.reset()
    assert isinstance(loaded.replay_buffer, MetricHerReplayBuffer)
    np.testing.assert_array_equal(loaded.predict(obs, deterministic=True)[0], model.predict(obs, deterministic=True)[0])
    loaded.learn(60)
    assert audit(loaded.replay_buffer, metric, reward, obs_type) == (0, 0, 0, 0)


# ---- extractors


def test_vectors_are_scaled_by_the_bounds_of_their_spaces_where_they_have_any():
    space = spaces.Dict(
        {
            "observation": spaces.Box(np.array([-2, 0, -np.inf]), np.array([1, 4, np.inf]), dtype=np.float64),
            "achieved_goal": spaces.Box(-9, 9, (2,)),
            "desired_goal": spaces.Box(np.array([-8.0, 0]), np.array([8.0, 0]), dtype=np.float64),
        }
    )
    extractor = ScaledPair(space)
    assert extractor.features_dim == 5
    given = {"observation": torch.tensor([[2.0, 2, 3]]), "desired_goal": torch.tensor([[4.0, 5]])}
    answer = extractor(given)
    assert answer.dtype == torch.float32
    np.testing.assert_allclose(answer, [[1, 0.5, 3, 0.5, 5]])


def test_the_two_channel_extractor_sees_observation_and_goal_apart_and_nothing_else():
    space = native(1, "image").observation_space
    assert extractor_for(space) is TwoChannel
    assert extractor_for(native(1).observation_space) is ScaledPair
    extractor = TwoChannel(space, features_dim=8, trunk="coord_cnn", hidden=16)
    rng = np.random.default_rng(0)
    given = {key: torch.as_tensor(rng.random((3, 1, 64, 64)), dtype=torch.float32) for key in space.spaces}
    answer = extractor(given)
    assert answer.shape == (3, 8)
    assert torch.equal(extractor({**given, "achieved_goal": 0 * given["achieved_goal"]}), answer)
    swapped = {**given, "observation": given["desired_goal"], "desired_goal": given["observation"]}
    assert not torch.allclose(extractor(swapped), answer)
    with pytest.raises(Plan2vecError, match="coord_cnn"):
        TwoChannel(space, trunk="coordcnn")
