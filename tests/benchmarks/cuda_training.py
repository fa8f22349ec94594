"""Training on a CUDA device, by hand: ``python tests/benchmarks/cuda_training.py --out cuda.json``.

Prints, and keeps after each part, images a second of every trunk in both precisions, then what the paper's networks
cost from beginning to end: Table 1's plan2vec in C-Maze, and ResNet18 on StreetLearn Large.
"""

from __future__ import annotations

import argparse
import json
import time
import traceback
from pathlib import Path
from typing import Any

import torch
from training_step import training_step

from agents import Plan2Vec
from agents.plan2vec import Plan2VecConfig
from agents.training.execution import PRECISIONS, Execution
from agents.training.loop import Training, resolve_device
from agents.training.workdir import Workdir
from data_collection import make_dataset
from evaluation.paper.experiments.table4 import network_config
from evaluation.paper.lab import PRESETS
from evaluation.paper.lab.plan import configured
from evaluation.paper.streets import streets
from evaluation.paper.streets.street_walk import by_latents, street_tasks
from evaluation.protocols.closed_loop import closed_loop
from evaluation.protocols.tasks import make_tasks
from evaluation.runs.environment import versions
from plan2vec_envs.image_graph import get_views

ROOM = "Plan2vec/CMaze-v0"


def images_a_second(trunk: str, precision: str, device: str, batch: int = 256, repeats: int = 10) -> float:
    """Forward, backward and Adam on 64 x 64 images that lie on the device."""
    step = training_step(trunk, batch, device=device, precision=precision)
    best = float("inf")
    for attempt in range(repeats + 3):
        torch.cuda.synchronize()
        began = time.perf_counter()
        step()
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began) if attempt >= 3 else best
    return round(batch / best)


def paper_room(precision: str, device: str) -> dict[str, Any]:
    """The paper's networks and schedule in C-Maze, from rollouts to success."""
    options = dict(PRESETS["paper"].options["plan2vec"])
    agent = Plan2Vec(configured(Plan2VecConfig(), options, 1.0))
    began = time.perf_counter()
    dataset = make_dataset(ROOM, size="1000x10", progress=False)
    collected = time.perf_counter() - began
    agent.fit(dataset.without_oracle(), device=device, progress=False, execution=Execution(precision))
    fitted = time.perf_counter() - began - collected
    result = closed_loop(agent, make_tasks(ROOM, 200))
    return {
        "collect": collected,
        "fit": fitted,
        "stages": {log.stage: log.wall_seconds for log in agent.fit_log},
        "figures": {log.stage: log.figures for log in agent.fit_log},
        "success": float(result.success_02.mean()),
    }


def paper_streets(precision: str, device: str) -> dict[str, Any]:
    """ResNet18 with two outputs on the largest part of Manhattan of the paper, or on a made city."""
    (name,) = streets.worlds_at_hand(("large",))
    world = streets.street_world(name)
    began = time.perf_counter()
    views = get_views(world, "recorded", 1)
    drawn = time.perf_counter() - began
    config = network_config("large", "paper", False)
    training = Training(0, Workdir(None), resolve_device(device), progress=False, execution=Execution(precision))
    metric, figures = streets.fit_on_frames(config, views.frames, streets.true_graph(world), training)
    fitted = time.perf_counter() - began - drawn
    latents = metric.embed(views.frames)
    tasks = street_tasks(world, 200)
    walks = streets.both_walks(world, views, by_latents(latents, metric.latent_distance), tasks, 0)
    return {
        "world": name,
        "places": world.num_places,
        "steps": config.steps,
        "draw": drawn,
        "fit": fitted,
        "figures": figures,
        **{how: float(walked.near.mean()) for how, walked in walks.items()},
    }


def main() -> None:
    """Every part, kept as soon as it is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("cuda.json"))
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--parts", nargs="+", default=["rates", "streets", "room"])
    chosen = parser.parse_args()
    found: dict[str, Any] = {"device": torch.cuda.get_device_name(), "versions": versions()}

    def keep(name: str, value: Any) -> None:
        found[name] = value
        chosen.out.write_text(json.dumps(found, indent=1) + "\n")
        print(name, json.dumps(value), flush=True)

    def attempt(name: str, work: Any, *args: Any) -> None:
        try:
            keep(name, work(*args))
        except Exception as error:  # a part that fails must not cost the others
            keep(name, {"failed": repr(error), "where": traceback.format_exc()[-1500:]})

    for precision in reversed(PRECISIONS):
        if "rates" in chosen.parts:
            for trunk in ("pooled_mlp", "coord_cnn", "resnet18", "paper_conv"):
                attempt(f"images/s {trunk} {precision}", images_a_second, trunk, precision, chosen.device)
        for name, work in (("room", paper_room), ("streets", paper_streets)):
            if name in chosen.parts:
                attempt(f"{name} {precision}", work, precision, chosen.device)


if __name__ == "__main__":
    main()
