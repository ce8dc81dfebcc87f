"""How the object store is configured: whose keys open what, and who may speak to its inner parts."""

import json
import secrets
from typing import Any

from clearstack_common.permissions import SERVICES, Permissions, permissions

from clearstack_embedded.credentials import OPERATOR, Account, Credentials
from clearstack_embedded.settings import BUCKET
from clearstack_embedded.wiring import Wiring

_PARTS = ("master", "volume", "filer", "s3", "admin", "worker", "client", "msg_broker", "msg_agent", "mq")
_JWT_SECTIONS = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")


def identities(credentials: Credentials) -> str:
    """The store's file of identities: a key for each service, which opens what that one needs."""
    users = [_identity(name, credentials.of(name), _actions(permissions(name))) for name in SERVICES]
    users.append(_identity(OPERATOR, credentials.of(OPERATOR), ["Admin"]))
    return json.dumps({"identities": users}, indent=2) + "\n"


def _identity(name: str, account: Account, actions: list[str]) -> dict[str, Any]:
    key = {"accessKey": account.s3_access_key, "secretKey": account.s3_secret_key}
    return {"name": name, "credentials": [key], "actions": actions}


def _actions(allowed: Permissions) -> list[str]:
    wanted = {"Read": allowed.read, "List": allowed.list, "Write": allowed.write}
    return [
        f"{action}:{BUCKET}/{prefix}*" if prefix else f"{action}:{BUCKET}"
        for action, prefixes in wanted.items()
        for prefix in prefixes
    ]


def inner_security(wiring: Wiring) -> str:
    """The store's security.toml: its parts believe only each other, by a certificate and by signing keys of this run.

    Without it whoever reaches their ports on this machine could read and write every object.
    """
    files = wiring.store_certificate
    certificate = f"cert = {_quoted(files.certificate)}\nkey = {_quoted(files.key)}\n"
    sections = [f"[{section}]\nkey = {_quoted(secrets.token_hex(32))}\n" for section in _JWT_SECTIONS]
    sections.append(f"[grpc]\nca = {_quoted(files.authority)}\n")
    sections += [f"[grpc.{part}]\n{certificate}" for part in _PARTS]
    return "\n".join(sections)


def _quoted(text: object) -> str:
    return json.dumps(str(text), ensure_ascii=False)
