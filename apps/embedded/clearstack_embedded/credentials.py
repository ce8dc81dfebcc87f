"""The secrets of one installation: made once, kept in one private file, handed on by environment only."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nkeys
from clearstack_common.listener import LISTENER
from clearstack_common.permissions import SERVICES

from clearstack_embedded.errors import InstallationError
from clearstack_embedded.folder import write_private

# The person who looks after the installation: may do everything, and no service knows these keys.
OPERATOR = "operator"
_ACCOUNTS = (*SERVICES, LISTENER, OPERATOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What one service shows to the broker and to the store; never shown in a repr."""

    nkey_seed: str = field(repr=False)
    s3_access_key: str = field(repr=False)
    s3_secret_key: str = field(repr=False)

    @classmethod
    def generate(cls) -> "Account":
        """New random ones."""
        return cls(
            nkey_seed=nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER).decode(),
            s3_access_key=secrets.token_hex(10),
            s3_secret_key=secrets.token_hex(20),
        )

    @property
    def nkey(self) -> str:
        """The public half of the broker's key."""
        public: bytes = nkeys.from_seed(bytearray(self.nkey_seed.encode())).public_key
        return public.decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """An account for each service, one for listeners, and one for the operator."""

    accounts: Mapping[str, Account]

    @classmethod
    def generate(cls) -> "Credentials":
        """New random ones."""
        return cls(accounts={name: Account.generate() for name in _ACCOUNTS})

    def of(self, name: str) -> Account:
        """The account of a service, or of the operator."""
        return self.accounts[name]


def load_or_create(path: Path) -> Credentials:
    """The credentials in `path`; made there if there are none, and where an earlier version had none for somebody.

    (Nothing that is stored depends on the keys.)

    Raises:
        InstallationError: The file is there but cannot be used.
    """
    try:
        found = _read(path) if path.exists() else {}
        if not path.exists() or "nats_token" in found:
            write_private(path, _text(asdict(Credentials.generate())["accounts"]))
        elif LISTENER not in found and OPERATOR in found:
            write_private(path, _text(found | {LISTENER: asdict(Account.generate())}))
        path.chmod(0o600)
        return Credentials(accounts={name: Account(**_read(path)[name]) for name in _ACCOUNTS})
    except (OSError, ValueError, TypeError, KeyError) as error:
        # Not the error's own text: it may quote what is in the file.
        raise InstallationError(
            f"The secrets in {path} cannot be read ({type(error).__name__}). "
            "Delete the file to have new ones made at the next start; no data is lost."
        ) from error


def _text(accounts: Mapping[str, Any]) -> str:
    return json.dumps(accounts, indent=2) + "\n"


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))
