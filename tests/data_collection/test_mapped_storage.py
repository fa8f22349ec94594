from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from data_collection import CorruptFileError, cache_dir, save_dataset
from data_collection.storage import load_mapped


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PLAN2VEC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def path(tmp_path, dataset):
    return save_dataset(dataset, tmp_path / "data.npz")


def is_mapped(array):
    while isinstance(array.base, np.ndarray):
        array = array.base
    return isinstance(array, np.memmap)


def copies(cache):
    return sorted(cache.glob("mapped/*"))


def test_a_mapped_dataset_equals_the_file(cache, path, dataset, same_data):
    for _ in ("written", "found"):
        mapped = load_mapped(path)
        assert same_data(mapped, dataset)
        assert is_mapped(mapped.observations)
        assert mapped.fingerprint == dataset.fingerprint
    assert len(copies(cache)) == 1


@pytest.mark.parametrize("damage", ["truncate", "empty", "remove", "reshape"])
def test_a_damaged_copy_is_made_again(cache, path, dataset, same_data, damage):
    load_mapped(path)
    array = copies(cache)[0] / "observations.npy"
    match damage:
        case "truncate":
            array.write_bytes(array.read_bytes()[:-1])
        case "empty":
            array.write_bytes(b"")
        case "remove":
            array.unlink()
        case "reshape":
            np.save(array, np.zeros(3))
    mapped = load_mapped(path)
    assert same_data(mapped, dataset)
    assert is_mapped(mapped.observations)


def test_a_cache_that_cannot_be_written_leaves_the_dataset_in_memory(cache, path, dataset, same_data):
    cache.write_bytes(b"a file where the folder should be")
    loaded = load_mapped(path)
    assert same_data(loaded, dataset)
    assert not is_mapped(loaded.observations)


def test_a_full_disk_leaves_no_half_copy(cache, path, dataset, same_data, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    assert same_data(load_mapped(path), dataset)
    assert copies(cache) == []


def test_a_damaged_file_is_not_mapped(cache, path):
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CorruptFileError):
        load_mapped(path)
    assert copies(cache) == []


def test_a_copy_that_another_process_finished_meanwhile_is_used(cache, path, monkeypatch):
    save, copying = np.save, []

    def overtaken(*args, **kwargs):
        if not copying:
            copying.append(True)
            load_mapped(path)  # the other process, from start to end
        save(*args, **kwargs)

    monkeypatch.setattr(np, "save", overtaken)
    assert is_mapped(load_mapped(path).observations)
    assert len(copies(cache)) == 1


def test_processes_that_write_the_same_copy_at_once_agree(cache, path, dataset):
    """Four of them, started together; each must see the whole dataset."""
    code = "import sys; from data_collection.storage import load_mapped as f; from pathlib import Path as P\n"
    code += "sys.stdin.read(1); print(f(P(sys.argv[1])).fingerprint)"
    root = Path(__file__).parents[2]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        process.stdin.write("g")
        process.stdin.flush()
    assert [process.communicate()[0].strip() for process in processes] == [dataset.fingerprint] * 4
    assert len(copies(cache)) == 1


@pytest.mark.parametrize(
    ("variables", "platform", "expected"),
    [
        ({"PLAN2VEC_CACHE": "/here", "XDG_CACHE_HOME": "/xdg"}, "linux", "/here"),
        ({"XDG_CACHE_HOME": "/xdg"}, "linux", "/xdg/plan2vec"),
        ({"HOME": "/users/me"}, "linux", "/users/me/.cache/plan2vec"),
        ({"LOCALAPPDATA": "/local"}, "win32", "/local/plan2vec/cache"),
    ],
)
def test_the_cache_lies_where_the_user_says(monkeypatch, variables, platform, expected):
    for name in ("PLAN2VEC_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert cache_dir() == Path(expected)
