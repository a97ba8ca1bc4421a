"""Teams, logins, links, accounts and sources through the official SDK: an unset field is a wrongly wrapped body."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from official import Sdk
from supermetrics import SupermetricsForbiddenError, SupermetricsNotFoundError
from supermetrics import ValidationError as SdkValidationError
from supermetrics._generated.supermetrics_api_client.types import Unset

import seeds
from dayfill.domain.access import Role
from installation import NOON, Installation


def unset(value: Any) -> list[str]:
    """The fields of a parsed object that were not in the answer, those of its parts too."""
    found = []
    for name in value.__attrs_attrs__:
        field = getattr(value, name.name)
        if isinstance(field, Unset):
            found.append(name.name)
        for part in field if isinstance(field, list) else [field]:
            if hasattr(part, "__attrs_attrs__"):
                found += [f"{name.name}.{inner}" for inner in unset(part)]
    return found


async def test_a_team(installation: Installation, call: Sdk) -> None:
    team = await call("teams.get", installation.team_id)
    assert unset(team) == []
    assert (team.team_id, team.name, team.status) == (installation.team_id, "First", 1)
    assert (team.display_id, team.created_at) == (f"SM_{installation.team_id}", NOON)
    with pytest.raises(SupermetricsForbiddenError):
        await call("teams.get", 99)


async def test_users_of_a_team(installation: Installation, call: Sdk) -> None:
    viewer, _ = await installation.user(installation.team_id, Role.VIEWER)
    found = await call("teams.list_users", installation.team_id)
    assert [(one.user_id, one.role) for one in found] == [(installation.user_id, "OWNER"), (viewer, "VIEWER")]
    assert [unset(one) for one in found] == [[], []]
    assert all("@" in one.email and one.first_name and one.last_name for one in found)
    assert found[0].created_at == NOON


async def test_logins(installation: Installation, call: Sdk) -> None:
    transfer = await seeds.transfer(installation)
    ads = await seeds.login(installation, "DEMO_ADS")
    found = await call("logins.list")
    assert [one.login_id for one in found] == [str(ads.connection_id), str(transfer.connection_id)]
    assert [unset(one) for one in found] == [[], []]
    one = await call("logins.get", str(ads.connection_id))
    assert one.to_dict() == found[0].to_dict()
    assert (one.type_, one.login_type, one.is_refreshable, one.is_shared) == ("ds_login", "none", False, True)
    assert (one.ds_info.ds_id, one.ds_info.name) == ("DEMO_ADS", "Demo Ads")
    assert (one.auth_time, one.expiry_time, one.revoked_time) == (NOON, None, None)
    assert (one.default_scopes, one.additional_scopes) == ([], [])
    assert one.auth_user_info.user_id == str(installation.user_id)
    named = await call("logins.get_by_username", one.username)
    assert (named.login_id, named.display_name) == (one.login_id, "Demo Ads 2")
    with pytest.raises(SupermetricsNotFoundError):
        await call("logins.get", "99")


async def test_a_login_is_revoked_once(installation: Installation, call: Sdk) -> None:
    login_id = str((await seeds.login(installation)).connection_id)
    assert await call("logins.revoke", login_id) is True
    assert (await call("logins.get", login_id)).revoked_time == NOON
    with pytest.raises(SupermetricsNotFoundError):
        await call("logins.revoke", login_id)
    with pytest.raises(SupermetricsNotFoundError):
        await call("logins.revoke", "99")


async def test_accounts_of_a_login(installation: Installation, call: Sdk) -> None:
    login_id = str((await seeds.login(installation, "DEMO_ADS")).connection_id)
    found = await call("logins.get_accounts", login_id)
    assert [unset(one) for one in found] == [[], [], []]
    assert (found[1].type_, found[1].account_id, found[1].name) == ("ds_account", "100-2", "Café Zürich")
    second = await call("logins.get_accounts", login_id, offset=1, limit=1)
    assert [one.to_dict() for one in second] == [found[1].to_dict()]
    raw = await call("with_raw_response.logins.get_accounts", login_id, offset=1, limit=1)
    assert raw.json_body["meta"]["paginate"] == {"offset": 1, "limit": 1, "total": 3}
    with pytest.raises(SupermetricsNotFoundError):
        await call("logins.get_accounts", "99")


async def test_accounts_of_a_source(installation: Installation, call: Sdk) -> None:
    first, second = [await seeds.login(installation, "DEMO_ADS") for _ in range(2)]
    found = await call("accounts.list", "DEMO_ADS")
    assert [unset(one) for one in found] == [[]] * 6
    chosen = await call("accounts.list", "DEMO_ADS", [first.username.lower(), "nobody"], 60)
    assert [(one.account_id, one.account_name) for one in chosen[:2]] == [
        ("100-1", "Nordlicht Outdoor"),
        ("100-2", "Café Zürich"),
    ]
    assert len(chosen) == len(await call("accounts.list", "DEMO_ADS", second.username)) == 3
    assert await call("accounts.list", "FILES") == []
    with pytest.raises(SdkValidationError, match="There is no data source 'GAWA'"):
        await call("accounts.list", "GAWA")
    with pytest.raises(SdkValidationError):
        await call("accounts.list", "DEMO_ADS", cache_minutes=1)


async def test_login_links(call: Sdk) -> None:
    assert await call("login_links.list") == []
    tomorrow = datetime(2024, 6, 16, tzinfo=UTC)
    with pytest.raises(SdkValidationError, match="Files has no page to sign in"):
        await call(
            "login_links.create", "FILES", "For Ada", tomorrow, require_username="ada", redirect_url="https://a.example"
        )
    for method, *more in (("login_links.get",), ("login_links.update", "New"), ("login_links.close",)):
        with pytest.raises(SupermetricsNotFoundError):
            await call(method, "link_1", *more)


async def test_datasource_details(installation: Installation, call: Sdk) -> None:
    details = await call("datasource_details.get", installation.team_id, "DEMO_ADS")
    assert unset(details) == []
    assert (details.id, details.name, details.status) == ("DEMO_ADS", "Demo Ads", "Released")
    assert (details.categories, details.has_account_list) == (["Other"], True)
    assert (details.account_labels.singular, details.account_labels.plural) == ("account", "accounts")
    settings = {one.setting_id: one for one in details.common_settings}
    assert settings["restatements"].type_ == "checkbox"
    assert (settings["delay_ms"].default_value, settings["delay_ms"].is_value_required) == ("0", False)
    files = await call("datasource_details.get", installation.team_id, "FILES")
    options = next(one for one in files.common_settings if one.setting_id == "format").options
    assert [(one.option_id, one.label) for one in options[:2]] == [("auto", "auto"), ("csv", "csv")]
    with pytest.raises(SupermetricsNotFoundError):
        await call("datasource_details.get", installation.team_id, "GAWA")
