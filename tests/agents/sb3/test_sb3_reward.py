"""The metric as a reward in Stable-Baselines3: environments, log, learning, extractors."""

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

from agents.errors import MetricError, RewardError
from agents.reward import MetricReward, MetricRewardVectorWrapper, MetricRewardWrapper
from agents.sb3 import (
    MetricHerReplayBuffer,
    MetricRewardCallback,
    MetricRewardVecEnv,
    NativeVecEnv,
    ScaledPair,
    TwoChannel,
)
from agents.sb3.extractors import extractor_for
from data_collection.errors import Plan2vecError

from ..metric_worlds import LIMIT, LatentMetric, audit, make, make_vec, native, strays

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


# ---- what does not fit


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
