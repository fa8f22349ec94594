"""The metric report is read and written out; torch is not needed for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import ResultsError
from ..protocols.results import read_json

METRIC_REPORT = "metric_report.json"


def read_metric_report(folder: Path) -> dict[str, Any]:
    """The report beside a saved agent.

    Raises:
        ResultsError: if there is none, saying how to get one.
    """
    file = folder / METRIC_REPORT
    if not file.is_file():
        raise ResultsError(
            f"{folder} has no report ({METRIC_REPORT}): `plan2vec fit` writes one beside the agent it saves"
        )
    return read_json(file)


def metric_report_text(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    data = report["data"]
    lines = [
        f"# Metric report: {report['agent']}",
        "",
        f"Made {report['date']}, seed {report['seed']}.",
        "",
        "## Data",
        "",
    ]
    lines += [f"- {key.replace('_', ' ')}: {_shown(value)}" for key, value in data.items()]
    sections = {
        "graph": "Graph",
        "metric": "Metric, against shortest ways on the graph",
        "environment": "Acting in an environment, with memory",
    }
    for key, title in sections.items():
        if key in report:
            lines += ["", f"## {title}", "", *(f"- {name}: {_shown(value)}" for name, value in report[key].items())]
    if "graph" not in report:
        lines += ["", "This agent keeps no graph, so there are no shortest paths to compare its distances with."]
    lines += ["", "## Learning", "", "| stage | wall s | CPU s | validation |", "|---|---|---|---|"]
    for stage, found in report["stages"].items():
        rest = ", ".join(f"{name} {_shown(value)}" for name, value in found.items() if name not in ("wall", "cpu"))
        lines.append(f"| {stage} | {found['wall']} | {found['cpu']} | {rest} |")
    where = report["hardware"]
    lines += ["", f"Peak memory {report['peak_megabytes']:,.0f} MB, on {where['cpu']}, {where['cores']} cores."]
    return "\n".join(lines) + "\n"


def _shown(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}"
    return " · ".join(_shown(each) for each in value) if isinstance(value, list) else str(value)
