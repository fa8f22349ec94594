"""Table 3: the parts of Manhattan, with areas that follow from their boxes."""

from __future__ import annotations

from typing import Any

import numpy as np

from data_collection.sources.streets.streets import METRES_PER_DEGREE, SUBSETS
from plan2vec_envs.image_graph.distances import hops_from

from ...report.published import TABLE_3
from ..lab import AgentCache, Experiment, Plan, Run, Table, register_experiment
from ..streets import streets


@register_experiment
class Table3(Experiment):
    """Places, links and areas."""

    id = "table3"
    title = "Table 3: the parts of Manhattan"
    choices = tuple(SUBSETS)
    groups = ("worlds", "world")
    about = (
        "The street graph that Touchdown released, cut by the boxes of the paper (xl: by that of the released code). "
        "Areas are height times width of the box in kilometres; the paper's own column does not follow from its boxes. "
        "Without street data the rows are made cities of the same sizes."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One run per part."""
        return [Run(name, "counts", {"world": name}) for name in streets.worlds_at_hand(plan.chosen(SUBSETS))]

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """Counts one part."""
        world = streets.street_world(run.params["world"])
        box = SUBSETS.get(world.name)
        hops = hops_from(world, 0)
        far = hops_from(world, int(np.where(np.isfinite(hops), hops, -1).argmax()))
        return {
            "places": world.num_places,
            "links": world.num_links,
            "median": round(world.median_length, 2),
            "across": int(far[np.isfinite(far)].max()),
            "two": round(float((np.diff(world.indptr) == 2).mean()), 4),
            "km2": None if box is None else round(_area(box), 3),
        }

    def say(self, result: dict[str, Any]) -> str:
        """The counts."""
        return f"{result['places']:,} places, {result['links']:,} links"

    def pool(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """The counts of a part."""
        return runs[-1]

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """One table."""
        head = ["", "places", "links", "median link, m", "links across", "places with two links, %", "area, km²"]
        rows: list[tuple[str, list[str]]] = []
        for name, found in summary["worlds"].items():
            area = "–" if found["km2"] is None else f"{found['km2']:.3f}"
            counts = [f"{found['places']:,}", f"{found['links']:,}", f"{found['median']:.1f}", f"{found['across']:,}"]
            rows.append(("ours", [name, *counts, f"{100 * found['two']:.1f}", area]))
            if name in TABLE_3:
                views, printed = TABLE_3[name]
                rows.append(("paper", [f"paper, {name}", views, "–", "–", "–", "–", printed]))
        note = (
            "The largest piece of each part; links across: a lower bound of the longest shortest way along directed "
            "links, by two sweeps."
        )
        return [Table("Parts of Manhattan", head, rows, [note])]


def _area(box: Any) -> float:
    """km² of a box in degrees."""
    middle = np.radians(box.lat + box.height / 2)
    return box.height * box.width * (METRES_PER_DEGREE / 1000) ** 2 * float(np.cos(middle))
