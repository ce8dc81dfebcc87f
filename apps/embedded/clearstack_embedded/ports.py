"""Choosing ports on 127.0.0.1, and remembering them for the next start."""

import contextlib
import json
import random
import socket
from pathlib import Path

from clearstack_embedded.errors import InstallationError
from clearstack_embedded.folder import write_private

HOST = "127.0.0.1"
DEFAULT_PORT = 7443
# The store's gRPC ports lie this much above its HTTP ports.
GRPC_OFFSET = 10_000
# Below the range from which Linux (32768-) and macOS (49152-) take the ports of outgoing connections, with and
# without the offset, so that nobody's passing connection takes a port between our look and the server's bind.
_CHOICES = range(10_240, 22_700)
_MAX_TRIES = 500


def is_free(port: int) -> bool:
    """Whether nobody listens on 127.0.0.1:`port`."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do it, so that connections in TIME_WAIT do not count; a listener still makes the bind fail.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError):
            return False
    return True


class PortBook:
    """Gives each name a free port of its own: the remembered one where it is still free.

    Seconds pass until somebody listens on a port that was given. Until `close` the UDP port of the same number is held, which
    nobody else here uses: another installation that starts meanwhile sees by it that the port is spoken for.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._remembered = _read(path)
        self._given: dict[str, int] = {}
        self._claims = contextlib.ExitStack()

    def take_api(self, asked: int | None) -> int:
        """The gateway's port: the one asked for; without a wish the default one if it is free, else any.

        Raises:
            InstallationError: The port was asked for by number and is taken.
        """
        port = self.take("gateway", preferred=DEFAULT_PORT if asked is None else asked)
        if asked not in {None, port}:
            raise InstallationError(
                f"Port {asked} on {HOST} is in use by another program (or not allowed). "
                "Stop that program, choose another port with --port, or leave --port out to have a free one chosen."
            )
        return port

    def take(self, name: str, *, with_grpc: bool = False, preferred: int | None = None) -> int:
        """A free port for `name`; `with_grpc` asks for the port 10,000 above it too.

        Raises:
            InstallationError: No free port was found.
        """
        offsets = (0, GRPC_OFFSET) if with_grpc else (0,)
        wishes = (preferred, self._remembered.get(name))
        candidates = [port for port in wishes if port is not None]
        candidates += random.sample(_CHOICES, _MAX_TRIES)
        taken = {port + offset for port in self._given.values() for offset in (0, GRPC_OFFSET)}
        for port in candidates:
            wanted = {port + offset for offset in offsets}
            if not wanted & taken and all(is_free(each) for each in wanted) and self._claim(port):
                self._given[name] = port
                return port
        raise InstallationError(
            f"No free port was found between {_CHOICES.start} and {_CHOICES.stop}; stop some other programs."
        )

    def _claim(self, port: int) -> bool:
        claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            claim.bind((HOST, port))
        except OSError:
            claim.close()
            return False
        self._claims.enter_context(claim)
        return True

    def given(self, prefix: str) -> list[int]:
        """The ports given so far to names that start with `prefix`."""
        return [port for name, port in self._given.items() if name.startswith(prefix)]

    def close(self) -> None:
        """Speak for no port any more."""
        self._claims.close()

    def save(self) -> None:
        """Remember what was given."""
        write_private(self._path, json.dumps(self._remembered | self._given, indent=2) + "\n")


def _read(path: Path) -> dict[str, int]:
    # A lost or broken book costs nothing: ports are chosen anew.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        book = json.loads(path.read_text(encoding="utf-8"))
        return {name: port for name, port in book.items() if isinstance(port, int)}
    return {}
