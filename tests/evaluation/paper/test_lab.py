"""The laboratory: runs are kept and resumed, agents are fitted once, rows are pooled, tables are written."""

import csv
import io
import json
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from agents import AGENTS, get_agent
from agents.errors import ConfigError
from agents.metrics.local_losses import SmoothL1
from data_collection.engines import LocalEngine
from data_collection.registry import load_plugins
from evaluation.cli import main
from evaluation.errors import ResultsError
from evaluation.paper.lab import (
    PRESETS,
    AgentCache,
    Experiment,
    Plan,
    Preset,
    Run,
    Source,
    Table,
    experiment,
    get_experiment,
)
from evaluation.paper.lab.lineup import LINEUP, PLAN2VEC
from evaluation.paper.lab.plan import configured
from evaluation.paper.lab.publish import markdown_of, publish, summary_of
from evaluation.paper.lab.runner import run_all, run_file
from evaluation.paper.lab.scores import bits, flags, interval, pooled
from evaluation.protocols.stats import wilson
from tests.benchmarks.readme import render_readme


class Toy(Experiment):
    id = "toy"
    title = "A toy <experiment>"
    about = "Squares."

    def __init__(self):
        self.ran, self.stop_at = [], None

    def runs(self, plan):
        return [Run(f"g{seed}", f"c{i}", {"seed": seed, "i": i}) for seed in range(plan.num_seeds(2)) for i in (1, 2)]

    def measure(self, run, cache):
        if len(self.ran) == self.stop_at:
            raise KeyboardInterrupt
        self.ran.append((run.group, run.name))
        return {"square": run.params["i"] ** 2}

    def summarise(self, found, plan):
        return {"squares": [result["square"] for _, result in found]}

    def tables(self, summary):
        return [Table("Squares", ["what", "values"], [("ours", ["a|b", ", ".join(map(str, summary["squares"]))])])]


@pytest.fixture
def toy(monkeypatch):
    found = Toy()
    monkeypatch.setitem(experiment.EXPERIMENTS, "toy", found)
    return found


QUICK = Plan(PRESETS["quick"])


def run(tmp_path, plan=QUICK):
    return run_all("toy", plan, tmp_path, tmp_path / "toy", LocalEngine())


def test_cells_come_back_in_order_and_are_run_once(toy, tmp_path):
    assert [result["square"] for _, result in run(tmp_path)] == [1, 4, 1, 4]
    assert [result["square"] for _, result in run(tmp_path)] == [1, 4, 1, 4]
    assert len(toy.ran) == 4, "a finished run was run again"


def test_an_interrupted_run_goes_on_and_ends_with_the_same_result(toy, tmp_path):
    toy.stop_at = 3
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    toy.stop_at = None
    assert [result["square"] for _, result in run(tmp_path)] == [1, 4, 1, 4]
    assert len(toy.ran) == 4, "more than the interrupted run was lost"


def test_a_damaged_or_differently_made_cell_is_run_again(toy, tmp_path):
    run(tmp_path)
    run_file(tmp_path / "toy", toy.runs(QUICK)[1]).write_text('{"identity": ')
    run(tmp_path)
    assert len(toy.ran) == 5
    run(tmp_path, replace(QUICK, preset=replace(QUICK.preset, steps=0.5)))
    assert len(toy.ran) == 9, "results of longer training were taken for those of shorter"


def test_more_seeds_run_only_what_is_new(toy, tmp_path):
    run(tmp_path)
    run(tmp_path, Plan(PRESETS["quick"], seeds=3))
    assert [group for group, _ in toy.ran[4:]] == ["g2", "g2"]


def test_a_summary_is_rendered_into_the_readme_between_its_markers_only(toy, tmp_path):
    summary = summary_of(toy, run(tmp_path), QUICK, "plan2vec reproduce toy", 1)
    (tmp_path / "toy.json").write_text(json.dumps(summary))
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- results:toy -->\nold\n<!-- /results -->\nafter\n")
    assert render_readme(readme, tmp_path) == ["toy"]
    text = readme.read_text()
    assert "1, 4, 1, 4" in text
    assert "`plan2vec reproduce toy`" in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text


def test_a_readme_never_shows_rows_that_prove_nothing(toy, tmp_path):
    plan = Plan(PRESETS["smoke"])
    summary = summary_of(toy, run(tmp_path, plan), plan, "plan2vec reproduce toy --preset smoke", 1)
    assert "not for comparison" in markdown_of(toy, summary)
    (tmp_path / "toy.json").write_text(json.dumps(summary))
    readme = tmp_path / "README.md"
    readme.write_text("<!-- results:toy -->\nold\n<!-- /results -->\n")
    with pytest.raises(ResultsError, match="smoke"):
        render_readme(readme, tmp_path)
    assert "old" in readme.read_text()


def test_every_row_of_a_smoke_run_is_stamped(toy, tmp_path):
    plan = Plan(PRESETS["smoke"])
    found = run(tmp_path, plan)
    summary = summary_of(toy, found, plan, "plan2vec reproduce toy --preset smoke", 1)
    publish(toy, found, summary, tmp_path / "toy")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "toy" / "results.csv").read_text())))
    assert [row["what"] for row in rows] == ["a|b · smoke, not for comparison"]
    page = (tmp_path / "toy" / "report.html").read_text()
    assert "A toy &lt;experiment&gt;" in page
    assert "<experiment>" not in page
    assert 'src="http' not in page


def test_a_table_needs_a_cell_for_every_column():
    with pytest.raises(ValueError, match="1 of 2"):
        Table("t", ["a", "b"], [("", ["only one"])])


@dataclass(frozen=True)
class Inner:
    steps: int = 400
    width: int = 8


@dataclass(frozen=True)
class Outer:
    inner: Inner = field(default_factory=Inner)
    steps: int = 100


def test_options_reach_nested_entries_and_steps_are_scaled_last():
    assert configured(Outer(), {"inner.width": 2, "inner.steps": 1000}, 0.15) == Outer(Inner(150, 2), 20)
    assert configured(Outer(), {}) == Outer()
    with pytest.raises(ConfigError, match="width"):
        configured(Outer(), {"inner.widht": 2})


def test_bits_and_flags_are_inverse():
    drawn = np.random.default_rng(0).random(50) < 0.5
    np.testing.assert_array_equal(flags(bits(drawn)), drawn)


def row(success, blocked="0011", optimality=1.1):
    return {
        "success_02": success,
        "blocked": blocked,
        "steps_over_least": optimality,
        "seconds_per_decision": 0.001,
    }


def test_pooled_rows_are_means_over_runs_with_blocked_tasks_apart():
    found = pooled([row("1100"), row("1110")])
    assert found["mean"]["value"] == 5 / 8
    assert found["blocked"]["value"] == 1 / 4
    assert found["per_seed"] == [0.5, 0.75]
    assert found["blocked_tasks"] == 2


def test_runs_that_all_agree_get_an_interval_over_attempts_not_a_point():
    found = interval(np.ones((3, 100), bool))
    assert found == wilson(np.ones(300, bool))
    assert found.low < 1


def test_blocked_tasks_that_differ_between_runs_are_pooled_over_attempts():
    found = pooled([row("1100", blocked="0011"), row("1110", blocked="1100")])
    assert found["blocked"] == vars(wilson(np.array([0, 0, 1, 1], bool)))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["tabel1"], "table1"),
        (["table1", "--preset", "smoek"], "smoke"),
        (["table1", "--jobs", "0"], "jobs=0 must be a whole number, at least 1"),
        (["table1", "--seeds", "0"], "at least 1"),
        (["table1", "--only", "vea-2"], "vae-2"),
        (["table5", "--only", "plan2vec"], "nothing to choose from"),
        (["ablations", "--only", "thresholds"], "threshold"),
        (["fig6a", "--size", "100x10"], "sets the sizes of its data itself"),
        (["table1", "--size", "junk"], "junk"),
        (["table1", "--env", "Plan2vec/CMase-v0"], "CMaze"),
    ],
)
def test_a_wrong_word_is_answered_with_the_right_one_and_leaves_nothing(args, message, tmp_path, capsys):
    assert main(["reproduce", *args, "--out", str(tmp_path / "runs")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_panel_of_a_figure_is_a_name_for_the_figure():
    assert get_experiment("fig10d") is get_experiment("fig10")


def test_the_experiments_are_listed(capsys):
    assert main(["reproduce"]) == 0
    assert "table1" in capsys.readouterr().out


def test_the_command_in_a_summary_says_what_was_asked_and_not_where(toy, tmp_path):
    words = [
        "reproduce",
        "toy",
        "--seeds",
        "1",
        "--jobs",
        "1",
        "--out",
        str(tmp_path),
        "--summary",
        str(tmp_path / "s.json"),
    ]
    assert main(words) == 0
    assert json.loads((tmp_path / "s.json").read_text())["command"] == "plan2vec reproduce toy --seeds 1"


def test_a_page_may_ask_for_one_table_of_many_by_words_of_its_title(toy, tmp_path):
    summary = summary_of(toy, run(tmp_path), QUICK, "plan2vec reproduce toy", 1)
    toy.tables = lambda summary: [
        Table("Small things", ["a"], [("", ["1"])]),
        Table("Big things", ["a"], [("", ["2"])]),
    ]
    (tmp_path / "toy.json").write_text(json.dumps(summary))
    readme = tmp_path / "README.md"
    readme.write_text("<!-- results:toy-Big -->\n<!-- /results -->\n")
    render_readme(readme, tmp_path)
    assert "| 2 |" in readme.read_text()
    assert "| 1 |" not in readme.read_text()
    (tmp_path / "toy-Big.json").write_text(json.dumps({**summary, "command": "plan2vec reproduce other"}))
    readme.write_text("<!-- results:toy-Big-Small -->\n<!-- /results -->\n")
    render_readme(readme, tmp_path)  # an id may have a hyphen itself: the longest that is there
    assert "plan2vec reproduce other" in readme.read_text()
    assert "| 1 |" in readme.read_text()
    readme.write_text("<!-- results:toy-medium -->\n<!-- /results -->\n")
    with pytest.raises(ResultsError, match="medium"):
        render_readme(readme, tmp_path)


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_every_preset_configures_every_contestant(preset):
    for method in LINEUP:
        config = method.config(PRESETS[preset])
        assert type(config) is type(get_agent(method.agent)().config)


def test_the_paper_preset_uses_the_networks_and_the_algorithm_of_the_paper():
    config = PLAN2VEC.config(PRESETS["paper"])
    assert (config.global_metric.trunk, config.global_metric.algorithm.kind) == ("paper_conv", "amortized_search")
    assert config.local_metric.negatives == SmoothL1()


def test_a_variant_that_chooses_the_defaults_is_plan2vec_itself_and_is_fitted_once(tmp_path, monkeypatch):
    """It lies in plan2vec's folder, whose lock is held while it is fitted: sharing would wait for ever."""
    tiny = Preset("tiny", comparable=False, steps=0.01, seeds=1, tasks=1, size="12x4")
    cache = AgentCache(tmp_path, Plan(tiny))
    fits = []
    fit = get_agent("plan2vec").fit
    monkeypatch.setattr(get_agent("plan2vec"), "fit", lambda *a, **k: (fits.append(1), fit(*a, **k))[1])
    source = Source("Plan2vec/Open-v0", "12x4", 0, "state")
    variant = replace(PLAN2VEC, key="same", label="the same")
    assert cache.agent(variant, source) is cache.agent(PLAN2VEC, source)
    assert len(fits) == 1


PLUGIN = """
from agents import get_agent, register_agent


@register_agent
class Newcomer(get_agent("random-network")):
    name = "newcomer"
"""


def test_an_agent_of_a_plugin_is_a_contestant_by_its_name(tmp_path, monkeypatch, capsys):
    (tmp_path / "newcomer_plugin.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PLAN2VEC_PLUGINS", "newcomer_plugin")
    tiny = Preset("tiny", comparable=False, steps=0.01, seeds=1, tasks=4, size="12x4")
    monkeypatch.setattr("evaluation.paper.lab.command.PRESETS", {"tiny": tiny})
    load_plugins.cache_clear()
    asked = ["--preset", "tiny", "--env", "Plan2vec/Open-v0", "--jobs", "1", "--out", str(tmp_path / "runs")]
    try:
        assert main(["sweep", "--agent", "newcomer", "random", *asked]) == 0
        assert main(["reproduce", "table1", "--only", "newcommer", *asked]) == 2
    finally:
        AGENTS.pop("newcomer", None)
        load_plugins.cache_clear()
    assert "Did you mean 'newcomer'?" in capsys.readouterr().err
    (results,) = tmp_path.glob("runs/table1-*/results.json")
    (room,) = json.loads(results.read_text())["rooms"].values()
    assert list(room) == ["random", "newcomer", "oracles"]
    assert {"closed-loop-memoryless", "graph"} <= room["newcomer"]["rows"].keys()
    assert "newcomer" in results.with_name("report.html").read_text()
