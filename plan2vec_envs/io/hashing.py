"""Content hashes that are the same on every machine."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np


def array_sha256(array: np.ndarray) -> str:
    """Hex sha256 of an array's dtype, shape and little-endian bytes."""
    plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    digest = hashlib.sha256(json.dumps([plain.dtype.str, list(plain.shape)]).encode())
    digest.update(plain.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def json_sha256(content: Any) -> str:
    """Hex sha256 of a JSON value; the order of keys does not matter."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
