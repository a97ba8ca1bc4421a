"""What a data query refuses: what cannot be read is a 400, what cannot be done is a 422 with a sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from installation import Installation

PATH = "/query/data/json"
ADS = {"ds_id": "DEMO_ADS", "start_date": "2024-06-01", "end_date": "2024-06-02"}

MALFORMED = [
    ({"start_date": "2024-06-01"}, "Query: ds_id is missing: send the id of a data source, such as FILES."),
    (
        {"ds_id": "DEMO_ADS"},
        "Query: start_date and end_date are missing: send both, or a date_range_type such as yesterday.",
    ),
    ({**ADS, "end_date": "soon"}, "Query: 'soon' is not a date that is understood here; known are 2024-01-31, today"),
    (
        {**ADS, "date_range_type": "yesterday"},
        "Query: send either date_range_type yesterday or start_date and end_date.",
    ),
    ({"ds_id": "DEMO_ADS", "date_range_type": "ever"}, "Query: date_range_type 'ever' is not known; use one of custom"),
    ({**ADS, "filter": "cost"}, "Query: the part 'cost' of the filter is not a condition; write FIELD OPERATOR VALUE"),
    ({**ADS, "order_rows": "desc"}, "Query: order_rows 'desc' names no field; write a field and asc or desc"),
    ({**ADS, "offset_start": 5, "offset_end": 4}, "Query: offset_end 4 lies before offset_start 5."),
    ({**ADS, "max_rows": 1_000_001}, "Query: Expected `int` <= 1000000 - at `$.max_rows`."),
    ({**ADS, "max_rows": 0}, "Query: Expected `int` >= 1 - at `$.max_rows`."),
    ({**ADS, "max_rows": "ten"}, "Query: Expected `int | null`, got `str` - at `$.max_rows`."),
    ({**ADS, "sync_timeout": 3601}, "Query: Expected `int` <= 3600 - at `$.sync_timeout`."),
    ({**ADS, "cache_minutes": 10_081}, "Query: Expected `int` <= 10080 - at `$.cache_minutes`."),
    ({**ADS, "schedule_id": "no blanks"}, "Query: Expected `str` matching regex"),
    ({**ADS, "settings": [1]}, "Query: Expected `object`, got `array` - at `$.settings`."),
    ({**ADS, "settings": {"delay_ms": 1.5}}, "Query: Expected `bool | int | str | null`, got `float`"),
    ({**ADS, "fields": [{"id": "cost", "split_by": "column"}]}, "Query: Object contains unknown field `split_by`"),
    ({**ADS, "fields": ["cost"] * 101}, "Query: fields has 101 entries; 100 are allowed: send fewer."),
    ({**ADS, "ds_accounts": ["1"] * 101}, "Query: ds_accounts has 101 entries; 100 are allowed: send fewer."),
]
REFUSED = [
    ({**ADS, "ds_id": "GA4"}, "There is no data source 'GA4'; known are DEMO_ADS, FILES, SQL."),
    ({**ADS, "end_date": "2024-05-31"}, "The range is empty: start_date 2024-06-01 lies after end_date 2024-05-31."),
    (
        {**ADS, "start_date": "1989-12-31"},
        "The range 1989-12-31..2024-06-02 reaches beyond 1990-01-01 to 2100-12-31: choose days between.",
    ),
    ({**ADS, "start_date": "1990-01-01"}, "The range has 12,572 days; 10,000 are allowed: split it."),
    ({**ADS, "ds_segments": "all"}, "DEMO_ADS has no segments: leave ds_segments out."),
    ({**ADS, "compare_type": "prev_range"}, "Date ranges are not compared here: leave compare_type out"),
    ({**ADS, "order_columns": "cost"}, "No field is split by column here: leave order_columns out"),
    ({**ADS, "ds_accounts": {"filter_id": "^1"}}, "Accounts are not chosen by a pattern here: list their ids"),
    (
        {**ADS, "ds_user": "DEMO_ADS-7"},
        "You have no login 'DEMO_ADS-7' at DEMO_ADS that could be used; GET /ds/logins lists them.",
    ),
    ({**ADS, "ds_users": ["a", "b"]}, "A query reads through one login: name one in ds_user."),
    ({**ADS, "ds_id": "FILES"}, "The setting path is missing: set it."),
    ({**ADS, "ds_id": "FILES", "ds_accounts": "1"}, "FILES has no accounts: leave ds_accounts out."),
    ({**ADS, "settings": {"speed": 9}}, "There is no setting 'speed'; known are newest_day, delay_ms, timezone"),
    ({**ADS, "settings": {"memory_file": "/tmp/x"}}, "There is no setting 'memory_file'; known are newest_day"),
    ({**ADS, "settings": {"timezone": "Mars"}}, "The setting timezone must name an IANA time zone"),
    ({**ADS, "settings": {"max_day_rows": 9}}, "There is no setting 'max_day_rows'"),
    ({"schedule_id": "none"}, "You have no query none: it is forgotten an hour after its end"),
]


@pytest.mark.parametrize(("query", "said"), MALFORMED, ids=lambda value: value[:50] if isinstance(value, str) else "")
async def test_what_cannot_be_read_is_a_400(installation: Installation, query: dict[str, Any], said: str) -> None:
    for answer in (
        await installation.client().get(PATH, params={"json": json.dumps(query)}),
        await installation.client().post(PATH, json=query),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_PARAMETER")
        assert answer.json()["error"]["description"].startswith(said)


@pytest.mark.parametrize(("query", "said"), REFUSED, ids=lambda value: value[:50] if isinstance(value, str) else "")
async def test_what_cannot_be_done_is_a_422(installation: Installation, query: dict[str, Any], said: str) -> None:
    answer = await installation.client().get(PATH, params={"json": json.dumps(query)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "UNPROCESSABLE_ENTITY")
    assert answer.json()["error"]["description"].startswith(said)


@pytest.mark.parametrize("path", ["/query/status", "/query/results"])
async def test_a_look_needs_a_name(installation: Installation, path: str) -> None:
    answer = await installation.client().get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_PARAMETER")
    assert "schedule_id" in answer.json()["error"]["description"]
