"""Outgoing connections: where they go is checked each time, and nothing that a name or an answer says changes that."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dayfill import outgoing
from dayfill.domain.addresses import networks
from dayfill.domain.reach import NOTHING, Reach
from dayfill.errors import ConnectorError, Permanent, Transient
from website import website

HERE = Reach(nets=networks(["127.0.0.0/8"]))
PUBLIC = "93.184.216.34"

BAD = """127.0.0.1 0.0.0.0 10.0.0.1 169.254.169.254 224.0.0.1 ::1 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808:: fe80::1
fe80::1%eth0 fd00::1""".split()


@pytest.mark.parametrize(
    "url",
    """file:///etc/passwd ftp://example.com/a gopher://example.com/ data:,x http:///a https:// http://user@example.com/
    http://user:hunter2@example.com/ http://127.1/ http://2130706433/ http://0x7f000001/ http://0x7f.0.0.1/ http://017700000001/
    http://127.0.0.0x1/ http://0177.0.0.1/ http://1.2.3.4.5/ http://127.0.0.1./x http://[fe80::1%25eth0]/ http://[::1%lo]/
    http://exa\\mple.com/ http://example.com:99999/ http://ex\u00e4mple.com/ http://-a/ http://a_\u3002b/ http://[v1.a]/""".split(),
)
def test_a_url_of_an_odd_form_is_refused(url: str) -> None:
    with pytest.raises(Permanent) as refused:
        outgoing.parsed(url)
    assert refused.value.fatal and "hunter2" not in refused.value.message


@given(st.text(max_size=30))
def test_no_url_breaks_the_reader(text: str) -> None:
    try:
        url = outgoing.parsed("http://" + text)
    except Permanent:
        return
    assert url.target.isascii() and url.target.startswith("/") and url.host.isascii() and " " not in url.target


def fetched(url: str, reach: Reach = HERE, left: Callable[[], float] = lambda: 60.0) -> tuple[int, bytes]:
    with outgoing.get(url, reach, left) as answer:
        return answer.status, b"".join(answer.chunks)


def refused(url: str, reach: Reach = HERE) -> ConnectorError:
    with pytest.raises(ConnectorError) as error:
        fetched(url, reach)
    return error.value


def test_an_answer_comes_whole_and_says_who_asked() -> None:
    with website([(200, {}, b"x" * 300_000)]) as (url, asked):
        assert fetched(f"{url}/a b?c=d".replace(" ", "%20")) == (200, b"x" * 300_000)
        assert asked[0][":path"] == "/a%20b?c=d"
        assert asked[0]["Host"] == url.removeprefix("http://") and asked[0]["Accept-Encoding"] == "identity"


def test_loopback_is_not_reached_by_itself() -> None:
    with website([(200, {}, b"secret")]) as (url, asked):
        assert "leads to an address or a port" in refused(f"{url}/?sig=SECRET", NOTHING).message
        assert "SECRET" not in refused(f"{url}/?sig=SECRET", NOTHING).message
        assert asked == []


def names(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let names stand for these addresses, another list each time; returns what was asked for."""
    asked: list[str] = []

    def addresses(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    monkeypatch.setattr(outgoing, "addresses_of", addresses)
    return asked


@pytest.mark.parametrize("address", BAD)
def test_a_name_that_stands_for_a_bad_address_among_good_ones_is_refused(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", lambda *given, **named: pytest.fail("connected"))
    for found in ([address], [PUBLIC, address], [address, PUBLIC]):
        names(monkeypatch, found)
        assert isinstance(refused("http://example.com/", NOTHING), Permanent)


def test_a_name_is_asked_once_and_connected_to_what_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rebinding: the second answer would be the machine itself."""
    asked, connected = names(monkeypatch, [PUBLIC], ["127.0.0.1"]), []

    def connect(self: object, host: str, port: int, *more: object) -> httpcore.NetworkStream:
        connected.append((host, port))
        return httpcore.MockStream([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"])

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    assert fetched("http://example.com/a", NOTHING) == (200, b"ok")
    assert (asked, connected) == (["example.com"], [(PUBLIC, 80)])


def test_tls_is_for_the_name_and_not_for_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = names(monkeypatch, [PUBLIC])
    seen: list[object] = []

    class Stream(httpcore.MockStream):
        def start_tls(self, ssl_context, server_hostname=None, timeout=None):  # type: ignore[no-untyped-def]
            seen.extend((server_hostname, ssl_context.check_hostname, ssl_context.verify_mode.name))
            return self

    answer = Stream([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"])
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", lambda *given: answer)
    assert fetched("https://example.com/a", NOTHING) == (200, b"ok")
    assert (asked, seen) == (["example.com"], ["example.com", True, "CERT_REQUIRED"])


@pytest.mark.parametrize("port", [22, 25, 5432, 6379, 9200])
def test_a_public_address_is_reached_on_ports_of_the_web_only(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    names(monkeypatch, [PUBLIC])
    assert "or a port" in refused(f"http://example.com:{port}/", NOTHING).message


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://10.0.0.1/",
        "file:///etc/passwd",
        "//0x7f.1/",
        "http://u:p@127.0.0.1/",
    ],
)
def test_a_redirect_is_checked_like_the_first_url(target: str) -> None:
    with website([(302, {"Location": target}, b"")]) as (url, asked):
        assert isinstance(refused(url), Permanent)
        assert len(asked) == 1


def test_a_redirect_to_the_machine_itself_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with website([(200, {}, b"secret")]) as (url, asked):
        names(monkeypatch, [PUBLIC], ["127.0.0.1"])
        moved = f"HTTP/1.1 302 Found\r\nLocation: {url}/\r\nContent-Length: 0\r\n\r\n".encode()
        monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", lambda *given: httpcore.MockStream([moved]))
        assert "may not go to" in refused("http://example.com/", NOTHING).message
        assert asked == []


def test_a_url_without_tls_is_not_followed_from_one_with(monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, [PUBLIC])
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://example.com/b\r\nContent-Length: 0\r\n\r\n"
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", lambda *given: httpcore.MockStream([moved]))
    assert "without TLS" in refused("https://example.com/a", NOTHING).message


def test_redirects_end_after_five() -> None:
    onward = (307, {"Location": "/on"}, b"")
    with website([*[onward] * 5, (200, {}, b"there")]) as (url, _):
        assert fetched(url) == (200, b"there")
    with website([onward]) as (url, asked):
        assert "more than 5 times" in refused(url).message
        assert len(asked) == 6


def test_settings_of_the_environment_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    monkeypatch.setenv("SSLKEYLOGFILE", "/nowhere/keys")
    with website([(200, {}, b"x")]) as (url, _):
        assert fetched(url) == (200, b"x")


def test_an_answer_that_breaks_off_is_no_answer() -> None:
    with website([(200, {"Content-Length": "10"}, b"short")]) as (url, _):
        error = refused(url)
    assert isinstance(error, Transient) and "breaks off" in error.message


def test_a_name_without_an_address_and_a_closed_port_are_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert isinstance(refused(f"http://127.0.0.1:{closed.getsockname()[1]}/"), Transient)

    def no_name(host: str, port: int) -> list[str]:
        raise socket.gaierror

    monkeypatch.setattr(outgoing, "addresses_of", no_name)
    assert isinstance(refused("http://example.com/"), Transient)


def test_an_answer_byte_by_byte_ends_with_the_deadline() -> None:
    """Each byte comes in time, so no timeout of a single read would ever strike."""
    left = iter([60.0] * 12)

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            try:
                for _ in range(10_000):
                    connection.send(b"H")
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as threads:
        dripping = threads.submit(drip, listener)
        with (
            pytest.raises(Transient),
            outgoing.get(f"http://127.0.0.1:{listener.getsockname()[1]}/", HERE, lambda: next(left, 0.0)),
        ):
            pass
        dripping.result()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120.0),
        ({"Retry-After": "Fri, 01 Mar 2024 00:02:00 GMT", "Date": "Fri, 01 Mar 2024 00:00:00 GMT"}, 120.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "9999999999"}, 86_400.0),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_told(headers: dict[str, str], seconds: float | None) -> None:
    assert outgoing._retry_after({name.lower(): value for name, value in headers.items()}) == seconds
