"""Settings: which one wins, what is refused, and that no error repeats a value."""

from __future__ import annotations

from pathlib import Path

import pytest

from dayfill.domain.reach import Reach, Reaches
from dayfill.errors import SetupError
from dayfill.settings import ClientSettings, RequestLimits, Settings, has_display, read_client_settings, read_settings

SECRET = "hunter2-should-not-appear"


def client(env: dict[str, str], tmp_path: Path, **flags: object) -> ClientSettings:
    """Client settings with this environment and the config file in tmp_path."""
    return read_client_settings(environ={"DAYFILL_CONFIG": str(tmp_path / "config.toml")} | env, **flags)  # type: ignore[arg-type]


def write_private(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)


def test_without_anything_the_server_is_on_loopback_beside_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    here = Reaches(Reach((str(tmp_path),), str(tmp_path / "dayfill-data")))
    assert read_settings(environ={}) == Settings(
        tmp_path / "dayfill-data", "127.0.0.1", 8484, 8, 10_000, "info", reaches=here
    )


def test_folders_for_files_come_from_the_environment_or_the_file(tmp_path: Path) -> None:
    (tmp_path / "dayfill.toml").write_text('file_roots = "/srv/data"\nteam_roots = "2=/srv/two"\n')
    read = read_settings(data_dir=tmp_path, environ={}).reaches
    assert (read.of(1).roots, read.of(2).roots) == (("/srv/data",), ("/srv/two",))
    assert read.of(2).home == str(tmp_path)
    env = {"DAYFILL_FILE_ROOTS": "/a:/b", "DAYFILL_TEAM_ROOTS": "3=/c"}
    read = read_settings(data_dir=tmp_path, environ=env).reaches
    assert (read.of(1).roots, read.of(3).roots) == (("/a", "/b"), ("/c",))


def test_networks_to_connect_to_are_the_administrators(tmp_path: Path) -> None:
    env = {"DAYFILL_ALLOW_NETS": "10.0.0.0/8, ::1"}
    assert [str(net) for net in read_settings(data_dir=tmp_path, environ=env).reaches.of(7).nets] == [
        "10.0.0.0/8",
        "::1/128",
    ]
    with pytest.raises(SetupError, match="DAYFILL_ALLOW_NETS"):
        read_settings(data_dir=tmp_path, environ={"DAYFILL_ALLOW_NETS": "localhost"})


@pytest.mark.parametrize("roots", ["/", "//", "/./", "data", "/a:", "/a/../..", "~"])
def test_a_folder_for_files_is_absolute_and_never_the_whole_disk(tmp_path: Path, roots: str) -> None:
    with pytest.raises(SetupError, match="DAYFILL_FILE_ROOTS"):
        read_settings(data_dir=tmp_path, environ={"DAYFILL_FILE_ROOTS": roots})


@pytest.mark.parametrize("folders", ["2", "two=/a", "2=b"])
def test_a_folder_of_a_team_names_its_team(tmp_path: Path, folders: str) -> None:
    with pytest.raises(SetupError, match="DAYFILL_TEAM_ROOTS"):
        read_settings(data_dir=tmp_path, environ={"DAYFILL_TEAM_ROOTS": folders})


def test_a_server_that_was_started_in_the_root_of_the_disk_opens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    assert read_settings(data_dir=tmp_path, environ={}).reaches.of(1).roots == ()


def test_flag_wins_over_environment_over_file(tmp_path: Path) -> None:
    (tmp_path / "dayfill.toml").write_text('bind = "127.0.0.1:1111"\nslots = 3\nmax_backfill_days = 50\n')
    env = {"DAYFILL_BIND": "127.0.0.1:2222", "DAYFILL_SLOTS": "5", "DAYFILL_DATA_DIR": "/nowhere"}
    found = read_settings(data_dir=tmp_path, bind="127.0.0.1:3333", environ=env)
    assert (found.port, found.slots, found.max_backfill_days) == (3333, 5, 50)
    assert found.data_dir == tmp_path
    assert read_settings(data_dir=tmp_path, environ=env).port == 2222
    assert read_settings(data_dir=tmp_path, environ={}).port == 1111


@pytest.mark.parametrize("address", ["0.0.0.0:8484", "[::]:8484", "192.168.1.7:80", "dayfill.example:8484"])
def test_an_address_that_others_reach_needs_a_proxy_in_front(address: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="DAYFILL_BEHIND_PROXY=1"):
        read_settings(data_dir=tmp_path, environ={"DAYFILL_BIND": address})
    allowed = {"DAYFILL_BIND": address, "DAYFILL_BEHIND_PROXY": "1"}
    assert read_settings(data_dir=tmp_path, environ=allowed).port == int(address.rpartition(":")[2])


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [("[::1]:0", "::1", 0), ("localhost:80", "localhost", 80), ("127.8.8.8:1", "127.8.8.8", 1)],
)
def test_loopback_addresses_need_none(address: str, host: str, port: int, tmp_path: Path) -> None:
    found = read_settings(data_dir=tmp_path, environ={"DAYFILL_BIND": address})
    assert (found.host, found.port) == (host, port)


def test_proxies_are_trusted_by_address_and_network(tmp_path: Path) -> None:
    found = read_settings(data_dir=tmp_path, environ={"DAYFILL_TRUSTED_PROXIES": "10.0.0.0/8, ::1"})
    assert [str(one) for one in found.trusted_proxies] == ["10.0.0.0/8", "::1/128"]
    assert read_settings(data_dir=tmp_path, environ={}).trusted_proxies == ()


@pytest.mark.parametrize("name", ["SLOTS", "TRUSTED_PROXIES", "MAX_BACKFILL_DAYS", "BEHIND_PROXY", "LOG_LEVEL", "BIND"])
def test_a_bad_value_is_named_by_its_key_and_never_repeated(name: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError) as caught:
        read_settings(data_dir=tmp_path, environ={f"DAYFILL_{name}": SECRET})
    assert f"DAYFILL_{name}" in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("value", ["0", "257", "-1", "1.5", "٣"])
def test_slots_are_a_whole_number_in_bounds(value: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="from 1 to 256"):
        read_settings(data_dir=tmp_path, environ={"DAYFILL_SLOTS": value})


def test_limits_of_requests_are_none_but_for_those_without_a_key(tmp_path: Path) -> None:
    assert read_settings(data_dir=tmp_path, environ={}).requests == RequestLimits(None, None, None, 1_000)
    names = ["KEY", "TEAM", "ADDRESS", "REFUSED"]
    env = {f"DAYFILL_{name}_REQUESTS_PER_HOUR": str(number) for number, name in enumerate(names, 7)}
    assert read_settings(data_dir=tmp_path, environ=env).requests == RequestLimits(7, 8, 9, 10)
    off = {"DAYFILL_REFUSED_REQUESTS_PER_HOUR": "0"}
    assert read_settings(data_dir=tmp_path, environ=off).requests.refused is None


@pytest.mark.parametrize(("name", "most"), [("KEY", 10_000), ("TEAM", 10_000), ("ADDRESS", 1_000_000)])
def test_a_limit_of_requests_is_within_what_a_header_may_say(name: str, most: int, tmp_path: Path) -> None:
    name = f"DAYFILL_{name}_REQUESTS_PER_HOUR"
    for number in (1, most):
        read_settings(data_dir=tmp_path, environ={name: str(number)})
    for number in (0, most + 1):
        with pytest.raises(SetupError, match=f"{name}: expected a whole number from 1 to {most}"):
            read_settings(data_dir=tmp_path, environ={name: str(number)})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'slots = "{SECRET}"', "slots in .*whole number"),
        ('slots = "8"', "slots in .*whole number"),
        (f'sluts = "{SECRET}"', "Unknown key sluts"),
        (f"slots = {SECRET}", "not a TOML file"),
    ],
)
def test_a_fault_in_the_file_is_named_without_its_value(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "dayfill.toml").write_text(text)
    with pytest.raises(SetupError, match=said) as caught:
        read_settings(data_dir=tmp_path, environ={})
    assert SECRET not in str(caught.value)


def test_a_mistyped_name_in_the_environment_is_refused_by_server_and_client(tmp_path: Path) -> None:
    env = {"DAYFILL_APIKEY": SECRET}
    with pytest.raises(SetupError, match="DAYFILL_APIKEY") as caught:
        read_settings(data_dir=tmp_path, environ=env)
    assert SECRET not in str(caught.value)
    with pytest.raises(SetupError, match="DAYFILL_APIKEY"):
        client(env, tmp_path)


def test_server_and_client_share_one_shell(tmp_path: Path) -> None:
    env = {"DAYFILL_URL": "http://a:1", "DAYFILL_API_KEY": "k", "DAYFILL_SLOTS": "2", "DAYFILL_DATA_DIR": str(tmp_path)}
    assert read_settings(environ=env).slots == 2
    assert client(env, tmp_path).url == "http://a:1"


def test_client_order_is_flag_environment_fallback_profile_default(tmp_path: Path) -> None:
    write_private(tmp_path / "config.toml", '[default]\nurl = "http://profile:1"\nteam_id = 1\napi_key = "p"\n')
    fallback = {"SUPERMETRICS_BASE_URL": "http://fallback:1", "SUPERMETRICS_TEAM_ID": "2", "SUPERMETRICS_API_KEY": "f"}
    own = {"DAYFILL_URL": "http://own:1/", "DAYFILL_TEAM_ID": "3", "DAYFILL_API_KEY": "o"}
    assert client({}, tmp_path / "none").url == "http://127.0.0.1:8484"
    for env, expected in [
        ({}, ("http://profile:1", 1, "p")),
        (fallback, ("http://fallback:1", 2, "f")),
        (fallback | own, ("http://own:1", 3, "o")),
    ]:
        found = client(env, tmp_path)
        assert (found.url, found.team_id, found.api_key) == expected
    flagged = client(fallback | own, tmp_path, url="http://flag:1", team_id=4, output="ndjson")
    assert (flagged.url, flagged.team_id, flagged.output) == ("http://flag:1", 4, "ndjson")


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    assert client({"DAYFILL_TEAM_ID": "", "DAYFILL_URL": ""}, tmp_path).team_id is None


def test_a_named_profile_is_taken_and_must_exist(tmp_path: Path) -> None:
    write_private(tmp_path / "config.toml", "[default]\nteam_id = 1\n[other]\nteam_id = 2\n")
    assert client({"DAYFILL_PROFILE": "other"}, tmp_path).team_id == 2
    assert client({"DAYFILL_PROFILE": "default"}, tmp_path, profile="other").team_id == 2
    with pytest.raises(SetupError, match=r"no profile \[gone\]"):
        client({}, tmp_path, profile="gone")


def test_a_profile_that_others_can_read_is_refused(tmp_path: Path) -> None:
    write_private(tmp_path / "config.toml", '[default]\napi_key = "k"\n')
    (tmp_path / "config.toml").chmod(0o640)
    with pytest.raises(SetupError, match="chmod 600"):
        client({}, tmp_path)


@pytest.mark.parametrize("url", ["ftp://a", "127.0.0.1:8484", "http://"])
def test_a_url_is_http(url: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="DAYFILL_URL"):
        client({"DAYFILL_URL": url}, tmp_path)


def test_a_key_does_not_show_in_a_repr(tmp_path: Path) -> None:
    assert SECRET not in repr(client({"DAYFILL_API_KEY": SECRET}, tmp_path))


@pytest.mark.parametrize(
    "platform, environ, there",
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ""}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("darwin", {}, True),
        ("win32", {}, True),
    ],
)
def test_a_window_is_opened_where_there_is_a_display(platform: str, environ: dict[str, str], there: bool) -> None:
    assert has_display(environ, platform) is there
