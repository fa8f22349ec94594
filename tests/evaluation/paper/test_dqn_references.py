"""The privileged reward against the environment's own, and DQN with interaction."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3.common.vec_env import DummyVecEnv

from agents.sb3.extractors import ScaledPair
from agents.sb3.hindsight import TerminatingHerReplayBuffer
from evaluation.errors import ProtocolError
from evaluation.paper.protocols.online_dqn import online_dqn
from evaluation.protocols.rewards import PoseReward
from evaluation.protocols.tasks import make_tasks
from evaluation.rl.judge import drive
from plan2vec_envs.errors import UnknownNameError

ENV = "Plan2vec/CMaze-v0"


@pytest.mark.parametrize("obs_type", ["image", "state"])
def test_the_pose_reward_is_the_reward_of_the_environment(obs_type, rng):
    env = gym.make(ENV, obs_type=obs_type).unwrapped
    achieved = rng.uniform(-0.1, 0.1, (300, 2))
    desired = achieved + rng.uniform(-0.03, 0.03, (300, 2))
    frames = env.render_state(achieved), env.render_state(desired)
    reward = PoseReward(ENV, obs_type)(*frames)
    np.testing.assert_array_equal(reward, env.compute_reward(*frames, {}))
    assert reward.dtype == np.float32
    assert set(reward.tolist()) == {-1.0, 0.0}


def test_the_pose_reward_of_an_unknown_room_is_refused():
    with pytest.raises(UnknownNameError, match="Did you mean 'Plan2vec/CMaze-v0'"):
        PoseReward("Plan2vec/CMaz-v0")


def test_relabelled_transitions_end_where_their_goal_is_reached():
    env = DummyVecEnv([lambda: gym.make("Plan2vec/Open-v0", obs_type="state")])
    buffer = TerminatingHerReplayBuffer(200, env.observation_space, env.action_space, env, device="cpu")
    env.seed(0)
    observation, moves = env.reset(), np.random.default_rng(0)
    for _ in range(120):
        action = moves.integers(8, size=1)
        after, reward, done, info = env.step(action)
        last = {key: info[0]["terminal_observation"][key][None] for key in after} if done[0] else after
        buffer.add(observation, last, action, reward, done, info)
        observation = after
    batch = buffer._get_virtual_samples(np.arange(100), np.zeros(100, int))
    reached = (batch.next_observations["achieved_goal"] - batch.next_observations["desired_goal"]).norm(dim=1) < 0.02
    assert torch.equal(batch.dones[:, 0] == 1, reached)
    assert 0 < reached.sum() < 100


def test_a_pair_is_scaled_by_the_bounds_of_its_space():
    space = gym.make(ENV, obs_type="state").observation_space
    high = torch.as_tensor(space["observation"].high)[None]
    features = ScaledPair(space)({"observation": high, "desired_goal": -high / 2})
    assert features.tolist() == [[1, 1, -0.5, -0.5]]


def test_success_is_counted_until_the_first_goal_only():
    tasks = make_tasks("Plan2vec/Open-v0", 30)

    class Straight:
        """The move that ends nearest; in an open room it always arrives."""

        moves = 0.0249 * np.array([(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1) if (x, y) != (0, 0)])

        def predict(self, observation, deterministic):
            ends = observation["observation"][:, None] + self.moves
            return np.linalg.norm(ends - observation["desired_goal"][:, None], axis=-1).argmin(1), None

    class Still:
        """Pushes west for ever."""

        def predict(self, observation, deterministic):
            return np.ones(len(observation["observation"]), np.int64), None

    assert drive(Straight(), tasks).success_rate == 1
    assert drive(Straight(), tasks, horizon=5).success_rate == pytest.approx((tasks.least_steps <= 5).mean(), abs=0.1)
    assert drive(Still(), tasks).success_rate < 0.3


def test_learning_with_interaction_reports_its_curve_and_stops_when_told():
    curve = online_dqn(ENV, seed=1, total_steps=120, warm_up=60, every=60, num_tasks=10)
    assert [steps for steps, _ in curve] == [60, 120]
    assert all(0 <= rate <= 1 for _, rate in curve)
    assert online_dqn(ENV, seed=1, total_steps=120, warm_up=60, every=60, num_tasks=10) == curve
    assert len(online_dqn(ENV, seed=1, total_steps=120, warm_up=60, every=60, num_tasks=10, stop_at=0.0)) == 1
    with pytest.raises(ProtocolError, match="1 <= every <= steps"):
        online_dqn(ENV, total_steps=10, every=20)
