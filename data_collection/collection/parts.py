"""Finished parts of an unfinished collection, kept on disk so that an interrupted run resumes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plan2vec_envs.io.hashing import json_sha256

from ..errors import DatasetError, MissingFileError, StorageError
from ..records import Dataset
from ..storage import load_dataset, read_manifest, save_dataset

_log = logging.getLogger(__name__)


class PartStore:
    """Parts of one request, one file each; a folder of None keeps nothing.

    Args:
        folder: where the parts lie; created when the first one is saved.
        request: JSON values that decide the contents; parts of another request are not used, but overwritten.
    """

    def __init__(self, folder: Path | None, request: Mapping[str, Any]) -> None:
        self._folder = folder
        self._request = json_sha256(dict(request))

    def load(self, index: int) -> Dataset | None:
        """The part, or None if it is not there, is damaged, or answers another request."""
        if self._folder is None:
            return None
        path = self._path(self._folder, index)
        try:
            if read_manifest(path)["provenance"].get("request") != self._request:
                return None
            return load_dataset(path)
        except MissingFileError:
            return None
        except (StorageError, DatasetError) as error:
            _log.warning("collecting part %d again: %s", index, error)
            return None

    def save(self, index: int, part: Dataset) -> None:
        """Keep a finished part."""
        if self._folder is not None:
            save_dataset(part, self._path(self._folder, index), provenance={"request": self._request})

    @staticmethod
    def _path(folder: Path, index: int) -> Path:
        return folder / f"part-{index:04d}.npz"
