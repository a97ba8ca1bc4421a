"""A MariaDB server for the tests, where its package is installed; nothing of it stays."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql

from certificates import authority, server_certificate

MARIADBD = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
INSTALL = shutil.which("mariadb-install-db") or "mariadb-install-db"
NOT_RUN = "MariaDB is not installed (Debian: mariadb-server-core): its tests did not run."
PASSWORD = "only-for-tests"
AUTHORITY = authority("mariadb")
"""Whose certificate it shows to those who ask for TLS."""


@contextmanager
def mariadb_server() -> Iterator[dict[str, str]]:
    """A running server; the fields of a form."""
    assert MARIADBD is not None
    with tempfile.TemporaryDirectory(prefix="mariadb-") as folder, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        data = Path(folder) / "data"
        data.mkdir()
        options = ["--no-defaults", f"--datadir={data}", f"--socket={folder}/socket", "--user=root"]
        made = Path(folder) / "init.sql"
        made.write_text(
            f"CREATE DATABASE days;\nCREATE USER reader@localhost IDENTIFIED BY '{PASSWORD}';\n"
            "GRANT ALL ON days.* TO reader@localhost;\n"
        )
        subprocess.run(
            [
                INSTALL,
                "--no-defaults",
                f"--datadir={data}",
                "--user=root",
                "--skip-test-db",
                "--auth-root-authentication-method=normal",
            ],
            check=True,
            capture_output=True,
        )
        certificate, key = server_certificate(AUTHORITY).files(Path(folder))
        options += [f"--ssl-cert={certificate}", f"--ssl-key={key}"]
        command = [MARIADBD, *options, "--bind-address=127.0.0.1", f"--port={port}", f"--init-file={made}"]
        with (Path(folder) / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
            try:
                fields = {"host": "127.0.0.1", "port": str(port), "database": "days", "user": "reader"}
                _wait(process, fields, Path(folder) / "log")
                yield fields
            finally:
                process.kill()


def connect(fields: dict[str, str]) -> pymysql.Connection:
    return pymysql.connect(
        host=fields["host"], port=int(fields["port"]), user=fields["user"], password=PASSWORD, database="days"
    )


def _wait(process: subprocess.Popen[bytes], fields: dict[str, str], log: Path) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            connect(fields).close()
            return
        except pymysql.Error:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"MariaDB does not start: {log.read_text()[-2000:]}") from None
            time.sleep(0.05)
