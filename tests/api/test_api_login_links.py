"""Login links, of which there is none, and the details of a data source."""

from __future__ import annotations

from typing import Any

import pytest
from test_api_logins import code

from installation import Installation

KINDS_OF_FIELDS = ("metrics", "dimensions")


async def test_there_is_no_link_to_list(installation: Installation) -> None:
    answer = await installation.client().get("/ds/login/links")
    assert (answer.status_code, answer.json()["data"]) == (200, [])


@pytest.mark.parametrize("link_id", ["link_1", "7", "é" * 60, "a.b"])
async def test_no_link_is_found(installation: Installation, link_id: str) -> None:
    client = installation.client()
    for method, path in (("GET", ""), ("PATCH", ""), ("PUT", "/close")):
        answer = await client.request(method, f"/ds/login/link/{link_id}{path}", content=b"{")
        assert code(answer) == (404, "LINK_NOT_FOUND")


async def test_a_link_is_refused_with_what_to_do_instead(installation: Installation) -> None:
    answer = await installation.client().post("/ds/login/link", json={"ds_id": "FILES", "expiry_time": "10 hours"})
    assert code(answer) == (422, "UNPROCESSABLE_ENTITY")
    assert "POST /teams/{team_id}/data-source-connections" in answer.json()["error"]["description"]
    unknown = await installation.client().post("/ds/login/link", json={"ds_id": "GAWA"})
    assert code(unknown) == (422, "UNPROCESSABLE_ENTITY")
    assert "known are DEMO_ADS, FILES" in unknown.json()["error"]["description"]


@pytest.mark.parametrize(
    "body", [{}, [], {"ds_id": ""}, {"ds_id": "A" * 51}, {"ds_id": 1}, {"ds_id": "FILES", "description": "x" * 1_001}]
)
async def test_a_link_that_cannot_be_read_is_malformed(installation: Installation, body: Any) -> None:
    assert code(await installation.client().post("/ds/login/link", json=body)) == (400, "INVALID_PARAMETER")


async def details(installation: Installation, data_source_id: str) -> dict[str, Any]:
    answer = await installation.client().get(f"/teams/{installation.team_id}/datasource/{data_source_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_a_data_source_is_described_whole(installation: Installation) -> None:
    found = await details(installation, "FILES")
    assert found["description"].startswith("CSV, JSON lines and Parquet")
    assert found["logo_url"].startswith("data:image/svg+xml,%3Csvg%20")
    yes = {"has_fields", "is_date_range_required"}
    assert {name for name, value in found.items() if value is True} == yes
    empty = {"tags", "report_types", "report_type_header_label"}
    assert {name for name, value in found.items() if value in ([], "")} == empty
    none = {
        "marketing_name",
        "account_labels",
        *(f"{end}_{kind}" for end in ("min", "max") for kind in KINDS_OF_FIELDS),
    }
    assert {name for name, value in found.items() if value is None} == none
    assert (found["id"], found["name"], found["status"]) == ("FILES", "Files", "Released")
    assert (found["categories"], found["products"]) == (["Files"], ["API", "DWH"])


async def test_settings_of_a_source_are_those_of_its_transfers(installation: Installation) -> None:
    settings = {one["setting_id"]: one for one in (await details(installation, "FILES"))["common_settings"]}
    assert settings["path"]["is_value_required"] is True
    assert settings["format"] == {
        "setting_id": "format",
        "context": "reportConfiguration",
        "type": "select",
        "label": "Format",
        "help_text": "auto goes by the file's ending.",
        "default_value": "auto",
        "options": [{"option_id": name, "label": name} for name in ("auto", "csv", "json", "parquet")],
        "is_value_required": False,
    }
    assert (settings["header"]["default_value"], settings["parallelism"]["default_value"]) == ("true", "4")
    assert settings["delimiter"]["default_value"] is settings["header"]["help_text"] is None


async def test_a_source_with_accounts_says_so(installation: Installation) -> None:
    found = await details(installation, "DEMO_ADS")
    assert (found["has_account_list"], found["categories"]) == (True, ["Other"])
    assert found["account_labels"] == {"singular": "account", "plural": "accounts"}


@pytest.mark.parametrize("source", ["GAWA", "files", "FILES ", "é", "7"])
async def test_another_source_is_missing(installation: Installation, source: str) -> None:
    answer = await installation.client().get(f"/teams/{installation.team_id}/datasource/{source}")
    assert code(answer) == (404, "NOT_FOUND")
    assert answer.json()["error"]["description"] == "There is no such data source; list the available sources."
