"""Numpy files, object arrays among them, read without running anything that they ask for.

An object array is a pickle, and a pickle may call any function. The unpickler below knows six names, and none of
them is numpy's own: it takes down what the file says, and the arrays are made afterwards, from checked parts.
"""

from __future__ import annotations

import io
import pickle
import re
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from plan2vec_envs.errors import CorruptFileError, FileTooLargeError, MissingFileError, SourceError, UnsafeFileError
from plan2vec_envs.io.archive import read_header
from plan2vec_envs.io.files import readable_size

MAX_PICKLE_BYTES = 256_000_000
_LFS_POINTER = b"version https://git-lfs"
_PLAIN = re.compile(r"[<>|=]?([biuf][1248]|b1|[US]\d+)")


def read_array(
    path: Path, *, allow_objects: bool = False, max_object_bytes: int = MAX_PICKLE_BYTES
) -> np.ndarray | list[Any]:
    """Read a .npy file; plain arrays are mapped, not copied.

    Args:
        path: of the file.
        allow_objects: read object arrays too, of numbers, text, lists, dicts and arrays of numbers only.
        max_object_bytes: refuse a larger file of objects; 256 MB.

    Returns:
        A plain array, or the entries of a one-dimensional object array.

    Raises:
        MissingFileError: if there is no such file.
        UnsafeFileError: if it holds objects that are not allowed; nothing was run.
        FileTooLargeError: if it holds objects and is larger than allowed.
        SourceError: if it is a pointer to a file that was not fetched.
        CorruptFileError: if it is truncated or damaged, or no .npy file at all.
    """
    try:
        refuse_pointer(path)
        with open(path, "rb") as file:
            shape, _, dtype = read_header(file)
            if dtype.hasobject:
                if not allow_objects:
                    raise UnsafeFileError(
                        f"{path} holds Python objects, which are not read unless you say so: pass allow_objects=True "
                        "(--allow-objects). Numbers, text, lists and dicts are then read, and nothing in the file is "
                        "run"
                    )
                if (size := path.stat().st_size) > max_object_bytes:
                    raise FileTooLargeError(
                        f"{path} has {readable_size(size)} of Python objects; the limit is "
                        f"{readable_size(max_object_bytes)}"
                    )
                return _entries(_Unpickler(file.read(), path).load(), shape)
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise MissingFileError(f"there is no file {path}") from error
    except (SourceError, FileTooLargeError):
        raise
    except Exception as error:  # a hostile pickle can make its reader raise anything
        raise CorruptFileError(f"{path} is truncated or damaged, or no .npy file at all ({error})") from error


def refuse_pointer(path: Path) -> None:
    """Nothing, for a file of any kind that is really there.

    Raises:
        SourceError: if it is a pointer of Git LFS to a file that was not fetched.
    """
    with open(path, "rb") as file:
        if file.read(len(_LFS_POINTER)) == _LFS_POINTER:
            raise SourceError(f"{path} is a Git LFS pointer, not the file itself; fetch it with `git lfs pull`")


def peek_array(path: Path) -> tuple[tuple[int, ...], np.dtype] | None:
    """Shape and dtype that a .npy file promises; None for everything else. Nothing behind its header is read."""
    try:
        with open(path, "rb") as file:
            shape, _, dtype = read_header(file)
            return shape, dtype
    except Exception:  # whatever a stranger's header makes its reader raise
        return None


class _DType:
    """A dtype as the file describes it."""

    def __init__(self, code: str, *_: object) -> None:
        self.code, self.order = str(code), "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = str(state[1])

    @property
    def is_object(self) -> bool:
        return self.code.lstrip("|") in ("O", "O8")

    def plain(self) -> np.dtype:
        if not _PLAIN.fullmatch(self.code):
            raise ValueError(f"an array of dtype {self.code!r} is not used here")
        dtype = np.dtype(self.code)
        return dtype.newbyteorder(">") if self.order == ">" else dtype


class _Array:
    """An array as the file describes it."""

    def __init__(self, *_: object) -> None:
        self.state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state


def _scalar(dtype: _DType, data: bytes) -> Any:
    return np.frombuffer(data, dtype.plain(), 1)[0].item()


# Until version 1.16 numpy wrote pickles in which bytes are text, to be encoded again, and no bytes at all a call.


def _bytes_of(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise ValueError(f"bytes in {encoding!r} are not used here")
    return text.encode("latin1")


_KNOWN = {
    ("_codecs", "encode"): _bytes_of,
    ("__builtin__", "bytes"): lambda: b"",  # of no argument: a number would reserve memory
    ("multiarray", "_reconstruct"): _Array,
    ("multiarray", "scalar"): _scalar,
    ("numpy", "ndarray"): object,  # files only ever pass it on
    ("numpy", "dtype"): _DType,
}


# The opcodes of plain data and of arrays as numpy.save writes them; others build classes or reserve memory at will.
_OPCODES = (
    "PROTO FRAME STOP MARK GLOBAL STACK_GLOBAL REDUCE NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINFLOAT "
    "SHORT_BINUNICODE BINUNICODE BINUNICODE8 SHORT_BINBYTES BINBYTES BINBYTES8 EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 "
    "EMPTY_LIST APPEND APPENDS EMPTY_DICT SETITEM SETITEMS MEMOIZE BINPUT LONG_BINPUT BINGET LONG_BINGET"
)


class _Unpickler(pickle._Unpickler):
    """Python's own unpickler in Python: the one in C reserves gigabytes where a damaged file names a large number."""

    stack: list[Any]
    dispatch: ClassVar[dict[int, Any]] = {
        code: pickle._Unpickler.dispatch[code] for code in (getattr(pickle, name)[0] for name in _OPCODES.split())
    }

    def __init__(self, data: bytes, path: Path) -> None:
        super().__init__(io.BytesIO(data))
        self._path = path

    def find_class(self, module: str, name: str) -> Any:
        """One of the names that arrays need; everything else is refused."""
        short = "multiarray" if module in ("numpy.core.multiarray", "numpy._core.multiarray") else module
        if (short, name) not in _KNOWN:
            raise UnsafeFileError(
                f"{self._path} asks for {module}.{name}; only arrays, numbers, text, lists and dicts are read. "
                "Nothing was run. Do not trust this file"
            )
        return _KNOWN[short, name]

    def load_build(self) -> None:
        """State is given to arrays and dtypes only."""
        state = self.stack.pop()
        if not isinstance(self.stack[-1], _Array | _DType):
            raise ValueError("state of something that is no array")
        self.stack[-1].__setstate__(state)

    dispatch[pickle.BUILD[0]] = load_build


def _entries(value: Any, shape: tuple[int, ...], *, nested: bool = False) -> list[Any]:
    """What an object array holds, as plain lists, dicts, numbers and arrays; of arrays within, one level deep."""
    if len(shape) == 2:  # lists of one length: numpy made a table of them
        table = _entries(value, (shape[0] * shape[1],), nested=nested)
        return [table[i * shape[1] : (i + 1) * shape[1]] for i in range(shape[0])]
    if len(shape) != 1 or not isinstance(value, _Array):
        raise ValueError(f"an object array of shape {shape} is not used here")
    _, _, dtype, _, data = value.state
    if not dtype.is_object or not isinstance(data, list) or len(data) != shape[0]:
        raise ValueError(f"an array that is not the promised {shape} objects")
    if nested and any(isinstance(entry, _Array) for entry in data):
        raise ValueError("arrays within arrays within arrays are not used here")
    return [_plain(entry) for entry in data]


def _plain(entry: Any) -> Any:
    if not isinstance(entry, _Array):
        return entry
    _, shape, dtype, is_fortran, data = entry.state
    if dtype.is_object:
        return _entries(entry, shape, nested=True)
    return np.frombuffer(data, dtype.plain()).reshape(shape, order="F" if is_fortran else "C")
