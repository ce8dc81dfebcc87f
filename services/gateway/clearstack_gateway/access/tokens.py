"""The static list of tokens, read anew when its file changes: who is taken off it is out at once."""

from pathlib import Path

import structlog
from clearstack_common.access import Role, StaticToken, TokenFile, TokenFileError, digest

from clearstack_gateway.access.caller import Caller
from clearstack_gateway.access.errors import SetupError
from clearstack_gateway.access.refusals import not_signed_in

log = structlog.get_logger()


class StaticTokens:
    """The tokens of one file.

    Raises:
        SetupError: The file cannot be read when the gateway starts.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._stamp()
        try:
            self._by_hash = _by_hash(TokenFile.read(path))
        except TokenFileError as error:
            raise SetupError(str(error)) from error

    def caller(self, token: str) -> Caller | None:
        """Whose token it is; None = not one of ours.

        Raises:
            ClearstackError: NOT_SIGNED_IN: it was one of ours, and its time is over.
        """
        self._refresh()
        found = self._by_hash.get(digest(token))
        if found is None:
            return None
        if found.is_expired():
            raise not_signed_in(f"The token of {found.name} has expired; ask for a new one")
        return Caller(name=found.name, role=Role[found.role.upper()])

    def _refresh(self) -> None:
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self._by_hash = _by_hash(TokenFile.read(self._path))
        except TokenFileError as error:
            # Nobody gets in by a broken list: whoever was to be taken off it must not stay by it.
            log.error("no token is accepted until this is mended", reason=str(error))  # noqa: TRY400 - the sentence says it
            self._by_hash = {}

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            stat = self._path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _by_hash(file: TokenFile) -> dict[str, StaticToken]:
    return {token.sha256: token for token in file.tokens}
