from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import pytest

from data_collection import collect, make_dataset, read_manifest
from data_collection.collection import collect as collecting
from plan2vec_envs import InvalidOptionError, UnknownNameError

OPEN = "Plan2vec/Open-v0"
TINY = {"size": "24x3", "obs_type": "state", "progress": False}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PLAN2VEC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def whole():
    """The same dataset, collected without make_dataset."""
    options = {"obs_type": "state", "action_type": "discrete"}
    return collect(OPEN, num_rollouts=24, horizon=3, env_kwargs=options, progress=False)


def files(cache):
    return sorted(path.name for path in (cache / "datasets").glob("*") if path.suffix != ".lock")


@pytest.fixture
def no_collecting(monkeypatch):
    """From now on, whoever makes an environment fails."""
    return lambda: monkeypatch.setattr(gym, "make_vec", lambda *_, **__: pytest.fail("an environment was made"))


def test_the_second_call_is_answered_from_the_cache(cache, whole, no_collecting):
    assert make_dataset(OPEN, **TINY).fingerprint == whole.fingerprint
    no_collecting()
    assert make_dataset(OPEN, **TINY).fingerprint == whole.fingerprint
    assert len(files(cache)) == 1


@pytest.mark.parametrize("change", [{"seed": 1}, {"size": "12x3"}, {"obs_type": "image"}, {"action_type": "box"}])
def test_another_request_is_another_dataset(cache, change):
    first, second = make_dataset(OPEN, **TINY), make_dataset(OPEN, **{**TINY, **change})
    assert first.fingerprint != second.fingerprint
    assert len(files(cache)) == 2


def test_the_manifest_says_how_to_make_it_again(cache):
    make_dataset(OPEN, **TINY, seed=7)
    origin = read_manifest(cache / "datasets" / files(cache)[0])["provenance"]
    assert (origin["num_rollouts"], origin["horizon"], origin["seed"]) == (24, 3, 7)
    assert origin["env_kwargs"] == {"obs_type": "state", "action_type": "discrete"}
    assert origin["env_spec"]["id"] == OPEN


def test_an_interrupted_call_resumes_and_leaves_nothing_half_written(cache, whole, monkeypatch):
    act, acts = collecting.uniform_actions, []

    def interrupted(*args):
        acts.append(1)
        if len(acts) == 32:  # in the eleventh of twenty parts
            raise KeyboardInterrupt
        return act(*args)

    monkeypatch.setattr(collecting, "uniform_actions", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_dataset(OPEN, **TINY)
    assert [Path(name).suffix for name in files(cache)] == [".parts"]
    assert make_dataset(OPEN, **TINY).fingerprint == whole.fingerprint
    assert len(acts) == 32 + 10 * 3
    assert [Path(name).suffix for name in files(cache)] == [".npz"]


def test_a_damaged_file_in_the_cache_is_collected_again(cache, whole, caplog):
    make_dataset(OPEN, **TINY)
    path = cache / "datasets" / files(cache)[0]
    path.write_bytes(path.read_bytes()[:-10])
    assert make_dataset(OPEN, **TINY).fingerprint == whole.fingerprint
    assert "collecting again" in caplog.text
    assert read_manifest(path)["fingerprint"] == whole.fingerprint


def test_without_a_writable_cache_the_dataset_is_collected_in_memory(cache, whole, caplog):
    cache.write_bytes(b"a file where the folder should be")
    with caplog.at_level(logging.INFO, "data_collection"):
        assert make_dataset(OPEN, **TINY).fingerprint == whole.fingerprint
    assert "collecting in memory" in caplog.text


def test_two_processes_that_ask_at_once_collect_once(cache, whole):
    code = (
        f"from data_collection import make_dataset as m; print(m({OPEN!r}, size='24x3', obs_type='state').fingerprint)"
    )
    root = Path(__file__).parents[3]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    outputs = [process.communicate() for process in processes]
    assert [out.strip() for out, _ in outputs] == [whole.fingerprint] * 3
    assert sum("Collecting" in err for _, err in outputs) == 1


@pytest.mark.parametrize(
    "size", ["1000", "1000x", "x10", "0x10", "10x0", "1e3x10", "-5x10", "10 x 10", "1000×10", 1000]
)
def test_a_size_of_another_form_is_refused_with_an_example(cache, size):
    with pytest.raises(InvalidOptionError, match=r"must be rollouts x horizon, both at least 1, such as '1000x10'"):
        make_dataset(OPEN, size=size)


@pytest.mark.parametrize(
    ("env_id", "change", "message"),
    [
        ("Plan2vec/Opne-v0", {}, r"Did you mean 'Plan2vec/Open-v0'\?"),
        (OPEN, {"obs_type": "states"}, r"Did you mean 'state'\?"),
        (OPEN, {"action_type": "discrete8"}, r"Did you mean 'discrete'\?"),
    ],
)
def test_an_unknown_name_is_answered_with_the_closest(cache, env_id, change, message):
    with pytest.raises(UnknownNameError, match=message):
        make_dataset(env_id, **{**TINY, **change})
    assert files(cache) == []
