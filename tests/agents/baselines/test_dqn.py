"""DQN from recordings: the buffer, values against closed forms, resuming, saving."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from gymnasium import spaces

import agents.training.loop
from agents import get_agent, load_agent
from agents.errors import CheckpointError, NotFittedError, TrainingDivergedError
from agents.networks import TRUNKS
from agents.sb3.offline.config import DQNConfig
from agents.sb3.offline.fitted_q import RowReplayBuffer
from agents.sb3.offline.network import PairExtractor
from agents.sb3.offline.rewards import FrameReward, IdenticalFrame, RecordedReward
from agents.training.network_arrays import network_arrays
from agents.training.saving import load_arrays
from data_collection import Dataset, DatasetError, Episode

DQNAgent = get_agent("dqn")
SMALL = DQNConfig(steps=60, hidden=32, batch_size=64)


def corridor(episodes: int = 60, length: int = 8, steps: int = 6) -> Dataset:
    """Random walks on the integers 0 to ``length`` - 1, left (0) and right (1), with walls at both ends."""
    rng = np.random.default_rng(0)
    made = []
    for _ in range(episodes):
        place, places, actions = int(rng.integers(length)), [], rng.integers(2, size=steps)
        for action in (*actions, 0):
            places.append(place)
            place = min(max(place + 2 * int(action) - 1, 0), length - 1)
        made.append(Episode(np.array(places, np.float32)[:, None], actions))
    return Dataset.from_episodes(made, num_actions=2)


def uneven() -> Dataset:
    """Three episodes of 3, 1 and 5 transitions, every row another number."""
    lengths, rng = (3, 1, 5), np.random.default_rng(1)
    starts = (0, 10, 20)
    return Dataset.from_episodes(
        [
            Episode(np.arange(s, s + n + 1, dtype=np.float32)[:, None], rng.integers(4, size=n))
            for s, n in zip(starts, lengths, strict=True)
        ],
        num_actions=4,
    )


def buffer_of(dataset: Dataset, **choices) -> RowReplayBuffer:
    reward = RecordedReward(IdenticalFrame(), dataset.observations)
    return RowReplayBuffer(dataset, reward, torch.tensor(dataset.observations), **choices)


def test_hindsight_goals_come_later_in_the_same_episode_and_the_others_from_everywhere():
    dataset = uneven()
    buffer = buffer_of(dataset, future_share=0.5)
    buffer.sample(4000)
    at, goal = buffer.drawn["transition"], buffer.drawn["goal"]
    after = dataset.transitions[at, 1]
    hindsight, others = slice(0, 2000), slice(2000, None)
    assert (dataset.episode_ids[goal[hindsight]] == dataset.episode_ids[after[hindsight]]).all()
    assert (goal[hindsight] >= after[hindsight]).all()
    pairs = set(zip(after[hindsight].tolist(), goal[hindsight].tolist(), strict=True))
    assert len(pairs) == sum(n * (n + 1) // 2 for n in dataset.episode_lengths)
    assert set(goal[others].tolist()) == set(range(dataset.num_observations))


def test_a_batch_ends_where_the_goal_is_reached_and_nowhere_else():
    dataset = uneven()
    buffer = buffer_of(dataset)
    batch = buffer.sample(500)
    reached = batch.next_observations["observation"] == batch.next_observations["desired_goal"]
    assert torch.equal(batch.dones, reached.float())
    assert torch.equal(batch.rewards, reached.float() - 1)
    assert 0 < batch.dones.mean() < 1
    rows = dataset.transitions[buffer.drawn["transition"]]
    np.testing.assert_array_equal(batch.observations["observation"], dataset.observations[rows[:, 0]])
    np.testing.assert_array_equal(batch.next_observations["observation"], dataset.observations[rows[:, 1]])
    np.testing.assert_array_equal(batch.actions[:, 0], dataset.actions[buffer.drawn["transition"]])


def test_batches_follow_the_generator_that_is_set_and_no_global_one():
    buffer = buffer_of(uneven())

    def draw(seed):
        np.random.seed(seed % 2)  # noqa: NPY002 (what Stable-Baselines3 would draw from)
        buffer.rng = np.random.default_rng(seed)
        return buffer.sample(64).observations["observation"]

    first, other, again = draw(0), draw(1), draw(0)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("trunk", sorted(name for name in TRUNKS if TRUNKS[name].takes_images))
def test_two_frames_prepared_apart_are_the_pair_prepared_at_once(trunk, rng):
    frames = rng.integers(256, size=(4, 1, 64, 64)).astype(np.uint8)
    extractor = PairExtractor(spaces.Dict(), (1, 64, 64), DQNConfig(trunk=trunk, hidden=8))
    extractor.fit_statistics(frames)
    here, there = torch.tensor(frames[:2]), torch.tensor(frames[2:])
    pair = extractor.trunk.prepare(torch.cat([here, there], 1))
    apart = extractor.prepare(here), extractor.prepare(there)
    assert torch.equal(pair, torch.cat(apart, extractor.axis))
    if trunk in ("pooled_mlp", "coord_cnn"):  # the others are slow
        features = extractor(dict(zip(("observation", "desired_goal"), apart, strict=True)))
        assert torch.equal(features, torch.relu(extractor.trunk(torch.cat([here, there], 1))))


def test_the_identical_frame_is_rewarded_and_no_other():
    frames = np.zeros((4, 1, 5, 5), np.uint8)
    frames[1, 0, 2, 2] = 1
    reward = IdenticalFrame()(frames[[0, 0, 1, 3]], frames[[2, 1, 1, 0]])
    assert reward.tolist() == [0, -1, 0, 0]
    assert reward.dtype == np.float32
    states = np.array([[0.0, 1.0], [-0.0, 1.0], [1e-7, 1.0]], np.float32)
    assert IdenticalFrame()(states[[0, 0]], states[[1, 2]]).tolist() == [0, -1]


def test_a_reward_of_frames_is_read_once_and_any_other_is_asked_for_each_batch():
    dataset, reads, asked = corridor(4), [], []

    class Near(FrameReward):
        name = "near"

        def read(self, observations):
            reads.append(len(observations))
            return observations

        def reached(self, achieved, desired):
            return np.abs(achieved - desired)[:, 0] <= 1

    def near(achieved, desired):
        asked.append(achieved.shape)
        return np.where(np.abs(achieved - desired)[:, 0] <= 1, 0.0, -1.0)

    rows = np.arange(20), np.arange(5, 25)
    by_frame, by_batch = RecordedReward(Near(), dataset.observations), RecordedReward(near, dataset.observations)
    for _ in range(3):
        np.testing.assert_array_equal(by_frame(*rows), by_batch(*rows))
    assert reads == [dataset.num_observations]
    assert asked == [(20, 1)] * 3
    assert DQNAgent(reward_fn=Near()).reward == "near"
    assert "near" in DQNAgent(reward_fn=near).reward


@pytest.fixture(scope="module")
def walker():
    """Trained until its values are those of the corridor."""
    config = DQNConfig(steps=400, hidden=64, batch_size=128, gamma=0.9, tau=0.1, learning_rate=3e-3)
    return DQNAgent(config).fit(corridor(), progress=False)


def test_values_distances_and_actions_are_those_of_the_corridor(walker):
    place, goal = (x.ravel()[:, None].astype(np.float32) for x in np.meshgrid(range(8), range(8), indexing="ij"))
    apart = np.abs(place - goal)[:, 0]
    far = apart > 0
    # Arriving with the n-th step costs 1 + g + ... + g^(n-2): the last step is free.
    expected = -(1 - 0.9 ** (apart - 1)) / (1 - 0.9)
    np.testing.assert_allclose(walker.values(place, goal).max(1)[far], expected[far], atol=0.2)
    np.testing.assert_array_equal(walker.act(place, goal)[far], (goal > place)[far, 0])
    distance = walker.distance(place, goal)
    np.testing.assert_array_equal(distance[~far], 0)
    np.testing.assert_allclose(distance[far], apart[far], atol=0.25)


def test_hopeless_values_are_finite_distances(walker, monkeypatch):
    monkeypatch.setattr(type(walker), "values", lambda *_: np.array([[-99.0, -50.0], [0.5, -1.0], [-1.0, -1.9]]))
    points = np.arange(3, dtype=np.float32)[:, None]
    # 1 + log(.001) / log(.9); arrived with the next step; -1.0 is a second step.
    np.testing.assert_allclose(walker.distance(points, points + 1), [66.563, 1, 2], atol=1e-3)


def test_the_target_network_follows_the_network(monkeypatch):
    from agents.sb3.offline import fitted_q

    made = []
    new_model = fitted_q.new_model
    monkeypatch.setattr(fitted_q, "new_model", lambda *args: made.append(new_model(*args)) or made[-1])
    untrained = new_model(SMALL, (1,), 2, torch.device("cpu")).q_net_target
    DQNAgent(SMALL).fit(corridor(), progress=False)
    (model,) = made
    here, target = (network_arrays(net)["q_net.0.weight"] for net in (model.q_net, model.q_net_target))
    assert not np.array_equal(target, network_arrays(untrained)["q_net.0.weight"])
    assert not np.array_equal(target, here)
    DQNAgent(replace(SMALL, tau=1.0)).fit(corridor(), progress=False)
    for name, array in network_arrays(made[-1].q_net).items():
        np.testing.assert_array_equal(array, network_arrays(made[-1].q_net_target)[name])


def test_a_fit_that_was_killed_ends_with_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.setattr(agents.training.loop, "CHECKPOINT_SECONDS", 0)
    dataset, config = corridor(), replace(SMALL, steps=130)
    whole = DQNAgent(config).fit(dataset, seed=3, workdir=tmp_path / "whole", progress=False)
    log, count = agents.training.loop.Workdir.log, []

    def killed(self, *args):
        log(self, *args)
        count.append(args)
        if len(count) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(agents.training.loop.Workdir, "log", killed)
        with pytest.raises(KeyboardInterrupt):
            DQNAgent(config).fit(dataset, seed=3, workdir=tmp_path / "cut", progress=False)
    assert (tmp_path / "cut/checkpoints/q.pt").exists()
    resumed = DQNAgent(config).fit(dataset, seed=3, workdir=tmp_path / "cut", progress=False)
    finished = DQNAgent(config).fit(dataset, seed=3, workdir=tmp_path / "cut", progress=False)
    for agent in (resumed, finished):
        agent.save(tmp_path / "agent")
        expected = network_arrays(whole.q.network)
        for name, array in load_arrays(tmp_path / "agent/weights.safetensors").items():
            np.testing.assert_array_equal(array, expected[name], err_msg=name)
    assert (tmp_path / "cut/metrics.csv").read_text() == (tmp_path / "whole/metrics.csv").read_text()


def test_a_folder_begun_with_another_reward_is_refused(tmp_path):
    def anywhere(achieved, desired):
        return np.zeros(len(achieved), np.float32)

    DQNAgent(replace(SMALL, steps=2)).fit(corridor(), workdir=tmp_path, progress=False)
    with pytest.raises(CheckpointError, match="begun with reward='identical frame'"):
        DQNAgent(replace(SMALL, steps=2), anywhere).fit(corridor(), workdir=tmp_path, progress=False)


def test_a_saved_agent_notes_its_reward_and_holds_the_network_alone(tmp_path):
    class Near(IdenticalFrame):
        name = "near enough"

    agent = DQNAgent(replace(SMALL, steps=2), Near()).fit(corridor(), progress=False)
    agent.save(tmp_path)
    loaded = load_agent(tmp_path)
    assert loaded.reward == "near enough"
    assert not any("target" in name for name in load_arrays(tmp_path / "weights.safetensors"))
    with pytest.raises(NotFittedError, match="near enough"):
        loaded.fit(corridor())


@pytest.mark.parametrize("kind", ["none", "continuous"])
def test_a_dataset_without_discrete_actions_is_refused(kind):
    frames = np.arange(6, dtype=np.float32)[:, None]
    actions = None if kind == "none" else np.zeros((5, 2), np.float32)
    with pytest.raises(DatasetError, match="finite number of actions"):
        DQNAgent().fit(Dataset.from_episodes([Episode(frames, actions)]))


def test_a_loss_that_is_not_a_number_stops_the_fit_and_keeps_the_batch(tmp_path):
    def broken(achieved, desired):
        return np.full(len(achieved), np.nan, np.float32)

    with pytest.raises(TrainingDivergedError, match="diverged-q-50"):
        DQNAgent(SMALL, broken).fit(corridor(), workdir=tmp_path, progress=False)
    assert set(np.load(tmp_path / "diverged-q-50.npz")) == {"transition", "goal"}
