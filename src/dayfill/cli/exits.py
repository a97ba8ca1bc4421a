"""How a command ends: the exit codes, and the error that carries one."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes. 64, 65 and 69 are those of the Supermetrics CLI."""

    OK = 0
    ERROR = 1
    SETUP = 2
    FAILED = 3
    CANCELLED = 4
    TIMED_OUT = 5
    USAGE = 64
    ACCESS = 65
    UNAVAILABLE = 69
    INTERRUPTED = 130


class CommandError(Exception):
    """A command that cannot go on. hint: what to do about it, on a line of its own. code: of a server that refused."""

    def __init__(self, message: str, exit: Exit = Exit.ERROR, *, hint: str = "", code: str = "") -> None:
        super().__init__(message)
        self.exit = exit
        self.hint = hint
        self.code = code


def usage(message: str, hint: str = "") -> CommandError:
    """What the command line asks for is not a command."""
    return CommandError(message, Exit.USAGE, hint=hint)
