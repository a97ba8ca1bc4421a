"""Where the server's log goes: stderr, since stdout is for data."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from io import TextIOBase
from typing import TextIO, cast

import structlog

from dayfill.api.traffic import current
from dayfill.settings import LogLevel


class _Forgiving(TextIOBase):
    """A stream whose errors are nobody's: a log that cannot be written must not stop what it tells of."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str, /) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def log_to_stderr(level: LogLevel) -> None:
    """One line for each event from this level on: coloured on a terminal, logfmt elsewhere."""
    last: structlog.typing.Processor
    if sys.stderr.isatty():
        last = structlog.dev.ConsoleRenderer()
    else:
        last = structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _with_request,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Forgiving(sys.stderr))),
    )


def _with_request(_logger: object, _level: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """What is logged while a request is answered says which."""
    if request_id := current.get():
        event.setdefault("request_id", request_id)
    return event
