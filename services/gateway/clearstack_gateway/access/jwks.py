"""The public keys of an identity provider, from its address or from a file."""

import asyncio
import json
import ssl
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from jwt import PyJWK, PyJWKSet
from jwt.exceptions import PyJWTError

from clearstack_gateway.access.errors import SetupError

_FRESH_S = 300.0
# A key that is not there may be new; but whoever invents key ids must not make us ask the provider each time.
_ASK_AGAIN_S = 30.0
_TIMEOUT_S = 5.0
_LARGEST_BYTES = 1 << 20

log = structlog.get_logger()


class Jwks:
    """The keys by id, kept for a while.

    Args:
        source: An https:// address, one of this machine (http://127.0.0.1…), or a file.
        clock: Seconds; rises.

    Raises:
        SetupError: The address is one from which anybody could send keys.
    """

    def __init__(self, source: str, clock: Callable[[], float] = time.monotonic) -> None:
        parts = urlsplit(source)
        if parts.scheme == "http" and parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
            raise SetupError(f"CLEARSTACK_OIDC_JWKS={source} is not encrypted; use https:// or a file.")
        self._source = source
        self._clock = clock
        self._keys: dict[str, PyJWK] = {}
        self._read_at = -_FRESH_S
        self._reading = asyncio.Lock()

    async def key(self, key_id: str) -> PyJWK | None:
        """The key of that id; None if the provider has none."""
        async with self._reading:
            age_s = self._clock() - self._read_at
            if age_s >= _FRESH_S or (key_id not in self._keys and age_s >= _ASK_AGAIN_S):
                await self._refresh()
        return self._keys.get(key_id)

    async def _refresh(self) -> None:
        self._read_at = self._clock()
        try:
            document = json.loads(await asyncio.to_thread(_read, self._source))
            keys = PyJWKSet.from_dict(document).keys
        except (OSError, ValueError, PyJWTError, AttributeError, TypeError) as error:
            # With the keys that we have, those who are signed in can go on.
            log.warning(
                "the identity provider's keys could not be read", source=self._source, reason=str(error)
            )
            return
        self._keys = {key.key_id: key for key in keys if key.key_id and key.key_type != "oct"}


def _read(source: str) -> bytes:
    if not urlsplit(source).scheme.startswith("http"):
        return Path(source.removeprefix("file://")).read_bytes()[:_LARGEST_BYTES]
    with urllib.request.urlopen(source, timeout=_TIMEOUT_S, context=ssl.create_default_context()) as answer:  # noqa: S310 - checked above
        data: bytes = answer.read(_LARGEST_BYTES)
    return data
