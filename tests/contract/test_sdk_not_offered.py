"""What dayfill does not offer, through the official SDK: empty lists that parse, no object, 501 for a change."""

from __future__ import annotations

from io import BytesIO

import pytest
from official import Sdk
from supermetrics import (
    BlendConfig,
    BlendedDataSourceInput,
    DefinitionValue,
    FunctionArgument,
    FunctionStep,
    SupermetricsNotFoundError,
    SupermetricsServerError,
)
from supermetrics._generated.supermetrics_api_client.types import File, Unset

from installation import Installation

STEP = FunctionStep(
    "function", "upper_case", [FunctionArgument("value", DefinitionValue("data_source_field", "platform"))]
)
SOURCE = BlendedDataSourceInput("GA4", None, "abcd1234", None, [], "Google Analytics 4")
ACCOUNTS = [{"data_source_id": "AW", "accounts": [{"account_id": "123"}]}]


async def test_lists_are_empty(installation: Installation, call: Sdk) -> None:
    team_id = installation.team_id
    assert await call("custom_fields.list", team_id, limit=20, include_total_count=True) == []
    assert await call("account_tags.list", team_id) == []
    assert await call("blends.list", team_id, blend_type="join") == []
    connectors = await call("connector_builder.list", team_id, include_configs=True)
    assert (connectors.count, connectors.connectors) == (0, [])


async def test_metadata_of_custom_fields_is_empty_and_whole(installation: Installation, call: Sdk) -> None:
    found = await call("custom_fields.get_metadata", installation.team_id)
    assert (found.functions.items, found.field_data_types) == ([], [])
    assert not isinstance(found.rules, Unset)


async def test_no_object_is_found(installation: Installation, call: Sdk) -> None:
    for method, *ids in (
        ("custom_fields.get", 7),
        ("account_tags.get", "a1b2c3d"),
        ("blends.get", 7),
        ("connector_builder.get", "my-connector"),
        ("connector_builder.get_logo", "my-connector"),
        ("connector_builder_secrets.list", "my-connector"),
        ("connector_builder_logs.list", "my-connector"),
        ("connector_builder_logs.get", "my-connector", "log-1"),
    ):
        with pytest.raises(SupermetricsNotFoundError):
            await call(method, installation.team_id, *ids)


async def test_no_change_is_offered(installation: Installation, call: Sdk) -> None:
    logo = File(BytesIO(b"\x89PNG"), "logo.png", "image/png")
    blend, field = ([SOURCE], BlendConfig(fields=[])), ("string.text.value", [STEP])
    configuration = {"id": "cfg-1", "version": 2, "configuration_json": {}}
    for method, *arguments in (
        ("custom_fields.create", "Platform", "dim", *field),
        ("custom_fields.update", 7, "Platform", *field),
        ("custom_fields.delete", 7),
        ("account_tags.create", "Paid", "#112233", ACCOUNTS),
        ("account_tags.update", "a1b2c3d", "Paid", "#112233"),
        ("account_tags.delete", "a1b2c3d"),
        ("account_tags.add_accounts", "a1b2c3d", ACCOUNTS),
        ("account_tags.remove_accounts", "a1b2c3d", ACCOUNTS),
        ("blends.create", "Both", "union", *blend),
        ("blends.update", 7, "Both", *blend),
        ("blends.delete", 7),
        ("connector_builder.create", "Mine"),
        ("connector_builder.update", "my-connector", {"name": "Mine", "description": "New"}, configuration),
        ("connector_builder.delete", "my-connector"),
        ("connector_builder.upload_logo", "my-connector", logo),
        ("connector_builder_secrets.create", "my-connector", "token", "value"),
        ("connector_builder_secrets.update", "my-connector", "token", "value"),
        ("connector_builder_secrets.delete", "my-connector", "token"),
    ):
        with pytest.raises(SupermetricsServerError) as refused:
            await call(method, installation.team_id, *arguments)
        assert (refused.value.status_code, refused.value.error_code) == (501, "NOT_IMPLEMENTED"), method
