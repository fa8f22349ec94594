"""Guard against another distribution that owns the name of one of our packages."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path


def check_siblings(names: Sequence[str] = ("agents", "data_collection", "evaluation")) -> None:
    """Check that the sibling packages come from the folder that this package lies in.

    Other distributions install packages called ``agents`` or ``evaluation``. Only the import system is
    asked, nothing is imported, so the answer is readable even when the foreign package is broken.

    Raises:
        ImportError: naming the package, where it was found and what to do.
    """
    root = Path(__file__).resolve().parents[2]
    for name in names:
        spec = find_spec(name)
        origin = spec.origin if spec else None
        if origin is None or Path(origin).resolve().parent.parent != root:
            raise ImportError(
                f"'{name}' resolves to {origin}, not to plan2vec's package in {root}. Another distribution "
                "(for example openai-agents) owns that name: install plan2vec in its own virtual environment."
            )
