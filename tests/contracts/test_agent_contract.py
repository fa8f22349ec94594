"""What every registered agent keeps to, unasked: adding an agent adds it here."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import numpy as np
import pytest

from agents import AGENTS, load_agent
from agents.errors import CheckpointError, NotFittedError, ObservationError
from data_collection import Dataset, DatasetError, Episode
from data_collection.errors import Plan2vecError

CLOSED_FORM = {"plan2vec-places"}
"""Agents whose metric draws nothing, on data as small as this."""


def tiny_images(seed: int = 0, continuous: bool = False) -> Dataset:
    """Twelve rollouts of a bright square on a 16x16 image, moved by four actions (or by two numbers)."""
    rng = np.random.default_rng(seed)
    moves = np.array([(2, 0), (-2, 0), (0, 2), (0, -2)])
    episodes = []
    for _ in range(12):
        row, column = rng.integers(0, 12, 2)
        frames, actions = [], []
        for step in range(7):
            frame = np.zeros((1, 16, 16), np.uint8)
            frame[0, row : row + 4, column : column + 4] = 255
            frames.append(frame)
            if step == 6:
                break
            action = rng.uniform(-1, 1, 2).astype(np.float32) if continuous else np.int64(rng.integers(4))
            move = (2 * action).round().astype(int) if continuous else moves[action]
            row, column = np.clip((row + move[0], column + move[1]), 0, 12)
            actions.append(action)
        episodes.append(Episode(np.stack(frames), np.array(actions)))
    return Dataset.from_episodes(episodes, num_actions=None if continuous else 4)


def tiny_vectors() -> Dataset:
    rng = np.random.default_rng(0)
    return Dataset.from_episodes(
        [Episode(rng.normal(size=(7, 3)).astype(np.float32), rng.integers(4, size=6)) for _ in range(12)], num_actions=4
    )


def quick(config):
    """The configuration with every number of gradient steps cut to a handful."""
    if hasattr(config, "steps"):
        return replace(config, steps=4)
    parts = {name: quick(part) for name, part in vars(config).items() if hasattr(part, "__dataclass_fields__")}
    return replace(config, **parts)


def fitted(name: str, dataset: Dataset, seed: int = 0):
    agent = AGENTS[name]()
    return AGENTS[name](quick(agent.config)).fit(dataset, seed=seed, progress=False)


@pytest.fixture(scope="module", params=sorted(AGENTS))
def agent(request):
    return fitted(request.param, tiny_images())


@pytest.fixture(scope="module")
def frames():
    return np.array(tiny_images(seed=1).observations)


def test_distance_is_one_finite_number_of_float32_a_pair(agent, frames):
    distance = agent.distance(frames[:5], frames[5:10])
    assert distance.shape == (5,)
    assert distance.dtype == np.float32
    assert np.isfinite(distance).all()
    assert (distance >= 0).all()


def test_actions_are_valid_one_a_lane_and_with_a_memory_too(agent, frames):
    for memory in (None, agent.new_memory(5)):
        actions = agent.act(frames[:5], frames[5:10], memory=memory, rng=np.random.default_rng(0))
        assert actions.shape == (5,)
        assert actions.dtype == np.int64
        assert ((actions >= 0) & (actions < 4)).all()


def test_a_single_observation_gets_a_single_action(agent, frames):
    action = agent.act(frames[0], frames[1], rng=np.random.default_rng(0))
    assert np.shape(action) == ()
    assert 0 <= int(action) < 4


def test_acting_twice_on_the_same_input_gives_the_same_action(agent, frames):
    first, second = (agent.act(frames[:8], frames[8:16], rng=np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_acting_leaves_its_inputs_as_they_were(agent, frames):
    before = frames[:6].copy()
    agent.act(frames[:3], frames[3:6], memory=agent.new_memory(3), rng=np.random.default_rng(0))
    np.testing.assert_array_equal(frames[:6], before)


def test_save_then_load_measures_and_acts_the_same(agent, frames, tmp_path):
    agent.save(tmp_path / "agent")
    loaded = load_agent(tmp_path / "agent")
    assert type(loaded) is type(agent)
    actions = [one.act(frames[:9], frames[9:18], rng=np.random.default_rng(0)) for one in (agent, loaded)]
    np.testing.assert_array_equal(*actions)
    if agent.name != "random":  # whose distance is noise
        np.testing.assert_array_equal(
            agent.distance(frames[:9], frames[9:18]), loaded.distance(frames[:9], frames[9:18])
        )


def test_an_agent_of_another_format_version_is_refused(agent, tmp_path):
    agent.save(tmp_path)
    record = json.loads((tmp_path / "agent.json").read_text())
    (tmp_path / "agent.json").write_text(json.dumps(record | {"format_version": 99}))
    with pytest.raises(CheckpointError, match="format version 99"):
        load_agent(tmp_path)


def test_damaged_weights_are_refused(agent, tmp_path):
    agent.save(tmp_path)
    weights = tmp_path / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    weights.write_bytes(data[:-3])
    with pytest.raises(CheckpointError, match=r"weights\.safetensors does not match"):
        load_agent(tmp_path)
    weights.unlink()
    with pytest.raises(CheckpointError, match=r"weights\.safetensors does not exist"):
        load_agent(tmp_path)
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(CheckpointError, match="does not match"):
        load_agent(tmp_path)


def test_a_folder_without_an_agent_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="holds no saved agent"):
        load_agent(tmp_path)
    with pytest.raises(CheckpointError, match="does not exist"):
        load_agent(tmp_path / "nowhere")


def test_an_agent_is_found_in_the_folder_of_its_run(agent, tmp_path):
    agent.save(tmp_path / "agent")
    assert load_agent(tmp_path).name == agent.name


def test_an_observation_of_another_shape_or_dtype_is_refused(agent, frames):
    with pytest.raises(ObservationError, match=r"trained on \(1, 16, 16\)"):
        agent.act(np.zeros((2, 1, 8, 8), np.uint8), frames[:2])
    with pytest.raises(ObservationError, match="images are uint8"):
        agent.act(frames[:2].astype(np.float32), frames[:2])


@pytest.mark.parametrize("name", sorted(AGENTS))
def test_an_agent_that_learned_nothing_says_so(name, frames):
    with pytest.raises(NotFittedError, match=r"fit\(dataset\)"):
        AGENTS[name]().act(frames[:1], frames[:1])


@pytest.mark.parametrize("name", sorted(AGENTS))
def test_the_seed_matters_and_the_same_seed_gives_the_same_agent(name, frames):
    def measure(seed):
        return fitted(name, tiny_images(), seed).distance(frames[:20], frames[20:40])

    np.testing.assert_array_equal(measure(0), measure(0))
    assert np.array_equal(measure(0), measure(1)) == (name in CLOSED_FORM)


@pytest.mark.parametrize("name", sorted(AGENTS))
def test_ground_truth_in_the_dataset_changes_nothing(name, frames):
    bare = tiny_images()
    positions = np.random.default_rng(0).normal(size=(len(bare.observations), 2)).astype(np.float32)
    agents = fitted(name, bare), fitted(name, replace(bare, oracle_position=positions))
    np.testing.assert_array_equal(*(agent.distance(frames[:9], frames[9:18]) for agent in agents))


@pytest.mark.parametrize("name", sorted(AGENTS))
def test_no_agent_reads_ground_truth(name):
    class Poisoned(np.ndarray):
        """An array that raises when anything is read from it."""

        def __getitem__(self, key):
            raise AssertionError("ground truth was read")

        def __array_ufunc__(self, *args, **kwargs):
            raise AssertionError("ground truth was read")

        __array_function__ = __array_ufunc__

    dataset = copy.copy(tiny_images())
    object.__setattr__(dataset, "oracle_position", np.zeros((len(dataset.observations), 2), np.float32).view(Poisoned))
    fitted(name, dataset.without_oracle())


@pytest.mark.parametrize("name", sorted(AGENTS))
def test_vectors_and_continuous_actions_are_learned_from_or_refused(name):
    vectors = tiny_vectors()
    points = np.array(vectors.observations)
    assert fitted(name, vectors).act(points[:3], points[3:6]).shape == (3,)
    images = tiny_images(continuous=True)
    if getattr(AGENTS[name], "discrete_actions_only", False):
        with pytest.raises(DatasetError, match="finite number of actions"):
            fitted(name, images)
        return
    actions = fitted(name, images).act(images.observations[:3], images.observations[3:6])
    assert (actions.shape, actions.dtype) == ((3, 2), np.float32)
    assert (np.abs(actions) <= 1).all()


@pytest.mark.parametrize("name", sorted(AGENTS))
def test_two_trajectories_are_enough_to_fit(name):
    frames = tiny_images().observations[:2]
    assert fitted(name, tiny_images().take_episodes([0, 1])).distance(frames, frames).shape == (2,)


def test_an_unknown_agent_is_answered_with_the_closest_name():
    from agents import get_agent

    with pytest.raises(Plan2vecError, match="Did you mean 'plan2vec'"):
        get_agent("plan2vce")
