"""What somebody who may write a transfer, and no more, tries with the SQL source."""

from __future__ import annotations

import socket
from datetime import date

import pytest

from dayfill import sources
from dayfill.domain.addresses import networks
from dayfill.domain.reach import Reach
from dayfill.domain.secret import Secret
from dayfill.domain.transfer import Table
from dayfill.errors import Permanent
from dayfill.sources import SourceConfig, kept_for

DAYS = [date(2024, 1, 1)]
LOOPBACK = Reach(nets=networks(["127.0.0.0/8"]))


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
def test_a_password_is_sent_to_no_other_host_than_its_own(engine: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as theirs:
        theirs.settimeout(0)
        settings = {"host": "127.0.0.1", "port": str(theirs.getsockname()[1]), "database": "d", "user": "u"}
        wanted = {"engine": engine, "tls": "disable", "date_column": "day", "table": "t", **settings}
        kept = {kept_for("password", "db.example"): Secret("canary")}
        config = SourceConfig(wanted, secrets=kept, reach=LOOPBACK)  # type: ignore[arg-type]
        with pytest.raises(Permanent, match="password for another host") as refused:
            sources.get("SQL").read_days(config, Table("t", ()), DAYS, 5)
        assert refused.value.cause == "AUTH" and refused.value.fatal
        with pytest.raises(BlockingIOError):
            theirs.accept()
