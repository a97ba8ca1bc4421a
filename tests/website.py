"""A web server on loopback that answers what a test tells it to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

Reply = tuple[int, dict[str, str], bytes]
"""Status, headers (an empty one is left out, Content-Length too) and body."""


@contextmanager
def website(replies: Mapping[str, Reply] | Sequence[Reply]) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Replies by path, or in turn with the last one for ever; its address, headers and ``:path`` of each request."""
    asked: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            turn = len(asked)
            asked.append({**self.headers, ":path": self.path})
            status, headers, body = _reply(replies, self.path.partition("?")[0], turn)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                if value:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        def log_message(self, *args: object) -> None: ...

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}", asked
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


def _reply(replies: Mapping[str, Reply] | Sequence[Reply], path: str, turn: int) -> Reply:
    if isinstance(replies, Mapping):
        return replies.get(path, (404, {}, b"no such file"))
    return replies[min(turn, len(replies) - 1)]
