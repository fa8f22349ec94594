"""Puts a run's report together: `report.html`, which needs no network and no script, and `results.json`."""

from __future__ import annotations

import json
from pathlib import Path

from plan2vec_envs.io.files import atomic_write

from ..protocols.results import write_json
from ..runs.folder import RunFolder
from . import story
from .html import dataflow_svg, page, picture, tag, terms, tiles
from .numbers import Numbers
from .published import SPREAD_READING

READING = (
    "Closed loop: the agent sees only images, has 50 steps, and a task counts as solved when a step ends within 2 cm "
    "of the goal; 3 and 4 cm ask whether it ever came that close. Graph protocol: a walker on the frames of the "
    "training data hops to the neighbour with the least D, without memory. Oracles see true positions. Small print: "
    "95 % Wilson interval over the tasks of this one training run. Steps / least: steps taken over the least number "
    "of moves through free space, solved tasks only."
)


def write_report(run: RunFolder) -> Path:
    """Writes both files from what the folder holds; returns the path of the page.

    Raises:
        ResultsError: if something in the folder is damaged or missing.
    """
    numbers = Numbers.of(run)
    write_json(run.path("results.json"), numbers.to_dict())
    target = run.path("report.html")
    with atomic_write(target) as file:
        file.write(render(numbers, run.path("figures")).encode())
    return target


def render(numbers: Numbers, pictures: Path) -> str:
    """The page."""
    heading = story.title(numbers)
    body = [
        tag("p", f"{numbers.job.env_id} · {numbers.job.agent} · seed {numbers.job.seed}", "eyebrow"),
        tag("h1", heading),
        tag("p", story.lead(numbers), "lead"),
        tiles(story.headlines(numbers)),
        picture(pictures / "tasks.gif", "Four solved tasks, animated", _GIF),
        tag("h2", "Results, beside the paper"),
        story.results_table(numbers),
        tag("p", READING, "soft"),
        tag("p", SPREAD_READING, "soft"),
        *_method(numbers),
        *_figures(numbers, pictures),
        tag("h2", "What it cost"),
        story.stages_table(numbers),
        tag("h2", "How to repeat it"),
        tag("pre", numbers.command),
        terms(story.configuration(numbers) + story.provenance(numbers)),
        f"<details><summary>All settings</summary>{tag('pre', json.dumps(numbers.config, indent=2))}</details>",
    ]
    return page(heading, body)


_GIF = (
    "Four tasks that the agent solved; red marks the goal. It has never seen these starts and goals, and what it "
    "sees is not this picture but two small grey images: where it is, and where it should be."
)


def _method(numbers: Numbers) -> list[str]:
    if numbers.job.agent != "plan2vec":
        return []
    boxes = story.boxes(numbers)
    return [
        tag("h2", "From pixels to control"),
        dataflow_svg(boxes, vertical=False),
        dataflow_svg(boxes, vertical=True),
        tag(
            "p",
            "The local metric knows only what one step looks like. Linking alike frames gives a graph; shortest paths "
            "on it are the targets of the global metric, so that planning is done once, while learning. To act is to "
            "look up which move ends nearest to the goal.",
            "soft",
        ),
    ]


def _figures(numbers: Numbers, pictures: Path) -> list[str]:
    facts = numbers.facts
    corridor = "".join(
        f" With {dims} dimensions, two points that face each other across the wall at its closed end are {learned:.2f} "
        f"times as far apart as equally near points in the open (true ratio {true:.2f})."
        for dims, (learned, true) in facts.get("corridor", {}).items()
    )
    far = ""
    if "far_ratio" in facts:
        far = f" Pairs truly more than twenty steps apart read {facts['far_ratio']:.0%} of their distance on average."
    edges = facts.get("edges", {})
    found = [
        picture(
            pictures / "rooms.png",
            "The three rooms with agent and goal",
            "The three rooms. Blue: the agent, a square of 8 cm. Red: the goal. Walls stick.",
        ),
        picture(
            pictures / "value.png",
            "Learned and true distance to a goal behind the wall",
            "Distance to the starred goal from everywhere in the room, learned (left) and true (right). The contours "
            "follow the way round the wall: places near in space and far on foot have different colours.",
        ),
        picture(
            pictures / "embedding.png",
            "Embedding coloured by position",
            "Where the metric puts each image, in the colours of the room. Axes are in steps; the map may be turned "
            f"and mirrored, and a flat one may flip over where the room is narrow.{corridor}",
        ),
        picture(
            pictures / "edges.png",
            "Edges of the graph over the room",
            f"The graph: recorded moves (left) and pairs of frames that the local metric calls one step apart (right). "
            f"Red: wormholes, edges that truly take more than two steps ({edges.get('wormhole', 0)}). Orange: bridges "
            f"between parts that no edge joined ({edges.get('bridge', 0)}).",
        ),
        picture(
            pictures / "calibration.png",
            "Learned against true distance",
            "Learned distance against the true geodesic distance of random pairs of frames; on the dashed line they "
            f"are equal. Correlation {facts.get('correlation', float('nan')):.4f}.{far}",
            narrow=True,
        ),
    ]
    shown = [figure for figure in found if figure]
    return [tag("h2", "What it learned"), *shown] if shown else []
