from __future__ import annotations

import os
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from agents import Plan2Vec, get_agent
from agents.errors import CheckpointError, ConfigError, ExecutionError
from agents.metrics.distillation import AmortizedSearchConfig, LandmarkRegressionConfig, ValueIterationConfig
from agents.networks import Frames, build_trunk
from agents.training.config_json import with_option
from agents.training.execution import DEFAULT_EXECUTION, Execution
from agents.training.loop import Training, train
from agents.training.saving import load_arrays
from agents.training.workdir import Workdir
from data_collection.errors import Plan2vecError

from ..worlds import plane, quick_config, squares

CPU = torch.device("cpu")
STAGES = ("local", "graph", "global", "forward")
FRAMES = np.random.default_rng(0).integers(0, 256, (60, 1, 16, 16), dtype=np.uint8)


class Regression(nn.Module):
    """A small convolutional network with batch normalisation that guesses a frame's mean."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(1, 4, 4, stride=4, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(),
                                 nn.Linear(64, 1))  # fmt: skip

    def loss(self, batch):
        x = batch["frames"].float() / 255
        return (self.net(x)[:, 0] - 10 * x.mean((1, 2, 3))).square().mean()


def fit(execution=DEFAULT_EXECUTION, steps=6, loss=None, sample=None, **how):
    """The regression after a few steps of the shipped loop."""
    training = Training(0, Workdir(None), CPU, progress=False, execution=execution)
    with training.seeded_torch("mean"):
        network = Regression()
    last = train(
        "mean",
        network,
        sample or (lambda rng: {"rows": rng.integers(len(FRAMES), size=8)}),
        loss or network.loss,
        SimpleNamespace(steps=steps, learning_rate=1e-2),
        training,
        frames=training.frames(None, FRAMES),
        rows=lambda batch: batch["rows"],
        log_every=1,
        **how,
    )
    return network, last


def assert_same(found: nn.Module, expected: nn.Module, **tolerance) -> None:
    for name, tensor in expected.state_dict().items():
        if tolerance:
            torch.testing.assert_close(found.state_dict()[name], tensor, **tolerance, msg=name)
        else:
            assert torch.equal(found.state_dict()[name], tensor), name


# The record


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"precision": "float16"}, "unknown precision 'float16'.*bfloat16"),
        ({"accumulate": 0}, "accumulate is 0; a step has at least 1"),
        ({"frame_bytes": -1}, "frame_bytes is -1"),
    ],
)
def test_an_execution_that_cannot_be_is_refused(wrong, message):
    with pytest.raises(Plan2vecError, match=message):
        Execution(**wrong)


def test_what_leaves_every_bit_alone_is_no_part_of_the_identity():
    assert DEFAULT_EXECUTION.identity() == Execution(frame_bytes=0).identity() == {}
    assert Execution(precision="bfloat16", accumulate=2).identity() == {"precision": "bfloat16", "accumulate": 2}


def test_a_folder_begun_with_another_execution_is_refused(tmp_path):
    dataset = plane(episodes=20)
    Plan2Vec(quick_config(10)).fit(dataset, workdir=tmp_path, progress=False, execution=Execution(accumulate=2))
    with pytest.raises(CheckpointError, match=r"begun with execution=\{'accumulate': 2\}, now asked for None"):
        Plan2Vec(quick_config(10)).fit(dataset, workdir=tmp_path, progress=False)
    Plan2Vec(quick_config(10)).fit(
        dataset, workdir=tmp_path, progress=False, execution=Execution(accumulate=2, frame_bytes=0)
    )


def test_a_saved_agent_knows_how_it_was_fitted(tmp_path):
    execution = Execution(accumulate=2)
    agent = Plan2Vec(quick_config(10)).fit(plane(episodes=20), progress=False, execution=execution)
    agent.save(tmp_path)
    assert Plan2Vec.load(tmp_path).execution == execution


def test_nothing_is_shared_between_agents_that_were_fitted_otherwise():
    dataset = plane(episodes=20)
    other = Plan2Vec(quick_config(10)).fit(dataset, progress=False)
    found = Plan2Vec(quick_config(10)).sharing(other).fit(dataset, progress=False, execution=Execution(accumulate=2))
    alone = Plan2Vec(quick_config(10)).fit(dataset, progress=False, execution=Execution(accumulate=2))
    np.testing.assert_array_equal(found.local_metric.embed(dataset.observations),
                                  alone.local_metric.embed(dataset.observations))  # fmt: skip


def test_dqn_refuses_what_its_own_loop_cannot_do():
    with pytest.raises(ExecutionError, match="dqn was asked for accumulate, precision"):
        get_agent("dqn")().fit(plane(episodes=4), execution=Execution("bfloat16", accumulate=2))


# Micro-batches


def test_a_step_of_equal_micro_batches_is_a_step_of_one():
    """The mean of k equal gradients is that gradient; batch statistics move as far as by one batch."""

    def same(rng):
        return {"rows": np.arange(8)}

    one, several = fit(sample=same)[0], fit(Execution(accumulate=3), sample=same)[0]
    assert_same(several, one, rtol=1e-4, atol=1e-6)


def test_the_gradient_of_a_step_is_the_mean_over_its_micro_batches():
    """Of a loss that is linear in a weight, it is the mean of what the loss was given."""
    seen = []
    network = nn.Linear(1, 1)
    training = Training(0, Workdir(None), CPU, progress=False, execution=Execution(accumulate=4))

    def loss(batch):
        seen.append(batch["x"])
        return (network.weight * batch["x"]).mean()

    train("slope", network, lambda rng: {"x": rng.random(5, np.float32)}, loss,
          SimpleNamespace(steps=1, learning_rate=1e-3), training)  # fmt: skip
    assert len({tuple(x.tolist()) for x in seen}) == 4
    assert network.weight.grad.item() == pytest.approx(torch.stack(seen).mean().item(), rel=1e-6)
    expected = training.rng("slope", 0).random(5, np.float32)
    np.testing.assert_array_equal(seen[0], expected)  # the first one is that of a step of one


def test_the_batches_of_a_step_differ_by_micro_index_stage_and_step():
    training = Training(0, Workdir(None), CPU)
    keys = [("local", 0), ("local", 0, 1), ("local", 1), ("local", 1, 1), ("global", 0, 1)]
    assert len({training.rng(*key).integers(2**60) for key in keys}) == len(keys)


def test_batch_statistics_of_micro_batches_are_averaged():
    network = Regression()
    start = network.net[1].running_mean.clone()
    one_each = []
    batches = [np.arange(8), np.arange(8, 16)]
    for rows in batches:
        copy = Regression()
        copy.load_state_dict(network.state_dict())
        copy.train()
        copy.loss({"frames": torch.as_tensor(FRAMES[rows])})
        one_each.append(copy.net[1].running_mean - start)
    training = Training(0, Workdir(None), CPU, progress=False, execution=Execution(accumulate=2))
    queue = iter(batches)
    train("mean", network, lambda rng: {"rows": next(queue)}, network.loss,
          SimpleNamespace(steps=1, learning_rate=1e-3), training, frames=training.frames(None, FRAMES),
          rows=lambda batch: batch["rows"])  # fmt: skip
    torch.testing.assert_close(network.net[1].running_mean - start, (one_each[0] + one_each[1]) / 2)
    assert network.net[1].num_batches_tracked == 1


PAIRS = {"steps": 12, "batch_pairs": 16, "plans": 8, "replan": 6}


@pytest.mark.parametrize(
    "algorithm",
    [
        LandmarkRegressionConfig(steps=12, sources=64, batch_sources=32, batch_frames=64),
        AmortizedSearchConfig(**PAIRS),
        ValueIterationConfig(**PAIRS, step_limit=4, lookahead=1),
    ],
    ids=lambda config: config.kind,
)
def test_every_way_of_distilling_takes_micro_batches(algorithm):
    config = with_option(quick_config(12), "global_metric.algorithm", algorithm)
    agent = Plan2Vec(config).fit(plane(episodes=12), progress=False, execution=Execution(accumulate=2))
    assert np.isfinite(agent.fit_log[2].figures["relative_error"])


# Frames


@pytest.mark.parametrize("trunk", ["coord_cnn", "pooled_mlp"])
def test_frames_read_batch_by_batch_are_the_resident_ones(trunk, rng):
    network = build_trunk(trunk, FRAMES.shape[1:], 4, 8)
    network.standardise.fit(FRAMES)
    resident, read = (Frames(network, FRAMES, CPU, budget) for budget in (None, 0))
    assert (resident.resident, read.resident) == (True, False)
    for rows in (rng.integers(60, size=7), np.array([3, 3, 0]), np.arange(60)):
        assert torch.equal(read[rows], resident[rows])


def test_frames_stay_where_they_are_beyond_the_budget():
    needed = FRAMES.nbytes
    assert Frames(None, FRAMES, CPU, needed).resident
    assert not Frames(None, FRAMES, CPU, needed - 1).resident


def test_frames_of_a_mapped_file_are_read_from_it(tmp_path):
    np.save(tmp_path / "frames.npy", FRAMES)
    mapped = np.load(tmp_path / "frames.npy", mmap_mode="r")
    np.testing.assert_array_equal(Frames(None, mapped, CPU, 0)[np.array([5, 1])], FRAMES[[5, 1]])


@pytest.mark.parametrize("world", [plane, squares])
def test_a_fit_that_reads_its_frames_ends_with_the_same_bits(world, tmp_path):
    for folder, execution in (("kept", DEFAULT_EXECUTION), ("read", Execution(frame_bytes=0))):
        Plan2Vec(quick_config(12)).fit(world(), workdir=tmp_path / folder, progress=False, execution=execution)
    for stage in STAGES:
        kept, read = (load_arrays(tmp_path / folder / "stages" / f"{stage}.safetensors") for folder in ("kept", "read"))
        for key, array in kept.items():
            np.testing.assert_array_equal(read[key], array, err_msg=f"{stage}/{key}")
    assert (tmp_path / "kept/metrics.csv").read_text() == (tmp_path / "read/metrics.csv").read_text()


def test_the_next_batch_is_drawn_while_this_one_is_computed():
    drawn, at_loss = [], []

    def sample(rng):
        drawn.append(len(drawn))
        return {"rows": rng.integers(60, size=4)}

    network = Regression()

    def loss(batch):
        at_loss.append(len(drawn))
        return network.loss(batch)

    for execution, ahead in (
        (Execution(frame_bytes=0), True),
        (Execution(frame_bytes=0), False),
        (DEFAULT_EXECUTION, True),
    ):
        drawn.clear(), at_loss.clear()
        fit(execution, steps=5, sample=sample, loss=loss, ahead=ahead)
        assert len(drawn) == 5  # none too many
        if execution is DEFAULT_EXECUTION or not ahead:
            assert at_loss == [1, 2, 3, 4, 5]


def test_a_mistake_in_the_reading_thread_ends_the_fit():
    def sample(rng):
        rows = rng.integers(60, size=4)
        sample.calls += 1
        return {"rows": rows + 1000 * (sample.calls == 3)}

    sample.calls = 0
    with pytest.raises(IndexError, match="out of bounds"):
        fit(Execution(frame_bytes=0), sample=sample)


# Determinism


def test_a_deterministic_fit_leaves_torch_as_it_found_it():
    inside = {}
    network = Regression()

    def loss(batch):
        inside["on"] = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.deterministic
        inside["cublas"] = os.environ.get("CUBLAS_WORKSPACE_CONFIG")
        return network.loss(batch)

    fit(Execution(deterministic=True), loss=loss)
    assert inside == {"on": (True, True), "cublas": ":4096:8"}
    assert not torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.deterministic
    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ


def test_deterministic_fits_end_with_the_same_bits():
    assert_same(*(fit(Execution(deterministic=True))[0] for _ in range(2)))


def test_an_operation_that_cannot_be_deterministic_is_refused_with_its_name():
    network = Regression()

    def loss(batch):
        torch.zeros(3).put_(torch.tensor([0, 0]), torch.tensor([1.0, 2.0]))  # in which order is not said
        return network.loss(batch)

    fit(loss=loss, steps=1)
    with pytest.raises(ExecutionError, match=r"an operation that is not: put_.*leave deterministic out"):
        fit(Execution(deterministic=True), loss=loss)
    assert not torch.are_deterministic_algorithms_enabled()


def test_the_record_can_be_written_and_read():
    execution = Execution("bfloat16", accumulate=4, frame_bytes=10**9)
    assert Execution(**asdict(execution)) == execution
    with pytest.raises(ConfigError):
        replace(execution, accumulate=-1)
