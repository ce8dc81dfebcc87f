"""Presigned links of the store in memory: a small HTTP server on a free port."""

import secrets
import threading
from collections.abc import MutableMapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import quote


class LinkServer(ThreadingHTTPServer):
    """Serves exactly the links that were given out."""

    daemon_threads = True

    def __init__(self, objects: MutableMapping[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects = objects
        self.links: dict[tuple[str, str], str] = {}
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def link(self, method: str, key: str) -> str:
        """A new link with which one object can be put or fetched."""
        target = f"/{quote(key)}?signature={secrets.token_hex(8)}"
        self.links[method, target] = key
        return f"http://127.0.0.1:{self.server_port}{target}"

    def close(self) -> None:
        """Serves no more."""
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = cast("LinkServer", self.server)
        key = server.links.get(("GET", self.path))
        if key is None:
            self._answer(403)
        elif key in server.objects:
            self._answer(200, server.objects[key])
        else:
            self._answer(404)

    def do_PUT(self) -> None:
        server = cast("LinkServer", self.server)
        data = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        key = server.links.get(("PUT", self.path))
        if key is None:
            self._answer(403)
            return
        server.objects[key] = data
        self._answer(200)

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Keeps the tests' output clean."""
