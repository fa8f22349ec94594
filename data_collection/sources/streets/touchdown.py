"""The street graph that was released with Touchdown: nodes.txt and links.txt, without pictures."""

from __future__ import annotations

import os
from pathlib import Path

from plan2vec_envs.errors import MissingFileError
from plan2vec_envs.image_graph import WorldGraph

from ..repairs import Repairs
from .streets import Part, Streets, number, read_rows

LICENCE = "CC BY 4.0, Chen, Suhr, Misra, Snavely, Artzi, 2019 (Touchdown)"


def read_touchdown(path: str | os.PathLike[str], part: Part | None = None) -> tuple[WorldGraph, Repairs]:
    """Streets as the Touchdown release lists them.

    Args:
        path: folder with nodes.txt (id, yaw in whole degrees, latitude, longitude) and links.txt (from, heading in
            degrees, to); neither has a header.
        part: which places are wanted; all of them by default.

    Returns:
        The world, with yaw and headings as listed and straight lines as lengths; and what was mended.

    Raises:
        MissingFileError: if the folder or a file is not there.
        SourceError: if a file is empty or damaged, or a row says nothing usable.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise MissingFileError(f"there is no folder {folder}; it must hold nodes.txt and links.txt")
    streets = Streets(folder)
    for where, (place_id, yaw, lat, lng) in read_rows(folder / "nodes.txt", ("id", "yaw", "latitude", "longitude")):
        degrees = [number(*field, where) for field in ((lat, "latitude"), (lng, "longitude"), (yaw, "yaw"))]
        streets.add_place(place_id.strip(), *degrees, where=where)
    for where, (start, heading, end) in read_rows(folder / "links.txt", ("from", "heading", "to")):
        streets.add_link(start.strip(), end.strip(), number(heading, "heading", where))
    return streets.world(part or Part(), source="touchdown", licence=LICENCE)
