from __future__ import annotations

import numpy as np

from agents.control.action_memory import ActionMemory, MemoryConfig


def test_memory_charges_an_action_once_for_each_try_at_the_same_spot():
    memory = ActionMemory(MemoryConfig(radius=0.5, penalty=10), num_episodes=2)
    here, away = np.zeros((2, 3), np.float32), np.full((2, 3), 2.0, np.float32)
    memory.remember(here, np.array([1, 2]))
    memory.remember(here + 0.1, np.array([1, 0]))
    memory.remember(away, np.array([3, 3]))
    assert memory.penalties(here, 4).tolist() == [[0, 20, 0, 0], [10, 0, 10, 0]]


def test_memory_of_one_lane_is_forgotten_without_the_others():
    memory = ActionMemory(MemoryConfig(), num_episodes=2)
    spot = np.zeros((2, 3), np.float32)
    memory.remember(spot, np.array([1, 1]))
    memory.forget(np.array([True, False]))
    assert memory.penalties(spot, 2).tolist() == [[0, 0], [0, 10]]
    memory.forget()
    assert memory.penalties(spot, 2).sum() == 0


def test_memory_forgets_the_oldest_decision_when_it_is_full():
    memory = ActionMemory(MemoryConfig(capacity=2), num_episodes=1)
    spot = np.zeros((1, 2), np.float32)
    for action in (0, 1, 2):
        memory.remember(spot, np.array([action]))
    assert memory.penalties(spot, 3).tolist() == [[0, 10, 10]]


def test_batched_memory_equals_one_memory_a_lane(rng):
    config = MemoryConfig(radius=1.0, capacity=5)
    together, apart = ActionMemory(config, 4), [ActionMemory(config, 1) for _ in range(4)]
    for _ in range(12):
        keys, actions = rng.normal(size=(4, 2)).astype(np.float32), rng.integers(3, size=4)
        singles = np.concatenate([memory.penalties(keys[[i]], 3) for i, memory in enumerate(apart)])
        np.testing.assert_array_equal(together.penalties(keys, 3), singles)
        together.remember(keys, actions)
        for i, memory in enumerate(apart):
            memory.remember(keys[[i]], actions[[i]])


def test_a_place_counts_for_every_visit_and_less_from_afar():
    memory = ActionMemory(MemoryConfig(visit_penalty=0.5, visit_radius=2.0), num_episodes=2)
    imagined = np.array([[[0.0, 0.0], [2.0, 0.0]], [[0.0, 0.0], [50.0, 0.0]]], np.float32)
    assert memory.visits(imagined).sum() == 0
    for _ in range(3):
        memory.remember(np.zeros((2, 2), np.float32), np.array([0, 0]))
    nearby = 3 * 0.5 * np.exp(-0.5)
    np.testing.assert_allclose(memory.visits(imagined), [[1.5, nearby], [1.5, 0]], rtol=1e-5)
    memory.forget(np.array([True, False]))
    np.testing.assert_allclose(memory.visits(imagined), [[0, 0], [1.5, 0]], rtol=1e-5)
