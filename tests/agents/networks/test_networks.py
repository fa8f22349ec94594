"""Trunks against the layer lists of App. G, counted by hand, and on their way to disk and back."""

from __future__ import annotations

import copy
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from agents.errors import ObservationError
from agents.networks import TRUNKS, Ensemble, PooledMLP, build_trunk, embed_in_chunks, prepare_in_chunks
from agents.training.network_arrays import load_network, network_arrays
from agents.training.saving import load_arrays, save_arrays
from data_collection.errors import Plan2vecError

SHAPE = (1, 64, 64)
CPU = torch.device("cpu")


def count(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def sizes_after(network: nn.Module, kind: type, x: torch.Tensor, encode) -> list[tuple[int, ...]]:
    """Output shapes without the batch axis of every layer of a kind, in the order of calling."""
    seen: list[tuple[int, ...]] = []
    hooks = [
        layer.register_forward_hook(lambda _, __, out: seen.append(tuple(out.shape[1:])))
        for layer in network.modules()
        if isinstance(layer, kind)
    ]
    encode(x)
    for hook in hooks:
        hook.remove()
    return seen


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(256, size=(5, *SHAPE), dtype=np.uint8)


@pytest.fixture(scope="module")
def paper_conv():
    return build_trunk("paper_conv", SHAPE, 2, 0)


def test_paper_conv_has_the_layers_of_the_listing(paper_conv):
    listing = [
        "Conv2d(1, 128, kernel_size=(7, 7), stride=(1, 1))",
        "Conv2d(128, 256, kernel_size=(7, 7), stride=(1, 1))",
        "Conv2d(256, 256, kernel_size=(7, 7), stride=(2, 2))",
        "Conv2d(256, 256, kernel_size=(7, 7), stride=(2, 2))",
        "Conv2d(256, 256, kernel_size=(7, 7), stride=(2, 2))",
        "Conv2d(256, 256, kernel_size=(2, 2), stride=(1, 1))",
    ]
    layers = list(paper_conv.embed)
    assert [str(layer) for layer in layers if isinstance(layer, nn.Conv2d)] == listing
    names = ["Conv2d", "BatchNorm2d", "ReLU"] * 5 + ["Conv2d", "ReLU", "Flatten", "Linear"]
    assert [type(layer).__name__ for layer in layers] == names
    assert str(layers[18]) == "Linear(in_features=256, out_features=2, bias=True)"
    assert str(layers[1]).startswith("BatchNorm2d(128, eps=1e-05, momentum=0.1, affine=True")


def test_paper_conv_has_as_many_weights_as_the_listing_says(paper_conv):
    kernels = 49 * (1 * 128 + 128 * 256 + 3 * 256 * 256) + 4 * 256 * 256
    biases = 128 + 5 * 256
    norms = 2 * (128 + 4 * 256)
    assert count(paper_conv) == kernels + biases + norms + (256 * 2 + 2) == 11_512_066


def test_paper_conv_brings_an_image_down_to_one_pixel(paper_conv, frames):
    """64 - 6 = 58, - 6 = 52, (52 - 7) // 2 + 1 = 23, 9, 2, and 2 - 1 = 1: flattened, the 256 of the listing."""
    paper_conv.eval()
    with torch.inference_mode():
        x = torch.as_tensor(frames[:2])
        sides = sizes_after(paper_conv, nn.Conv2d, x, paper_conv)
        assert sides == [(128, 58, 58), (256, 52, 52), (256, 23, 23), (256, 9, 9), (256, 2, 2), (256, 1, 1)]
        assert sizes_after(paper_conv, nn.Flatten, x[:1], paper_conv) == [(256,)]


def test_paper_conv_refuses_images_of_another_size():
    with pytest.raises(ObservationError, match=r"\(1, 32, 32\).* Choose another trunk"):
        build_trunk("paper_conv", (1, 32, 32), 2, 0)


@pytest.mark.parametrize(("name", "inputs"), [("resnet18", 1), ("resnet18_coord", 3)])
def test_resnet18_has_as_many_weights_as_the_published_one(name, inputs):
    """The published network has 11,689,512, of which 3 * 64 * 49 in the stem and 512 * 1000 + 1000 in the head."""
    trunk = 11_689_512 - 3 * 64 * 49 - 513_000
    assert count(build_trunk(name, SHAPE, 8, 0)) == trunk + inputs * 64 * 49 + (512 * 8 + 8)


def test_resnet18_halves_the_image_five_times(frames):
    network = build_trunk("resnet18", SHAPE, 2, 0).eval()
    assert str(network.conv1) == "Conv2d(1, 64, kernel_size=(7, 7), stride=(2, 2), padding=(3, 3), bias=False)"
    with torch.inference_mode():
        sizes = sizes_after(network.blocks, nn.Conv2d, torch.as_tensor(frames[:2]), network)
    main = [size for size in sizes if size[0] == 64]
    assert main == [(64, 16, 16)] * 4
    assert sizes[-1] == (512, 2, 2)
    assert len(sizes) == 16 + 3  # two a block, and three shortcuts where the width changes


def test_resnet18_coord_is_resnet18_that_sees_rows_and_columns(frames):
    plain, coord = (build_trunk(name, SHAPE, 8, 0).eval() for name in ("resnet18", "resnet18_coord"))
    with torch.inference_mode():
        kernels = coord.conv1.weight
        shared = {**coord.state_dict(), "conv1.weight": kernels[:, :1]}
        plain.load_state_dict(shared)
        x = torch.as_tensor(frames[:2])
        assert not torch.allclose(plain(x), coord(x), atol=1e-3)
        kernels[:, 1:] = 0
        torch.testing.assert_close(plain(x), coord(x))
    rows, columns = coord.places
    assert (rows[0, 0], rows[-1, 0], columns[0, 0], columns[0, -1]) == (-1, 1, -1, 1)
    assert (rows.diff(dim=0) > 0).all()
    assert (rows.diff(dim=1) == 0).all()


@pytest.mark.parametrize("shape", [(1, 64, 64), (3, 30, 21)])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_patches_of_coord_cnn_are_those_of_the_image_zero_beyond_its_border(shape, dtype):
    images = torch.as_tensor(np.random.default_rng(0).integers(256, size=(3, *shape)), dtype=dtype)
    patches = build_trunk("coord_cnn", shape, 8, 16).prepare(images[1:])
    rows, columns = -(-shape[1] // 4), -(-shape[2] // 4)
    assert patches.shape == (2, rows, columns, 16 * shape[0])
    assert patches.dtype == dtype
    padded = np.zeros((2, shape[0], 4 * rows, 4 * columns))
    padded[:, :, : shape[1], : shape[2]] = images[1:]
    for row, column in ((0, 0), (1, 2), (rows - 1, columns - 1)):
        window = padded[:, :, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
        np.testing.assert_array_equal(patches[:, row, column], window.reshape(2, -1))


def test_cnn_is_coord_cnn_without_its_coordinates(frames):
    torch.manual_seed(0)
    plain, coord = build_trunk("cnn", SHAPE, 8, 128), build_trunk("coord_cnn", SHAPE, 8, 128)
    assert count(coord) - count(plain) == 2 * 16
    shared = {name: value for name, value in coord.state_dict().items() if name != "where.weight"}
    plain.load_state_dict(shared)
    with torch.inference_mode():
        x = torch.as_tensor(frames)
        assert not torch.allclose(plain(x), coord(x), atol=1e-4)
        coord.where.weight.zero_()
        assert torch.equal(plain(x), coord(x))


SMALL = sorted(name for name in set(TRUNKS) - {"paper_conv"} if TRUNKS[name].takes_images)


@pytest.mark.parametrize("name", SMALL)
def test_encode_of_prepared_observations_is_the_embedding(name, frames):
    network = build_trunk(name, SHAPE, 3, 16).eval()
    network.standardise.fit(frames)
    with torch.inference_mode():
        found = network.encode(prepare_in_chunks(network.prepare, frames, CPU)).numpy()
    assert found.shape == (5, 3)
    np.testing.assert_allclose(found, embed_in_chunks(network, frames, CPU), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_latents_can_be_scaled_for_good(name, frames):
    network = build_trunk(name, SHAPE, 3, 16).eval()
    network.standardise.fit(frames)
    before = embed_in_chunks(network, frames, CPU)
    network.scale_latents(2.5)
    both = Ensemble([build_trunk(name, SHAPE, 3, 16) for _ in range(2)]).eval()
    together = embed_in_chunks(both, frames, CPU)
    both.scale_latents(0.5)
    np.testing.assert_allclose(embed_in_chunks(both, frames, CPU), 0.5 * together, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(embed_in_chunks(network, frames, CPU), 2.5 * before, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [SHAPE, (3, 30, 21)])
@pytest.mark.parametrize("name", ["coord_cnn", "cnn"])
def test_the_quick_way_without_gradients_agrees_with_forward_whatever_changed_since(name, shape):
    rng = np.random.default_rng(0)
    frames = rng.integers(256, size=(5, *shape), dtype=np.uint8)
    network = build_trunk(name, shape, 3, 16)
    optimizer = torch.optim.Adam(network.parameters(), 0.1, fused=True)  # leaves versions of weights as they are

    def check():
        with torch.inference_mode():
            x = torch.as_tensor(frames)
            torch.testing.assert_close(network.infer(x), network(x), rtol=1e-4, atol=1e-5)
            return network.infer(x)

    answers = [check()]
    network.standardise.fit(frames)
    answers.append(check())
    network(torch.as_tensor(frames)).sum().backward()
    optimizer.step()
    answers.append(check())
    load_network(network, network_arrays(build_trunk(name, shape, 3, 16)))
    answers.append(check())
    with torch.inference_mode():
        network.what.bias.add_(1)
    answers.append(check())
    assert all(not torch.allclose(a, b, atol=1e-3) for a, b in pairwise(answers))
    with torch.inference_mode():
        assert torch.equal(copy.deepcopy(network).infer(torch.as_tensor(frames)), answers[-1])


@pytest.mark.parametrize("name", SMALL)
def test_embedding_in_the_midst_of_training_judges_each_frame_by_itself(name, frames):
    network = build_trunk(name, SHAPE, 3, 16).train()
    network.standardise.fit(frames)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    together = embed_in_chunks(network, frames, CPU)
    alone = np.concatenate([embed_in_chunks(network, frames[i : i + 1], CPU) for i in range(5)])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)
    assert network.training
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize("name", SMALL)
def test_weights_and_statistics_survive_the_disk(name, frames, tmp_path):
    network = build_trunk(name, SHAPE, 3, 16)
    network.standardise.fit(frames)
    network.train()
    for _ in range(3):
        network(torch.as_tensor(frames))
    save_arrays(tmp_path / "weights.safetensors", network_arrays(network))
    other = build_trunk(name, SHAPE, 3, 16)
    load_network(other, load_arrays(tmp_path / "weights.safetensors"))
    for key, value in network.state_dict().items():
        assert torch.equal(other.state_dict()[key], value), key
        assert other.state_dict()[key].dtype == value.dtype
    counts = [value for key, value in other.state_dict().items() if key.endswith("num_batches_tracked")]
    assert all(value.item() == 3 for value in counts)
    assert len(counts) == (20 if name.startswith("resnet18") else 0)
    assert not other.training
    np.testing.assert_array_equal(embed_in_chunks(other, frames, CPU), embed_in_chunks(network.eval(), frames, CPU))


def test_scalars_keep_their_shape_on_disk(tmp_path):
    save_arrays(tmp_path / "a.safetensors", {"scalar": np.array(7), "row": np.arange(6).reshape(2, 3).T})
    found = load_arrays(tmp_path / "a.safetensors")
    assert found["scalar"].shape == ()
    np.testing.assert_array_equal(found["row"], [[0, 3], [1, 4], [2, 5]])


def test_the_distance_of_an_ensemble_is_the_root_mean_square(rng):
    members = [PooledMLP((6,), 4, 8) for _ in range(3)]
    x, y = torch.as_tensor(rng.normal(size=(2, 9, 6)), dtype=torch.float32)
    together = Ensemble(members)
    with torch.inference_mode():
        expected = torch.stack([(m(x) - m(y)).norm(dim=1) for m in members]).square().mean(0).sqrt()
        torch.testing.assert_close((together(x) - together(y)).norm(dim=1), expected)


def test_vectors_get_the_mlp_whatever_the_trunk():
    assert all(type(build_trunk(name, (6,), 2, 8)) is PooledMLP for name in TRUNKS if name != "identity")


def test_an_unknown_trunk_is_answered_with_the_closest_name():
    with pytest.raises(Plan2vecError, match="Did you mean 'resnet18'"):
        build_trunk("resnet_18", SHAPE, 2, 8)


def test_grey_levels_say_where_each_grey_is():
    """Levels lie 255 / 31 apart, so 8 and 31 are about 66 and exactly 255; places run from -2 to 2."""
    trunk = build_trunk("grey_levels", SHAPE, 4, 16)
    image = torch.zeros(1, *SHAPE, dtype=torch.uint8)
    image[0, 0, 10:13, 20:23], image[0, 0, 40, 60] = 66, 255
    middles = trunk.prepare(image).reshape(32, 2).numpy()
    np.testing.assert_allclose(middles[8], [-2 + 4 * 21 / 63, -2 + 4 * 11 / 63], atol=1e-5)
    np.testing.assert_allclose(middles[31], [-2 + 4 * 60 / 63, -2 + 4 * 40 / 63], atol=1e-5)
    np.testing.assert_array_equal(middles[16], [0, 0])


def test_grey_levels_overlook_the_soft_edge_of_something_bright():
    trunk = build_trunk("grey_levels", SHAPE, 4, 16)
    image = torch.zeros(1, *SHAPE, dtype=torch.uint8)
    image[0, 0, 30, 30], image[0, 0, 30, 31] = 255, 132  # level 16 is 131.6
    assert trunk.prepare(image).reshape(32, 2)[16].abs().max() == 0


def test_grey_levels_refuse_what_has_no_grey_values():
    with pytest.raises(ObservationError, match="uint8"):
        build_trunk("grey_levels", SHAPE, 4, 16).prepare(torch.zeros(1, *SHAPE))


def test_identity_leaves_vectors_as_they_are_and_refuses_images(rng):
    vectors = rng.normal(size=(5, 3)).astype(np.float32)
    np.testing.assert_array_equal(embed_in_chunks(build_trunk("identity", (3,), 8, 8), vectors, CPU), vectors)
    with pytest.raises(ObservationError, match="takes vectors"):
        build_trunk("identity", SHAPE, 8, 8)
