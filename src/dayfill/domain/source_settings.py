"""Settings of a source: what each of them allows, and the reserved ones that dayfill itself obeys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dayfill.domain.problem import Problem, choices
from dayfill.domain.transfer import SourceSetting, Value

MAX_SETTINGS, MAX_ID = 200, 100


@dataclass(frozen=True, slots=True)
class SettingRule:
    """What one setting of a source allows.

    options: the only texts allowed, if there are any. numbers: the least and the greatest whole number, if it is one.
    """

    field_id: str
    input_type: str = "text"
    is_required: bool = False
    options: tuple[str, ...] = ()
    numbers: tuple[int, int] | None = None


def zone_of(settings: Sequence[SourceSetting]) -> str:
    """The zone of the account's days, from the reserved setting ``timezone``; UTC if it is not set."""
    value = values_of(settings).get("timezone")
    return value if isinstance(value, str) and value else "UTC"


def number_of(settings: Sequence[SourceSetting], field_id: str, default: int) -> int:
    """A reserved setting that is a number, or its default."""
    value = values_of(settings).get(field_id)
    return value if isinstance(value, int) else default


def values_of(settings: Sequence[SourceSetting]) -> Mapping[str, Value]:
    return {setting.field_id: setting.value for setting in settings}


def problems(settings: Sequence[SourceSetting], rules: Sequence[SettingRule]) -> Iterator[Problem]:
    """All that is wrong with the settings of a source that has these rules."""
    known = {rule.field_id: rule for rule in rules}
    if len(settings) > MAX_SETTINGS:
        text = f"There are {len(settings)} settings; {MAX_SETTINGS} are allowed: leave some out."
        yield Problem("data_source_settings", "tooLong", text)
        return
    for position, setting in enumerate(settings):
        place = f"data_source_settings[{position}]"
        rule = known.get(setting.field_id)
        if rule is None:
            text = f"There is no setting {setting.field_id[:MAX_ID]!r}{choices(setting.field_id, known)}"
            yield Problem(f"{place}.field_id", "notAllowed", text)
        elif setting.field_id in (earlier.field_id for earlier in settings[:position]):
            yield Problem(f"{place}.field_id", "notUnique", f"The setting {setting.field_id} is given twice: keep one.")
        elif fault := _value_fault(setting, rule):
            yield Problem(f"{place}.value", "isInvalid", f"The setting {setting.field_id} {fault}.")
    given = {field_id for field_id, value in values_of(settings).items() if value not in (None, "")}
    for rule in rules:
        if rule.is_required and rule.field_id not in given:
            text = f"The setting {rule.field_id} is missing: set it."
            yield Problem(f"data_source_settings.{rule.field_id}", "isEmpty", text)


def _value_fault(setting: SourceSetting, rule: SettingRule) -> str | None:
    value = setting.value
    if value is None or value == "":
        return None
    if setting.field_id == "timezone":
        return None if _is_zone(value) else f"must name an IANA time zone such as Europe/Helsinki, not {value!r}"
    if rule.numbers is not None:
        return _number_fault(value, *rule.numbers)
    if rule.input_type == "checkbox" and not isinstance(value, bool):
        return "must be true or false"
    if rule.options and value not in rule.options:
        return f"must be one of {', '.join(rule.options)}"
    return None


def _number_fault(value: Value, least: int, most: int) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return None
    return f"must be a whole number from {least} to {most}"


def _is_zone(value: Value) -> bool:
    try:
        return isinstance(value, str) and bool(ZoneInfo(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
