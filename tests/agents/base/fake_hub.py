"""A hub of models that is a folder: the four calls of huggingface_hub that agents make, without a network."""

from __future__ import annotations

import fnmatch
import hashlib
import shutil
from pathlib import Path
from types import SimpleNamespace


class FakeHub:
    """Every push is a commit; ``fetched`` tells what was asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.private: dict[str, bool] = {}
        self.latest: dict[str, str] = {}
        self.fetched: list[str] = []
        self.said: dict[str, int | None] = {}
        """sizes that it claims, where they are not the true ones"""

    def create_repo(self, *, repo_id, repo_type, private, exist_ok):
        assert (repo_type, exist_ok) == ("model", True)
        self.private.setdefault(repo_id, private)

    def upload_folder(self, *, repo_id, repo_type, folder_path, allow_patterns, commit_message):
        assert repo_id in self.private
        commit = hashlib.sha1(f"{repo_id}{commit_message}{len(self.latest)}".encode()).hexdigest()
        target = self.folder(repo_id, commit)
        target.mkdir(parents=True)
        for file in Path(folder_path).iterdir():
            if any(fnmatch.fnmatch(file.name, pattern) for pattern in allow_patterns):
                shutil.copy(file, target)
        self.latest[repo_id] = commit
        return SimpleNamespace(oid=commit)

    def model_info(self, *, repo_id, revision, files_metadata=False):
        commit = self.latest[repo_id] if revision == "main" else revision
        siblings = [
            SimpleNamespace(
                rfilename=file.name,
                size=self.said.get(file.name, file.stat().st_size) if files_metadata else None,
            )
            for file in sorted(self.folder(repo_id, commit).iterdir())
        ]
        return SimpleNamespace(sha=commit, siblings=siblings)

    def hf_hub_download(self, *, repo_id, filename, revision, repo_type, local_dir):
        self.fetched.append(filename)
        Path(local_dir).mkdir(parents=True, exist_ok=True)
        return shutil.copy(self.folder(repo_id, revision) / filename, local_dir)

    def folder(self, repo_id: str, commit: str) -> Path:
        return self.root / repo_id.replace("/", "--") / commit
