"""Saved agents on a model hub: pushed and pulled by huggingface_hub, the four known files and nothing else."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from data_collection.errors import FileTooLargeError, MissingExtraError

from ..errors import CheckpointError, ConfigError
from ..training.saving import agent_folder, read_agent, read_record

NEEDED = ("agent.json", "weights.safetensors")
OPTIONAL = ("metric_report.json", "metric_report.md")
MAX_BYTES = 2 * 2**30  # of the weights, unless a caller expects more
_MAX_TEXT = 2**20  # bytes of each other file
_COMMIT = re.compile(r"[0-9a-f]{40}")


def push_agent(path: Path | str, repo_id: str, *, api: Any = None, private: bool = True) -> str:
    """Put a saved agent into a repository of models, which is made if it is not there.

    Only the files of the agent go, and its metric report if there is one, whatever else lies beside them.

    Args:
        path: Folder of a finished run, or one that ``save`` wrote.
        repo_id: "owner/name".
        api: A ``huggingface_hub.HfApi``; by default one that finds its token where that package keeps it.
        private: Whether a new repository is; one that is there stays as it is.

    Returns:
        The commit, 40 hexadecimal digits, by which ``pull_agent`` finds exactly these files.

    Raises:
        CheckpointError: if there is no agent, or a damaged one.
        MissingExtraError: if huggingface_hub is not installed.
    """
    folder = agent_folder(path)
    record = read_record(folder)
    read_agent(folder, record["agent"])  # what is damaged here would be refused by everyone who pulls it
    api = _new_api() if api is None else api
    names = [name for name in (*NEEDED, *OPTIONAL) if (folder / name).is_file()]
    api.create_repo(repo_id=repo_id, repo_type="model", private=private, exist_ok=True)
    commit = api.upload_folder(
        repo_id=repo_id,
        repo_type="model",
        folder_path=str(folder),
        allow_patterns=names,
        commit_message=f"plan2vec agent {record['agent']}",
    )
    return str(commit.oid)


def pull_agent(repo_id: str, revision: str, path: Path | str, *, api: Any = None, max_bytes: int = MAX_BYTES) -> Path:
    """Fetch an agent at one commit into a new folder, from which ``load_agent`` reads it.

    Sizes are asked for before anything is fetched; no other file of the repository is; weights are safetensors that
    match the checksum in ``agent.json``, and nothing is unpickled. The folder appears complete or not at all.

    Args:
        repo_id: "owner/name".
        revision: The commit, 40 hexadecimal digits, as ``push_agent`` returned it. A branch such as "main" is refused:
            it moves, and with it what is loaded.
        path: The new folder.
        api: A ``huggingface_hub.HfApi``.
        max_bytes: The most bytes that the weights may have.

    Returns:
        The folder.

    Raises:
        ConfigError: if the revision is no commit; the message says which commit it is at now.
        CheckpointError: if the folder is there already, or what the repository holds is no agent, incomplete, damaged
            or not what was announced.
        FileTooLargeError: if a file is larger than allowed.
        MissingExtraError: if huggingface_hub is not installed.
    """
    folder = Path(path)
    if folder.exists():
        raise CheckpointError(f"{folder} is there already; name a new folder, or delete that one")
    api = _new_api() if api is None else api
    if not _COMMIT.fullmatch(revision):
        now = api.model_info(repo_id=repo_id, revision=revision).sha
        raise ConfigError(
            f"revision is {revision!r}, which moves; a commit of 40 hexadecimal digits does not. It is at {now} now: "
            "look at that one and give it"
        )
    sizes = _sizes(api.model_info(repo_id=repo_id, revision=revision, files_metadata=True), repo_id, max_bytes)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        fetched, kept = Path(temporary) / "fetched", Path(temporary) / "kept"
        kept.mkdir()
        for name, size in sizes.items():
            api.hf_hub_download(
                repo_id=repo_id, filename=name, revision=revision, repo_type="model", local_dir=str(fetched)
            )
            file = fetched / name
            # A link could lead anywhere; the size was believed so far.
            if file.is_symlink() or not file.is_file() or file.stat().st_size != size:
                raise CheckpointError(f"{name} of {repo_id} did not arrive as a file of {size} bytes; pull it again")
            file.rename(kept / name)
        read_agent(kept, read_record(kept)["agent"])
        kept.rename(folder)
    return folder


def _sizes(info: Any, repo_id: str, max_bytes: int) -> dict[str, int]:
    """Bytes of each file to fetch, by what the repository says of itself."""
    found = {each.rfilename: each.size for each in info.siblings or ()}
    absent = [name for name in NEEDED if name not in found]
    if absent:
        raise CheckpointError(
            f"{repo_id} holds no saved agent: it lacks {' and '.join(absent)}; give a repository that push_agent filled"
        )
    sizes = {name: found[name] for name in (*NEEDED, *OPTIONAL) if name in found}
    for name, size in sizes.items():
        most = max_bytes if name == "weights.safetensors" else _MAX_TEXT
        if size is None or size > most:
            raise FileTooLargeError(
                f"{name} of {repo_id} has {size} bytes, and {most} are allowed; "
                "give a larger max_bytes if you expect that of the weights"
            )
    return sizes


def _new_api() -> Any:
    try:
        from huggingface_hub import HfApi
    except ImportError as error:
        raise MissingExtraError(
            "pushing and pulling agents needs huggingface_hub; install it with `pip install -e '.[hub]'`"
        ) from error
    return HfApi()
