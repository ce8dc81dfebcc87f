"""Settings of the page's server."""

from pathlib import Path
from typing import Literal

from clearstack_common.access import why_refused
from clearstack_common.settings import ServiceSettings
from pydantic import Field


class WebSettings(ServiceSettings):
    """Where the page is served, and what it is a page of. It needs no keys of the broker or of the store."""

    web_address: str = Field(default="127.0.0.1:7480", description="host:port of the page")
    web_hosts: str = Field(
        default="",
        description="Names by which browsers may call the page beside this machine's own, with commas between",
    )
    web_auth: Literal["none", "token"] = Field(
        default="none", description="Whether the gateway asks callers for a token"
    )
    endpoint: str = Field(
        default="127.0.0.1:7443", description="host:port of the gateway, with https:// in front for TLS"
    )
    endpoint_name: str = Field(
        default="", description="The name in the gateway's certificate, where it is not the endpoint's"
    )
    ca: Path | None = Field(default=None, description="PEM of who signed the gateway's certificate")
    client_cert: Path | None = Field(default=None, description="PEM shown to a gateway that wants one")
    client_key: Path | None = Field(default=None, description="PEM with its private key")
    tls_cert: Path | None = Field(default=None, description="PEM with the page's certificate and its chain")
    tls_key: Path | None = Field(default=None, description="PEM with its private key")
    tls_client_ca: Path | None = Field(
        default=None, description="PEM of the CA that browsers' certificates must be from (mutual TLS)"
    )
    insecure: Literal["", "no-tls", "everyone-may-do-everything"] = Field(
        default="", description="What is done without beyond this machine, on purpose"
    )
    health_address: str = Field(
        default="", description="host:port of a second server, without TLS, that answers /healthz alone"
    )

    def problem(self) -> str:
        """What stands against starting with these settings; empty = nothing."""
        if (self.tls_cert is None) != (self.tls_key is None):
            return "CLEARSTACK_TLS_CERT and CLEARSTACK_TLS_KEY belong together: set both."
        if (self.client_cert is None) != (self.client_key is None):
            return "CLEARSTACK_CLIENT_CERT and CLEARSTACK_CLIENT_KEY belong together: set both."
        return why_refused(
            self.web_address,
            has_tls=self.tls_cert is not None,
            has_access=self.web_auth == "token",
            word=self.insecure,
        )
