"""Every error that dayfill raises on purpose, in one tree.

DayfillError
├── ConnectorError            a source or a destination could not do its part; ends in a run, never on the wire
│   ├── Transient             worth another try: timeouts, 5xx, 429, a lost connection
│   └── Permanent             the same try would fail again: a bad field, a value that does not fit, a lost login
├── RequestError              a caller asked for something that cannot be; each has a status and a code on the wire
│   ├── Malformed             400  the request cannot be read
│   ├── Unauthenticated       401  no key, or an unknown one
│   ├── Denied                403  the key or its user may not do this
│   ├── Missing               404  it does not exist, or belongs to another team
│   ├── Conflict              409  a name is taken, a destination is in use
│   ├── Refused               422  readable, but not possible now; the description says why and what to do
│   ├── Exceeded              429  a limit of requests or rows is used up; retry_after says when it is not
│   ├── NotOffered           501  the vendor has it, dayfill does not
│   └── Busy                  503  the server stops, is overloaded or its disk is full; try again later
├── NotLeading                another server dispatches, this one may not write run state now
├── SealBroken                a sealed value does not open: changed, moved to another row, or its key is gone
└── SetupError                the installation cannot start; the message names the setting, never its value
"""

from __future__ import annotations

from datetime import date


class DayfillError(Exception):
    """Root of all errors raised on purpose."""


class ConnectorError(DayfillError):
    """What a source or destination reports; its text becomes the day's line in the error report.

    Args:
        cause: upper-case code that groups failures, such as ``AUTH``, ``RATE_LIMIT``, ``SCHEMA``, ``TIMEOUT``.
        message: one sentence in our own words (what, where, what to do); no credentials, no driver text with a DSN.
        day: the guilty data date, if the error belongs to one day of several.
    """

    def __init__(self, cause: str, message: str, *, day: date | None = None) -> None:
        super().__init__(message)
        self.cause = cause
        self.message = message
        self.day = day


class Transient(ConnectorError):
    """Try again later. ``retry_after`` (seconds) lets the connection or destination rest and gives the attempt back."""

    def __init__(self, cause: str, message: str, *, day: date | None = None, retry_after: float | None = None) -> None:
        super().__init__(cause, message, day=day)
        self.retry_after = retry_after


class Permanent(ConnectorError):
    """Trying again would fail again. ``fatal``: so would every other day (credentials refused, destination gone)."""

    def __init__(self, cause: str, message: str, *, day: date | None = None, fatal: bool = False) -> None:
        super().__init__(cause, message, day=day)
        self.fatal = fatal


def misconfigured(message: str) -> Permanent:
    """A setting that cannot work, whatever the day; the message says which, and what it must be."""
    return Permanent("CONFIG", message, fatal=True)


class RequestError(DayfillError):
    """Base of the errors that travel to a caller.

    Args:
        description: what happened, where, and what to do (at most 2,048 characters on the wire).
        code: upper-case code where it differs from the default of the class.
        retry_after: seconds until another try makes sense.
    """

    code = "INTERNAL_SERVER_ERROR"

    def __init__(self, description: str, *, code: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.description = description
        self.code = code or type(self).code
        self.retry_after = retry_after


class Malformed(RequestError):
    code = "INVALID_PARAMETER"


class Unauthenticated(RequestError):
    code = "API_KEY_INVALID"


class Denied(RequestError):
    code = "ACCESS_DENIED"


class Missing(RequestError):
    code = "NOT_FOUND"


class Conflict(RequestError):
    code = "CONFLICT_ERROR"


class Refused(RequestError):
    code = "UNPROCESSABLE_ENTITY"


class Exceeded(RequestError):
    code = "TOO_MANY_REQUESTS"


class NotOffered(RequestError):
    code = "NOT_IMPLEMENTED"


class Busy(RequestError):
    code = "SERVICE_UNAVAILABLE"


class NotLeading(DayfillError):
    """Another server dispatches: this one may not write run state now."""


class SealBroken(DayfillError):
    """A sealed value does not open: it was changed, moved to another row, or sealed with a key that is gone."""


class SetupError(DayfillError):
    """The installation cannot start as it is set up."""
