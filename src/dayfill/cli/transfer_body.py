"""The body of a transfer: schedule and tables from options, and a whole one from what is there and is to change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from dayfill.cli.client import Api
from dayfill.cli.exits import CommandError, usage
from dayfill.domain.table_group import names_beside

Interval = Literal["hourly", "daily", "weekly", "monthly"]
Schedules = list[dict[str, Any]]


def timed(interval: Interval | None, hour: int, weekday: int, month_day: int, window: int) -> Schedules:
    """The schedules of a body; none without an interval."""
    if interval is None:
        return []
    timing: dict[str, Any] = {"run_interval": interval, "run_hour": hour, "refresh_window": window}
    extra = {"weekly": {"run_weekday": weekday}, "monthly": {"run_day": month_day}}
    return [timing | extra.get(interval, {})]


def retimed(
    there: Schedules, interval: Interval | Literal["none"] | None, given: Mapping[str, int | None]
) -> Schedules:
    """The schedules there are, with what was said. given: values by their names in a body, None = as it is.

    Raises:
        CommandError: exit 64; there is no schedule to change, or more than one.
    """
    said = {name: value for name, value in given.items() if value is not None}
    if interval == "none":
        if said:
            raise usage("--schedule none takes no hour, day or window: leave them out.")
        return []
    if interval is None and not said:
        return there
    if len(there) > 1:
        raise usage(f"The transfer has {len(there)} schedules.", "Change them by PUT of the API; it takes a list.")
    if interval is None and not there:
        raise usage("The transfer has no schedule.", "Say how often with --schedule.")
    old = there[0] if there else {}
    usual = {"run_hour": 0, "run_weekday": 1, "run_day": 1, "refresh_window": 1} | old | said
    kind = interval or old["run_interval"]
    return timed(kind, usual["run_hour"], usual["run_weekday"], usual["run_day"], usual["refresh_window"])


def changed(shown: Mapping[str, Any], name: str | None, values: Mapping[str, Any], unset: Iterable[str]) -> Any:
    """The whole body that leaves a transfer as it is shown but for its name and these settings.

    Raises:
        CommandError: exit 64; a setting to unset is not set.
    """
    source = shown["data_source"]
    settings = {one["field_id"]: one for one in source["settings"]}
    for gone in unset:
        if gone not in settings:
            raise usage(
                f"The setting {gone} is not set.", f"Set are {', '.join(settings) or 'none'}: name one of them."
            )
        del settings[gone]
    for field_id, value in values.items():
        settings[field_id] = {**settings.get(field_id, {}), "field_id": field_id, "value": value}
    kept = {key: shown[key] for key in ("schema_id", "destination_id", "accounts", "segments", "schedule")}
    return kept | {
        "data_source_id": source["data_source_id"],
        "display_name": name or shown["display_name"],
        "data_source_settings": list(settings.values()),
        "notification_recipients": [one["email"] for one in shown["notification_recipients"]],
    }


def import_tables(api: Api, source: str, name: str, table: str) -> int:
    """A table group of tables whose columns the source decides; returns its schema id."""
    tables = [{"table_name": one.strip(), "fields": []} for one in table.split(",") if one.strip()]
    for group_name in names_beside(name):
        group = {"group_name": group_name, "ds_id": source, "table_prefix": ""}
        try:
            made = api.send(
                "POST", "/table/group/import", {"version": 1, "group": group, "tables": tables, "fields": []}
            )
        except CommandError as error:
            if error.code != "SCHEMA_NAME_DUPLICATE":
                raise
        else:
            return int(made["schema_id"])
    raise CommandError(
        f"Table groups named {name} to {group_name} are there already.",
        hint="Give the transfer another name, or take one of them with --table-group.",
    )
