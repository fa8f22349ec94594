"""Collecting random rollouts of C-Maze as pixels, saving and loading them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness import Growth, Quantity, rate_of, run, seconds  # first: it sets the threads

# isort: split
from data_collection import Dataset, collect, load_dataset, save_dataset

ENV_ID, SIZES, HORIZON = "Plan2vec/CMaze-v0", (100, 300, 1000, 3000), 10


def rollouts(count: int) -> Dataset:
    """Collect, without a bar."""
    return collect(ENV_ID, num_rollouts=count, horizon=HORIZON, progress=False)


def bench(repeats: int) -> Iterator[Quantity]:
    """Measure each size, the smallest first, and fit exponents."""
    growth = Growth("rollouts")
    for size in SIZES:
        dataset = rollouts(size)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "rollouts.npz")
            save_dataset(dataset, file)
            works = {
                "collect": lambda size=size: len(rollouts(size).observations),
                "save": lambda dataset=dataset, file=file: len([save_dataset(dataset, file)]),
                "load": lambda file=file: len(load_dataset(file).observations),
            }
            found = dict(zip(works, seconds([(work, repeats) for work in works.values()]), strict=True))
        for name, (_, taken) in found.items():
            yield growth.time(name, size, taken)
        yield rate_of(f"frames collected, {size:,} rollouts", "frames/s", *found["collect"])
    yield from growth.exponents()


if __name__ == "__main__":
    run(bench)
