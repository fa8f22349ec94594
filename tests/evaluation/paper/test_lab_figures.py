"""Pictures of the experiments: what they are made of is true, and what is drawn can be read off again."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from agents import Graph
from agents.graphs.shortest_paths import shortest_plan
from evaluation.figures.gif import Drive, agents_gif
from evaluation.figures.lattice import Lattice
from evaluation.figures.rooms import gallery_figure
from evaluation.figures.style import ACCENT, GOAL
from evaluation.figures.value_map import value_map, value_maps_figure
from evaluation.paper.experiments.fig5 import METHODS, Fig5
from evaluation.paper.experiments.fig10 import Fig10, step_sequence
from evaluation.paper.experiments.table1 import Table1
from evaluation.paper.figures.bars import Bar, bars_figure
from evaluation.paper.figures.frames import frames_figure, frames_from_text, frames_to_text
from evaluation.paper.lab import Plan, Run
from evaluation.paper.lab.lineup import PLAN2VEC, UNIFORM, VAE_2
from evaluation.paper.lab.plan import PRESETS
from evaluation.paper.lab.scores import bits, mean_of, plain
from evaluation.protocols.graph_walk import graph_walk
from evaluation.protocols.memory_graph import MemoryGraph
from evaluation.protocols.tasks import describe_tasks, make_tasks
from evaluation.protocols.worlds import room_of
from plan2vec_envs.geometry import STEP

from ..conftest import CMAZE, SeeingAgent

ROOM = room_of(CMAZE)
PLAN = Plan(PRESETS["smoke"])


def size(png):
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    return image.size


def test_a_lattice_knows_its_free_points_and_the_squares_between_them():
    lattice = Lattice(ROOM, 25)
    assert ROOM.is_free(lattice.positions).all()
    whole = lattice.spread(lattice.positions[:, 0])
    x, y = np.meshgrid(lattice.axis, lattice.axis)
    walls = np.isnan(whole)
    np.testing.assert_array_equal(whole[~walls], x[~walls])
    assert not ROOM.is_free(np.stack([x[walls], y[walls]], 1)).any()
    corners = lattice.positions[lattice.squares]  # (Q, 4, 2)
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1)
    np.testing.assert_allclose(sides, lattice.axis[1] - lattice.axis[0])


def test_the_value_map_of_an_agent_that_knows_the_truth_is_the_truth():
    shown = value_map(SeeingAgent(CMAZE), ROOM, (-0.15, -0.15), cells=13)
    np.testing.assert_allclose(shown.learned, shown.true, atol=0.02)
    assert shown.correlation > 0.9999
    size(value_maps_figure([shown, shown]))


def test_frames_survive_being_kept_as_text(rng):
    frames = rng.integers(0, 256, (5, 1, 64, 64)).astype(np.uint8)
    np.testing.assert_array_equal(frames_from_text(frames_to_text(frames)), frames)
    size(frames_figure([("a", frames), ("b", frames[:2])]))


def test_the_gallery_has_a_row_for_each_room():
    wide, one = size(gallery_figure([CMAZE]))
    assert size(gallery_figure([CMAZE, "Plan2vec/Open-v0"])) == pytest.approx((wide, 2 * one), rel=0.05)


@pytest.fixture(scope="module")
def memory():
    """Frames on a lattice of the C-Maze, joined where one step leads through free space."""
    lattice = Lattice(ROOM, 22)
    xy = lattice.positions
    near = np.abs(xy[:, None] - xy[None]).max(-1) <= STEP + 1e-6
    pairs = np.argwhere(near & ~np.eye(len(xy), dtype=bool))
    pairs = pairs[~ROOM.segment_is_blocked(xy[pairs[:, 0]], xy[pairs[:, 1]])]
    graph = Graph.from_edges(len(xy), np.column_stack([pairs, np.ones(len(pairs))]))
    return MemoryGraph(graph, np.arange(len(xy)), lattice.frames(), xy, CMAZE, None)


def test_the_step_sequence_is_the_graph_walk_with_its_choices_shown(memory, rng):
    agent = SeeingAgent(CMAZE)
    pairs = rng.integers(memory.num_vertices, size=(6, 2))
    walked = graph_walk(agent, memory, pairs, keep_paths=True)
    for (start, goal), path in zip(pairs, walked.trajectories, strict=True):
        steps = step_sequence(agent, memory, int(start), int(goal))
        taken = np.array([memory.position[start], *(step.chosen for step in steps)])
        moved = 1 + np.count_nonzero(np.abs(np.diff(path, axis=0)).sum(1))  # arrived, a walker stands still
        np.testing.assert_array_equal(taken, path[:moved])
        for step in steps:
            assert (np.abs(step.near - step.here).max(1) <= STEP + 1e-6).all()
            assert (step.near == step.chosen).all(1).any()


def pixel(frame, x, y):
    return np.asarray(frame.convert("RGB"))[y, x].astype(int)


def color(text):
    return np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)])


def test_every_agent_has_a_panel_that_says_in_the_end_whether_it_arrived():
    long, short = np.linspace((-0.2, 0.2), (0.2, 0.2), 9), np.array([(-0.2, 0.2), (-0.2, 0.15)])
    runs = [Drive("winner", long, True), Drive("DQN, a reward that takes two lines to name", short, False)]
    gif = Image.open(io.BytesIO(agents_gif(ROOM, np.array([0.2, 0.2]), runs, columns=2, size=200)))
    assert gif.n_frames == len(long)
    assert gif.width == 2 * 200 + 14
    ends = []
    for moment in (0, gif.n_frames - 1):
        gif.seek(moment)
        # beside the words, inside the badge, which is 36 pixels high around the middle of a panel
        ends.append([pixel(gif, left + 100, gif.height - 100 - 15) for left in (0, 214)])
    assert np.abs(ends[1][0] - color(ACCENT)).max() < 30
    assert np.abs(ends[1][1] - color(GOAL)).max() < 30
    assert np.abs(ends[0][0] - color(ACCENT)).max() > 30, "it had not arrived yet"


def test_bars_stand_side_by_side_and_a_missing_one_leaves_a_gap():
    bars = [Bar("ours", "ours", 98.0, 97.0, 99.0, [97.5, 98.5], 80.2), Bar("none", "", None), Bar("o", "oracle", 100.0)]
    one, two = size(bars_figure([("a", bars)])), size(bars_figure([("a", bars), ("b", bars)]))
    assert two[0] > one[0]
    assert two[1] == one[1]


def test_the_hardest_task_is_the_longest_with_a_wall_in_the_way():
    start = np.array([(-0.2, 0.2), (-0.2, 0.15), (-0.2, 0.15)])
    goal = np.array([(0.2, 0.2), (-0.2, -0.15), (0.0, -0.15)])
    tasks = describe_tasks(CMAZE, np.arange(3), start, goal)
    assert tasks.hardest == 1
    assert tasks.take([0]).hardest == 0


def test_numbers_of_runs_are_pooled_with_an_interval_where_there_is_more_than_one():
    assert plain(mean_of([0.5]), ".2f") == "0.50"
    found = mean_of([0.4, 0.6])
    assert found["value"] == pytest.approx(0.5)
    assert (found["low"], found["high"]) == pytest.approx((0.4, 0.6))
    assert plain(found, ".1f") == "0.5 [0.4, 0.6]"
    assert plain(None, ".1f") == "–"


def row(rng, tasks, rate):
    return {
        "success_02": bits(rng.random(len(tasks)) < rate),
        "success_04": bits(rng.random(len(tasks)) < rate),
        "blocked": bits(tasks.blocked),
        "steps_over_least": 1.1,
        "seconds_per_decision": 0.001,
    }


def test_table_1_draws_every_agent_and_oracle_on_one_task(rng):
    tasks = make_tasks(CMAZE, 20)
    path = np.linspace(tasks.start[tasks.hardest], tasks.goal[tasks.hardest], 7).tolist()
    found = []
    for seed in (0, 1):
        place = {"env_id": CMAZE, "seed": seed}
        for method in (PLAN2VEC, UNIFORM):
            loops = (
                ("closed-loop-memory", "closed-loop-memoryless") if method == PLAN2VEC else ("closed-loop-memoryless",)
            )
            rows = {name: row(rng, tasks, 0.8) for name in (*loops, "graph", "graph-epsilon")}
            shown = {method.label: {"path": path, "solved": True}}
            found.append((Run("g", method.key, place), {"rows": rows, "shown": shown, "stages": []}))
    shown = {"geodesic, oracle": {"path": path, "solved": True}}
    found.append(
        (Run("g", "oracles", {"env_id": CMAZE, "seed": 0}), {"rows": {"geodesic": row(rng, tasks, 1)}, "shown": shown})
    )
    experiment = Table1()
    summary = {**experiment.summarise(found, PLAN), "tasks": 20}
    bars, gif = experiment.figures(found, summary)
    size(bars.data)
    moving = Image.open(io.BytesIO(gif.data))
    assert moving.format == "GIF"
    assert moving.n_frames == 7
    assert moving.width == 3 * 250 + 2 * 14, "three panels: the first seed of two agents, and an oracle"
    assert "CMaze" in gif.caption


def fig5_found(rng, seeds=2):
    tasks = make_tasks(CMAZE, 10)
    places = len(Lattice(ROOM, 33).positions)
    return [
        (
            Run(f"CMaze seed {seed}", method.key, {"env_id": CMAZE, "seed": seed}),
            {
                "rows": {name: row(rng, tasks, 0.9) for name in ("memory", "memoryless")},
                "correlation": 0.99 - 0.5 * (method == VAE_2),
                "corridor": [4.0 + seed, 4.5],
                "latents": rng.normal(size=(places, 2)).tolist(),
            },
        )
        for seed in range(seeds)
        for method in METHODS
    ]


def test_fig_5_puts_both_embeddings_and_the_truth_into_one_table(rng):
    experiment, found = Fig5(), fig5_found(rng)
    summary = {**experiment.summarise(found, Plan(PRESETS["smoke"], seeds=2)), "tasks": 10}
    success, knowledge = experiment.tables(summary)
    assert [cells[0] for _, cells in success.rows][:2] == ["plan2vec, 2-d, with memory", "plan2vec, 2-d, memoryless"]
    assert [cells for _, cells in knowledge.rows] == [
        ["plan2vec, 2-d", "0.990", "4.50 [4.00, 5.00]"],
        ["VAE, 2-d", "0.490", "4.50 [4.00, 5.00]"],
        ["the truth", "1", "4.50"],
    ]
    assert [figure.name for figure in experiment.figures(found, summary)] == ["fig5.png", "fig5-seeds.png"]


def test_fig_10_is_measured_and_drawn_for_an_agent_that_knows_the_truth(memory):
    graph = memory.graph
    dataset = SimpleNamespace(
        env_id=CMAZE, oracle_position=memory.position, observations=memory.frames, fingerprint="f"
    )
    agent = SeeingAgent(CMAZE)
    agent.graph, agent.vertex_rows, agent.threshold, agent.plan = graph, memory.rows, 1.1, shortest_plan
    agent.local_metric = SimpleNamespace(embed=lambda frames: agent._renderer.decode(frames) / STEP)
    cache = SimpleNamespace(agent=lambda *_: agent, dataset=lambda _: dataset)
    experiment = Fig10()
    run = Run("CMaze", "plan2vec", {"env_id": CMAZE, "size": "10x10", "seed": 0})
    result = experiment.measure(run, cache)
    assert result["counts"] == {"recorded": graph.num_edges, "found": 0, "bridge": 0, "wormhole": 0}
    true, score = np.array(result["pairs"]).T
    assert (score <= np.sqrt(2) * true + 0.05).all(), "a straight line is no longer than the way"
    assert result["walk"]["gap"] < 0.02
    assert result["walk"]["least_steps"] <= len(result["walk"]["steps"]) <= 1.2 * result["walk"]["least_steps"]
    summary = experiment.summarise([(run, result)], PLAN)
    (table,) = experiment.tables(summary)
    assert "did not arrive" not in str(table.rows)
    names = [figure.name for figure in experiment.figures([(run, result)], summary)]
    assert names == ["fig10a.png", "fig10b.png", "fig10c.png", "fig10d-c_maze.png", "fig10e.png"]
