"""An HTTP server that answers what a test says and remembers what it was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request. target: path with query."""

    method: str
    target: str
    headers: dict[str, str]
    body: Any


@dataclass
class Answering:
    """Answers by method and path; of several answers the last one repeats."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    _answers: dict[tuple[str, str], list[tuple[int, Any, dict[str, str]]]] = field(default_factory=dict)

    def on(self, method: str, path: str, *data: Any) -> None:
        """Answer with these data in turn, wrapped."""
        self._answers[method, path] = [(200, {"meta": {"request_id": "R1234567"}, "data": one}, {}) for one in data]

    def then(self, method: str, path: str, data: Any) -> None:
        """After what was said before, answer with these data."""
        self._answers[method, path].append((200, {"meta": {"request_id": "R1234567"}, "data": data}, {}))

    def bare(self, method: str, path: str, body: Any, status: int = 200, **headers: str) -> None:
        """Answer with this body as it is; bytes are sent as they are."""
        self._answers[method, path] = [(status, body, headers)]

    def refuse(self, method: str, path: str, status: int, code: str, description: str, **headers: str) -> None:
        error = {"code": code, "message": "Message", "description": description}
        self.bare(method, path, {"meta": {"request_id": "R1234567"}, "error": error}, status, **headers)

    def answer(self, asked: Asked) -> tuple[int, Any, dict[str, str]]:
        self.asked.append(asked)
        answers = self._answers.get((asked.method, asked.target.partition("?")[0]))
        if not answers:
            return 404, {"meta": {}, "error": {"code": "NOT_FOUND", "message": "Not Found"}}, {}
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def bodies(self, method: str) -> list[Any]:
        return [one.body for one in self.asked if one.method == method]

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Answering]:
        class Handler(BaseHTTPRequestHandler):
            def handle_one(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size)) if size else None
                status, found, headers = answering.answer(Asked(self.command, self.path, dict(self.headers), body))
                content = b"" if status == 204 else found if isinstance(found, bytes) else json.dumps(found).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet: the test looks at `asked`."""

        httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        answering = cls(f"http://127.0.0.1:{httpd.server_port}")
        thread = Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield answering
        finally:
            httpd.shutdown()
            httpd.server_close()
            thread.join()


def backfill(
    status: str = "RUNNING", completed: int = 0, failed: int = 0, total: int = 4, **more: Any
) -> dict[str, Any]:
    """A backfill as the wire shows it; its first ``failed`` days have failed, RATE_LIMIT first, then AUTH."""
    report = [
        {
            "transfer_run_date": f"2024-01-{index + 1:02}",
            "error": f"no luck {index}",
            "x": {"transfer_run_id": index, "cause": "RATE_LIMIT" if index == 0 else "AUTH", "attempts": 1},
        }
        for index in range(failed)
    ]
    ended = status in ("COMPLETED", "FAILED", "CANCELLED")
    return {
        "transfer_backfill_id": 12,
        "transfer_id": 3,
        "range_start_date": "2024-01-01",
        "range_end_date": f"2024-01-{total:02}",
        "created_time": "2024-02-01T00:00:00Z",
        "start_time": "2024-02-01T00:00:01Z",
        "end_time": "2024-02-01T00:01:03Z" if ended else None,
        "status": status,
        "transfer_runs_total": total,
        "transfer_runs_created": total,
        "transfer_runs_completed": completed,
        "transfer_runs_failed": failed,
        "error_report": report[::-1],
        "x": {"rows_total": 130_848, "runs_running": 0},
    } | more
