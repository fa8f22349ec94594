"""Fig. 5: two-dimensional embeddings of the rooms, plan2vec's beside a VAE's."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...figures.calibration import distance_pairs
from ...figures.flat_map import corridor_ratio
from ...figures.latents import Sheet, seeds_figure, sheets_figure
from ...figures.lattice import Lattice
from ...protocols.worlds import room_of, short_name
from ...report.published import ROOMS
from ..figures.frames import frames_figure, frames_from_text, frames_to_text
from ..lab import AgentCache, Experiment, Figure, Found, Method, Plan, Run, Source, Table, register_experiment
from ..lab.lineup import VAE_2, VAE_8, present, rooms_and_seeds
from ..lab.scores import both_ways, grouped, mean_of, means, number, percent, plain, pooled, rate, row

PLAN2VEC_2 = Method("plan2vec-2", "plan2vec, 2-d", "plan2vec", {"global_metric.latent_dim": 2})
METHODS = (PLAN2VEC_2, VAE_2)
_BY_KEY = {method.key: method for method in METHODS}
CELLS = 33
"""Lattice points a side of the drawn sheets."""
SHOWN = 6
"""Frames of a row of decoded pictures."""
_DECODER = "decoder"


@register_experiment
class Fig5(Experiment):
    """What two dimensions can hold."""

    id = "fig5"
    choices = tuple(method.key for method in METHODS)
    seeds = 5
    repeats_size = True
    groups = ("rooms", "env_id", "name")
    title = "Fig. 5: two-dimensional embeddings"
    about = (
        "plan2vec with two latent dimensions beside a VAE with two. Closed loop: the agent acts on images by its 2-d "
        "distance, 50 steps, within .02 m. Correlation: of D with the true geodesic distance over 4000 random pairs "
        "of frames. Corridor number: mean D between points .19 m apart across the C-Maze's wall at its closed end, "
        "over that between points as far apart in the open; a metric that sees only how alike two pictures are gives "
        "about 1."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One group per room and seed; one run per method, and one for what the VAEs' decoders draw at seed 0."""
        runs = []
        for group, place, compared in rooms_and_seeds(plan, METHODS, ROOMS):
            runs += compared
            if place["seed"] == 0 and not plan.only:
                runs.append(Run(group, _DECODER, {**place, "method": VAE_8.params(plan.preset)}))
        return runs

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """One method judged and laid out over the room, or what the VAEs draw."""
        source = Source.of(run.params)
        if run.name == _DECODER:
            return _decoded(source, cache)
        room, dataset, tasks = room_of(source.env_id), cache.dataset(source), cache.tasks(source.env_id)
        agent = cache.agent(_BY_KEY[run.name], source)
        learned, true = distance_pairs(agent, dataset)
        corridor = corridor_ratio(agent, room) if room.name == "c_maze" else None
        return {
            "rows": both_ways(agent, tasks, seed=source.seed),
            "correlation": round(float(np.corrcoef(learned, true)[0, 1]), 5),
            "corridor": corridor and [round(corridor.learned, 4), round(corridor.geodesic, 4)],
            "latents": np.round(agent.embed(Lattice(room, CELLS).frames()), 3).tolist(),
            "fingerprint": dataset.fingerprint,
        }

    def say(self, result: dict[str, Any]) -> str:
        """Success with memory, and the correlation."""
        if "rows" not in result:
            return "drawn"
        return f"{rate(result['rows']['memory']['success_02']):.1%}, correlation {result['correlation']:.3f}"

    def pool(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """Success, correlation and corridor number of a method."""
        corridors = [run["corridor"] or (None, None) for run in runs]
        return {
            "rows": {name: pooled([run["rows"][name] for run in runs]) for name in runs[0]["rows"]},
            **means(runs, "correlation"),
            "corridor": mean_of(learned for learned, _ in corridors),
            "true_corridor": corridors[0][1],
        }

    def summarise(self, found: Found, plan: Plan) -> dict[str, Any]:
        """Rooms -> methods -> what is pooled; pictures that decoders draw are none of it."""
        return super().summarise([(run, result) for run, result in found if run.name != _DECODER], plan)

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """Success, then what the metric knows of the room."""
        return [_success(summary), _knowledge(summary)]

    def figures(self, found: Found, summary: dict[str, Any]) -> list[Figure]:
        """The first seed large, all seeds small, and the decoders' pictures."""
        by_room, shown = grouped(found, ("env_id", "name")), present(METHODS, summary["rooms"])
        names = [method.label for method in shown]
        first = [[_sheet(env_id, by_name[c.key][0]) for c in shown] for env_id, by_name in by_room.items()]
        every = [
            (f"{short_name(env_id)}\n{c.label.partition(',')[0]}", [_sheet(env_id, one) for one in by_name[c.key]])
            for env_id, by_name in by_room.items()
            for c in shown
        ]
        seeds = [f"seed {seed}" for seed in range(summary["seeds"])]
        made = [Figure("fig5.png", sheets_figure(names, first), _CAPTION, narrow=True)]
        if len(seeds) > 1:
            made.append(Figure("fig5-seeds.png", seeds_figure(every, seeds), _CAPTION_SEEDS, narrow=True))
        pictures = {env_id: by_name[_DECODER][0] for env_id, by_name in by_room.items() if _DECODER in by_name}
        if pictures:
            made.append(Figure("vae.png", _pictures(pictures), _CAPTION_VAE, narrow=True))
        return made


_CAPTION = (
    "Left: the room, coloured by position. Middle and right: where each embedding puts those places, seed 0, turned "
    "and mirrored to lie as the room does. In a map of steps the two corridors of the C-Maze lie far apart, since the "
    "way from one to the other is long; where an embedding folds, it lays places over each other."
)
_CAPTION_SEEDS = "The same for every seed: nothing was picked."
_CAPTION_VAE = (
    "Frames of the training data, what the VAEs decode from their latents, and what they draw from latents of the "
    "prior; seed 0."
)


def _success(summary: dict[str, Any]) -> Table:
    rooms = summary["rooms"]
    rows = []
    for method in present(METHODS, rooms):
        for name, label in (("memory", ", with memory"), ("memoryless", ", memoryless")):
            cells = [percent(room[method.key]["rows"][name]["mean"]) for room in rooms.values()]
            rows.append(row(method.label + label, *cells, ours=(method, name) == (PLAN2VEC_2, "memory")))
    notes = [
        f"{summary['seeds']} data-and-training seeds × {summary['tasks']} tasks, {summary['size']} rollouts × steps; "
        "mean [95 % stratified bootstrap over seeds within tasks; Wilson for a single run]. What was aimed at, with "
        "memory: 97 % in Open and C-Maze, 94 % in Table. The paper shows this figure without numbers."
    ]
    return Table("Success of 2-d agents, closed loop, %", ["", *map(short_name, rooms)], rows, notes)


def _knowledge(summary: dict[str, Any]) -> Table:
    rooms = summary["rooms"]
    head = ["", *(f"correlation, {short_name(env_id)}" for env_id in rooms), "corridor number, CMaze"]
    rows = []
    for method in present(METHODS, rooms):
        found = [room[method.key] for room in rooms.values()]
        corridor = next((each["corridor"] for each in found if each["corridor"]), None)
        cells = [*(plain(each["correlation"], ".3f") for each in found), plain(corridor, ".2f")]
        rows.append(row(method.label, *cells, ours=method == PLAN2VEC_2))
    true = next((c["true_corridor"] for room in rooms.values() for c in room.values() if c["true_corridor"]), None)
    rows.append(("oracle", ["the truth", *("1" for _ in rooms), number(true, ".2f")]))
    note = "Mean over seeds [95 % bootstrap over seeds, where there is more than one]."
    return Table("What two dimensions know of the room", head, rows, [note])


def _sheet(env_id: str, result: dict[str, Any]) -> Sheet:
    note = f"correlation {result['correlation']:.2f}"
    return Sheet(Lattice(room_of(env_id), CELLS), np.asarray(result["latents"]), note)


def _decoded(source: Source, cache: AgentCache) -> dict[str, Any]:
    """Frames, and what the VAEs make of them and of the prior, as small pictures."""
    dataset, rng = cache.dataset(source), np.random.default_rng(source.seed)
    frames = dataset.observations[np.sort(rng.choice(len(dataset.observations), SHOWN, replace=False))]
    drawn = {"frames": frames_to_text(frames)}
    for method in (VAE_2, VAE_8):
        agent = cache.agent(method, source)
        drawn[f"{method.label}, decoded"] = frames_to_text(agent.reconstruct(frames))
        drawn[f"{method.label}, prior"] = frames_to_text(agent.sample(SHOWN, rng))
    return {"drawn": drawn, "fingerprint": dataset.fingerprint}


def _pictures(pictures: dict[str, dict[str, Any]]) -> bytes:
    rows = [
        (f"{short_name(env_id)}, {label}" if label == "frames" else label, frames_from_text(text))
        for env_id, result in pictures.items()
        for label, text in result["drawn"].items()
    ]
    return frames_figure(rows)
