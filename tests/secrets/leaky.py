"""A source and a destination with credentials, which fail in every way in which a careless driver repeats them."""

from __future__ import annotations

import sys
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from urllib.parse import quote

import pytest

from dayfill import destinations, sources
from dayfill.destinations import DayOutcome, DestinationConfig, DestinationField, FinishedDay
from dayfill.domain.transfer import Table, Value
from dayfill.errors import Permanent, Transient
from dayfill.sources import Setting, SourceAccount, SourceConfig
from scripted import MemoryDestination, ScriptedRead, ScriptedSource


def _own_words(text: str) -> Exception:
    return Permanent("AUTH", f"The server did not accept {text!r}.", fatal=True)


def _dsn(text: str) -> Exception:
    return Permanent("CONFIG", f"cannot connect to pg://me:{quote(text, safe='')}@db/x", fatal=True)


def _header(text: str) -> Exception:
    return Permanent("AUTH", f"sent {b64encode(f'me:{text}'.encode()).decode()}, got 401", fatal=True)


def _long(text: str) -> Exception:
    return Permanent("CONFIG", f"{'x' * 495}{text.encode().hex()}", fatal=True)


def _at_rest(text: str) -> Exception:
    return Transient("NETWORK", f"Try later, {text}.", retry_after=3600)


def _crash(text: str) -> Exception:
    try:
        raise KeyError({"password": text})
    except KeyError as cause:
        return RuntimeError(text).with_traceback(cause.__traceback__)


WAYS: dict[str, Callable[[str], Exception]] = {
    "words": _own_words,
    "dsn": _dsn,
    "header": _header,
    "long": _long,
    "crash": _crash,
    "rest": _at_rest,
}


def fail(way: str, text: str) -> None:
    if way == "exit":
        sys.exit(f"driver gave up: {text}")
    if way in WAYS:
        raise WAYS[way](text)


class LeakyDestination(MemoryDestination):
    """host says how it fails: a way for all that is done with it, ``ok`` for nothing."""

    def __init__(self) -> None:
        super().__init__(
            "DWH_LEAKY",
            "Leaky",
            (  # type: ignore[arg-type]
                DestinationField("host", "Host"),
                DestinationField("password", "Password", is_secret=True),
                DestinationField("private_key", "Private key", is_required=False, is_secret=True),
            ),
        )

    def location(self, fields: Mapping[str, Value]) -> str:
        return f"leaky:{fields.get('host')}"

    def check(self, config: DestinationConfig) -> None:
        for secret in config.secrets.values():
            if config.fields["host"] != "exit":  # a check has no thread of its own to end
                fail(str(config.fields["host"]), secret.reveal())

    def greatest_token(self, config: DestinationConfig) -> int:
        self.check(config)
        return super().greatest_token(config)

    def replace_days(
        self, config: DestinationConfig, days: Sequence[FinishedDay], before_commit: Callable[[], None]
    ) -> list[DayOutcome]:
        for secret in config.secrets.values():
            fail(str(config.fields["host"]), secret.reveal())
        return super().replace_days(config, days, before_commit)


class LeakySource(ScriptedSource):
    """Fails in the way that its setting or the table is named after; and always when it is asked for accounts."""

    settings = (Setting("way", "How it fails"),)  # type: ignore[assignment]
    category, lists_accounts, reads_whole = "Other", True, False

    def accounts(self, config: SourceConfig, deadline: float) -> Sequence[SourceAccount]:
        raise WAYS["words"](config.secrets["token"].reveal())

    def read_days(self, config: SourceConfig, table: Table, days: Sequence[date], deadline: float) -> ScriptedRead:
        fail(str(config.settings.get("way") or table.name), config.secrets["token"].reveal())
        return super().read_days(config, table, days, deadline)


def installed(patch: pytest.MonkeyPatch) -> None:
    """Both are kinds like any other, as long as the test lasts."""
    destination, source, kind_of, source_of = (
        LeakyDestination(),
        LeakySource("LEAKY", settings=LeakySource.settings),
        destinations.get,
        sources.get,
    )
    patch.setitem(destinations.KINDS, "DWH_LEAKY", "leaky")
    patch.setitem(sources.KINDS, "LEAKY", "leaky")
    patch.setattr(destinations, "get", lambda kind: destination if kind == "DWH_LEAKY" else kind_of(kind))
    patch.setattr(sources, "get", lambda kind: source if kind == "LEAKY" else source_of(kind))
