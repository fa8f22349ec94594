"""The memory that a fit is said to need, against what its process then held at most."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from agents import AGENTS

MEASURE = """
import json, os, sys
from dataclasses import fields, is_dataclass, replace
import numpy as np
from agents import get_agent
from agents.networks.device_memory import peak_memory
from data_collection import Dataset
from evaluation.diagnostics.memory_need import predict_memory

def few_steps(config):
    changes = {}
    for entry in fields(config):
        value = getattr(config, entry.name)
        if is_dataclass(value):
            changes[entry.name] = few_steps(value)
        elif entry.name == "steps":
            changes[entry.name] = min(value, 12)
    return replace(config, **changes)

def measure(name, frames):
    rng = np.random.default_rng(0)
    pictures = rng.integers(9, size=(frames, 3, 64, 64), dtype=np.uint8)  # a little noise, so that no two are equal
    taken = rng.integers(4, size=(frames // 100, 99))
    moves = 3 * np.array([(1, 0), (-1, 0), (0, 1), (0, -1)])
    for episode, actions in enumerate(taken):
        at = rng.integers(4, 60, 2)
        for step in range(100):
            pictures[100 * episode + step, :, at[0] - 4 : at[0] + 4, at[1] - 4 : at[1] + 4] = 255
            at = np.clip(at + moves[actions[step % 99]], 4, 60)
    data = Dataset(pictures, taken.ravel(), np.full(len(taken), 99), num_actions=4)
    del pictures
    agent = get_agent(name)(few_steps(get_agent(name)().config))
    need = predict_memory(agent, data).peak
    agent.fit(data, progress=False)
    return need, peak_memory()

found = []
for frames in (2000, 6000):  # in a process each: what one holds the next one would find
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.write(writing, json.dumps(measure(sys.argv[1], frames)).encode())
        os._exit(0)
    os.close(writing)
    found.append(json.loads(os.fdopen(reading).read()))
print(json.dumps(found))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from Linux")
@pytest.mark.parametrize("name", sorted(AGENTS))
def test_the_forecast_is_within_a_fifth_of_the_peak_for_every_agent_at_two_sizes(name):
    done = subprocess.run([sys.executable, "-c", MEASURE, name], capture_output=True, text=True, check=True)
    for need, peak in json.loads(done.stdout):
        assert 0.8 < need / peak < 1.2
