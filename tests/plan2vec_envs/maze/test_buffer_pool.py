"""Lent arrays: memory is used again, and never while anybody can see it."""

from __future__ import annotations

import copy
import pickle
from itertools import chain

import gymnasium as gym
import numpy as np
import pytest
import torch

from plan2vec_envs.maze.buffer_pool import _KEPT, BufferPool

LARGE = (256, 1, 64, 64)  # of uint8
VIEWS = {
    "the array": lambda array: array,
    "a slice": lambda array: array[3:5],
    "a slice of a slice": lambda array: array[3:][:, 0],
    "a reshaped one": lambda array: array.reshape(256, -1)[7],
    "other numbers of the same bytes": lambda array: array.view(np.uint16),
    "a buffer": memoryview,
    "a tensor": lambda array: torch.from_numpy(array)[2],
    "an object that refers to a buffer": lambda array: np.frombuffer(memoryview(array), np.uint8),
}


def address(array):
    return array.__array_interface__["data"][0]


def test_memory_is_used_again_once_nobody_sees_it():
    lender = BufferPool(LARGE, np.uint8)
    first = lender.empty()
    where = address(first)
    del first
    assert address(lender.empty()) == where


@pytest.mark.parametrize("see", VIEWS.values(), ids=list(VIEWS))
def test_whoever_holds_a_view_keeps_the_memory(see):
    lender = BufferPool(LARGE, np.uint8)
    lent = lender.copy(np.full(LARGE, 7, np.uint8))
    where, held = address(lent), see(lent)
    del lent
    others = [lender.copy(np.zeros(LARGE, np.uint8)) for _ in range(3)]
    assert where not in map(address, others)
    assert np.unique(np.asarray(held).view(np.uint8)).tolist() == [7]
    del held
    assert address(lender.empty()) == where


def test_two_arrays_that_are_held_never_share_memory():
    lender = BufferPool(LARGE, np.uint8)
    held = [lender.empty() for _ in range(2 * _KEPT)]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(held) for b in held[:i])
    del held[:], lender  # more blocks than are kept, and nobody left who would lend them


def test_a_lent_array_is_an_ordinary_one():
    lent = BufferPool(LARGE, np.float32).copy(np.ones(LARGE))
    assert (type(lent), lent.shape, lent.dtype) == (np.ndarray, LARGE, np.float32)
    assert lent.flags.c_contiguous
    assert lent.flags.writeable
    assert np.array_equal(pickle.loads(pickle.dumps(lent)), lent)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda lender: pickle.loads(pickle.dumps(lender))])
def test_copies_of_a_lender_lend_memory_of_their_own(duplicate):
    lender = BufferPool(LARGE, np.uint8)
    lender.empty()  # lent and given back
    assert not np.shares_memory(lender.empty(), (lent := duplicate(lender).empty()))
    assert (lent.shape, lent.dtype) == (LARGE, np.uint8)


@pytest.mark.parametrize("mode", ["next_step", "same_step"])
def test_observations_of_a_large_batch_stay_as_they_were_when_the_environment_goes_on(mode, rng):
    env = gym.make_vec("Plan2vec/CMaze-v0", num_envs=256, autoreset_mode=mode, max_episode_steps=5)
    held, lanes = [env.reset(seed=0)[0]], []
    for actions in rng.integers(0, 8, (12, 256)):
        observation, *_, info = env.step(actions)
        held.append(observation)
        lanes.append([final for final in info.get("final_obs", []) if final is not None])
    copies = copy.deepcopy((held, lanes))
    held = [{key: array[40:42] for key, array in one.items()} for one in held]  # views alone
    for actions in rng.integers(0, 8, (12, 256)):
        env.step(actions)
    for ours, then in zip(held, copies[0], strict=True):
        assert all(np.array_equal(ours[key], then[key][40:42]) for key in then)
    for ours, then in zip(chain(*lanes), chain(*copies[1]), strict=True):
        assert all(np.array_equal(ours[key], then[key]) for key in then)
    assert bool(lanes[4]) == (mode == "same_step")


def test_changing_a_returned_observation_changes_nothing_that_follows(rng):
    kept, spoilt = (gym.make_vec("Plan2vec/CMaze-v0", num_envs=256, max_episode_steps=4) for _ in range(2))
    kept.reset(seed=0), spoilt.reset(seed=0)
    for actions in rng.integers(0, 8, (12, 256)):
        expected, observation = kept.step(actions)[0], spoilt.step(actions)[0]
        for key, array in observation.items():
            assert np.array_equal(array, expected[key])
            array[...] = rng.integers(0, 256)
