"""`plan2vec import`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from .context import Context, RecordingOptions


@dataclass(frozen=True)
class Command(RecordingOptions):
    """Make a dataset file of somebody else's data: flat arrays (.npz, HDF5), a Minari dataset, folders of pictures."""

    path: Annotated[Path, tyro.conf.Positional]
    """the file or folder; with --format minari also an id"""
    out: Path
    """the dataset file to write, *.npz"""
    format: str | None = None
    """what it is: flat-npz, flat-hdf5, minari, picture-folders, rope-arrays or rope-pictures; recognised by its looks
    otherwise"""
    oracle: str | None = None
    """the array that holds true positions (evaluation only), such as qpos; none is read otherwise"""
    world: Path | None = None
    """also write a world file, *.npz, for Plan2vec/RopeOffline-v0: each picture a place, each recorded move a link
    there and back"""

    def run(self, context: Context) -> int:
        """Reads, prints what was recognised, read and mended, and writes the files."""
        from data_collection import save_dataset, world_of_dataset
        from data_collection.sources import FORMATS, read_recording, recognise
        from plan2vec_envs.errors import InvalidOptionError, check_name
        from plan2vec_envs.image_graph import save_world
        from plan2vec_envs.io.files import readable_size

        say = context.say
        files = [path.resolve() for path in (self.path, self.out, self.world) if path is not None]
        if len(set(files)) < len(files):
            raise InvalidOptionError(
                "what is read and what is written are the same file; name another with --out or --world"
            )
        name = recognise(self.path) if self.format is None else check_name("format", self.format, FORMATS)
        say(f"reading {self.path} as {name}: {FORMATS[name].doc}")
        options = self.reading("oracle")
        dataset, repairs = read_recording(self.path, name, **options)
        say(str(repairs))
        actions = "no actions"
        if dataset.actions is not None:
            count = dataset.num_actions
            actions = f"{count} actions" if count else f"actions of {dataset.actions.shape[1]} numbers"
        say(
            f"{dataset.num_episodes:,} trajectories, {dataset.num_transitions:,} transitions, "
            f"{dataset.num_observations:,} observations of shape {dataset.observation_shape}, {actions}"
        )
        say(f"fingerprint {dataset.fingerprint}")
        world = None if self.world is None else world_of_dataset(dataset, self.world.stem, format=name)
        origin: dict[str, object] = {"source": name, "file": self.path.name, "repairs": str(repairs)}
        if asked := {option: value for option, value in options.items() if option != "allow_objects"}:
            origin["options"] = asked
        save_dataset(dataset, self.out, provenance=origin)
        say(f"written to {self.out} ({readable_size(self.out.stat().st_size)})")
        if world is not None and self.world is not None:
            save_world(world, self.world)
            pieces = int(world.components().max()) + 1
            say(
                f"world {world.name!r}: {world.num_places:,} places, {world.num_links:,} links, {pieces:,} "
                f"component{'s' if pieces > 1 else ''}; written to {self.world} "
                f"({readable_size(self.world.stat().st_size)})"
            )
        return 0
