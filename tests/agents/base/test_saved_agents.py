"""Agents that were saved before the packages were rearranged: they load, and they answer as they did then."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from agents import load_agent

SAVED = Path(__file__).parent / "saved"
EXPECTED = json.loads((SAVED / "expected.json").read_text())


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_an_agent_saved_before_the_rearrangement_answers_as_it_did(name):
    """Distances were written down by the version that saved the agents, rounded to 1e-4."""
    agent, answers = load_agent(SAVED / name), EXPECTED[name]
    frames = np.load(SAVED / f"{answers['data']}.npy")
    if answers["distance"] is not None:
        np.testing.assert_allclose(agent.distance(frames[:9], frames[9:18]), answers["distance"], rtol=1e-3, atol=2e-4)
    actions = agent.act(frames[:9], frames[9:18], rng=np.random.default_rng(0))
    assert np.mean(actions == answers["actions"]) > 0.7, "near ties may fall otherwise on another processor"
