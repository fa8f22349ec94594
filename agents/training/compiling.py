"""A loss through ``torch.compile``, or as it is where that cannot be done."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TypeVar

import torch

T = TypeVar("T")

BACKEND = "inductor"


class Compiler:
    """Compiles the losses of a fit; a fit in which it failed once goes on without, after one warning."""

    def __init__(self, wanted: bool) -> None:
        self.wanted = wanted

    def compiled(self, loss: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        """The loss, to be compiled when it is first called, or as it is if that is not wanted."""
        if not self.wanted:
            return loss
        torch.compiler.reset()  # what earlier stages compiled counts towards a limit, beyond which nothing more is
        return torch.compile(loss, backend=BACKEND)

    def attempt(self, work: Callable[[], T], otherwise: Callable[[], T]) -> T:
        """``work``, which compiles; if it fails, ``otherwise``, after a warning that says why.

        Compilation happens at the first call, that of the gradient at the first backward pass, so both belong in there.
        """
        try:
            return work()
        except Exception as error:  # a mistake in the loss itself is raised again by ``otherwise``
            result = otherwise()
            self.wanted = False
            warnings.warn(
                f"compile was asked for, but torch.compile failed ({_reason(error)}); this fit goes on without",
                RuntimeWarning,
                stacklevel=2,
            )
            return result


def _reason(error: Exception) -> str:
    """The error in a line: compilers say a page."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {' '.join(lines[:2])[:300]}"
