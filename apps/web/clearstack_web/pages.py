"""The built page: a few files beside this one, made by `make web` from apps/web/page."""

import mimetypes
import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

STATIC = Path(__file__).parent / "static"
_INDEX = "index.html"
_HASHED = "assets"
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
# The first one that the browser takes and that is there.
_ENCODINGS = {"br": ".br", "gzip": ".gz"}
# Not the machine's own table: what is served is the same everywhere.
_TYPES = mimetypes.MimeTypes()
_TYPES.add_type("font/woff2", ".woff2")
_TYPES.add_type("text/javascript", ".js")
_NOT_BUILT = "The page was not built: `make web` does it, and needs Node.\n"
_FILE_LIKE = re.compile(r"\.[a-z0-9]{1,8}$")


class Pages:
    """Serves files of one folder; every other address is the page's own and shows its index.

    Args:
        folder: With index.html, and `assets` whose files have their hash in their names.
    """

    def __init__(self, folder: Path = STATIC) -> None:
        # A list made once: no address can lead anywhere else.
        self._files = {
            f"/{path.relative_to(folder).as_posix()}": path for path in folder.rglob("*") if path.is_file()
        }

    async def page(self, request: Request) -> Response:
        """One file, or the page itself."""
        path = request.url.path
        if path in self._files and path != f"/{_INDEX}":
            lasts = path.startswith(f"/{_HASHED}/")
            return self._file(request, path, _FOR_EVER if lasts else _ASK_AGAIN)
        if _FILE_LIKE.search(path) and path != f"/{_INDEX}":
            return PlainTextResponse("There is no such file.\n", status_code=404)
        if f"/{_INDEX}" not in self._files:
            return PlainTextResponse(_NOT_BUILT, status_code=503)
        return self._file(request, f"/{_INDEX}", _ASK_AGAIN)

    def _file(self, request: Request, path: str, lasting: str) -> Response:
        headers = {"cache-control": lasting, "vary": "accept-encoding"}
        accepted = {
            part.split(";")[0].strip() for part in request.headers.get("accept-encoding", "").split(",")
        }
        for encoding, suffix in _ENCODINGS.items():
            if encoding in accepted and (packed := self._files.get(f"{path}{suffix}")):
                headers["content-encoding"] = encoding
                return FileResponse(packed, headers=headers, media_type=_type(path))
        return FileResponse(self._files[path], headers=headers, media_type=_type(path))


def _type(path: str) -> str:
    return _TYPES.guess_type(path)[0] or "application/octet-stream"
