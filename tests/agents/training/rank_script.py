"""One rank of test_data_parallel, started by ``python -m tests.agents.training.rank_script <what> <folder>``."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn

from agents import Plan2Vec, get_agent
from agents.errors import ExecutionError
from agents.training import end
from agents.training.execution import Execution
from agents.training.loop import Training, train
from agents.training.ranks import Ranks

from ..worlds import plane, quick_config

FRAMES = np.random.default_rng(0).integers(0, 256, (60, 1, 16, 16), dtype=np.uint8)
EXECUTION = Execution(accumulate=4)
DEADLY = 7  # calls of the loss by the second rank, in its second half


class Regression(nn.Module):
    """A small convolutional network with batch normalisation that guesses a frame's mean."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 4, 4, stride=4, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 1)
        )


def regress(folder: Path, stop_after: int | None = None, die: bool = False) -> tuple[Regression, int]:
    """A few steps of the shipped loop; the network, and how often its loss was computed here."""
    training = Training.begin(0, workdir=folder, progress=False, execution=EXECUTION)
    object.__setattr__(training, "checkpoint_seconds", 0.0)
    torch.manual_seed(training.ranks.rank)  # not the same weights, until the first rank's are everybody's
    network, calls = Regression(), 0

    def loss(batch):
        nonlocal calls
        calls += 1
        if stop_after is not None and calls > stop_after:
            raise InterruptedError
        if die and training.ranks.rank == 1 and calls == DEADLY:
            os._exit(9)
        x = batch["frames"].float() / 255
        return (network.net(x)[:, 0] - 10 * x.mean((1, 2, 3))).square().mean()

    train(
        "mean",
        network,
        lambda rng: {"rows": rng.integers(len(FRAMES), size=8)},
        loss,
        SimpleNamespace(steps=6, learning_rate=1e-2),
        training,
        frames=training.frames(None, FRAMES),
        rows=lambda batch: batch["rows"],
        log_every=1,
    )
    return network, calls


def weights(network: nn.Module) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}


def everything(folder: Path) -> None:
    """What the fast tests look at."""
    ranks = Ranks.join(torch.device("cpu"))
    whole, calls = regress(folder / "whole")
    said = {"rank": ranks.rank, "size": ranks.size, "calls": calls}
    with contextlib.suppress(InterruptedError):
        regress(folder / "cut", stop_after=3 * EXECUTION.accumulate // ranks.size)
    resumed, said["calls_after"] = regress(folder / "cut")
    dataset = plane(episodes=20)
    agent = Plan2Vec(quick_config(10)).fit(
        dataset, workdir=folder / "fit", progress=False, execution=Execution(accumulate=2)
    )
    arrays = {
        **{f"whole/{name}": array for name, array in weights(whole).items()},
        **{f"resumed/{name}": array for name, array in weights(resumed).items()},
        "embedded": agent.global_metric.embed(dataset.observations),
    }
    if ranks.size > 1:
        refused = {
            "plain": lambda: Plan2Vec(quick_config(10)).fit(dataset, progress=False),
            "dqn": lambda: get_agent("dqn")().fit(dataset, execution=Execution(accumulate=2)),
        }
        for name, asked in refused.items():
            try:
                asked()
            except ExecutionError as error:
                said[name] = str(error)
        said["agreed"] = ranks.agree(lambda: f"from {ranks.rank}")
        try:
            ranks.agree(lambda: json.loads("no JSON"))
        except ValueError as error:  # and in the first rank the error itself
            said["failed"] = type(error).__name__
        except ExecutionError as error:
            said["failed"] = str(error)
    np.savez(folder / f"rank{ranks.rank}.npz", **arrays)
    (folder / f"rank{ranks.rank}.json").write_text(json.dumps(said))


def mortal(folder: Path) -> None:
    """The second rank dies in its first life."""
    network, _ = regress(folder / "work", die=os.environ["TORCHELASTIC_RESTART_COUNT"] == "0")
    rank = os.environ["RANK"]
    np.savez(folder / f"rank{rank}.npz", **weights(network))
    (folder / f"lives{rank}").write_text(os.environ["TORCHELASTIC_RESTART_COUNT"])


if __name__ == "__main__":
    {"everything": everything, "mortal": mortal}[sys.argv[1]](Path(sys.argv[2]))
    end(0)
