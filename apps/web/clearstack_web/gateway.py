"""The connection to the gateway."""

from pathlib import Path

import grpc
import grpc.aio

from clearstack_web.settings import WebSettings

_TLS = "https://"
# The largest answers are chunks of 1 MiB and records with a long history.
_LARGEST_ANSWER_BYTES = 32 << 20
_OPTIONS: list[tuple[str, str | int]] = [
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2000),
    ("grpc.max_receive_message_length", _LARGEST_ANSWER_BYTES),
]


def open_channel(settings: WebSettings) -> grpc.aio.Channel:
    """A channel to the gateway; nothing is asked of it yet.

    Raises:
        OSError: A file of the settings cannot be read.
    """
    options = list(_OPTIONS)
    if settings.endpoint_name:
        options.append(("grpc.ssl_target_name_override", settings.endpoint_name))
    address = settings.endpoint.removeprefix(_TLS)
    if not settings.endpoint.startswith(_TLS):
        return grpc.aio.insecure_channel(address, options=options)
    credentials = grpc.ssl_channel_credentials(
        root_certificates=_bytes(settings.ca),
        private_key=_bytes(settings.client_key),
        certificate_chain=_bytes(settings.client_cert),
    )
    return grpc.aio.secure_channel(address, credentials, options=options)


def _bytes(path: Path | None) -> bytes | None:
    return path.read_bytes() if path else None
