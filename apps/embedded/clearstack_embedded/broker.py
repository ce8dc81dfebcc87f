"""How the broker is configured: who may connect, and what each of them may do."""

import json
from typing import Any

from clearstack_common.listener import LISTENER, listener
from clearstack_common.permissions import SERVICES, Permissions, permissions

from clearstack_embedded.credentials import OPERATOR, Credentials
from clearstack_embedded.wiring import Wiring


def broker_config(wiring: Wiring) -> str:
    """The broker's configuration file; there is no secret in it, only the public halves of keys."""
    config = {
        "server_name": "clearstack",
        "listen": wiring.nats_address,
        "tls": {
            "cert_file": str(wiring.broker_certificate.certificate),
            "key_file": str(wiring.broker_certificate.key),
            # Not "auto": that gives a client 50 ms to begin, and on a busy machine greets it in the clear.
            "handshake_first": True,
        },
        "authorization": {"users": broker_users(wiring.credentials)},
        "jetstream": {
            "store_dir": str(wiring.folder.broker / "streams"),
            # By default a message is on disk only two minutes after it was acknowledged.
            "sync_interval": "always",
        },
        "logtime_utc": True,
    }
    return json.dumps(config, indent=2, ensure_ascii=False) + "\n"


def broker_users(credentials: Credentials) -> list[dict[str, Any]]:
    """Everybody who may connect, with what they may do."""
    allowed = {name: permissions(name) for name in SERVICES} | {LISTENER: listener()}
    users = [
        {"nkey": credentials.of(name).nkey, "permissions": _permissions(each)}
        for name, each in allowed.items()
    ]
    return [*users, {"nkey": credentials.of(OPERATOR).nkey}]


def _permissions(allowed: Permissions) -> dict[str, Any]:
    return {"publish": list(allowed.publish), "subscribe": list(allowed.subscribe)}
