"""`plan2vec world`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from .context import Context


@dataclass(frozen=True)
class Command:
    """Make a world file of foreign street files: Touchdown's graph, StreetLearn's database, the authors' folders."""

    source: Annotated[Literal["touchdown", "streetlearn", "streetlearn-processed"], tyro.conf.Positional]
    """what the files are: Touchdown's nodes.txt and links.txt; the LevelDB of the official StreetLearn release (needs
    the extra `street`); a folder of the paper's authors with coords.npy, trajs.npy and view_512"""
    path: Annotated[Path | None, tyro.conf.Positional] = None
    """the folder they lie in; PLAN2VEC_DATA/{source} otherwise"""
    subset: str | None = None
    """tiny, small, medium, large (the boxes of Table 3), xl or full; everything otherwise"""
    name: str | None = None
    """what to call the world; the subset's name otherwise, or the source's"""
    connected: bool = False
    """keep only the largest piece within which every place reaches every other"""
    views: bool = True
    """with the pictures, of sources that have them"""
    gps_radius: float | None = None
    """of streetlearn-processed: link all places closer than so many degrees, instead of the steps of the walks"""
    allow_objects: bool = False
    """of streetlearn-processed: read its object arrays (as plain data; nothing in them is run)"""
    out: Path | None = None
    """the file to write; {name}.npz among the worlds of the cache otherwise, where it is found by name"""

    def run(self, context: Context) -> int:
        """Reads, prints what was read and mended, and writes the file."""
        from data_collection.sources import read_streets
        from plan2vec_envs.image_graph import save_world
        from plan2vec_envs.image_graph.catalog import check_file_name
        from plan2vec_envs.io.files import readable_size
        from plan2vec_envs.io.folders import cache_dir, data_folder

        if self.name is not None and self.out is None:
            check_file_name(self.name)
        folder = data_folder(self.source) if self.path is None else self.path
        asked: dict[str, Any] = {"gps_radius": self.gps_radius, "allow_objects": self.allow_objects or None}
        asked |= {"views": None if self.views else False, "subset": self.subset}
        options = {name: value for name, value in asked.items() if value is not None}  # some are of one source alone
        world, repairs = read_streets(self.source, folder, name=self.name, connected=self.connected, **options)
        context.say(f"read {folder} as {self.source}: {world.about['licence']}")
        context.say(f"{repairs}{'; --connected keeps the largest' if repairs.pieces > 1 else ''}")
        views = "no views" if world.views is None else f"{len(world.views):,} views"
        context.say(
            f"world {world.name!r}: {world.num_places:,} places, {world.num_links:,} links, {repairs.pieces:,} "
            f"component{'s' if repairs.pieces > 1 else ''}, median link {world.median_length:.1f} m, {views}"
        )
        path = save_world(world, self.out or cache_dir() / "worlds" / f"{world.name}.npz")
        size = readable_size(path.stat().st_size)
        context.say(f"written to {path} ({size})")
        return 0
