"""Files that the pages load: read and compressed once, named by what is in them, so a browser keeps them for good."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import Response

from dayfill.errors import Missing

PREFIX = "/static/"
ROUTE = PREFIX + "{file}"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".json": "application/json",
}
_FOR_GOOD = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file. packed: the same by gzip."""

    media_type: str
    content: bytes
    packed: bytes
    etag: str


def _read(folder: Traversable, prefix: str = "") -> dict[str, Asset]:
    found: dict[str, Asset] = {}
    for entry in folder.iterdir():
        if entry.is_dir():
            found |= _read(entry, f"{prefix}{entry.name}/")
        elif (dot := entry.name.rfind(".")) > 0 and entry.name[dot:] in _TYPES:
            content = entry.read_bytes()
            etag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
            packed = gzip.compress(content, 9, mtime=0)
            found[f"{prefix}{entry.name}"] = Asset(_TYPES[entry.name[dot:]], content, packed, etag)
    return found


ASSETS = _read(files("dayfill.ui").joinpath("static"))
MARK = f"data:image/svg+xml,{quote(ASSETS['mark.svg'].content)}"
"""The small picture of a tab, without a request for it."""
BUILD = hashlib.sha256("".join(name + ASSETS[name].etag for name in sorted(ASSETS)).encode()).hexdigest()[:12]
"""One name for all of them together: a module that imports another finds it beside itself."""


def url(name: str) -> str:
    """The address of a file; a name that does not exist is a fault of ours, found by the first page that has it."""
    if name not in ASSETS:
        raise KeyError(f"there is no static file {name}")
    return f"{PREFIX}{BUILD}/{name}"


def answer(path: str, headers: Headers) -> Response:
    """The file at a path below /static/.

    Raises:
        Missing: there is none.
    """
    build, _, name = path.removeprefix(PREFIX).partition("/")
    asset = ASSETS.get(name)
    if asset is None:
        raise Missing("There is no such file. Try the page again: it may be of an earlier version.")
    # A page from before an upgrade asks by the old name: it gets the new file, and is not to keep it under that name.
    cache = _FOR_GOOD if build == BUILD else "no-cache"
    given = {"Cache-Control": cache, "ETag": asset.etag, "Vary": "Accept-Encoding"}
    if asset.etag in headers.get("if-none-match", ""):
        return Response(status_code=304, headers=given)
    if "gzip" in headers.get("accept-encoding", ""):
        given["Content-Encoding"] = "gzip"
        return Response(asset.packed, headers=given, media_type=asset.media_type)
    return Response(asset.content, headers=given, media_type=asset.media_type)
