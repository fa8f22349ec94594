from __future__ import annotations

import errno
import os
import stat

import pytest

from data_collection import DiskFullError, StorageError, atomic_write


def test_the_file_appears_whole_when_the_block_ends(tmp_path):
    path = tmp_path / "new" / "folder" / "file"
    with atomic_write(path) as file:
        file.write(b"all of it")
        assert not path.exists()
    assert path.read_bytes() == b"all of it"
    assert os.listdir(path.parent) == ["file"]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, ValueError, MemoryError])
def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path, interruption):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(interruption), atomic_write(path) as file:  # noqa: PT012
        file.write(b"half of the ne")
        file.flush()
        raise interruption
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_is_named_with_what_was_needed(tmp_path, monkeypatch, call):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, call, full)
    with pytest.raises(DiskFullError, match=r"needs up to 4\.5 MB\. Nothing was left behind"):  # noqa: SIM117
        with atomic_write(path, needed=4_506_000) as file:
            file.write(b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_disk_that_is_really_full_is_noticed(tmp_path, monkeypatch):
    """/dev/full refuses every byte, and does so only when the buffer is flushed."""
    monkeypatch.setattr(
        "tempfile.mkstemp", lambda **_: (os.open("/dev/full", os.O_WRONLY), str(tmp_path / "temporary"))
    )
    with pytest.raises(DiskFullError, match="no space left"), atomic_write(tmp_path / "file") as file:
        file.write(b"new")
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match=r"cannot write .*Nothing was left behind"):  # noqa: SIM117
        with atomic_write(tmp_path / "file" / "inside"):
            pass


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX file modes")
def test_the_file_is_readable_as_the_umask_says(tmp_path):
    old = os.umask(0o027)
    try:
        with atomic_write(tmp_path / "file"):
            pass
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640
