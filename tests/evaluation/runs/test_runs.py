"""Run folders: nothing collides, nothing is half-written, nothing leaves the folder."""

import json
import multiprocessing

import pytest

from evaluation.errors import ResultsError, RunFolderError, RunLockedError
from evaluation.protocols.results import read_json, write_json
from evaluation.runs import folder as runs
from evaluation.runs.folder import Stopwatch

CONFIG = {"size": "10x10", "nested": {"a": 1}}


def new_run(out, config=CONFIG, seed=0):
    return runs.create(out, "Plan2vec/CMaze-v0", "plan2vec", seed, config, "plan2vec demo")


def find(out, finished, config=CONFIG):
    return runs.find(out, "Plan2vec/CMaze-v0", "plan2vec", 0, config, finished=finished)


def test_runs_that_begin_in_the_same_second_get_different_folders(tmp_path):
    roots = {new_run(tmp_path).root for _ in range(5)}
    assert len(roots) == 5
    assert all(root.parent == tmp_path / "Plan2vec-CMaze-v0" / "plan2vec" for root in roots)


def test_the_newest_unfinished_run_with_the_same_configuration_is_found(tmp_path):
    _, newest, other = new_run(tmp_path), new_run(tmp_path), new_run(tmp_path, {"size": "20x10"})
    assert find(tmp_path, finished=False).root == newest.root
    assert find(tmp_path, finished=False, config=other.config).root == other.root
    assert find(tmp_path, finished=True) is None


def test_a_finished_run_is_not_resumed(tmp_path):
    run = new_run(tmp_path)
    run.finish()
    assert find(tmp_path, finished=False) is None
    assert find(tmp_path, finished=True).root == run.root


def test_a_run_with_a_damaged_configuration_is_passed_over(tmp_path):
    run = new_run(tmp_path)
    run.path("config.json").write_text('{"size": ')
    assert find(tmp_path, finished=False) is None


def test_a_second_writer_in_another_process_is_refused_at_once(tmp_path):
    run = new_run(tmp_path)
    with run.writing():
        context = multiprocessing.get_context("spawn")
        with context.Pool(1) as pool:
            assert "another process writes" in pool.apply(_try_to_write, (str(run.root),))
    with run.writing():
        pass  # free again


def _try_to_write(root):
    try:
        with runs.open_run(runs.Path(root)).writing():
            return "wrote"
    except RunLockedError as error:
        return str(error)


@pytest.mark.parametrize("name", ["../elsewhere", "eval/../../x", "/etc/passwd"])
def test_paths_do_not_leave_the_folder(tmp_path, name):
    with pytest.raises(RunFolderError, match="leads out"):
        new_run(tmp_path).path(name)


@pytest.mark.parametrize(
    ("name", "folder"), [("Plan2vec/CMaze-v0", "Plan2vec-CMaze-v0"), ("../..", "-.."), ("", "unnamed")]
)
def test_names_become_single_folders(name, folder):
    assert runs.safe_name(name) == folder


def test_a_failed_write_leaves_the_old_file(tmp_path):
    file = tmp_path / "x.json"
    write_json(file, {"a": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(file, {"a": float("nan")})
    assert json.loads(file.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [file]


def test_a_truncated_file_is_named_in_the_error(tmp_path):
    (tmp_path / "cut.json").write_text('{"a": ')
    with pytest.raises(ResultsError, match=r"cut\.json"):
        read_json(tmp_path / "cut.json")


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunFolderError, match="no run folder"):
        runs.open_run(tmp_path)


def test_a_stage_that_is_run_again_adds_to_what_it_took(tmp_path):
    watch = Stopwatch(tmp_path / "stages.json")
    watch.put("fit", 10.0, 20.0)
    again = Stopwatch(tmp_path / "stages.json")
    with again.stage("fit"):
        pass
    with again.stage("report"):
        pass
    assert [row.stage for row in Stopwatch(tmp_path / "stages.json").rows] == ["fit", "report"]
    assert again.rows[0].wall >= 10.0
