"""Options that one source has and another has not."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from plan2vec_envs.errors import InvalidOptionError


def check_options(what: str, reader: Callable[..., Any], options: Iterable[str]) -> None:
    """Refuse an option that is no keyword of this reader's own.

    Raises:
        InvalidOptionError: naming those that it has.
    """
    parameters = inspect.signature(reader).parameters.values()
    known = [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    for option in options:
        if option not in known:
            raise InvalidOptionError(
                f"{what} has no option {option!r}; it has {', '.join(known) if known else 'none of its own'}"
            )
