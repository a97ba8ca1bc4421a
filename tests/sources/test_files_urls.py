"""Files at a URL: read as files on the disk are, and an answer that is no file is told for what it is."""

from __future__ import annotations

import gzip
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dayfill import sources
from dayfill.domain.addresses import networks
from dayfill.domain.reach import Reach
from dayfill.domain.transfer import Field, Table
from dayfill.errors import ConnectorError, Permanent, Transient
from dayfill.sources import DaysRead, SourceConfig
from dayfill.sources.files import download
from website import Reply, website

DAY = date(2024, 2, 29)
HERE = Reach(nets=networks(["127.0.0.0/8"]))
CSV = b"d,n\n2024-02-29,1\n2024-03-01,2\n"


def read(url: str, *days: date, reach: Reach = HERE, **settings: str) -> DaysRead:
    config = SourceConfig({"path": url, "date_column": "d", **settings}, reach=reach)
    return sources.get("FILES").read_days(config, Table("t"), days or [DAY], 60)


def error_of(answer: Reply) -> ConnectorError:
    with website({"/a.csv": answer}) as (url, _), pytest.raises(ConnectorError) as error:
        read(f"{url}/a.csv?sig=SECRET")
    assert "SECRET" not in error.value.message
    return error.value


def test_a_csv_at_a_url_is_read_once_for_all_days() -> None:
    with website({"/a.csv": (200, {}, CSV)}) as (url, asked):
        found = read(f"{url}/a.csv?sig=1", DAY, DAY + timedelta(days=1))
        assert sorted(found.reader.read_all().column("n").to_pylist()) == [1, 2]
        assert found.complete and [one[":path"] for one in asked] == ["/a.csv?sig=1"]


def test_packed_text_and_packed_parquet_are_read_too(tmp_path: Path) -> None:
    pq.write_table(pa.table({"d": pa.array([DAY]), "n": pa.array([7])}), tmp_path / "a.parquet")
    parquet = (tmp_path / "a.parquet").read_bytes()
    answers: dict[str, Reply] = {
        "/a.csv.gz": (200, {}, gzip.compress(CSV)),
        "/b.csv.gz": (200, {"Content-Encoding": "gzip"}, gzip.compress(CSV)),
        "/a.parquet": (200, {}, parquet),
        "/a.parquet.gz": (200, {}, gzip.compress(parquet)),
        "/a.jsonl": (200, {}, b'{"d": "2024-02-29", "n": 7}\n'),
    }
    with website(answers) as (url, _):
        for path, expected in zip(answers, [1, 1, 7, 7, 7], strict=True):
            assert read(f"{url}{path}").reader.read_all().column("n").to_pylist() == [expected]


def test_a_url_with_the_date_is_asked_for_the_wanted_days_and_a_missing_one_fails_alone() -> None:
    answers: dict[str, Reply] = {
        "/2024/2024-02-29.csv": (200, {}, b"d,n\n2024-02-29,1\n"),
        "/2024/2024-03-02.csv": (200, {}, b"d,n\n2024-03-02,3\n"),
    }
    with website(answers) as (url, asked):
        found = read(f"{url}/{{date:%Y}}/{{date}}.csv", *(DAY + timedelta(days=n) for n in range(3)))
        assert sorted(found.reader.read_all().column("n").to_pylist()) == [1, 3]
        missing = found.failed_days[date(2024, 3, 1)]
        assert isinstance(missing, Permanent) and "There is no file" in missing.message
        assert len(asked) == 3 and list(found.failed_days) == [date(2024, 3, 1)]
        with pytest.raises(Permanent, match="There is no file"):
            read(f"{url}/{{date:%Y}}/{{date}}.csv", date(2025, 1, 1))


def test_the_schema_of_a_url_with_the_date_is_what_was_declared() -> None:
    with website({}) as (url, asked):
        config = SourceConfig({"path": f"{url}/{{date}}.csv", "date_column": "d"}, reach=HERE)
        declared = Table("t", (Field("d", "d", "DATE"), Field("n", "n", "INTEGER")))
        assert sources.get("FILES").schema(config, declared).names == ["d", "n"]
        with pytest.raises(Permanent, match="declare the fields"):
            sources.get("FILES").schema(config, Table("t"))
        assert asked == []


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        ((404, {}, b""), Permanent, "There is no file"),
        ((410, {}, b""), Permanent, "There is no file"),
        ((403, {}, b""), Permanent, "without a login"),
        ((204, {"Content-Length": ""}, b""), Permanent, "answered with 204"),
        ((418, {}, b""), Permanent, "answered with 418"),
        ((500, {}, b""), Transient, "cannot be had now: 500"),
        ((408, {}, b""), Transient, "cannot be had now: 408"),
        ((200, {"Content-Length": "999"}, CSV), Transient, "breaks off"),
        ((200, {"Content-Length": "", "Connection": "close"}, CSV), Permanent, "does not say how long"),
        ((200, {"Content-Encoding": "gzip"}, gzip.compress(CSV)), Permanent, "packs it without being asked"),
        ((200, {}, b""), Permanent, "is empty"),
    ],
)
def test_an_answer_that_is_no_whole_file(answer: Reply, kind: type, said: str) -> None:
    error = error_of(answer)
    assert isinstance(error, kind) and said in error.message, error.message


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_asks_for_a_pause_gets_it(status: int) -> None:
    error = error_of((status, {"Retry-After": "7"}, b""))
    assert isinstance(error, Transient) and error.retry_after == 7


def test_a_file_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "MOST_BYTES", 100_000)
    assert "is larger than 100,000 bytes" in error_of((200, {}, CSV * 100_000)).message


def test_where_a_url_may_not_lead_every_day_fails_at_once() -> None:
    with website({"/2024-02-29.csv": (200, {}, CSV)}) as (url, asked), pytest.raises(Permanent) as error:
        read(f"{url}/{{date}}.csv", reach=Reach())
    assert error.value.fatal and asked == []


def test_nothing_of_a_reading_stays_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        download, "TemporaryDirectory", lambda prefix: __import__("tempfile").TemporaryDirectory(dir=tmp_path)
    )
    with website({"/a.csv": (200, {}, CSV)}) as (url, _):
        found = read(f"{url}/a.csv")
        assert len(list(tmp_path.glob("*/*"))) == 1
        found.reader.read_all()
    assert list(tmp_path.iterdir()) == []


NOW = {"ETag": '"1"', "Last-Modified": "Thu, 29 Feb 2024 12:00:00 GMT"}


@pytest.mark.parametrize("then", [(304, {}, b""), (200, NOW, CSV)])
def test_a_file_that_is_the_same_after_its_copy_is_read(then: Reply) -> None:
    with website([(200, NOW, CSV), then]) as (url, asked):
        assert read(f"{url}/a.csv").reader.read_all().num_rows == 1
    assert [one.get("If-None-Match") for one in asked] == [None, '"1"']
    assert asked[1]["If-Modified-Since"] == NOW["Last-Modified"]


@pytest.mark.parametrize(
    "then", [(200, {**NOW, "ETag": '"2"'}, CSV), (200, {**NOW, "Last-Modified": "later"}, CSV), (404, {}, b"")]
)
def test_a_file_that_changes_while_it_is_copied_is_read_another_time(then: Reply) -> None:
    with website([(200, NOW, CSV), then]) as (url, _), pytest.raises(Transient, match="changed while it was read"):
        read(f"{url}/a.csv")


def test_a_server_that_is_busy_when_it_is_asked_again_names_the_pause() -> None:
    with website([(200, NOW, CSV), (503, {"Retry-After": "7"}, b"")]) as (url, _), pytest.raises(Transient) as error:
        read(f"{url}/a.csv")
    assert error.value.retry_after == 7
