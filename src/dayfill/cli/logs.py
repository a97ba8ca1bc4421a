"""Where the server's log goes: stderr, since stdout is for data. No secret gets there, whoever wrote the text."""

from __future__ import annotations

import logging
import sys
import threading
from contextlib import suppress
from io import TextIOBase
from types import TracebackType
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, Processor

from dayfill.api.traffic import current
from dayfill.secrets import scrubbed
from dayfill.settings import LogLevel

MOST_CHARACTERS = 20_000
"""Of one value: a hostile source may send an error text of any length."""


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


class _Others(logging.Handler):
    """What libraries tell the standard library's log goes the same way."""

    def emit(self, record: logging.LogRecord) -> None:
        told = structlog.get_logger(record.name)
        told.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)


def log_to_stderr(level: LogLevel) -> None:
    """One line for each event from this level on: coloured on a terminal, logfmt elsewhere."""
    last: Processor
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
            without_secrets,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Forgiving(sys.stderr))),
    )
    logging.lastResort = _Others(logging.WARNING)
    sys.excepthook = _crashed
    threading.excepthook = lambda died: _crashed(died.exc_type, died.exc_value, died.exc_traceback)


def without_secrets(_logger: object, _level: str, event: EventDict) -> EventDict:
    """Every value but a number as a text that holds no secret: tracebacks too, which are texts by now."""
    texts = {name: _text(value) for name, value in event.items()}
    whole = "\n".join(value for value in texts.values() if isinstance(value, str))
    if scrubbed(whole) == whole:  # one look at all values together: hardly any event holds a secret
        return texts
    return {name: scrubbed(value) if isinstance(value, str) else value for name, value in texts.items()}


def _text(value: object) -> object:
    return value if value is None or isinstance(value, bool | int | float) else str(value)[:MOST_CHARACTERS]


def _crashed(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    """The traceback that ends a program, or one of its threads."""
    structlog.get_logger().critical("crashed", exc_info=(kind, error, trace))


def _with_request(_logger: object, _level: str, event: EventDict) -> EventDict:
    """What is logged while a request is answered says which."""
    if request_id := current.get():
        event.setdefault("request_id", request_id)
    return event
