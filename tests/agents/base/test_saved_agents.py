"""Agents that were saved before the packages were rearranged: they load, and they answer as they did then."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from agents import load_agent
from agents.base.old_names import modern_config

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


def test_an_option_that_is_gone_is_left_out_and_warned_of_where_it_was_set():
    then = {"reach": 2.0, "neighbourhood_first": True, "saturation": None, "graph": {"overlap": 3.0, "max_vertices": 9}}
    with pytest.warns(UserWarning, match="was saved with") as warned:
        now = modern_config(then, "sptm")
    assert now == {"reach": 2.0, "graph": {"max_vertices": 9}}
    assert [str(each.message).split(";")[0] for each in warned] == [
        "sptm was saved with neighbourhood_first = True",
        "sptm was saved with graph.overlap = 3.0",
    ]
