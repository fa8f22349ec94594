"""The `plan2vec` command. Help answers at once: torch and matplotlib load inside the commands that need them."""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType

_PLACES = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENOSPC}


class Terminated(KeyboardInterrupt):
    """SIGTERM, treated as Ctrl-C."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code: 0, 2 for an error of the user's, 130 or 143 when stopped."""
    args = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in args or os.environ.get("PLAN2VEC_DEBUG") == "1"
    args = [arg for arg in args if arg != "--debug"]
    _listen_to_sigterm()
    try:
        return _run(args)
    except KeyboardInterrupt as stop:
        print("\nstopped; run the same command to resume", file=sys.stderr)
        return 143 if isinstance(stop, Terminated) else 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        return _fail(error, debug)


def _fail(error: Exception, debug: bool) -> int:
    """Says what went wrong, and returns the exit code; what nobody foresaw is raised on."""
    ours, message = _is_ours(error), str(error)
    if debug:
        traceback.print_exception(error)
        return 2 if ours else 1
    if not ours:
        if not isinstance(error, OSError) or error.errno not in _PLACES:
            raise error
        advice = "choose another folder, or make this one writable"
        message = f"cannot use {error.filename or 'the disk'}: {error.strerror}; {advice}"
    print(f"plan2vec: {message}", file=sys.stderr)
    return 2


def _run(args: list[str]) -> int:
    if args == ["--version"]:
        from importlib.metadata import version

        print(f"plan2vec {version('plan2vec')}")
        return 0
    import tyro

    from .commands import command_type
    from .commands.context import Context, split_args

    plain, config_args, execution_args = split_args(args)
    command = tyro.cli(command_type(), args=plain or ["--help"], prog="plan2vec", description=_DESCRIPTION)
    from data_collection.registry import load_plugins  # after parsing: help need not wait for gymnasium
    from plan2vec_envs.io.name_clash import check_siblings

    check_siblings()
    load_plugins()
    _check(plain[0], config_args, execution_args)
    return command.run(Context(shlex.join(["plan2vec", *args]), config_args, execution_args))


def _check(command: str, config_args: Sequence[str], execution_args: Sequence[str]) -> None:
    """Whether the command can run as asked.

    Raises:
        InvalidOptionError: if it takes no options of an agent, or of a fit.
        ExecutionError: if several processes were started, and it is nothing to share.
    """
    from agents import training
    from plan2vec_envs.errors import InvalidOptionError

    if config_args and command not in _SHARED:
        raise InvalidOptionError(f"{config_args[0]}: this command trains no agent; use it with `train`")
    if execution_args and command not in _FITS:
        raise InvalidOptionError(f"{execution_args[0]}: `{command}` fits no agent; use it with {', '.join(_FITS)}")
    if command not in _SHARED:
        training.check_alone(f"`{command}` is no single fit to share; use {', '.join(_SHARED)}")


_SHARED = ("train", "demo", "fit")  # by several processes
_FITS = (*_SHARED, "reproduce", "sweep")
_DESCRIPTION = (
    "Goal-reaching metrics from offline experience: plan on a graph once, then look up. "
    "Start with `plan2vec demo`. Every command takes --debug for a traceback."
)


def _is_ours(error: Exception) -> bool:
    from plan2vec_envs.errors import Plan2vecError

    return isinstance(error, Plan2vecError | ImportError) and not isinstance(error, ModuleNotFoundError)


def _listen_to_sigterm() -> None:
    def stop(signum: int, frame: FrameType | None) -> None:
        raise Terminated

    with contextlib.suppress(ValueError):  # not in the main thread: whoever called us minds the signals
        signal.signal(signal.SIGTERM, stop)


if __name__ == "__main__":
    code = main()
    if training := sys.modules.get("agents.training"):  # without it no fit was shared
        training.end(code)
    sys.exit(code)
