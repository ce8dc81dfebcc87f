"""Settings of TLS, tokens and limits."""

from pathlib import Path
from typing import Literal

from clearstack_common.access import why_refused
from clearstack_common.settings import ServiceSettings
from pydantic import Field


class AccessSettings(ServiceSettings):
    """How the API is protected."""

    tls_cert: Path | None = Field(default=None, description="PEM with the server's certificate and its chain")
    tls_key: Path | None = Field(default=None, description="PEM with its private key")
    tls_client_ca: Path | None = Field(
        default=None, description="PEM of the CA that clients' certificates must be from (mutual TLS)"
    )
    tokens_file: Path | None = Field(
        default=None, description="Made by `clearstack tokens create`; read anew when it changes"
    )
    oidc_issuer: str = Field(default="", description="`iss` of the tokens that an identity provider signs")
    oidc_audience: str = Field(default="clearstack", description="`aud` that they must have")
    oidc_jwks: str = Field(
        default="", description="The provider's public keys: an https:// address or a file"
    )
    oidc_role_claim: str = Field(
        default="roles", description="The claim with the role, a word or a list; `a.b` = b inside of a"
    )
    oidc_role_prefix: str = Field(
        default="", description="`clearstack-` takes `clearstack-viewer` for viewer, and nothing else"
    )
    insecure: Literal["", "no-tls", "everyone-may-do-everything"] = Field(
        default="", description="What is done without beyond this machine, on purpose"
    )
    health_address: str = Field(
        default="",
        description="host:port of a second server, without TLS, that answers health alone; for probes",
    )
    calls_per_second: float = Field(default=200, gt=0, description="Of one caller, in the long run")
    calls_at_once: int = Field(default=2000, ge=1, description="Of one caller, in a burst")
    max_open_calls_per_caller: int = Field(default=300, ge=1, description="Of one caller, streams included")
    max_concurrent_calls: int = Field(default=2000, ge=1, description="Of all callers, open streams included")
    max_message_bytes: int = Field(default=4 << 20, ge=2 << 20, description="Size of one request message")
    max_stacks_per_caller: int = Field(
        default=10_000, ge=1, description="Uploaded stacks that one caller may have"
    )
    max_waiting_runs: int = Field(
        default=2_000, ge=1, description="Trainings in the queue, and denoisings under way, of all callers"
    )
    max_waiting_runs_per_caller: int = Field(default=500, ge=1, description="The same, of one caller")

    @property
    def has_tls(self) -> bool:
        """Whether the API is served with TLS."""
        return self.tls_cert is not None

    @property
    def has_access_control(self) -> bool:
        """Whether callers must say who they are."""
        return self.tokens_file is not None or bool(self.oidc_issuer)

    def problem(self) -> str:
        """What stands against starting with these settings; empty = nothing."""
        if (self.tls_cert is None) != (self.tls_key is None):
            return "CLEARSTACK_TLS_CERT and CLEARSTACK_TLS_KEY belong together: set both."
        if self.tls_client_ca is not None and not self.has_tls:
            return "CLEARSTACK_TLS_CLIENT_CA needs CLEARSTACK_TLS_CERT and CLEARSTACK_TLS_KEY."
        if bool(self.oidc_issuer) != bool(self.oidc_jwks):
            return "CLEARSTACK_OIDC_ISSUER and CLEARSTACK_OIDC_JWKS belong together: set both."
        return why_refused(
            self.grpc_address, has_tls=self.has_tls, has_access=self.has_access_control, word=self.insecure
        )
