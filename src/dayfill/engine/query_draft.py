"""From what a caller writes to a query that can be run; what cannot be done is refused by name, never left out."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from dayfill.domain import query_filter
from dayfill.domain.days import FIRST_DAY, LAST_DAY, DayRange
from dayfill.domain.query import MOST_ACCOUNTS, MOST_FIELDS, MOST_ORDERS, Query, QueryDraft, read_order
from dayfill.domain.query_dates import day_of, range_of
from dayfill.domain.source_settings import number_of, problems, zone_of
from dayfill.domain.transfer import SourceSetting
from dayfill.engine import sources
from dayfill.engine.sources import RESERVED, Source, rule
from dayfill.errors import Malformed, Refused

LONGEST_SECONDS = 7_200
"""A query may run so long, and as long by default."""
ALL_ACCOUNTS = "list.all_accounts"
_OBEYED = ("timezone", "deadline_seconds")
"""The reserved settings that mean something for a query."""


def understood(draft: QueryDraft, now: datetime, max_days: int) -> Query:
    """The query that a draft means at this time.

    Raises:
        Malformed: a date, a filter or an order that cannot be read, no account where one is needed.
        Refused: an unknown source or setting, an empty or too long range, something that this server does not do.
    """
    source = _source(draft.data_source_id)
    _refuse_what_is_not_done(draft, source)
    settings = _settings(draft, source)
    zone = zone_of(settings)
    span = _span(draft, now, zone, max_days)
    try:
        wanted = query_filter.parse(draft.filter)
        order = tuple(read_order(text) for text in draft.order_rows)
    except ValueError as error:
        raise Malformed(f"Query: {error}.") from None
    return Query(
        data_source_id=draft.data_source_id,
        span=span,
        zone=zone,
        deadline_seconds=min(number_of(settings, "deadline_seconds", LONGEST_SECONDS), LONGEST_SECONDS),
        settings=settings,
        accounts=() if draft.accounts == (ALL_ACCOUNTS,) else draft.accounts,
        fields=draft.fields,
        filter=wanted,
        order=order,
        max_rows=draft.max_rows,
        max_columns=draft.max_columns,
    )


def _source(data_source_id: str) -> Source:
    if not data_source_id:
        raise Malformed("Query: ds_id is missing: send the id of a data source, such as FILES.")
    return sources.known(data_source_id)


def _refuse_what_is_not_done(draft: QueryDraft, source: Source) -> None:
    kind = source.kind
    if draft.accounts and not (source.has_accounts or source.lists_accounts):
        raise Refused(f"{kind} has no accounts: leave ds_accounts out.")
    if source.has_accounts and not draft.accounts:
        raise Malformed(f"{kind} needs accounts: name them in ds_accounts.", code="ACCOUNT_REQUIRED")
    if draft.segments:
        raise Refused(f"{kind} has no segments: leave ds_segments out.")
    if draft.compares:
        raise Refused(
            f"Date ranges are not compared here: leave {', '.join(draft.compares)} out, and ask once for each."
        )
    if draft.order_columns:
        raise Refused("No field is split by column here: leave order_columns out; order_rows orders the rows.")
    for name, given, most in (
        ("ds_accounts", draft.accounts, MOST_ACCOUNTS),
        ("fields", draft.fields, MOST_FIELDS),
        ("order_rows", draft.order_rows, MOST_ORDERS),
    ):
        if len(given) > most:
            raise Malformed(f"Query: {name} has {len(given)} entries; {most} are allowed: send fewer.")


def _settings(draft: QueryDraft, source: Source) -> tuple[SourceSetting, ...]:
    settings = tuple(SourceSetting(field_id, value) for field_id, value in draft.settings.items())
    known = [setting for setting in source.settings if not setting.writes]
    known += [setting for setting in RESERVED if setting.setting_id in _OBEYED]
    found = list(problems(settings, [rule(one) for one in known]))
    if found:
        raise Refused(" ".join(problem.text for problem in found))
    return settings


def _span(draft: QueryDraft, now: datetime, zone: str, max_days: int) -> DayRange:
    """The days that are asked for; days to come are allowed, a source may know them."""
    span = _dates(draft, now.astimezone(ZoneInfo(zone)).date())
    if not FIRST_DAY <= span.start <= span.end <= LAST_DAY:
        raise Refused(f"The range {span} reaches beyond {FIRST_DAY} to {LAST_DAY}: choose days between.")
    if len(span) > max_days:
        raise Refused(f"The range has {len(span):,} days; {max_days:,} are allowed: split it.")
    return span


def _dates(draft: QueryDraft, today: date) -> DayRange:
    start, end = draft.start_date, draft.end_date
    try:
        span = range_of(draft.date_range_type or "custom", today)
        if span is None and start and end:
            first, last = day_of(start, today), day_of(end, today)
    except ValueError as error:
        raise Malformed(f"Query: {error}.") from None
    if span is not None:
        if start or end:
            raise Malformed(f"Query: send either date_range_type {draft.date_range_type} or start_date and end_date.")
        return span
    if not (start and end):
        raise Malformed(
            "Query: start_date and end_date are missing: send both, or a date_range_type such as yesterday."
        )
    if first > last:
        raise Refused(
            f"The range is empty: start_date {first} lies after end_date {last}. Send the earlier one as start_date."
        )
    return DayRange(first, last)
