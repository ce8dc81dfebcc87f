"""The options of `clearstack up` that let other machines in."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from clearstack_common.access import why_refused
from clearstack_common.access.exposure import NO_TLS, OPEN
from clearstack_embedded.ports import DEFAULT_PORT
from clearstack_embedded.settings import Exposure

from clearstack_cli.errors import UsageError

_PANEL = "For other machines"


class Insecure(StrEnum):
    """What is done without, on purpose."""

    NO_TLS = NO_TLS
    OPEN = OPEN


HostOption = Annotated[
    str,
    typer.Option(
        help="Where the gateway listens: an address of this machine, or 0.0.0.0 for all.",
        rich_help_panel=_PANEL,
    ),
]
CertOption = Annotated[
    Path | None,
    typer.Option(
        "--tls-cert",
        envvar="CLEARSTACK_TLS_CERT",
        help="The gateway's certificate (PEM).",
        rich_help_panel=_PANEL,
    ),
]
KeyOption = Annotated[
    Path | None,
    typer.Option(
        "--tls-key", envvar="CLEARSTACK_TLS_KEY", help="Its private key (PEM).", rich_help_panel=_PANEL
    ),
]
ClientCaOption = Annotated[
    Path | None,
    typer.Option(
        "--tls-client-ca",
        envvar="CLEARSTACK_TLS_CLIENT_CA",
        help="Let only clients in whose certificate is from this CA (PEM).",
        rich_help_panel=_PANEL,
    ),
]
TokensOption = Annotated[
    Path | None,
    typer.Option(
        "--tokens",
        envvar="CLEARSTACK_TOKENS_FILE",
        help="Let only callers with a token in; `clearstack tokens create` writes the file.",
        rich_help_panel=_PANEL,
    ),
]
InsecureOption = Annotated[
    Insecure | None,
    typer.Option(
        "--insecure",
        envvar="CLEARSTACK_INSECURE",
        help="What to do without beyond this machine, on purpose.",
        rich_help_panel=_PANEL,
    ),
]


def exposure_of(
    host: str,
    port: int | None,
    *,
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_client_ca: Path | None,
    tokens: Path | None,
    insecure: Insecure | None,
) -> Exposure:
    """The choice, if it holds together.

    Raises:
        UsageError: It would let everybody in, or half of TLS is missing.
    """
    chosen = Exposure(
        host=host.strip("[]"),
        tls_cert=tls_cert,
        tls_key=tls_key,
        tls_client_ca=tls_client_ca,
        tokens=tokens,
        insecure=insecure.value if insecure else "",
    )
    if (tls_cert is None) != (tls_key is None):
        raise UsageError("--tls-cert and --tls-key belong together: give both.")
    if tls_client_ca is not None and tls_cert is None:
        raise UsageError("--tls-client-ca needs --tls-cert and --tls-key.")
    for path in (tls_cert, tls_key, tls_client_ca, tokens):
        if path is not None and not os.access(path, os.R_OK):
            raise UsageError(f"{path} does not exist, or cannot be read.")
    problem = why_refused(
        chosen.address(port or DEFAULT_PORT),
        has_tls=tls_cert is not None,
        has_access=tokens is not None or bool(os.environ.get("CLEARSTACK_OIDC_ISSUER")),
        word=chosen.insecure,
    )
    if problem:
        raise UsageError(problem)
    return chosen
