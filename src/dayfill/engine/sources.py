"""Which kinds of sources there are and what each asks for, for forms, lists and the rules of a transfer."""

from __future__ import annotations

from collections.abc import Sequence

from dayfill import sources
from dayfill.domain.fair import DEFAULT_WEIGHT, MAX_WEIGHT
from dayfill.domain.problem import choices
from dayfill.domain.source_settings import SettingRule
from dayfill.domain.transfer import (
    DEFAULT_DEADLINE_SECONDS,
    DEFAULT_MAX_DAY_GIGABYTES,
    DEFAULT_MAX_DAY_ROWS,
    DEFAULT_PARALLELISM,
    HIGHEST_MAX_DAY_GIGABYTES,
    HIGHEST_MAX_DAY_ROWS,
    HIGHEST_REQUESTS_PER_MINUTE,
    MAX_DEADLINE_SECONDS,
    MAX_PARALLELISM,
    RESERVED_SETTINGS,
)
from dayfill.errors import Refused
from dayfill.sources import Setting as Setting
from dayfill.sources import Source as Source

RESERVED = (
    Setting("timezone", "Time zone", help_text="IANA time zone of the account's days.", default="UTC"),
    Setting(
        "parallelism",
        "Parallel loads",
        numbers=(1, MAX_PARALLELISM),
        help_text=f"Slices of days that are loaded at once, 1 to {MAX_PARALLELISM}.",
        default=DEFAULT_PARALLELISM,
    ),
    Setting(
        "weight",
        "Weight",
        numbers=(1, MAX_WEIGHT),
        help_text="Turns for each one of another transfer of the team whose weight is 1, while both have days that"
        f" wait: 1 to {MAX_WEIGHT}.",
        default=DEFAULT_WEIGHT,
    ),
    Setting(
        "requests_per_minute",
        "Requests a minute",
        numbers=(1, HIGHEST_REQUESTS_PER_MINUTE),
        help_text="What the source allows its login; the least that a transfer of the login says holds for all of them."
        " Leave it empty for no limit.",
    ),
    Setting(
        "deadline_seconds",
        "Deadline (seconds)",
        numbers=(1, MAX_DEADLINE_SECONDS),
        help_text=f"How long one slice of days may take, 1 to {MAX_DEADLINE_SECONDS}.",
        default=DEFAULT_DEADLINE_SECONDS,
    ),
    Setting(
        "max_day_rows",
        "Most rows a day",
        numbers=(1, HIGHEST_MAX_DAY_ROWS),
        help_text="A day with more rows in a table fails: so ends a source that never stops sending.",
        default=DEFAULT_MAX_DAY_ROWS,
    ),
    Setting(
        "max_day_gigabytes",
        "Most gigabytes a day",
        numbers=(1, HIGHEST_MAX_DAY_GIGABYTES),
        help_text="A day with more data in a table fails; counted unpacked, as in memory.",
        default=DEFAULT_MAX_DAY_GIGABYTES,
    ),
)
"""The settings that every source has; see `RESERVED_SETTINGS`."""


def all_kinds() -> list[Source]:
    """Every kind of source, by title."""
    return sorted((sources.get(kind) for kind in sources.KINDS), key=lambda source: source.title.casefold())


def find(data_source_id: str) -> Source | None:
    return sources.get(data_source_id) if data_source_id in sources.KINDS else None


def known(data_source_id: str, *, code: str | None = None) -> Source:
    """The source of this id.

    Raises:
        Refused: there is none; the sentence names those that there are.
    """
    source = find(data_source_id)
    if source is None:
        known = choices(data_source_id, sorted(sources.KINDS))
        raise Refused(f"There is no data source {data_source_id[:50]!r}{known}", code=code)
    return source


def settings_of(source: Source) -> tuple[Setting, ...]:
    """The source's own settings, then the reserved ones."""
    return (*(setting for setting in source.settings if setting.setting_id not in RESERVED_SETTINGS), *RESERVED)


BOUND_TO = sources.BOUND_TO
"""The settings that say which server those of a login are for."""


def secrets_of(data_source_id: str) -> Sequence[str]:
    """What a login at this source keeps, each for one server."""
    return sources.SECRETS.get(data_source_id, ())


def rules_of(source: Source) -> list[SettingRule]:
    return [rule(setting) for setting in settings_of(source)]


def rule(setting: Setting) -> SettingRule:
    """What a setting allows."""
    return SettingRule(setting.setting_id, setting.input_type, setting.is_required, setting.options, setting.numbers)
