"""What a person chooses about an installation."""

from dataclasses import dataclass, field
from pathlib import Path

from clearstack_common.access.exposure import is_loopback

from clearstack_embedded.errors import InstallationError

BUCKET = "clearstack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Who can reach the gateway, and how it is protected; by default this machine alone can.

    Attributes:
        host: Where the gateway listens; broker, store and the other services stay on this machine in any case.
        tls_cert: PEM with its certificate and chain.
        tls_key: PEM with the private key.
        tls_client_ca: PEM of the CA that clients' certificates must be from.
        tokens: The file of tokens.
        insecure: What is done without beyond this machine, on purpose; see `clearstack_common.access.exposure`.
    """

    host: str = "127.0.0.1"
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    tokens: Path | None = None
    insecure: str = ""

    @property
    def can_be_probed(self) -> bool:
        """Whether the gateway's own port answers a plain health check from this machine."""
        return self.tls_cert is None and is_loopback(self.address(0))

    def address(self, port: int) -> str:
        """Where the gateway listens: "host:port"."""
        return f"[{self.host}]:{port}" if ":" in self.host else f"{self.host}:{port}"

    def endpoint(self, port: int) -> str:
        """What clients on this machine connect to."""
        reached = "localhost" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - asked for by name
        address = Exposure(host=reached).address(port)
        return f"https://{address}" if self.tls_cert else address


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationConfig:
    """An installation as asked for.

    Attributes:
        data: The folder that holds everything.
        port: The gateway's port; None takes the default one, or a free one if that is taken.
        num_trainers: How many trainer processes to run.
        num_inference_workers: How many processes denoise; the ranges of one stack are shared among them.
        web: Whether the page is served.
        exposure: Who can reach the gateway, and the page.
        metrics: Whether every service has a page of figures for Prometheus, on this machine alone.
        log_level: How much the services write: "debug", "info", "warning" or "error".
    """

    data: Path
    port: int | None = None
    num_trainers: int = 1
    num_inference_workers: int = 1
    web: bool = True
    exposure: Exposure = field(default_factory=Exposure)
    metrics: bool = False
    log_level: str = "info"

    def __post_init__(self) -> None:
        if self.num_trainers < 1:
            raise InstallationError(f"{self.num_trainers} trainers cannot train; ask for 1 or more.")
        if self.num_inference_workers < 1:
            raise InstallationError(
                f"{self.num_inference_workers} inference workers cannot denoise; ask for 1 or more."
            )
