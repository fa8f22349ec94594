"""`plan2vec world`: what it prints, where the file lies, what it says when something is wrong."""

from __future__ import annotations

import pytest

from evaluation import cli
from plan2vec_envs.image_graph import get_world


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Four places, d apart from the rest, with a link to itself; the data and cache folders of the user."""
    monkeypatch.setenv("PLAN2VEC_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PLAN2VEC_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "data" / "touchdown"
    folder.mkdir(parents=True)
    (folder / "nodes.txt").write_text("a,0,40.7300,-73.9960\nb,0,40.7301,-73.9960\nc,0,40.7302,-73.9960\nd,0,41,-74\n")
    (folder / "links.txt").write_text("a,0,b\nb,0,c\nc,180,b\nb,180,a\na,0,a\n")
    return folder


def test_a_world_is_read_counted_and_found_by_name(folder, tmp_path, capsys):
    assert cli.main(["world", "touchdown", str(folder), "--subset", "tiny"]) == 0
    out = capsys.readouterr().out
    assert "CC BY 4.0" in out
    assert "dropped 1 self link\n" in out
    assert "world 'tiny': 3 places, 4 links, 1 component, median link 11.1 m, no views" in out
    assert str(tmp_path / "cache" / "worlds" / "tiny.npz") in out
    assert get_world("tiny").place_ids.tolist() == ["a", "b", "c"]


def test_without_a_path_the_data_folder_is_read(folder, tmp_path, capsys):
    file = tmp_path / "there.npz"
    assert cli.main(["world", "touchdown", "--out", str(file)]) == 0
    assert "2 pieces that do not reach each other; --connected keeps the largest" in capsys.readouterr().out
    assert get_world(file).num_places == 4
    assert cli.main(["world", "touchdown", "--connected", "--name", "mine"]) == 0
    assert "1 place outside of the largest piece" in capsys.readouterr().out
    assert get_world("mine").num_places == 3


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["touchdown", "nowhere"], "there is no folder nowhere"),
        (["touchdown", "--subset", "tinny"], "Did you mean 'tiny'"),
        (["touchdown", "--name", "city"], "cannot be called 'city'"),
        (["touchdown", "--gps-radius", "1"], "no option 'gps_radius'"),
        (["streetlearn-processed"], "which holds touchdown"),
    ],
)
def test_errors_are_one_line_and_leave_no_file(folder, tmp_path, args, message, capsys):
    assert cli.main(["world", *args]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("plan2vec: ")
    assert error.count("\n") == 1
    assert not (tmp_path / "cache").exists()


def test_a_damaged_source_leaves_the_old_file(folder, tmp_path, capsys):
    assert cli.main(["world", "touchdown", "--subset", "tiny"]) == 0
    file = tmp_path / "cache" / "worlds" / "tiny.npz"
    before = file.read_bytes()
    (folder / "links.txt").write_text("a,north,b\n")
    assert cli.main(["world", "touchdown", "--subset", "tiny"]) == 2
    assert "links.txt:1: heading is 'north'" in capsys.readouterr().err
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == ["tiny.npz"]
