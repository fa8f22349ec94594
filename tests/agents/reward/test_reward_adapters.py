"""Every adapter of the metric reward against the formula, lane by lane; what they refuse."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.wrappers import FilterObservation, FlattenObservation, TransformObservation
from stable_baselines3.common.env_checker import check_env as sb3_check_env
from stable_baselines3.common.vec_env import DummyVecEnv

from agents.errors import MetricError, RewardError
from agents.reward import MODES, MetricReward, MetricRewardVectorWrapper, MetricRewardWrapper, ParallelRewards, Starts
from agents.sb3 import MetricRewardVecEnv, NativeVecEnv

from ..metric_worlds import CORES, LatentMetric, PlainMetric, actions_to, by_hand, make, make_vec, strays

GOAL_MODES = [mode for mode in MODES if mode != "novelty"]


# ---- all adapters, lane by lane

STEPS, LANES = 40, 3
KINDS = ("same_step", "next_step", "disabled", "wrapper", "wrapped_dummy", "dummy", "native", "native_vector")
FIELDS = ("before", "reached", "goal", "env_reward", "terminated", "truncated", "reward", "intrinsic", "distance")


def run_vector(mode, reward, obs_type):
    """The steps of each lane in a vector environment, as dicts of FIELDS; without those that only reset."""
    envs = MetricRewardVectorWrapper(make_vec(LANES, mode, obs_type), reward)
    stray, made = strays(2 * STEPS, LANES), [[] for _ in range(LANES)]
    obs, _ = envs.reset(seed=5)
    resetting = np.zeros(LANES, bool)
    while min(map(len, made)) < STEPS:
        now = np.array([stray[len(lane), i] for i, lane in enumerate(made)])
        new, rewards, terminated, truncated, info = envs.step(
            actions_to(obs["observation"], obs["desired_goal"], obs_type, now)
        )
        ended = terminated | truncated
        for i in np.flatnonzero(~resetting):
            reached = info["final_obs"][i] if mode == "same_step" and ended[i] else {k: v[i] for k, v in new.items()}
            values = obs["observation"][i], reached["observation"], obs["desired_goal"][i], info["env_reward"][i]
            values += terminated[i], truncated[i], rewards[i], info["intrinsic_reward"][i], info["metric_distance"][i]
            made[i].append(dict(zip(FIELDS, values, strict=True)))
        assert (rewards[resetting] == 0).all()
        assert all(info[f"_{name}"].all() for name in ("env_reward", "intrinsic_reward", "metric_distance"))
        resetting = ended & (mode == "next_step")
        if mode == "disabled" and ended.any():
            new, _ = envs.reset(options={"reset_mask": ended})
        obs = new
    return [lane[:STEPS] for lane in made]


def run_wrapper(reward, obs_type):
    stray, made = strays(2 * STEPS, LANES), []
    for lane in range(LANES):
        env, steps = MetricRewardWrapper(make(obs_type), reward), []
        obs, _ = env.reset(seed=5 + lane)
        while len(steps) < STEPS:
            here, goal = obs["observation"], obs["desired_goal"]
            action = actions_to(here[None], goal[None], obs_type, stray[len(steps), lane : lane + 1])[0]
            obs, paid, terminated, truncated, info = env.step(action)
            values = here, obs["observation"], goal, info["env_reward"], terminated, truncated
            values += paid, info["intrinsic_reward"], info["metric_distance"]
            steps.append(dict(zip(FIELDS, values, strict=True)))
            if terminated or truncated:
                obs, _ = env.reset()
        made.append(steps)
    return made


def run_sb3(kind, reward, obs_type):
    if kind == "wrapped_dummy":
        venv = DummyVecEnv([lambda: MetricRewardWrapper(make(obs_type), reward)] * LANES)
    elif kind == "native_vector":
        envs = MetricRewardVectorWrapper(make_vec(LANES, "same_step", obs_type), reward)
        venv = NativeVecEnv(envs, info_keys=("env_reward", "intrinsic_reward", "metric_distance"))
    else:
        inner = NativeVecEnv(make_vec(LANES, "same_step", obs_type))
        venv = MetricRewardVecEnv(inner if kind == "native" else DummyVecEnv([lambda: make(obs_type)] * LANES), reward)
    stray, made = strays(2 * STEPS, LANES), [[] for _ in range(LANES)]
    venv.seed(5)
    obs = venv.reset()
    for now in stray[:STEPS]:
        new, rewards, ended, infos = venv.step(actions_to(obs["observation"], obs["desired_goal"], obs_type, now))
        for i, info in enumerate(infos):
            reached = info["terminal_observation"]["observation"] if ended[i] else new["observation"][i]
            timeout = info["TimeLimit.truncated"]
            values = obs["observation"][i], reached, obs["desired_goal"][i], info["env_reward"]
            values += ended[i] and not timeout, timeout, rewards[i], info["intrinsic_reward"], info["metric_distance"]
            made[i].append(dict(zip(FIELDS, values, strict=True)))
        obs = new
    return made


def run(kind, reward, obs_type="state"):
    if kind in ("same_step", "next_step", "disabled"):
        return run_vector(kind, reward, obs_type)
    return run_wrapper(reward, obs_type) if kind == "wrapper" else run_sb3(kind, reward, obs_type)


def columns(lane):
    return {name: np.array([step[name] for step in lane]) for name in FIELDS}


@pytest.mark.parametrize(
    ("kind", "metric", "obs_type"),
    [(kind, LatentMetric, "state") for kind in KINDS]
    + [("native", PlainMetric, "state"), ("next_step", PlainMetric, "state"), ("wrapper", PlainMetric, "state")]
    + [(kind, LatentMetric, "image") for kind in ("native", "dummy", "same_step", "wrapper")],
)
def test_every_adapter_pays_by_hand_what_each_step_of_each_lane_is_worth(kind, metric, obs_type):
    reference, ends = metric(obs_type), np.zeros(2, int)
    for mode in GOAL_MODES if obs_type == "state" else ["shaping"]:
        reward = MetricReward(metric(obs_type), mode, gamma=0.9, scale=0.5, radius=4)
        for lane in map(columns, run(kind, reward, obs_type)):
            core, over = CORES[obs_type], lane["terminated"]
            np.testing.assert_array_equal(over, core.compute_reward(lane["reached"], lane["goal"]) == 0)
            np.testing.assert_array_equal(lane["env_reward"], np.where(over, 0, -1))
            before, after = (reference.distance(lane[name], lane["goal"]) for name in ("before", "reached"))
            expected = by_hand(reward, before, after, lane["env_reward"], over)
            np.testing.assert_allclose(lane["reward"], expected, atol=1e-5)
            np.testing.assert_allclose(lane["distance"], after, rtol=1e-5)
            task = lane["env_reward"] if mode == "shaping" else 0
            np.testing.assert_allclose(lane["intrinsic"] + task, lane["reward"], atol=1e-5)
            again = reward(lane["before"], lane["reached"], lane["goal"], lane["env_reward"], over)
            np.testing.assert_allclose(lane["reward"], again, atol=1e-5)
            ends += over.sum(), (lane["truncated"] & ~over).sum()
    assert (ends >= 3).all(), "too few episodes ended to test anything"


@pytest.mark.parametrize("kind", KINDS)
def test_novelty_is_the_least_distance_to_what_the_episode_saw(kind):
    metric = LatentMetric()
    for lane in run(kind, MetricReward(metric, "novelty", scale=3)):
        seen = []
        for step in lane:
            seen = seen or [step["before"]]
            there = np.repeat(step["reached"][None], len(seen), 0)
            nearest = metric.distance(there, np.array(seen)).min()
            assert step["distance"] == pytest.approx(nearest, abs=1e-5)
            assert step["intrinsic"] == pytest.approx(3 * nearest, abs=1e-5)
            assert step["reward"] == pytest.approx(step["env_reward"] + 3 * nearest, abs=1e-5)
            seen = [] if step["terminated"] or step["truncated"] else [*seen, step["reached"]]


def test_a_shaped_return_is_the_task_s_plus_what_the_potential_gained():
    metric, gamma = LatentMetric("image"), 0.9
    lanes = run("wrapper", MetricReward(metric, gamma=gamma), "image")
    checked = set()
    for lane in lanes:
        episode = []
        for step in lane:
            episode.append(step)
            if not (step["terminated"] or step["truncated"]):
                continue
            first, last = episode[0], episode[-1]
            discount = gamma ** np.arange(len(episode))
            shaped, true = (discount @ [each[name] for each in episode] for name in ("reward", "env_reward"))
            start, end = (
                -metric.distance(each[None], last["goal"][None])[0] for each in (first["before"], last["reached"])
            )
            left = 0 if last["terminated"] else gamma ** len(episode) * end
            assert shaped == pytest.approx(true + left - start, abs=1e-4)
            checked.add(bool(last["terminated"]))
            episode = []
    assert checked == {True, False}


def test_one_goal_for_ever_takes_the_place_of_the_entry():
    metric, goal = LatentMetric(), np.array([0.1, -0.1])
    envs = MetricRewardVectorWrapper(make_vec(2), MetricReward(metric, "distance"), goal=goal)
    single = MetricRewardWrapper(make(), MetricReward(metric, "distance"), goal=goal)
    venv = MetricRewardVecEnv(NativeVecEnv(make_vec(2)), MetricReward(metric, "distance"), goal=goal)
    flat = MetricRewardWrapper(
        FlattenObservation(FilterObservation(make(), ["observation"])), MetricReward(metric, "distance"), goal=goal
    )
    for env in (single, flat):
        env.reset(seed=0)
        obs, paid, *_ = env.step(0)
        place = obs if env is flat else obs["observation"]
        assert paid == pytest.approx(-metric.distance(place[None], goal[None])[0], rel=1e-5)
    envs.reset(seed=0)
    venv.reset()
    for obs, paid in (envs.step(np.array([0, 1]))[:2], venv.step(np.array([0, 1]))[:2]):
        np.testing.assert_allclose(paid, -metric.distance(obs["observation"], np.stack([goal, goal])), rtol=1e-5)


# ---- nothing is embedded twice


@pytest.mark.parametrize("kind", ["same_step", "native"])
def test_a_step_embeds_one_observation_a_lane_and_what_starts_in_it(kind):
    metric = LatentMetric()
    lanes = run(kind, MetricReward(metric))
    ends = sum(bool(step["terminated"] or step["truncated"]) for lane in lanes for step in lane)
    first = 2 * LANES  # the first observations and their goals
    assert ends > 10
    assert metric.embedded == first + STEPS * LANES + 2 * ends


def test_the_code_of_a_goal_is_kept_while_the_goal_stays():
    metric, goal = LatentMetric(), (0.1, 0.1)
    envs = MetricRewardVectorWrapper(make_vec(4, goal=goal), MetricReward(metric))
    envs.reset(seed=0)
    assert metric.embedded == 8
    ends = 0
    for actions in np.random.default_rng(0).integers(8, size=(20, 4)):
        _, _, terminated, truncated, _ = envs.step(actions)
        ends += (terminated | truncated).sum()
    envs.reset(seed=1)
    assert ends >= 8
    assert metric.embedded == 8 + 20 * 4 + ends + 4


def test_lanes_answer_alike_whether_starts_come_with_a_step_or_after_it():
    rng, metric = np.random.default_rng(0), LatentMetric()
    frames = rng.uniform(-0.2, 0.2, (6, 3, 2)).astype(np.float32)
    together, apart = (ParallelRewards(MetricReward(metric), 3) for _ in range(2))
    for lanes in (together, apart):
        lanes.begin(frames[0], frames[1])
    which = np.array([0, 2])
    for reached in (frames[2], frames[3]):
        first = together.step(
            reached, np.zeros(3), np.zeros(3, bool), Starts(which, frames[4][which], frames[5][which])
        )
        second = apart.step(reached, np.zeros(3), np.zeros(3, bool))
        apart.begin(frames[4][which], frames[5][which], which)
        for one, other in zip(first, second, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)
    np.testing.assert_allclose(together.distances, apart.distances, rtol=1e-6)


class Coordinates(LatentMetric):
    """Latents that are the observations themselves, the very same array."""

    def embed(self, observations):
        return observations


def test_what_the_environment_returned_is_never_written_to():
    envs = MetricRewardVectorWrapper(make_vec(3, "disabled"), MetricReward(Coordinates()))
    envs.reset(seed=0)
    returned, *_ = envs.step(np.array([0, 1, 2]))
    kept = returned["observation"].copy()
    envs.reset(seed=1, options={"reset_mask": np.array([True, False, True])})
    np.testing.assert_array_equal(returned["observation"], kept)


# ---- checkers


@pytest.mark.parametrize("mode", GOAL_MODES)
def test_a_wrapped_env_passes_the_checker_of_stable_baselines3(mode, quick_agent):
    sb3_check_env(MetricRewardWrapper(make("image"), MetricReward(quick_agent, mode)), warn=True)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.filterwarnings("ignore:.*is different from the unwrapped version:UserWarning")
def test_a_wrapped_env_passes_the_checker_of_gymnasium(mode, quick_agent):
    env = gym.make("Plan2vec/Open-v0", render_mode="rgb_array", disable_env_checker=True)
    check_env(MetricRewardWrapper(env, MetricReward(quick_agent, mode)), skip_render_check=True)


def test_new_goals_are_paid_alike_alone_and_in_a_batch():
    reward = MetricReward(LatentMetric(), gamma=0.9)
    env = MetricRewardWrapper(make(), reward)
    obs, _ = env.reset(seed=0)
    befores, afters, infos = [], [], []
    for action in range(6):
        befores.append(obs["achieved_goal"])
        obs, paid, *_, info = env.step(action)
        afters.append(obs["achieved_goal"])
        infos.append(info)
        assert env.compute_reward(obs["achieved_goal"], obs["desired_goal"], info) == paid
    goals = np.array([afters[2]] * 6)  # reached in the third step
    batch = env.compute_reward(np.array(afters), goals, infos)
    over = CORES["state"].compute_reward(np.array(afters), goals) == 0
    assert over[2]
    np.testing.assert_allclose(
        batch, reward(np.array(befores), np.array(afters), goals, np.where(over, 0, -1), over), atol=1e-5
    )
    alone = [env.compute_reward(after, goals[0], info) for after, info in zip(afters, infos, strict=True)]
    np.testing.assert_allclose(alone, batch, atol=1e-5)
    with pytest.raises(RewardError, match=r"6 of 6 steps has no 'metric_code'.*MetricHerReplayBuffer"):
        env.compute_reward(np.array(afters), goals, [{} for _ in infos])
    for_novelty = MetricRewardWrapper(make(), MetricReward(LatentMetric(), "novelty"))
    for_novelty.reset(seed=0)
    with pytest.raises(RewardError, match="whole episode"):
        for_novelty.compute_reward(afters[0], goals[0], {})


# ---- what does not fit


def wrap_vector(obs_type, reward, **kwargs):
    return MetricRewardVectorWrapper(make_vec(2, obs_type=obs_type), reward, **kwargs)


def wrap_single(obs_type, reward, **kwargs):
    return MetricRewardWrapper(make(obs_type), reward, **kwargs)


def wrap_sb3(obs_type, reward, **kwargs):
    return MetricRewardVecEnv(NativeVecEnv(make_vec(2, obs_type=obs_type)), reward, **kwargs)


@pytest.mark.parametrize("wrap", [wrap_single, wrap_vector, wrap_sb3])
def test_another_space_or_key_is_refused_when_it_is_wrapped(wrap):
    states, images = MetricReward(LatentMetric()), MetricReward(LatentMetric("image"))
    with pytest.raises(RewardError, match=r"goal.*float32 of shape \(2,\).*uint8 images of shape \(1, 64, 64\)"):
        wrap("state", images)
    with pytest.raises(RewardError, match=r"uint8 of shape \(1, 64, 64\).*vectors of shape \(2,\)"):
        wrap("image", states)
    with pytest.raises(RewardError, match=r"no entry 'target'; there are achieved_goal, desired_goal, observation"):
        wrap("state", states, goal_key="target")
    with pytest.raises(RewardError, match=r"goal.*of shape \(3,\)"):
        wrap("state", states, goal=np.zeros(3))
    with pytest.raises(RewardError, match=r"goal.*float64 of shape \(1, 64, 64\)"):
        wrap("image", images, goal=np.zeros((1, 64, 64)))


def test_images_of_another_dtype_are_refused():
    space = gym.spaces.Dict(
        {key: gym.spaces.Box(0, 1, (1, 64, 64), np.float32) for key in make("image").observation_space}
    )
    env = TransformObservation(make("image"), lambda obs: {k: np.float32(v / 255) for k, v in obs.items()}, space)
    with pytest.raises(RewardError, match=r"float32 of shape \(1, 64, 64\).*trained on uint8"):
        MetricRewardWrapper(env, MetricReward(LatentMetric("image")))


def test_the_wrapper_that_hides_the_goal_is_named():
    reward = MetricReward(LatentMetric())
    with pytest.raises(RewardError, match="FilterObservation hides it"):
        MetricRewardWrapper(FilterObservation(make(), ["observation", "achieved_goal"]), reward)
    with pytest.raises(RewardError, match="FlattenObservation hides it"):
        MetricRewardWrapper(FlattenObservation(make()), reward)
    with pytest.raises(RewardError, match="FilterObservation hides it"):
        MetricRewardVecEnv(DummyVecEnv([lambda: FilterObservation(make(), ["observation"])]), reward)
    envs = gym.wrappers.vector.FilterObservation(make_vec(2, "next_step"), ["observation"])
    with pytest.raises(RewardError, match="FilterObservation hides it"):
        MetricRewardVectorWrapper(envs, reward)


@pytest.mark.parametrize("wrap", [wrap_single, wrap_vector])
def test_a_metric_that_is_not_a_number_stops_at_the_first_reset(wrap):
    metric = LatentMetric()
    metric._map[:] = np.nan
    env = wrap("state", MetricReward(metric))
    with pytest.raises(MetricError, match=r"agent 'latent' is nan for \d of \d"):
        env.reset(seed=0)


def test_a_metric_reward_is_not_paid_twice():
    reward = MetricReward(LatentMetric())
    with pytest.raises(RewardError, match="already, by MetricRewardWrapper"):
        MetricRewardWrapper(gym.wrappers.OrderEnforcing(MetricRewardWrapper(make(), reward)), reward)
    with pytest.raises(RewardError, match="already, by MetricRewardVectorWrapper"):
        MetricRewardVectorWrapper(MetricRewardVectorWrapper(make_vec(2), reward), reward)
