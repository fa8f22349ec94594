"""Causal-InfoGAN's folders, written here."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest

from data_collection import load_dataset, save_dataset
from data_collection.sources import read_recording
from data_collection.sources.files.pictures import decode_square
from data_collection.sources.formats import rope_pictures
from data_collection.sources.formats.rope_pictures import read_rope_pictures
from plan2vec_envs.errors import CorruptFileError, FileTooLargeError, MissingFileError, SourceError

FLAGS = {"run_00": [1, 1, 1, 0], "run_01": [1, 0, 0, 1, 1, 1]}


def grey(value, shape=(64, 64)):
    return cv2.imencode(".jpg", np.full((*shape, 3), value, np.uint8))[1].tobytes()


def value_of(run, frame):
    """The grey of a picture: which run and which frame."""
    return 100 * run + 10 * frame + 5


@pytest.fixture
def write(tmp_path):
    """Runs of pictures of one grey each; the action of frame t of run r is (r, t, t + .5, -t), and its flag."""

    def write(flags=FLAGS, name="rope_full", stem="img_{:04d}", encode=grey):
        root = tmp_path / name
        for number, (run, column) in enumerate(flags.items()):
            (root / run).mkdir(parents=True)
            for t in range(len(column)):
                (root / run / f"{stem.format(t)}.jpg").write_bytes(encode(value_of(number, t)))
            rows = [[number, t, t + 0.5, -t, flag] for t, flag in enumerate(column)]
            np.save(root / run / "actions.npy", np.array(rows, np.float64).reshape(-1, 5))
        return root

    return write


def stories(dataset):
    """(greys of the pictures, actions) of every episode."""
    return [
        (episode.observations[:, 0, 0, 0].tolist(), episode.actions[:, :2].astype(int).tolist())
        for episode in dataset.episodes()
    ]


def test_a_reset_breaks_a_run_into_episodes_and_the_last_picture_leads_nowhere(write):
    dataset, repairs = read_rope_pictures(write())
    assert stories(dataset) == [
        ([5, 15, 25, 35], [[0, 0], [0, 1], [0, 2]]),
        ([105, 115], [[1, 0]]),
        (
            [135, 145, 155],
            [[1, 3], [1, 4]],
        ),  # picture 2 stands between two resets; the last flag is 1, and does not count
    ]
    assert str(repairs) == "dropped 1 trajectory of one frame"
    assert dataset.actions.dtype == np.float32
    np.testing.assert_array_equal(dataset.actions[1], [0, 1, 1.5, -1])
    assert (dataset.num_actions, dataset.env_id) == (None, None)


def test_no_transition_leads_over_a_reset_or_into_another_run(write, rng):
    flags = {f"run_{r:02d}": rng.integers(0, 2, 8).tolist() for r in range(2)}
    dataset, repairs = read_rope_pictures(write(flags))
    values = dataset.observations[:, 0, 0, 0].astype(int)
    recorded = {(int(values[a]), int(values[b])) for a, b in dataset.transitions}
    expected = {
        (value_of(r, t), value_of(r, t + 1)) for r, run in enumerate(flags.values()) for t in range(7) if run[t]
    }
    assert recorded == expected
    assert dataset.num_observations + repairs.single_frames == 16


def test_what_is_read_survives_the_way_to_its_own_file(write, tmp_path):
    dataset, _ = read_rope_pictures(write())
    again = load_dataset(save_dataset(dataset, tmp_path / "rope.npz"))
    assert again.fingerprint == dataset.fingerprint
    assert stories(again) == stories(dataset)


@pytest.mark.parametrize(
    ("shape", "at"), [((128, 200), (0, 36)), ((200, 128), (36, 0)), ((64, 65), (0, 0)), ((64, 64), (0, 0))]
)
def test_a_picture_is_its_middle_square_in_grey(shape, at, rng):
    side = min(shape)
    picture = cv2.resize(rng.integers(0, 256, (8, 8, 3), np.uint8), shape[::-1])
    png = cv2.imencode(".png", picture)[1].tobytes()
    square = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)[at[0] :, at[1] :][:side, :side]
    means = square.reshape(64, side // 64, 64, side // 64).mean((1, 3))
    np.testing.assert_allclose(decode_square(png, "here")[0], means, atol=0.51)


def test_a_small_picture_is_enlarged_and_a_long_one_is_cut_first():
    assert decode_square(grey(7, (20, 30)), "here").shape == (1, 64, 64)
    assert decode_square(grey(7, (1, 60_000)), "here").shape == (1, 64, 64)


def test_a_run_without_pictures_is_dropped_and_counted(write):
    dataset, repairs = read_rope_pictures(write({"run_00": [1, 0], "run_01": [], "run_02": [1, 1]}))
    assert dataset.num_episodes == 2
    assert str(repairs) == "dropped 1 empty trajectory"


def test_other_files_do_not_matter(write):
    folder = write()
    (folder / "readme.txt").write_text("rope")
    (folder / "run_00" / "notes.txt").write_text("rope")
    (folder / "run_00" / "._img_0000.jpg").write_bytes(b"what some computers leave behind")
    (folder / "run_99.zip").write_bytes(b"no folder")
    assert read_rope_pictures(folder)[0].num_episodes == 3


def test_names_whose_order_is_not_that_of_their_numbers_are_refused(write):
    with pytest.raises(SourceError, match=r"run_00: by name img_10\.jpg comes before img_2\.jpg.*leading zeros"):
        read_rope_pictures(write({"run_00": [1] * 11}, stem="img_{}"))


def test_names_that_are_times_may_have_any_number_of_digits(write):
    stems = iter(["5.25", "5.3", "7.1"])

    class Times:
        def format(self, _):
            return next(stems)

    assert read_rope_pictures(write({"run_00": [1, 1, 0]}, stem=Times()))[0].num_observations == 3


@pytest.mark.parametrize("table_dtype", [np.float32, np.float64, np.int64])
def test_actions_of_any_numbers_become_float32(write, table_dtype):
    folder = write()
    table = np.load(folder / "run_01" / "actions.npy")
    for run in ("run_00", "run_01"):
        path = folder / run / "actions.npy"
        np.save(path, np.load(path).astype(table_dtype))
    dataset, _ = read_rope_pictures(folder)
    np.testing.assert_array_equal(dataset.actions[3], table[0, :-1].astype(table_dtype).astype(np.float32))


def test_what_a_reset_holds_besides_its_flag_is_nobodys_business(write):
    folder = write()
    path = folder / "run_01" / "actions.npy"
    table = np.load(path)
    table[[1, 5], :-1] = np.nan
    np.save(path, table)
    assert read_rope_pictures(folder)[0].num_transitions == 6


def change(row, column, value):
    def apply(table):
        table[row, column] = value
        return table

    return apply


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda table: table[:-1], r"run_01/actions\.npy has 5 rows, but there are 6 pictures"),
        (lambda table: np.concatenate([table, table]), r"actions\.npy has 12 rows, but there are 6 pictures"),
        (
            lambda table: table[:, 1:],
            r"actions\.npy has shape \(6, 4\) and dtype float64; need numbers \(T, 5\) or wider",
        ),
        (lambda table: table[:, -1], r"has shape \(6,\)"),
        (lambda table: table.astype("S3"), r"dtype \|S3; need numbers"),
        (lambda table: table.astype(bool), r"dtype bool; need numbers"),
        (lambda table: table.astype(object), r"holds Python objects; need a plain array"),
        (change(3, -1, 2), r"actions\.npy, row 3: the last number is 2\.0; need 1 for a move, 0 for a reset"),
        (change(3, -1, np.nan), r"row 3: the last number is nan"),
        (change(3, 2, np.nan), r"row 3: a move of \[1\.0, 3\.0, nan, -3\.0\]; need finite numbers"),
        (change(4, 0, 1e300), r"row 4: a move of \[1e\+300"),
        (
            lambda table: np.insert(table, 1, 0, axis=1),
            r"run_01, pictures 0 to 1: actions of shape \(5,\) .*run_00, .*has of shape \(4,\)",
        ),
    ],
)
def test_actions_that_do_not_fit_are_named_with_the_row(write, edit, message):
    folder = write()
    path = folder / "run_01" / "actions.npy"
    np.save(path, edit(np.load(path)), allow_pickle=True)
    with pytest.raises(SourceError, match=message):
        read_rope_pictures(folder)


def claims(width, height):
    """A JPEG whose header claims another size than it has."""
    data = grey(9)
    at = data.index(b"\xff\xc0")
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"", SourceError, "neither JPEG nor PNG"),
        (b"GIF89a", SourceError, "neither JPEG nor PNG"),
        (grey(9)[:-30], CorruptFileError, "truncated or damaged"),
        (grey(9)[:40], CorruptFileError, "truncated or damaged"),
        (
            claims(60_000, 60_000),
            FileTooLargeError,
            "60000 x 60000 pixels, more than 40 megapixels; nothing was decoded",
        ),
    ],
)
def test_a_picture_that_cannot_be_read_is_named(write, content, error, message):
    folder = write()
    (folder / "run_01" / "img_0003.jpg").write_bytes(content)
    with pytest.raises(error, match=rf"run_01/img_0003\.jpg: .*{message}"):
        read_rope_pictures(folder)


def test_a_picture_that_is_a_folder_or_huge_is_named(write, monkeypatch):
    folder = write()
    picture = folder / "run_00" / "img_0002.jpg"
    picture.unlink()
    picture.mkdir()
    with pytest.raises(SourceError, match=r"img_0002\.jpg cannot be read: Is a directory"):
        read_rope_pictures(folder)
    monkeypatch.setattr(rope_pictures, "MAX_PICTURE_BYTES", 10)
    with pytest.raises(FileTooLargeError, match=r"img_0000\.jpg has .*Is it a picture"):
        read_rope_pictures(folder)


def test_what_is_missing_is_said(write, tmp_path):
    with pytest.raises(MissingFileError, match="no folder"):
        read_rope_pictures(tmp_path / "nowhere")
    with pytest.raises(SourceError, match="holds no folder run_00"):
        read_rope_pictures(tmp_path)
    folder = write()
    (folder / "run_01" / "img_0001.jpg").unlink()
    with pytest.raises(SourceError, match=r"6 rows, but there are 5 pictures.*Is a file missing"):
        read_rope_pictures(folder)
    (folder / "run_00" / "actions.npy").unlink()
    with pytest.raises(MissingFileError, match=r"no file .*run_00/actions\.npy"):
        read_recording(folder)
    with pytest.raises(SourceError, match="no trajectory of two observations or more, of 3"):
        read_rope_pictures(write({"run_00": [0, 0, 1]}, name="still"))


@pytest.mark.parametrize("cut", [0, 30, 200])
def test_a_damaged_table_of_actions_is_named(write, cut):
    folder = write()
    path = folder / "run_00" / "actions.npy"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(CorruptFileError, match=r"run_00/actions\.npy is truncated or damaged"):
        read_rope_pictures(folder)
