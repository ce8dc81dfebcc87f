"""Files between the page and the object store: presigned requests, handed on as they are and no faster than taken.

The store believes the signature, which covers the path, the query and the store's own address; nothing else that a
browser sends is handed on. What comes back is a download and never a page: a file of somebody's must not run here.
"""

import http
from collections.abc import Mapping
from urllib.parse import parse_qs

import httpcore
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from clearstack_web.leaving import until_gone
from clearstack_web.settings import WebSettings

PREFIX = "/store"
METHODS = frozenset({"GET", "HEAD", "PUT"})
_SIGNATURE = "X-Amz-Signature"
_REQUEST_HEADERS = ("content-length", "content-md5", "if-match", "if-none-match", "if-range", "range")
_ANSWER_HEADERS = frozenset({
    b"accept-ranges", b"content-length", b"content-range", b"etag", b"last-modified",
})  # fmt: skip
_AS_A_FILE = [
    (b"content-type", b"application/octet-stream"),
    (b"content-disposition", b"attachment"),
    (b"cache-control", b"private, no-store"),
]
# The one kind of file that is looked at here. It has no scripts, and whatever it has can do nothing: it is in a sandbox
# with an origin of its own.
_REPORT = "/report.html"
_AS_A_REPORT = [
    (b"content-type", b"text/html; charset=utf-8"),
    (
        b"content-security-policy",
        b"sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
    ),
    (b"cache-control", b"private, no-store"),
]
_CONNECTIONS = 64
# Of one read or write, not of a whole file.
_TIMEOUTS = {"connect": 5.0, "read": 120.0, "write": 120.0, "pool": 30.0}
_AWAY = "The object store does not answer; try again in a moment.\n"


class Store:
    """An ASGI application for `/store/BUCKET/KEY?…X-Amz-Signature=…`.

    Args:
        settings: Where the store is.
    """

    def __init__(self, settings: WebSettings) -> None:
        scheme, _, host = settings.s3_endpoint.rpartition("://")
        self._scheme = scheme or ("https" if settings.s3_secure else "http")
        self._host, _, port = host.rpartition(":")
        self._port = int(port)
        self._bucket = f"/{settings.s3_bucket}/"
        self._pool = httpcore.AsyncConnectionPool(max_connections=_CONNECTIONS, keepalive_expiry=5)

    async def close(self) -> None:
        """Ends the connections to the store."""
        await self._pool.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands one request on."""
        request = Request(scope, receive)
        # As it came: the signature covers each character.
        target = scope["raw_path"].decode("latin-1").removeprefix(PREFIX)
        if refusal := self._refusal(request, target):
            await refusal(scope, receive, send)
        elif request.method == "PUT":
            await self._hand_on(request, target, send)
        else:
            await until_gone(self._hand_on(request, target, send), receive)

    def _refusal(self, request: Request, target: str) -> Response | None:
        if request.method not in METHODS:
            return PlainTextResponse("GET, HEAD and PUT are handed on.\n", status_code=405)
        if not target.startswith(self._bucket):
            return PlainTextResponse("There is no such place in the store.\n", status_code=404)
        if len(parse_qs(_query(request)).get(_SIGNATURE, ())) != 1:
            return PlainTextResponse(
                "Only links that the gateway has given open the store.\n", status_code=403
            )
        if request.method == "PUT" and not request.headers.get("content-length", "").isdigit():
            return PlainTextResponse("The size of the file must be said first.\n", status_code=411)
        return None

    async def _hand_on(self, request: Request, target: str, send: Send) -> None:
        started = False
        try:
            async with self._pool.stream(
                request.method,
                self._url(target, _query(request)),
                headers=_passed_on(request.headers),
                content=request.stream() if request.method == "PUT" else None,
                extensions={"timeout": _TIMEOUTS},
            ) as answer:
                started = True
                is_report = target.endswith(_REPORT) and answer.status == http.HTTPStatus.OK
                await _answer(answer, _AS_A_REPORT if is_report else _AS_A_FILE, send)
        except ClientDisconnect:
            return
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError):
            if started:
                raise  # the browser sees by the broken connection that something is missing
            away = PlainTextResponse(_AWAY, status_code=502)
            await away(request.scope, request.receive, send)

    def _url(self, target: str, query: str) -> httpcore.URL:
        return httpcore.URL(scheme=self._scheme, host=self._host, port=self._port, target=f"{target}?{query}")


def _query(request: Request) -> str:
    return str(request.scope["query_string"].decode("latin-1"))


def _passed_on(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, headers[name]) for name in _REQUEST_HEADERS if name in headers]


async def _answer(answer: httpcore.Response, shown: list[tuple[bytes, bytes]], send: Send) -> None:
    kept = [(name.lower(), value) for name, value in answer.headers if name.lower() in _ANSWER_HEADERS]
    await send({"type": "http.response.start", "status": answer.status, "headers": [*kept, *shown]})
    async for chunk in answer.aiter_stream():
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
