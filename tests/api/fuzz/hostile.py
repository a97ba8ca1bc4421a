"""What a client may put where a value belongs: bounds, wrong types, odd texts, broken JSON, spoiled paths, headers."""

from __future__ import annotations

NUMBERS: tuple[object, ...] = (
    *(0, -1, 1, 2, 255, 366, 10_000, 10_001, 2**31 - 1, 2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 10**30),
    *(1.0, 1.5, -0.0, 1e308, True, False, None),
)
TEXTS: tuple[str, ...] = (
    *("", " ", "\0", "a\0b", "\u202eabc", "\U0001f600", "é", "e\u0301", "\r\nX-Evil: 1", "\ud800", "\udfff", "\ufeff"),
    *("x" * 51, "x" * 101, "x" * 256, "x" * 1001, "x" * 5000, "0", "-1", "1e3", "NaN", "null", "true", "9" * 40),
    *("2024-02-30", "2024-06-14", "2024-06-14T00:00:00", "2024-06-14T00:00:00+02:00", "9999-12-31", "0001-01-01"),
    *("'; DROP TABLE runs; --", '"', "\\", "../../x", "%2e%2e", "${env:HOME}", "{{7*7}}", "<script>alert(1)</script>"),
    *(
        "\uff12\uff10\uff12\uff14-01-01",
        "tg_1",
        "tg_",
        "daily",
        "CANCELLED",
        "FILES",
        "DWH_DUCKDB",
        "::1",
        "0.0.0.0/0",
        "a@b.example",
    ),
)
OTHERS: tuple[object, ...] = ([], {}, [[]], [None], {"": None}, {"a": {"b": {"c": []}}}, ["x"] * 600, [{}] * 60)
VALUES: tuple[object, ...] = (*NUMBERS, *TEXTS, *OTHERS)

IDS: tuple[str, ...] = (
    *("0", "-1", "+1", "01", "1.0", "1e3", "0x1", "null", "None", "x", "%20", "%31", "1%20", "%EF%BC%91", "%C2%B2"),
    *(str(2**31), str(2**53), str(2**63 - 1), str(2**63), "9" * 30, "9" * 3000, "tg_1", "tg_01", "tg_", "tg_tg_1"),
    *("*", "$", ";x=1", "1;2", "1,2", "..", ".", "%2e%2e", "latest", "runs", "{transfer_id}", "%FF", "%C0%AF", "%"),
)
"""Texts in a path where an id belongs, percent-encoded where they must be."""

PATHS: tuple[str, ...] = (
    "//",
    "/./",
    "/../",
    "/%2e%2e/",
    "%2F",
    "%2f",
    "/%00",
    "%00",
    "/;/",
    "%252f",
    "\\",
    "/ ",
    "/%0d%0a",
)
"""Put in for one of a path's slashes."""
TAILS: tuple[str, ...] = ("/", "//", "/..", "/.", "?", "%00", "%2f", "%20", ".json", "#", ";")
MOUNTS: tuple[str, ...] = (
    "/v3",
    "/V1",
    "/v1/v2",
    "/v2/v1",
    "/v1/v1/v1",
    "/enterprise",
    "/enterprise/v1",
    "/x",
    "/api",
    "/",
)

QUERIES: tuple[bytes, ...] = (
    *(
        b"&&==&",
        b"%",
        b"%zz=%zz",
        b"a=%00",
        b"limit",
        b"limit=",
        b"=1",
        b"limit=1&limit=2",
        b"\xff=\xff",
        b"a=" + b"x" * 4000,
    ),
    *(
        b"json=%7B%22api_key%22%3A%22api_x%22%7D",
        b"json={",
        b"json=%5B%5D",
        b"json=" + b"%5B" * 50,
        b"json=null",
        b"api_key=x",
    ),
    *(b";a=1", b"a[]=1", b"from=%2e%2e", b"cursor=%ff", b"status=RUNNING&status=\xc3\xa9", b"&".join([b"a=1"] * 300)),
)
BODIES: tuple[bytes, ...] = (
    *(
        b"",
        b"{",
        b"[",
        b'"',
        b"null",
        b"true",
        b"1",
        b'"x"',
        b"[]",
        b"{}",
        b"{}{}",
        b"{} x",
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
    ),
    *(b'{"a":1,"a":2}', b'{"a":NaN}', b'{"a":Infinity}', b'{"a":1e999}', b'{"a":"\xed\xa0\x80"}', b'{"a":"\\ud800"}'),
    *(b"[" * 33 + b"]" * 33, b"[" * 5_000, b'{"a":' * 40 + b"1" + b"}" * 40, b'{"a":' + b"9" * 5_000 + b"}", b"\0"),
    *(b'{"a":"\0"}', b"<xml/>", b"a=1&b=2", b"{'a':1}", b'{"a":1,}', b'{"a":"' + b"x" * 70_000 + b'"}', b" " * 1_000),
    b"{" + b",".join(b'"k%d":0' % n for n in range(10_001)) + b"}",
)
"""Bodies that are no document, or hardly one."""

HEADERS: tuple[tuple[bytes, bytes], ...] = (
    *((b"x-team-id", b"1"), (b"sm-app-id", b"\xff"), (b"host", b""), (b"host", b"x" * 300), (b"host", b"evil.example")),
    *((b"host", b"a b\tc"), (b"host", b"\xc3\xa9"), (b"content-length", b"-1"), (b"content-length", b"abc")),
    *(
        (b"content-length", b"1048577"),
        (b"content-length", b"9" * 5_000),
        (b"content-length", b"1"),
        (b"content-type", b"text/xml"),
        (b"cookie", b"a=b"),
    ),
    *(
        (b"content-encoding", b"gzip"),
        (b"transfer-encoding", b"chunked"),
        (b"expect", b"100-continue"),
        (b"accept", b"x"),
    ),
    *(
        (b"x-forwarded-for", b"127.0.0.1, ::1"),
        (b"x-forwarded-for", b"'"),
        (b"forwarded", b"for=_x"),
        (b"origin", b"null"),
    ),
    *(
        (b"x-http-method-override", b"DELETE"),
        (b"range", b"bytes=0-1"),
        (b"if-none-match", b"*"),
        (b"x-request-id", b"mine"),
    ),
)
IDEMPOTENCY: tuple[bytes, ...] = (*[b"a", b"b"] * 4, b"", b"x" * 255, b"x" * 256, b"\xff", b" ", b"'")
"""Two of them come again and again, with the same body and with another."""
AUTHORIZATIONS: tuple[bytes, ...] = (
    *(
        b"",
        b"Bearer",
        b"Bearer ",
        b"Basic eDp5",
        b"Bearer otok_x",
        b"otok_",
        b"Bearer api_",
        b"api_" + b"x" * 59,
        b"\xff" * 20,
    ),
    *(
        b"Bearer " + b"x" * 9_000,
        b"Bearer api_00000000_" + b"0" * 43 + b"_000000",
        b"Bearer null",
        b"Bearer  ",
        b"Digest a",
    ),
)
METHODS: tuple[str, ...] = (
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "BREW",
    "get",
    "Post",
)
