"""The paper's numbers, kept as data beside ours.

Table 1 prints `value ± spread` and does not define the spread. The released code suggests half the inter-quartile
range of per-epoch success rates, of the best run; ours is a 95 % interval, so the two are not comparable.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

SPREAD_READING = (
    "The paper does not define its ±. The released code suggests half the inter-quartile range of per-epoch rates "
    "of the best run, which is not a confidence interval."
)


ROOMS = ("Plan2vec/Open-v0", "Plan2vec/Table-v0", "Plan2vec/CMaze-v0")
"""The rooms of Table 1."""

TABLE_1: dict[str, dict[str, str]] = {
    "plan2vec (L2)": dict(zip(ROOMS, ("90.0 ± 2.0", "76.4 ± 9.2", "80.2 ± 6.3"), strict=True)),
    "SPTM (1-step)": dict(zip(ROOMS, ("39.7 ± 6.1", "23.7 ± 6.1", "31.4 ± 6.5"), strict=True)),
    "VAE": dict(zip(ROOMS, ("73.9 ± 4.3", "30.2 ± 6.5", "52.7 ± 5.8"), strict=True)),
    "Random": dict(zip(ROOMS, ("3.2 ± 2.5", "3.5 ± 2.5", "4.7 ± 2.8"), strict=True)),
}
"""Table 1: success in %, ± as printed, by row and room."""

PAPER_ROW = {
    "plan2vec": "plan2vec (L2)",
    "random": "Random",
    "vae": "VAE",
    "sptm-1-step": "SPTM (1-step)",
    "sptm-1-step-pair": "SPTM (1-step)",
}
"""Our agent name -> the paper's row."""


def paper_number(agent: str, env_id: str) -> str | None:
    """The paper's Table 1 entry for one of our agents in one room, or None where the paper has no such row."""
    return TABLE_1.get(PAPER_ROW.get(agent, ""), {}).get(env_id)


TABLE_5 = {
    "Plan2vec/Open-v0": {"train": "98.6 ± 0.7", "test": "97.8 ± 0.3"},
    "Plan2vec/Table-v0": {"train": "98.3 ± 1.1", "test": "97.6 ± 0.3"},
    "Plan2vec/CMaze-v0": {"train": "98.3 ± 1.2", "test": "97.4 ± 0.4"},
}
"""Table 5, rooms ("Wall" is the C-Maze): accuracy in % at threshold 1.5, ± as printed."""

TABLE_5_STREETS = "99.2 ± 0.5"
"""Table 5, StreetLearn, Large: accuracy in % at threshold 1.5 on the training data, ± as printed."""

TABLE_2: dict[str, dict[str, str]] = {
    "plan2vec": {"tiny": "92.2 ± 2.9", "small": "57.2 ± 4.3", "medium": "51.4 ± 6.9"},
    "SPTM (1-step)": {"tiny": "31.5 ± 5.8", "small": "19.3 ± 5.8", "medium": "20.2 ± 5.2"},
    "VAE": {"tiny": "25.5 ± 5.6", "small": "14.4 ± 4.8", "medium": "16.9 ± 5.5"},
    "Random": {"tiny": "19.9 ± 5.4", "small": "12.0 ± 5.2", "medium": "12.7 ± 4.6"},
}
"""Table 2, StreetLearn: success in %, ± as printed."""

TABLE_3: dict[str, tuple[str, str]] = {
    "tiny": ("53", "0.025"),
    "small": ("255", "0.4"),
    "medium": ("501", "0.64"),
    "large": ("1495", "1.6"),
}
"""Table 3: views and map area in km², as printed."""


@dataclass(frozen=True)
class PaperStreets:
    """A column of Table 4: how the paper trained on one part of Manhattan."""

    scale: float
    epochs: int
    batch: int
    learning_rate: float
    p: float

    @property
    def unit(self) -> float:
        """Median links of 10 m that one unit of the network is.

        The scale multiplies degrees of longitude: the released code stretches latitude to them.
        """
        return 111_320.0 * math.cos(math.radians(40.73)) / (10.0 * self.scale)

    @property
    def steps(self) -> int:
        """Gradient steps: ten an epoch, as the released code suggests."""
        return 10 * self.epochs


TABLE_4: dict[str, PaperStreets] = {
    "tiny": PaperStreets(200, 500, 20, 1e-4, 1.2),
    "small": PaperStreets(700, 2000, 100, 3e-4, 1.2),
    "medium": PaperStreets(2000, 5000, 100, 1e-5, 1.5),
    "large": PaperStreets(4000, 10_000, 100, 1e-5, 2.0),
}
"""Table 4, StreetLearn, as printed (1^-4 read as 1e-4)."""

TABLE_5_ROPE = ("96.6 ± 0.9", "92.4 ± 1.5")
"""Table 5, rope: accuracy in % at threshold 1.5, train and test, ± as printed."""
