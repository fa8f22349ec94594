"""The sentences, headline numbers and tables of a report, each computed from the run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..protocols.results import EvalResult
from ..protocols.stats import Interval, wilson
from ..runs.judging import label
from .html import table
from .numbers import Line, Numbers
from .tables import Table


def title(numbers: Numbers) -> str:
    """What happened, in one line."""
    best = numbers.best
    room = numbers.job.env_id.partition("/")[2].removesuffix("-v0")
    if best is None:
        return f"{numbers.job.agent} in {room}"
    solved = f"{int(best.result.success_02.sum())} of {best.result.num_tasks}"
    return f"{numbers.job.agent} reached {solved} goals in {room}, from pixels"


def lead(numbers: Numbers) -> str:
    """What happened, in two sentences."""
    best, facts = numbers.best, numbers.facts
    rollouts = facts.get("num_rollouts", 0)
    learned = (
        f"From {rollouts:,} random rollouts ({facts.get('num_frames', 0):,} frames of 64 × 64 pixels, no rewards, no "
        "positions) the agent learned how many steps apart any two images are."
        if numbers.job.agent != "random"
        else f"The agent acts at random; the data is {rollouts:,} random rollouts."
    )
    if best is None:
        return learned
    solved = int(best.result.success_02.sum())
    acted = f"Acting on images only, it then solved {solved} of {best.result.num_tasks} unseen tasks"
    if best.blocked is None:
        return f"{learned} {acted}."
    mask = best.result.blocked
    hidden = f"{int(best.result.success_02[mask].sum())} of the {int(mask.sum())} whose straight line a wall blocks"
    return f"{learned} {acted}, among them {hidden}."


def headlines(numbers: Numbers) -> list[tuple[str, str]]:
    """The few numbers to remember."""
    found: list[tuple[str, str]] = []
    for name, what in (
        ("closed-loop-memory", "closed-loop success at 2 cm, with memory"),
        ("closed-loop-memoryless", "closed-loop success at 2 cm, memoryless"),
        ("graph", "graph protocol, one-step lookahead"),
    ):
        if line := numbers.line(name):
            found.append((f"{line.success.value:.1%}", what))
    if (best := numbers.best) and not np.isnan(best.result.mean_optimality):
        found.append((f"{best.result.mean_optimality:.2f}×", "steps taken over the least possible"))
    if numbers.decision_seconds is not None:
        found.append((f"{1e3 * numbers.decision_seconds:.2f} ms", "a decision, one image at a time"))
    found.append((f"{numbers.total.wall:.0f} s", "from nothing to this report"))
    return found


def results_table(numbers: Numbers) -> str:
    """All rows beside the paper's."""
    head = ["", "success at 2 cm", "paper", "wall in the way", "steps / least", "at 3 cm", "at 4 cm"]
    return table(head, [_result_row(line) for line in numbers.lines])


def _result_row(line: Line) -> tuple[str, list[str]]:
    result = line.result
    cells = [
        label(result),
        _share(line.success),
        line.paper or "–",
        _share(line.blocked) if line.blocked else "–",
        _or_dash(result.mean_optimality, ".2f"),
        f"{100 * result.success_03.mean():.1f}",
        f"{100 * result.success_04.mean():.1f}",
    ]
    ours = line.name == "graph" or line.name.startswith("closed-loop")
    return ("ours" if ours else ""), cells


def _share(found: Interval) -> str:
    return f"{100 * found.value:.1f} %\n{100 * found.low:.1f} to {100 * found.high:.1f}"


def _or_dash(value: float, spec: str) -> str:
    return "–" if np.isnan(value) else format(value, spec)


def stages_table(numbers: Numbers) -> str:
    """Wall and CPU seconds of each stage, and what each reached on held-out data."""
    rows = [
        (css, [each.stage, f"{each.wall:.1f}", f"{each.cpu:.1f}", _reached(numbers.learning.get(each.stage, {}))])
        for css, each in (*(("", stage) for stage in numbers.stages), ("total", numbers.total))
    ]
    return table(["stage", "wall s", "CPU s", "reached, on held-out data where there is any"], rows, prose=True)


def printed_results(results: Sequence[EvalResult]) -> Table:
    """For a terminal: success with its interval, on blocked tasks, and the paper's number."""
    rows = [
        (
            "",
            [
                label(result),
                wilson(result.success_02).percent(),
                _or_dash(100 * result.blocked_success_rate, ".1f"),
                _or_dash(result.mean_optimality, ".2f"),
                Line("", result).paper or "–",
            ],
        )
        for result in results
    ]
    head = ["", "% [95 % interval]", "wall in\nthe way", "steps/\nleast", "paper"]
    return Table("Success within 50 steps, 2 cm from the goal", head, rows)


def printed_stages(numbers: Numbers) -> Table:
    """For a terminal: wall and CPU seconds of each stage."""
    stages = (*numbers.stages, numbers.total)
    rows = [("", [each.stage, f"{each.wall:.1f}", f"{each.cpu:.1f}"]) for each in stages]
    return Table("Seconds", ["stage", "wall", "CPU"], rows)


def _reached(figures: dict[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_number(value)}" for name, value in figures.items())


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:.4g}"


def boxes(numbers: Numbers) -> list[tuple[str, str, str]]:
    """The data flow, with the sizes of this run: the name of each step, and two short lines under it."""
    facts, edges = numbers.facts, numbers.facts.get("edges", {})
    found = edges.get("recorded", 0) + edges.get("found", 0) + edges.get("bridge", 0) + edges.get("wormhole", 0)
    sources = numbers.config.get("agent_config", {}).get("global_metric", {}).get("sources", "many")
    return [
        ("random rollouts", f"{numbers.job.size} steps", f"{facts.get('num_frames', 0):,} images"),
        ("local metric d", "are two images", "one step apart?"),
        ("graph", f"{facts.get('num_vertices', 0):,} images", f"{found:,} edges"),
        ("shortest paths", "Dijkstra", f"from {sources} images"),
        ("global metric D", "an image becomes", f"{facts.get('latent_dims', '?')} numbers"),
        ("act", "the move that ends", "nearest to the goal"),
    ]


def configuration(numbers: Numbers) -> list[tuple[str, str]]:
    """What was asked, without the agent's own settings."""
    job = numbers.job
    return [
        ("environment", job.env_id),
        ("agent", job.agent),
        ("data", f"{job.size} (rollouts x steps), random policy" if job.data is None else job.data.name),
        ("seed", str(job.seed)),
        ("tasks", f"{job.num_tasks}, reset seeds from {numbers.config.get('first_task_seed', '?')}"),
        ("dataset fingerprint", str(numbers.facts.get("fingerprint", "?"))),
    ]


def provenance(numbers: Numbers) -> list[tuple[str, str]]:
    """Commit, hardware and versions."""
    environment = numbers.environment
    commit, hardware = environment.get("commit", {}), environment.get("hardware", {})
    sha = commit.get("sha") or "not a git checkout"
    changed = " with uncommitted changes" if commit.get("dirty") else ""
    versions = environment.get("versions", {})
    found = [
        ("commit", f"{sha}{changed}"),
        ("processor", f"{hardware.get('cpu', '?')}, {hardware.get('cores', '?')} cores, {hardware.get('system', '?')}"),
    ]
    if gpu := hardware.get("gpu"):
        found.append(("GPU", str(gpu)))
    return [*found, ("versions", ", ".join(f"{name} {version}" for name, version in versions.items()))]
