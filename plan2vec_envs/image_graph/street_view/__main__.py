"""Draw the picture of the docs: ``python -m plan2vec_envs.image_graph.street_view docs/images/street_views.png``."""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from ...io.files import atomic_write
from .. import WorldGraph, load_world
from .pictures import montage
from .renderer import StreetRenderer


def small_city(step: float = 10.0) -> WorldGraph:
    """Three avenues, five streets and a diagonal, with a place every 10 m; turned by 29 degrees as Manhattan is."""
    roads = [((x, 0.0), (x, 400.0)) for x in (0.0, 150.0, 300.0)]
    roads += [((0.0, y), (300.0, y)) for y in (0.0, 100.0, 200.0, 300.0, 400.0)]
    roads += [((0.0, 0.0), (300.0, 400.0))]
    where: dict[tuple[float, float], int] = {}
    links, yaw = [], []
    for start, end in roads:
        way = np.subtract(end, start)
        points = np.linspace(start, end, int(np.hypot(*way) / step) + 1).round(3)
        heading = float(np.degrees(np.arctan2(*way)) + 29)
        rows = []
        for point in points:
            if (key := (float(point[0]), float(point[1]))) not in where:
                where[key] = len(where)
                yaw.append(heading)
            rows.append(where[key])
        links += [*pairwise(rows), *pairwise(rows[::-1])]
    turn = np.radians(29)
    position = np.array(list(where)) @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return WorldGraph.from_links("small city", np.array(links), position, yaw=np.array(yaw))


def main() -> None:
    """Write a PNG of a few places, each as four passes saw it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("png", type=Path, help="the file to write")
    parser.add_argument("--world", type=Path, help="a world file; a small made city by default")
    parser.add_argument("--places", type=int, nargs="+", help="rows of the world; four spread over it by default")
    parser.add_argument("--seed", type=int, default=0, help="of the city's look")
    asked = parser.parse_args()
    world = small_city() if asked.world is None else load_world(asked.world)
    places = asked.places or np.linspace(0, world.num_places, 6).astype(int)[1:-1]
    picture = montage(StreetRenderer(world, seed=asked.seed), places, np.arange(4))
    with atomic_write(asked.png) as file:
        file.write(cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes())


if __name__ == "__main__":
    main()
