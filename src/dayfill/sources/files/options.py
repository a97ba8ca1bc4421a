"""What a person sets for a files source, read from the transfer's settings and checked."""

from __future__ import annotations

from dataclasses import dataclass

from dayfill.domain.reach import NOTHING, Reach
from dayfill.errors import misconfigured
from dayfill.sources import Setting, SourceConfig, zone_of
from dayfill.sources.files import paths

FORMATS = ("auto", "csv", "json", "parquet")

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "path",
        "Path",
        is_required=True,
        help_text="A file, a pattern such as /data/*.csv, a path with the date: /data/{date:%Y/%m}/{date}.csv; or a "
        "URL. "
        "A relative path starts at the working directory of the server. The file must lie in a folder that the "
        "administrator has opened (DAYFILL_FILE_ROOTS).",
    ),
    Setting("format", "Format", "select", options=FORMATS, default="auto", help_text="auto goes by the file's ending."),
    Setting("date_column", "Date column", help_text="The column that holds the date or timestamp of a row."),
    Setting(
        "date_expression",
        "Date expression",
        help_text="SQL over the columns, in place of a date column, such as make_date(year, month, day).",
    ),
    Setting("delimiter", "Delimiter", help_text="Of a CSV file; empty = comma, and tab for .tsv. Write \\t for tab."),
    Setting("header", "First line holds the column names", "checkbox", default=True),
    Setting(
        "null_values",
        "Null values",
        help_text="Texts of a CSV file that mean no value, separated by commas, such as NA,-. An empty cell is one.",
    ),
)


@dataclass(frozen=True, slots=True)
class TextForm:
    """How a text file is to be read. delimiter: None = by the file's ending."""

    delimiter: str | None = None
    header: bool = True
    null_values: tuple[str, ...] = ("",)


@dataclass(frozen=True, slots=True)
class Options:
    """The checked settings. At most one of date_column and date_expression is set; neither if the path says it, or
    there are no days.
    """

    path: str
    format: str
    date_column: str | None
    date_expression: str | None
    text: TextForm
    zone: str
    reach: Reach = NOTHING


def read(config: SourceConfig, *, has_days: bool = True) -> Options:
    """The options of this transfer. has_days: of the table; what says which day a row is of does not count without.

    Raises:
        Permanent: a setting is missing, unknown or contradicts another.
    """
    texts = {name: _text(config, name) for name in ("path", "format", "date_column", "date_expression")}
    if not texts["path"]:
        raise misconfigured("The setting path is missing: it names the file, a pattern, or a path with {date}.")
    if (texts["format"] or "auto") not in FORMATS:
        raise misconfigured(f"The setting format is {texts['format']!r}; it must be one of {', '.join(FORMATS)}.")
    options = Options(
        path=texts["path"],
        format=texts["format"] or "auto",
        date_column=(texts["date_column"] or None) if has_days else None,
        date_expression=(texts["date_expression"] or None) if has_days else None,
        text=TextForm(_delimiter(config), _header(config), _null_values(config)),
        zone=zone_of(config),
        reach=config.reach,
    )
    if has_days:
        _check_date(options)
    elif paths.is_template(options.path):
        raise misconfigured("A table without days (table_partition none) is read from a path without {date}.")
    return options


def _text(config: SourceConfig, name: str) -> str:
    value = config.settings.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise misconfigured(f"The setting {name} must be a text, not {value!r}.")
    return value.strip()


def _delimiter(config: SourceConfig) -> str | None:
    value = config.settings.get("delimiter")
    if value is None or value == "":
        return None
    if value in ("\\t", "tab", "\t"):
        return "\t"
    if not isinstance(value, str) or len(value) != 1 or value in '"\r\n':
        raise misconfigured(f"The setting delimiter is {value!r}; it must be one character, or \\t for tab.")
    return value


def _header(config: SourceConfig) -> bool:
    value = config.settings.get("header")
    if value is None:
        return True
    if not isinstance(value, bool):
        raise misconfigured(f"The setting header must be true or false, not {value!r}.")
    return value


def _null_values(config: SourceConfig) -> tuple[str, ...]:
    given = (part.strip() for part in _text(config, "null_values").split(","))
    return tuple(dict.fromkeys(("", *given)))


def _check_date(options: Options) -> None:
    if options.date_column and options.date_expression:
        raise misconfigured("Set either date_column or date_expression, not both.")
    if options.date_column or options.date_expression:
        return
    if not paths.is_template(options.path):
        raise misconfigured(
            "Nothing says which day a row belongs to: set date_column or date_expression, or put {date} into the path."
        )
    if not paths.names_each_day(options.path):
        raise misconfigured(
            f"The path {options.path} is the same for several days: put the day into it, or set date_column as well."
        )
