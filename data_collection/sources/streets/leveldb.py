"""The official StreetLearn release: a LevelDB of protobuf messages, with its street graph and its panoramas.

The release is under Google's own terms: whoever obtained it may read it here, and the world file made of it must
not be passed on. LevelDB writes a lock and a log into the folder when it is opened.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from plan2vec_envs.errors import CorruptFileError, MissingFileError, SourceError, StorageError
from plan2vec_envs.image_graph import WorldGraph

from ...errors import import_extra
from ..files.pictures import decode_view
from ..repairs import Repairs
from .streets import Part, Streets

GRAPH_KEY = b"panos_connectivity"
LICENCE = "the terms of the StreetLearn release; pictures made of it must not be passed on"
_EXTRA = ("reading the official StreetLearn release", "street")
_PROTO = Path(__file__).with_name("streetlearn.proto")
_MESSAGE = re.compile(r"message (\w+) \{(.*?)\}", re.DOTALL)
_FIELD = re.compile(r"(optional|repeated) (\w+) (\w+) = (\d+);")


def read_streetlearn_leveldb(
    path: str | os.PathLike[str], part: Part | None = None, *, views: bool = True
) -> tuple[WorldGraph, Repairs]:
    """Streets and panoramas of the official release.

    Args:
        path: folder of the database.
        part: which places are wanted; only their pictures are decoded.
        views: whether pictures are wanted; a panorama without one is then dropped and counted.

    Returns:
        The world, one view (1, 64, 64) a place, straight lines as lengths and headings; and what was mended.

    Raises:
        MissingExtraError: if plyvel or protobuf is not installed.
        MissingFileError: if there is no such folder.
        SourceError: if it is no database of StreetLearn.
        CorruptFileError: if the database, a message or a picture is damaged.
        FileTooLargeError: if a picture has more than 40 megapixels.
    """
    part, folder = part or Part(), Path(path)
    messages = _message_classes(_PROTO)
    streets, pictures = Streets(folder), {}
    graph, some_keys = None, []
    for key, value in _entries(folder):
        name = key.decode("utf-8", "backslashreplace")
        if key == GRAPH_KEY:
            graph = _parse(messages["StreetLearnGraph"], value, f"{folder}, key {name!r}")
            continue
        some_keys.append(name)
        where = f"{folder}, panorama {name!r}"
        pano = _parse(messages["Pano"], value, where)
        if pano.id != name or not pano.HasField("coords"):
            raise SourceError(
                f"{where}: a message with id {pano.id!r} and {'' if pano.HasField('coords') else 'no '}coordinates; "
                "need the id that is its key, and coordinates. Is this the StreetLearn release?"
            )
        lat, lng = pano.coords.lat, pano.coords.lng
        streets.add_place(name, lat, lng, pano.heading_deg, where=where)
        if views and pano.compressed_image and part.holds(np.array([[lat, lng]])).all():
            pictures[name] = decode_view(pano.compressed_image, where)
    if graph is None:
        raise SourceError(
            f"{folder} has no key {GRAPH_KEY.decode()!r}, which holds the street graph; found {len(some_keys)} others"
            f"{', such as ' + ', '.join(map(repr, some_keys[:3])) if some_keys else ''}. Is it the whole release?"
        )
    for connection in graph.connection:
        for neighbor in connection.neighbor:
            streets.add_link(connection.id, neighbor)
    return streets.world(part, source="streetlearn", licence=LICENCE, views=pictures if views else None)


def _parse(message: Any, data: bytes, where: str) -> Any:
    from google.protobuf.message import DecodeError

    try:
        return message.FromString(data)
    except DecodeError as error:
        raise CorruptFileError(
            f"{where}: {len(data)} bytes that are no {message.DESCRIPTOR.name} message ({error}). Fetch the "
            "release again"
        ) from error


def _entries(folder: Path) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a database in ascending order, with every checksum verified."""
    plyvel = import_extra("plyvel", *_EXTRA)
    if not folder.is_dir():
        raise MissingFileError(f"there is no folder {folder}; it must be the folder of a LevelDB database")
    if not (folder / "CURRENT").is_file():  # plyvel would leave its log behind before it complains
        raise SourceError(f"{folder} is no LevelDB database: it holds no file CURRENT. Name the folder that does")
    try:
        database = plyvel.DB(str(folder), create_if_missing=False, paranoid_checks=True)
        try:
            yield from database.iterator(verify_checksums=True, fill_cache=False)
            # plyvel stops without a word where damage reaches to the last key, but complains when it passes over it.
            next(database.iterator(reverse=True, verify_checksums=True), None)
            database.get(GRAPH_KEY, verify_checksums=True)
        finally:
            database.close()
    except plyvel.CorruptionError as error:
        raise CorruptFileError(f"the database {folder} is damaged: {error}. Fetch the release again") from error
    except (plyvel.Error, OSError) as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(
            f"the database {folder} cannot be read: {error}. Is it open elsewhere, or not writable?"
        ) from error


def _message_classes(path: Path) -> Mapping[str, Any]:
    """Message classes by name, of a file of flat proto2 messages with one field a line.

    They live in a pool of their own, so the classes that protoc makes of another file of this name do not clash.

    Raises:
        MissingExtraError: if protobuf is not installed.
    """
    import_extra("google.protobuf", *_EXTRA)
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    text = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
    package = re.findall(r"package ([\w.]+);", text)[0]
    file = descriptor_pb2.FileDescriptorProto(name=path.name, package=package, syntax="proto2")
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, body in _MESSAGE.findall(text):
        message = file.message_type.add(name=name)
        for label, kind, field, tag in _FIELD.findall(body):
            entry = message.field.add(name=field, number=int(tag), label=getattr(kinds, f"LABEL_{label.upper()}"))
            if kind[0].isupper():
                entry.type, entry.type_name = kinds.TYPE_MESSAGE, f".{package}.{kind}"
            else:
                entry.type = getattr(kinds, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = pool.FindFileByName(path.name).message_types_by_name
    return {name: message_factory.GetMessageClass(descriptor) for name, descriptor in found.items()}
