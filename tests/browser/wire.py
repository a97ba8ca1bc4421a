"""What comes over the wire to a page, as its browser counts it."""

from __future__ import annotations

from typing import Any

from person import Person

ALONE = "delete window.SharedWorker"
"""The page holds its stream itself: what a worker receives cannot be counted."""


class Wire:
    """Counts what comes over the wire to one page, headers included, but for the stream of a shared worker."""

    def __init__(self, person: Person) -> None:
        self.requests, self.size, self.streamed = 0, 0, 0
        self.streams: set[str] = set()
        session = person.page.context.new_cdp_session(person.page)
        session.send("Network.enable")
        session.on("Network.requestWillBeSent", self._request)
        session.on("Network.loadingFinished", lambda event: self._add(event["encodedDataLength"]))
        session.on("Network.dataReceived", self._received)
        self.session = session

    def _request(self, event: dict[str, Any]) -> None:
        self.requests += 1
        if "/events/" in event["request"]["url"]:
            self.streams.add(event["requestId"])

    def _add(self, size: float) -> None:
        self.size += int(size)

    def _received(self, event: dict[str, Any]) -> None:
        if event["requestId"] in self.streams:  # which never ends
            self.streamed += event["encodedDataLength"]
