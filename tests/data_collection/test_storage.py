from __future__ import annotations

import io
import json
import pickle
import zipfile

import numpy as np
import pytest

from data_collection import (
    CorruptFileError,
    Dataset,
    FileTooLargeError,
    FormatVersionError,
    MissingFileError,
    StorageError,
    WrongEnvError,
    load_dataset,
    read_manifest,
    save_dataset,
)
from plan2vec_envs.io.hashing import json_sha256


@pytest.fixture
def path(tmp_path, dataset):
    return save_dataset(dataset, tmp_path / "data.npz", provenance={"seed": 3})


def rewrite(path, changes):
    """Write the archive again with other members, as a forger would: every zip checksum is right."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members |= changes(members)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            if content is not None:
                archive.writestr(name, content)


def npy(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def edit_manifest(path, edit, reseal=True):
    """Change the manifest; with `reseal`, its checksum is made right again."""

    def change(members):
        manifest = json.loads(str(np.load(io.BytesIO(members["manifest.npy"]))))
        edit(manifest)
        if reseal:
            manifest.pop("manifest_sha256", None)
            manifest["manifest_sha256"] = json_sha256(manifest)
        return {"manifest.npy": npy(np.array(json.dumps(manifest)))}

    rewrite(path, change)


@pytest.mark.parametrize("image", [True, False])
@pytest.mark.parametrize("actions", ["discrete", "continuous", None])
@pytest.mark.parametrize("oracle", [True, False])
def test_a_dataset_comes_back_as_it_was_saved(tmp_path, make_episodes, same_data, image, actions, oracle):
    data = Dataset.from_episodes(make_episodes(image=image, actions=actions, oracle=oracle), env_id="Toy-v0")
    back = load_dataset(save_dataset(data, tmp_path / "data.npz"))
    assert same_data(back, data)
    assert back.fingerprint == data.fingerprint


def test_numpy_opens_the_file_without_pickles(path, dataset):
    with np.load(path, allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["observations"], dataset.observations)
        assert json.loads(str(archive["manifest"]))["fingerprint"] == dataset.fingerprint


def test_equal_datasets_give_equal_bytes(tmp_path, dataset):
    first, second = (save_dataset(dataset, tmp_path / name).read_bytes() for name in ("a.npz", "b.npz"))
    assert first == second


def test_the_manifest_tells_what_is_inside_and_where_it_came_from(path, dataset):
    manifest = read_manifest(path)
    assert (manifest["env_id"], manifest["num_episodes"], manifest["num_transitions"]) == ("Toy-v0", 4, 11)
    assert manifest["provenance"] == {"seed": 3}
    assert manifest["versions"]["numpy"] == np.__version__
    assert manifest["arrays"]["observations"]["shape"] == list(dataset.observations.shape)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"there is no file .*nowhere\.npz"):
        load_dataset(tmp_path / "nowhere.npz")
    with pytest.raises(FileNotFoundError):
        load_dataset(tmp_path / "nowhere.npz")


def test_a_folder_is_no_dataset(tmp_path):
    with pytest.raises(StorageError):
        load_dataset(tmp_path)


def test_every_truncated_copy_is_refused(path):
    whole = path.read_bytes()
    for length in range(0, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:length])
        with pytest.raises(CorruptFileError, match="truncated or damaged"):
            load_dataset(path)


def test_no_flipped_byte_passes_unnoticed(path, dataset, same_data, rng):
    """A flip is an error of ours, or hits a byte that means nothing (a time stamp): then all data is equal."""
    whole = path.read_bytes()
    refused = 0
    for position in rng.choice(len(whole), 300, replace=False):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        try:
            assert same_data(load_dataset(path), dataset)
        except StorageError:
            refused += 1
    assert refused > 200


@pytest.mark.parametrize("name", ["observations", "actions", "episode_lengths", "oracle_position"])
def test_a_forged_array_does_not_match_its_checksum(path, name):
    def change(members):
        array = np.load(io.BytesIO(members[f"{name}.npy"]))
        array.flat[0] = array.flat[0] + 1
        return {f"{name}.npy": npy(array)}

    rewrite(path, change)
    with pytest.raises(CorruptFileError, match=f"{name} does not match its checksum"):
        load_dataset(path)


def test_a_forged_manifest_does_not_match_its_checksum(path):
    edit_manifest(path, lambda manifest: manifest.update(env_id="Other-v0"), reseal=False)
    with pytest.raises(CorruptFileError, match="manifest does not match its checksum"):
        load_dataset(path)


def test_an_array_that_is_missing_is_named(path):
    rewrite(path, lambda members: {"oracle_position.npy": None})
    with pytest.raises(CorruptFileError, match=r"manifest lists .*oracle_position"):
        load_dataset(path)


def test_another_format_version_is_named_with_what_to_do(path):
    edit_manifest(path, lambda manifest: manifest.update(format_version=99))
    with pytest.raises(FormatVersionError, match=r"version 99; this plan2vec reads .*, version 1; collect it again"):
        load_dataset(path)


def test_an_archive_of_something_else_is_no_dataset(tmp_path):
    np.savez(tmp_path / "other.npz", weights=np.zeros(3))
    with pytest.raises(FormatVersionError, match=r"holds \['weights'\], but no manifest"):
        load_dataset(tmp_path / "other.npz")


@pytest.mark.parametrize(
    "edit",
    [
        lambda manifest: manifest.pop("arrays"),
        lambda manifest: manifest.pop("env_id"),
        lambda manifest: manifest.update(arrays=[1, 2]),
        lambda manifest: manifest["arrays"].update(observations=None),
        lambda manifest: manifest.update(num_actions=2),
        lambda manifest: manifest.update(num_actions="eight"),
        lambda manifest: manifest["arrays"].update({"../../outside": manifest["arrays"]["actions"]}),
    ],
)
def test_a_manifest_of_another_shape_is_a_named_error(path, edit):
    """Sealed anew, so only its meaning is wrong."""
    edit_manifest(path, edit)
    with pytest.raises(CorruptFileError):
        load_dataset(path)


def test_a_dataset_of_another_environment_is_refused(path, dataset, same_data):
    with pytest.raises(WrongEnvError, match="collected in 'Toy-v0', but a dataset of 'Other-v0' is needed"):
        load_dataset(path, expect_env_id="Other-v0")
    assert same_data(load_dataset(path, expect_env_id="Toy-v0"), dataset)


def test_a_file_that_unpacks_to_too_much_is_refused_before_decoding(tmp_path):
    """One gigabyte of zeros in a megabyte; the limit is read from the directory of the archive."""
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("manifest.npy", "w") as member:
        for _ in range(64):
            member.write(bytes(2**20))
    with pytest.raises(FileTooLargeError, match=r"67\.1 MB, more than the limit of 1\.0 MB"):
        load_dataset(path, max_bytes=10**6)


def test_an_array_that_promises_more_than_is_there_is_not_allocated(path):
    """The header claims 10^15 bytes; allocating them would fail with a MemoryError."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"shape": (10**15,), "fortran_order": False, "descr": "|u1"})
    rewrite(path, lambda members: {"observations.npy": header.getvalue() + b"few"})
    with pytest.raises(CorruptFileError, match="takes 1000000000000000 bytes, but 3 are there"):
        load_dataset(path)


def test_a_pickle_is_never_opened(path):
    class Exploit:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was opened",))

    payload = npy(np.zeros(1, object), allow_pickle=True)
    poisoned = payload[: payload.index(b"\n") + 1] + pickle.dumps(Exploit())
    rewrite(path, lambda members: {"observations.npy": poisoned})
    with pytest.raises(CorruptFileError, match="array of object"):
        load_dataset(path)
