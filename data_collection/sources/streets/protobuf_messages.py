"""Protobuf message classes out of a .proto file, without its compiler."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plan2vec_envs.errors import MissingExtraError

_MESSAGE = re.compile(r"message (\w+) \{(.*?)\}", re.DOTALL)
_FIELD = re.compile(r"(optional|repeated) (\w+) (\w+) = (\d+);")


def message_classes(path: Path) -> Mapping[str, Any]:
    """Message classes by name, of a file of flat proto2 messages with one field a line.

    They live in a pool of their own, so the classes that protoc makes of another file of this name do not clash.

    Raises:
        MissingExtraError: if protobuf is not installed.
    """
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    except ImportError as error:
        raise missing_extra("protobuf") from error
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


def missing_extra(package: str) -> MissingExtraError:
    """The error of somebody who has not installed the extra `street`."""
    return MissingExtraError(
        f"reading the official StreetLearn release needs {package}; install it with `pip install -e '.[street]'`"
    )
