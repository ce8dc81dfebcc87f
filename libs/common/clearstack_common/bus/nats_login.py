"""How a service makes itself known to the broker, and how it knows the broker."""

import ssl
from typing import Any

from clearstack_common.permissions import inbox
from clearstack_common.settings import ServiceSettings


def login(settings: ServiceSettings, service: str) -> dict[str, Any]:
    """Options of a connection: who we are, whom we believe, where we listen for answers.

    Args:
        settings: Of the service.
        service: Its name in the table of permissions; empty for a person who may listen everywhere.
    """
    options: dict[str, Any] = {}
    if settings.nats_nkey_seed is not None:
        options["nkeys_seed_str"] = settings.nats_nkey_seed.get_secret_value()
    if service:
        options["inbox_prefix"] = inbox(service)
    if settings.nats_url.startswith("tls://"):
        # Without the handshake first, a stranger in between could say that the broker knows no TLS, and be believed.
        options["tls_handshake_first"] = True
        options["tls"] = ssl.create_default_context(cafile=settings.nats_ca)
    return options
