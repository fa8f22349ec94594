"""Draws a run's figures into its folder, with the numbers that only drawing them reveals."""

from __future__ import annotations

from typing import Any

import numpy as np

from agents import Metric, Planner, load_agent
from plan2vec_envs.io.files import atomic_write

from ..figures.calibration import calibration_figure
from ..figures.edges import edges_figure
from ..figures.flat_map import corridor_ratio
from ..figures.gif import tasks_gif
from ..figures.latents import embedding_figure
from ..figures.rooms import rooms_figure
from ..figures.value_map import value_map_figure
from ..protocols.results import EvalResult, read_json, write_json
from ..protocols.tasks import TaskList
from ..protocols.worlds import room_of
from ..runs.folder import RunFolder
from ..runs.job import Job
from .published import ROOMS


def draw_figures(run: RunFolder) -> None:
    """Writes `figures/*.png|gif` and `figures/facts.json`; what an agent cannot show is left out."""
    job = Job.of(run)
    agent, dataset, room = load_agent(run.path("agent")), job.dataset(progress=False), room_of(job.env_id)
    facts: dict[str, Any] = {
        "fingerprint": dataset.fingerprint,
        "num_rollouts": dataset.num_episodes,
        "num_transitions": dataset.num_transitions,
        "num_frames": len(dataset.observations),
        "corridor": {},
    }
    _keep(run, "rooms.png", rooms_figure(ROOMS))
    if gif := _animation(run, job):
        _keep(run, "tasks.gif", gif)
    if isinstance(agent, Metric):
        drawn = load_agent(run.path("map", "agent")) if run.path("map", "agent").is_dir() else agent
        facts["embedding_dims"], facts["latent_dims"] = (
            int(each.embed(dataset.observations[0]).shape[-1]) for each in (drawn, agent)
        )
        _keep(run, "embedding.png", embedding_figure(drawn, dataset))
        _keep(run, "value.png", value_map_figure(agent, room))
        png, calibration = calibration_figure(agent, dataset)
        facts.update(calibration)
        _keep(run, "calibration.png", png)
        if room.name == "c_maze":
            both = {facts["latent_dims"]: agent, facts["embedding_dims"]: drawn}
            ratios = {dims: corridor_ratio(each, room) for dims, each in both.items()}
            facts["corridor"] = {str(dims): [r.learned, r.geodesic] for dims, r in ratios.items()}
    if isinstance(agent, Planner):
        png, facts["edges"] = edges_figure(agent, dataset)
        facts["num_vertices"] = len(agent.vertex_rows)
        _keep(run, "edges.png", png)
    write_json(run.path("figures", "facts.json"), facts)


def _animation(run: RunFolder, job: Job, panels: int = 4) -> bytes | None:
    """The longest solved tasks, blocked ones first; None if nothing was solved."""
    files = [run.path("eval", f"closed-loop-{kind}.json") for kind in ("memory", "memoryless")]
    file = next((f for f in files if f.is_file()), None)
    if file is None:
        return None
    result, tasks = EvalResult.load(file), TaskList.from_dict(read_json(run.path("eval", "tasks.json")))
    solved = np.flatnonzero(result.success_02)
    if not solved.size:
        return None
    order = solved[np.lexsort((-tasks.least_steps[solved], ~tasks.blocked[solved]))]
    chosen = order[np.linspace(0, max(0, len(order) // 4), panels).astype(int)]
    return tasks_gif(room_of(job.env_id), [result.trajectories[i] for i in chosen], tasks.goal[chosen])


def _keep(run: RunFolder, name: str, data: bytes) -> None:
    path = run.path("figures", name)
    path.parent.mkdir(exist_ok=True)
    with atomic_write(path) as file:
        file.write(data)
