"""Fig. 10: the parts of the method made visible, from the local metric to the learned value map."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from plan2vec_envs.geometry import STEP
from plan2vec_envs.maze.geodesic import GeodesicOracle

from ...figures.edges import edge_kinds, sampled_edges_figure
from ...figures.lattice import Lattice
from ...figures.value_map import ValueMap, value_map, value_maps_figure
from ...protocols.heuristics import vertex_heuristic
from ...protocols.memory_graph import GraphTasks, MemoryGraph, memory_graph
from ...protocols.results import RADII
from ...protocols.tasks import describe_tasks
from ...protocols.worlds import room_of, short_name
from ...report.published import ROOMS
from ..figures.local import LocalScores, local_figure
from ..figures.steps import Step, steps_figure
from ..lab import AgentCache, Experiment, Figure, Found, Plan, Run, Source, Table, register_experiment
from ..lab.lineup import PLAN2VEC, rooms_and_seeds

CELLS = 49
"""Lattice points a side of the value maps."""
GOALS = {"open": (0.15, -0.15), "table": (0.15, -0.05), "c_maze": (-0.15, -0.15)}
"""Goals of the value maps in the released code; other rooms take that of their first named task."""
PAIRS = 1500
"""Pairs drawn at random, and as many near ones, in Fig. 10a."""
HORIZON = 50
"""Hops of the walk at most."""
EDGES = {"recorded": 1500, "found": 2500, "bridge": 500, "wormhole": 500}
"""Most edges of a kind that are drawn."""


@register_experiment
class Fig10(Experiment):
    """One agent a room, looked at from all sides."""

    id = "fig10"
    panels = tuple(f"fig10{letter}" for letter in "abcde")
    repeats_size = True
    groups = ("rooms", "env_id")
    title = "Fig. 10: from the local metric to the value map"
    about = (
        "One plan2vec agent a room, seed 0. The local metric says which frames are one step apart; together with the "
        "recorded moves these found edges are the graph; shortest paths on it are what the global metric learns; a "
        "walk that always takes the neighbour of least D shows whether it knows the way round a wall."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One run per room."""
        return [
            Run(short_name(place["env_id"]), PLAN2VEC.key, runs[0].params)
            for _, place, runs in rooms_and_seeds(replace(plan, seeds=1, only=()), [PLAN2VEC], ROOMS)
        ]

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """What the panels show, as numbers."""
        source = Source.of(run.params)
        agent, dataset, room = cache.agent(PLAN2VEC, source), cache.dataset(source), room_of(source.env_id)
        memory, rng = memory_graph(agent, dataset), np.random.default_rng(source.seed)
        ends, kinds = edge_kinds(agent, dataset)
        values = value_map(agent, room, GOALS.get(room.name) or next(iter(room.tasks.values()))[1], cells=CELLS)
        return {
            "threshold": agent.threshold,
            "pairs": _scored_pairs(agent, memory, rng),
            "counts": {name: int(mask.sum()) for name, mask in kinds.items()},
            "edges": {name: _rounded(_some(ends[mask], EDGES[name], rng)) for name, mask in kinds.items()},
            "vertices": memory.num_vertices,
            "walk": _first_task(agent, memory),
            "values": {
                "goal": values.goal,
                "learned": np.round(values.learned, 2).tolist(),
                "correlation": round(values.correlation, 5),
            },
            "fingerprint": dataset.fingerprint,
        }

    def say(self, result: dict[str, Any]) -> str:
        """Wormholes and the length of the walk."""
        return f"{result['counts']['wormhole']} wormholes, a walk of {len(result['walk']['steps'])} steps"

    def pool(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """Counts and the few numbers of the panels, of a room."""
        result, walk = runs[-1], runs[-1]["walk"]
        return {
            "vertices": result["vertices"],
            "threshold": round(result["threshold"], 4),
            "counts": result["counts"],
            "hops": len(walk["steps"]),
            "least_steps": walk["least_steps"],
            "arrived": walk["gap"] < RADII[0],
            "correlation": result["values"]["correlation"],
        }

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """A column a room."""
        rooms = summary["rooms"]
        rows = [("", [label, *(spell(room) for room in rooms.values())]) for label, spell in _ROWS]
        notes = [
            "One run a room, so no intervals. A wormhole is a found edge that truly takes more than two steps. A walk "
            "ends within .02 m of the goal; a found edge may be a little longer than a move, so hops can be fewer."
        ]
        return [Table("The graph and the walk", ["", *map(short_name, rooms)], rows, notes)]

    def figures(self, found: Found, summary: dict[str, Any]) -> list[Figure]:
        """Panels a to e."""
        by_room = [(room_of(run.params["env_id"]), result) for run, result in found]
        scores, recorded, joined, maps = [], [], [], []
        for room, result in by_room:
            true, score = np.asarray(result["pairs"]).T
            scores.append(LocalScores(room.title, true, score, result["threshold"]))
            edges = {name: np.asarray(ends).reshape(-1, 2, 2) for name, ends in result["edges"].items()}
            counts, values = result["counts"], result["values"]
            recorded.append((room, f"{counts['recorded']:,} recorded", {"recorded": edges.pop("recorded")}))
            joined.append((room, f"{counts['found']:,} found, {counts['wormhole']} wormholes", edges))
            maps.append(ValueMap(Lattice(room, CELLS), tuple(values["goal"]), np.asarray(values["learned"])))
        walks = [(room, result["walk"]) for room, result in by_room if result["walk"]["blocked"]]
        return [
            Figure("fig10a.png", local_figure(scores), _CAPTIONS["a"]),
            Figure("fig10b.png", sampled_edges_figure(recorded), _CAPTIONS["b"]),
            Figure("fig10c.png", sampled_edges_figure(joined), _CAPTIONS["c"]),
            *(
                Figure(f"fig10d-{room.name}.png", _steps(room, walk), _CAPTIONS["d"].format(room.title), narrow=True)
                for room, walk in walks or [(by_room[0][0], by_room[0][1]["walk"])]
            ),
            Figure("fig10e.png", value_maps_figure(maps), _CAPTIONS["e"]),
        ]


_CAPTIONS = {
    "a": "a. Local metric against true distance, random pairs of frames and as many near ones; pairs at or below the "
    "threshold (dashed) are taken for neighbours (red). Near, d counts steps; farther away it saturates.",
    "b": "b. Recorded moves, a sample.",
    "c": "c. Edges that the local metric found between frames of any trajectory, a sample; every wormhole red, every "
    "bridge orange (at most 500 of each).",
    "d": "d. {}: a walk on the graph by the learned global metric. Grey: where it was. Blue: the neighbours it can "
    "choose from. Red: its choice, the neighbour of least D. Dashed: the goal.",
    "e": "e. Distance from everywhere in the room to the starred goal, as learned (above) and in truth (below).",
}


def step_sequence(agent: Any, memory: MemoryGraph, start: int, goal: int) -> list[Step]:
    """The decisions of the graph walk with k = 1: at each vertex its neighbours and the one of least D to the goal.

    Args:
        agent: fitted.
        memory: the graph.
        start: vertex.
        goal: vertex.
    """
    heuristic = vertex_heuristic(agent, memory)
    assert heuristic is not None
    steps: list[Step] = []
    here = start
    arrived = np.linalg.norm(memory.position - memory.position[goal], axis=1) < RADII[0]
    arrived[goal] = True
    while not arrived[here] and len(steps) < HORIZON:
        near, _ = memory.graph.neighbors(here)
        if not len(near):
            break
        chosen = int(near[heuristic(near, np.full(len(near), goal)).argmin()])
        steps.append(Step(memory.position[here], memory.position[near], memory.position[chosen]))
        here = chosen
    return steps


def _first_task(agent: Any, memory: MemoryGraph) -> dict[str, Any]:
    """The walk from start to goal of the room's first named task."""
    start, goal = (np.array([xy]) for xy in next(iter(room_of(memory.env_id).tasks.values())))
    task = GraphTasks.of(memory, describe_tasks(memory.env_id, np.zeros(1, np.int64), start, goal))
    first, last = (int(vertex) for vertex in task.pairs[0])
    steps = step_sequence(agent, memory, first, last)
    end = steps[-1].chosen if steps else memory.position[first]
    return {
        "goal": _rounded(memory.position[last]),
        "blocked": bool(task.tasks.blocked[0]),
        "least_steps": int(task.tasks.least_steps[0]),
        "gap": round(float(np.linalg.norm(end - memory.position[last])), 4),
        "steps": [{name: _rounded(value) for name, value in vars(step).items()} for step in steps],
    }


def _scored_pairs(agent: Any, memory: MemoryGraph, rng: np.random.Generator) -> list[list[float]]:
    """[true distance, local metric] of random pairs of vertices, and of as many within four steps, in steps."""
    from scipy.spatial import cKDTree

    some = rng.permutation(memory.num_vertices)[:2000]
    latents, position = agent.local_metric.embed(memory.frames[some]), memory.position[some]
    near = cKDTree(position).query_pairs(4 * STEP, p=np.inf, output_type="ndarray")
    pairs = np.concatenate([rng.integers(len(some), size=(PAIRS, 2)), _some(near, PAIRS, rng)])
    true = GeodesicOracle(room_of(memory.env_id)).distance(position[pairs[:, 0]], position[pairs[:, 1]])
    score = np.linalg.norm(latents[pairs[:, 0]] - latents[pairs[:, 1]], axis=1)
    return np.round(np.stack([true, score], 1), 3).tolist()


def _some(rows: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    return rows if len(rows) <= most else rows[np.sort(rng.choice(len(rows), most, replace=False))]


def _rounded(xy: np.ndarray) -> list[Any]:
    return np.round(xy, 4).tolist()


def _steps(room: Any, walk: dict[str, Any]) -> bytes:
    steps = [Step(**{name: np.asarray(value) for name, value in step.items()}) for step in walk["steps"]]
    return steps_figure(room, steps, np.asarray(walk["goal"]))


_ROWS = (
    ("frames in the graph", lambda room: f"{room['vertices']:,}"),
    ("threshold of the local metric, steps", lambda room: f"{room['threshold']:.2f}"),
    ("recorded edges", lambda room: f"{room['counts']['recorded']:,}"),
    ("found edges", lambda room: f"{room['counts']['found']:,}"),
    ("wormholes", lambda room: str(room["counts"]["wormhole"])),
    ("bridges", lambda room: str(room["counts"]["bridge"])),
    ("hops of the walk (least moves on foot)",
     lambda room: f"{room['hops']} ({room['least_steps']})" if room["arrived"] else "did not arrive"),
    ("value map, correlation with the truth", lambda room: f"{room['correlation']:.4f}"),
)  # fmt: skip
