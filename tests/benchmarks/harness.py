"""What the benches share: named quantities with a unit, medians and ranges after a warm-up, fair ratios.

A bench is a file ``bench_NAME.py`` that ends with ``run(bench)``, where ``bench(repeats)`` yields quantities; run it by
hand or by ``plan2vec bench --only NAME``. Seconds are those of the processor, on one thread: neighbours on a shared
machine do not count, and alone on a machine they are those of the clock.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import inspect
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from statistics import linear_regression, median
from typing import ClassVar

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before numpy or torch are loaded

Work = Callable[[], int]
"""Does something and says how many things it did."""


@dataclasses.dataclass(frozen=True)
class Quantity:
    """A measured number.

    Attributes:
        name: what it is; the key under which the history keeps it.
        unit: such as "steps/s"; "x" for a ratio.
        value: the median.
        low: the least of the repeats.
        high: the greatest.
    """

    name: str
    unit: str
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.name:<60}{number(self.value):>10} {self.unit:<10} {number(self.low)} to {number(self.high)}"


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """The b of seconds = a size^b that is closest by least squares of the logarithms: 1 is linear.

    Args:
        sizes: at least two different ones, positive.
        seconds: what each took, positive.
    """
    x, y = [math.log(size) for size in sizes], [math.log(each) for each in seconds]
    return linear_regression(x, y).slope


class Growth:
    """Measurements at several sizes, and at last how each grows: the exponent of its seconds in the size.

    Their names are "NAME, SIZE OF", such as "radius pairs, 10,000 vertices", and "NAME: exponent"; by these,
    ``tests.benchmarks.page`` puts the rows of one thing side by side.
    """

    _PARTS: ClassVar[dict[str, float]] = {"s": 1, "ms": 1e3, "us": 1e6}

    def __init__(self, of: str) -> None:
        """Of: what the size counts, such as "vertices"."""
        self.of = of
        self._medians: dict[str, dict[int, float]] = {}

    def time(self, name: str, size: int, taken: Sequence[float], unit: str = "s") -> Quantity:
        """The seconds of one thing, told in s, ms or us."""
        self._medians.setdefault(name, {})[size] = median(taken)
        told = [self._PARTS[unit] * each for each in taken]
        return Quantity(f"{name}, {size:,} {self.of}", unit, median(told), min(told), max(told))

    def rate(self, name: str, size: int, unit: str, done: int, taken: Sequence[float]) -> Quantity:
        """How many things a second; what grows is the time of one of them."""
        self._medians.setdefault(name, {})[size] = median(taken) / done
        return rate_of(f"{name}, {size:,} {self.of}", unit, done, taken)

    def exponents(self) -> Iterator[Quantity]:
        """Of every name that was measured at two sizes or more."""
        for name, medians in self._medians.items():
            if len(medians) > 1:
                slope = exponent(list(medians), list(medians.values()))
                yield Quantity(f"{name}: exponent", "", slope, slope, slope)


def peak_memory(name: str = "peak memory") -> Quantity:
    """The most memory that this process ever held, in MiB."""
    from agents.networks.device_memory import peak_memory as held  # loads torch, after the threads are set

    peak = held() / 2**20
    return Quantity(name, "MiB", peak, peak, peak)


def installed(module: str, package: str) -> bool:
    """Whether a peer can be measured; where it cannot, says so and how to get it."""
    if importlib.util.find_spec(module) is not None:
        return True
    print(f"{package} is not installed and not measured: pip install -e '.[bench]'", file=sys.stderr, flush=True)
    return False


def number(value: float) -> str:
    """Three significant digits or whole, with thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def seconds(works: Iterable[tuple[Work, int]]) -> list[tuple[int, list[float]]]:
    """For each work and its repeats: how many things it did, and its seconds, after one repeat that does not count.

    The works take turns, so that whatever slows the machine for a while slows them all.
    """
    works = list(works)
    found = [(work(), []) for work, _ in works]
    for turn in range(max(repeats for _, repeats in works)):
        for (work, repeats), (_, taken) in zip(works, found, strict=True):
            if turn < repeats:
                begin = time.process_time()
                work()
                taken.append(time.process_time() - begin)
    return found


def rate(name: str, unit: str, work: Work, repeats: int) -> Quantity:
    """How many things a second ``work`` does."""
    ((done, taken),) = seconds([(work, repeats)])
    return rate_of(name, unit, done, taken)


def rates_in_turns(works: dict[str, Work], unit: str, repeats: int) -> tuple[list[Quantity], list[list[float]]]:
    """Rates by name, measured in turns, and the seconds of each repeat that one thing took."""
    found = seconds([(work, repeats) for work in works.values()])
    rates = [rate_of(name, unit, *each) for name, each in zip(works, found, strict=True)]
    return rates, [[one / done for one in taken] for done, taken in found]


def against(
    name: str, unit: str, ours: Work, theirs: dict[str, Work], repeats: int, *, their_repeats: int = 3
) -> Iterable[Quantity]:
    """Rates of both sides of a comparison, and by how much ours is faster; all in turns in this process.

    Args:
        name: of our side; theirs are called "name in LABEL", the ratios "name vs LABEL".
        unit: of the rates.
        ours: does as many things as each of theirs.
        theirs: label -> the same things done otherwise.
        repeats: of ours.
        their_repeats: most repeats of theirs, which may be slow.
    """
    few = min(repeats, their_repeats)
    (done, mine), *others = seconds([(ours, repeats), *((work, few) for work in theirs.values())])
    for label, (count, _) in zip(theirs, others, strict=True):
        assert count == done, f"{name}: {label} did {count} things, we did {done}"
    yield rate_of(name, unit, done, mine)
    for label, (_, taken) in zip(theirs, others, strict=True):
        yield rate_of(f"{name} in {label}", unit, done, taken)
        yield quotient(f"{name} vs {label}", "x", taken, mine)


def rate_of(name: str, unit: str, done: int, taken: Sequence[float]) -> Quantity:
    """Things a second, from how many were done in each of some times."""
    return Quantity(name, unit, done / median(taken), done / max(taken), done / min(taken))


def quotient(name: str, unit: str, above: Sequence[float], below: Sequence[float]) -> Quantity:
    """The quotient of two measurements that took turns: of their medians, and of their extremes."""
    return Quantity(name, unit, median(above) / median(below), min(above) / max(below), max(above) / min(below))


def run(bench: Callable[..., Iterable[Quantity]]) -> None:
    """The command line of a bench: prints each quantity as it comes, and the peak memory of the process at last.

    ``--json FILE`` keeps them for a program.

    ``--large`` is for a bench that takes an argument of that name, and says nothing to others.
    """
    parser = argparse.ArgumentParser(description=bench.__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--large", action="store_true")
    args = parser.parse_args()
    large = {"large": args.large} if "large" in inspect.signature(bench).parameters else {}
    found = []
    for quantity in chain(bench(args.repeats, **large), map(peak_memory, ["peak memory"])):
        print(quantity, file=sys.stderr if args.json else sys.stdout, flush=True)
        found.append(dataclasses.asdict(quantity))
    if args.json:
        args.json.write_text(json.dumps(found), encoding="utf-8")
