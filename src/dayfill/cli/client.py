"""One HTTP client for all commands: team, key, errors turned into exit codes, changes safe to repeat."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from dayfill import __version__
from dayfill.cli.exits import CommandError, Exit, usage
from dayfill.cli.options import Options
from dayfill.cli.output import Printer, plain
from dayfill.seams import system_seams
from dayfill.settings import ClientSettings

_LOOPBACK = ("http://127.", "http://localhost", "http://[::1]")
_TIMEOUT = httpx.Timeout(30.0, connect=5.0)


class Api(AbstractContextManager["Api"]):
    """A server as one key sees it; paths below are those of the wire."""

    def __init__(
        self, settings: ClientSettings, *, verbose: bool = False, transport: httpx.BaseTransport | None = None
    ) -> None:
        if not settings.api_key:
            raise usage(
                "No API key.", "Set DAYFILL_API_KEY, or api_key in the profile; `dayfill key create` makes one."
            )
        self.url = settings.url
        self._team_id = settings.team_id
        self._verbose = verbose
        headers = {"Authorization": f"Bearer {settings.api_key}", "User-Agent": f"dayfill/{__version__}"}
        self._http = httpx.Client(
            base_url=settings.url,
            headers=headers,
            timeout=_TIMEOUT,
            transport=transport,
            trust_env=not settings.url.startswith(_LOOPBACK),  # no proxy on the way to this machine
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    @property
    def team_id(self) -> int:
        if self._team_id is None:
            raise usage("No team.", "Add --team, or set DAYFILL_TEAM_ID; the first team of an installation is 1.")
        return self._team_id

    def team(self, path: str) -> str:
        """A path of the warehouse part: ``/teams/{team}/...``."""
        return f"/teams/{self.team_id}/{path}"

    def x(self, path: str) -> str:
        """A path of the extension: ``/x/v1/teams/{team}/...``."""
        return f"/x/v1/teams/{self.team_id}/{path}"

    def get(self, path: str, **params: Any) -> Any:
        return self._call("GET", path, params={name: value for name, value in params.items() if value is not None})

    def send(self, method: str, path: str, body: object = None) -> Any:
        """A change. It carries an Idempotency-Key, so that a repeat by a proxy does it once."""
        headers = {"Idempotency-Key": str(system_seams().new_id()), "Content-Type": "application/json"}
        content = b"" if method == "DELETE" else msgspec.json.encode({} if body is None else body)
        return self._call(method, path, content=content, headers=headers)

    def pages(self, path: str, limit: int, **params: Any) -> list[Any]:
        """The first ``limit`` objects of a paged list."""
        found: list[Any] = []
        cursor = None
        while len(found) < limit:
            wanted = {"limit": min(limit - len(found), 500), "cursor": cursor} | params
            body = self._answer(
                "GET", path, params={name: value for name, value in wanted.items() if value is not None}
            )
            found += body["data"]
            cursor = body["meta"].get("next_cursor")
            if cursor is None:
                break
        return found

    def _call(self, method: str, path: str, **more: Any) -> Any:
        """The answer without its envelope; some routes have none."""
        body = self._answer(method, path, **more)
        return body["data"] if isinstance(body, dict) and body.keys() >= {"meta", "data"} else body

    def _answer(self, method: str, path: str, **more: Any) -> Any:
        try:
            response = self._http.request(method, path, **more)
        except httpx.InvalidURL:
            raise usage(f"{self.url} is not the address of a server.") from None
        except httpx.HTTPError as error:
            raise CommandError(
                f"No answer from {self.url}: {plain(str(error)) or type(error).__name__}.",
                Exit.UNAVAILABLE,
                hint="Is `dayfill serve` running there? Set --url or DAYFILL_URL to reach another one.",
            ) from None
        if self._verbose:
            request_id = response.headers.get("X-Request-Id", "-")
            print(f"{method} {path} {response.status_code} request_id={plain(request_id)}", file=sys.stderr)
        if response.is_success:
            return _decoded(response, self.url)
        raise _refusal(response)


def connect(options: Options) -> tuple[Api, Printer]:
    """The server and the printer that the options name."""
    settings = options.settings()
    return Api(settings, verbose=options.verbose), options.printer(settings)


def transfer_id(api: Api, transfer: str) -> int:
    """The id of a transfer that a person named by id or by its name."""
    if transfer.isascii() and transfer.isdigit():
        return int(transfer)
    found = [one["dwh_transfer_id"] for one in api.get(api.team("transfers")) if one["display_name"] == transfer]
    if not found:
        raise CommandError(
            f"Team {api.team_id} has no transfer named {transfer!r}.", hint="See `dayfill transfer list`."
        )
    return int(found[0])


def segment(value: str) -> str:
    """Text as one segment of a path."""
    return quote(value, safe="")


def _decoded(response: httpx.Response, url: str) -> Any:
    if response.status_code == 204:
        return None
    try:
        return msgspec.json.decode(response.content)
    except msgspec.DecodeError:
        raise CommandError(
            f"{url} answers, but not as dayfill does: its answer is not JSON.", Exit.UNAVAILABLE
        ) from None


def _refusal(response: httpx.Response) -> CommandError:
    """An error answer as words and an exit code."""
    code = ""
    try:
        body = msgspec.json.decode(response.content)
        error: Mapping[str, Any] = body["error"]
        text = error.get("description") or error["message"]
        code = plain(str(error["code"]))
        text = f"{plain(str(text))} ({code})"
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):  # not an error of ours
        text = f"The server answered {response.status_code}."
    if response.headers.get("Retry-After"):
        text += f" Try again in {plain(response.headers['Retry-After'])} s."
    return CommandError(text, exit_of(response.status_code), code=code)


def exit_of(status: int) -> Exit:
    """How a command ends that a server refused with this status."""
    if status in (401, 403):
        return Exit.ACCESS
    return Exit.UNAVAILABLE if status == 429 or status >= 500 else Exit.ERROR
