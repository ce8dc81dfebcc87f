"""What every request and every answer passes: whose page this is, who asks, and what the page may do.

A page of somebody else must not use this one through a person's browser: neither by its own requests (Origin), nor by
a name of its own that it lets point here (Host).
"""

import ipaddress
import socket
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clearstack_web.settings import WebSettings

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' blob: data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "worker-src": "'self'",
    "manifest-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
_HEADERS = {
    "content-security-policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_SAFE = frozenset({"GET", "HEAD"})
_OURS = frozenset({"same-origin", "none"})


class Guard:
    """Wraps an ASGI application.

    Args:
        app: What is guarded.
        settings: By which names the page may be called.
    """

    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        self._app = app
        self._names = _names(settings)
        lasting = {} if settings.tls_cert is None else {"strict-transport-security": "max-age=31536000"}
        self._headers = [(name.encode(), value.encode()) for name, value in {**_HEADERS, **lasting}.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers or refuses one request."""
        if scope["type"] != "http":
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                ours = [(name, value) for name, value in self._headers if name not in own]
                message["headers"] = [*message["headers"], *ours]
            await send(message)

        refusal = self._refusal(scope["method"], Headers(scope=scope))
        app: ASGIApp = PlainTextResponse(f"{refusal}\n", status_code=403) if refusal else self._app
        await app(scope, receive, send_guarded)

    def _refusal(self, method: str, headers: Headers) -> str:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            return "The page is not known by this name; CLEARSTACK_WEB_HOSTS has the names that browsers may use."
        if method in _SAFE:
            return ""
        origin = headers.get("origin")
        is_foreign = origin is not None and urlsplit(origin).netloc.lower() != hosts[0].lower()
        if is_foreign or headers.get("sec-fetch-site", "none") not in _OURS:
            return "The request comes from another page."
        return ""

    def _is_ours(self, host: str) -> bool:
        # Whatever the port is: a tunnel has another one. A number needs no list, since nobody can make it lead here.
        name = _hostname(host)
        return name in self._names or _is_number(name)


def _names(settings: WebSettings) -> frozenset[str]:
    here = ["localhost", socket.gethostname(), socket.getfqdn()]
    asked = [_hostname(settings.web_address), *settings.web_hosts.split(",")]
    return frozenset(name.strip().lower() for name in (*here, *asked)) - {""}


def _hostname(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
