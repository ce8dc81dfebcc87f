"""Settings that every service has; read once, in `__main__`, from environment variables `CLEARSTACK_…`."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Where the broker, the store and the service itself are."""

    model_config = SettingsConfigDict(env_prefix="CLEARSTACK_", frozen=True)

    instance: str = Field(
        default="", description="Name of this process in logs and locks; default: the service's"
    )
    grpc_address: str = Field(
        default="127.0.0.1:0", description="host:port of the gRPC server (health at least)"
    )
    metrics_address: str = Field(
        default="", description="host:port of the page of figures for Prometheus; empty = none"
    )
    nats_url: str = Field(default="nats://127.0.0.1:4222", description="nats://… or tls://…")
    nats_nkey_seed: SecretStr | None = Field(default=None, description="Whom the broker knows us by")
    nats_ca: Path | None = Field(
        default=None, description="Who signed the broker's certificate (PEM); default: whom the system trusts"
    )
    s3_endpoint: str = Field(default="127.0.0.1:9000", description="host:port")
    s3_access_key: str = ""
    s3_secret_key: SecretStr = SecretStr("")
    s3_secure: bool = True
    s3_bucket: str = "clearstack"
    scratch: Path = Field(default=Path("/tmp/clearstack"), description="Folder for files in work")  # noqa: S108 - overridden wherever it matters
    log_format: Literal["auto", "console", "json"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    ack_wait_s: float = Field(
        default=12.0, ge=2.0, description="A job whose worker is silent that long is given to another"
    )
    stop_grace_s: float = Field(
        default=0.0,
        ge=0,
        description="How long a worker that is told to stop goes on: to the end of its job, or of its epoch",
    )
    lock_ttl_s: int = Field(
        default=12, ge=2, description="The training lock of a silent trainer expires after that"
    )
