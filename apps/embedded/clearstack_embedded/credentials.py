"""The secrets of one installation: made once, kept in one private file, handed on by environment only."""

import json
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from clearstack_embedded.errors import InstallationError
from clearstack_embedded.folder import write_private


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What the broker and the store ask of their clients; never shown in a repr."""

    s3_access_key: str = field(repr=False)
    s3_secret_key: str = field(repr=False)
    nats_token: str = field(repr=False)

    @classmethod
    def generate(cls) -> "Credentials":
        """New random ones."""
        return cls(
            s3_access_key=secrets.token_hex(10),
            s3_secret_key=secrets.token_hex(20),
            nats_token=secrets.token_hex(20),
        )


def load_or_create(path: Path) -> Credentials:
    """The credentials in `path`, made there first if there are none.

    Raises:
        InstallationError: The file is there but cannot be used.
    """
    if not path.exists():
        write_private(path, json.dumps(asdict(Credentials.generate()), indent=2) + "\n")
    try:
        path.chmod(0o600)
        return Credentials(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InstallationError(
            f"The secrets in {path} cannot be read ({error}). "
            "Delete the file to have new ones made at the next start; no data is lost."
        ) from error
