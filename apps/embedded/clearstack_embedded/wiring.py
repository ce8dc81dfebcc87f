"""What the processes of one installation have to know of each other: addresses, secrets, folders."""

from dataclasses import dataclass, field

from clearstack_embedded.certificates import Certificate, make_certificate
from clearstack_embedded.credentials import Credentials, load_or_create
from clearstack_embedded.folder import DataFolder
from clearstack_embedded.health import split
from clearstack_embedded.ports import HOST, PortBook
from clearstack_embedded.settings import InstallationConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What the makers of process specs need to know.

    Attributes:
        endpoint: What clients on this machine connect to.
        gateway_address: Where the gateway listens.
        gateway_health: Where it answers plain health checks.
        web_address: Where the page's server listens, if the configuration wants one.
        web_health: Where it answers plain health checks.
    """

    config: InstallationConfig
    folder: DataFolder
    credentials: Credentials
    broker_certificate: Certificate
    store_certificate: Certificate
    ports: PortBook
    endpoint: str
    gateway_address: str
    gateway_health: str
    nats_address: str
    s3_address: str
    web_address: str
    web_health: str
    mark: dict[str, str] = field(default_factory=dict)

    @property
    def nats_url(self) -> str:
        """Where the broker is for its clients."""
        return f"tls://{self.nats_address}"

    @property
    def page(self) -> str:
        """The page's address in a browser on this machine; empty without one."""
        if not self.config.web:
            return ""
        _, port = split(self.web_address)
        endpoint = self.config.exposure.endpoint(port)
        return endpoint if "://" in endpoint else f"http://{endpoint}"


def wire(config: InstallationConfig, folder: DataFolder, mark: dict[str, str]) -> Wiring:
    """Choose the ports, load the secrets, make certificates; earlier ports are kept where they are free.

    Raises:
        InstallationError: The asked port is taken, or the secrets cannot be read.
    """
    ports = PortBook(folder.ports)
    exposure = config.exposure
    port = ports.take_api(config.port)
    address = exposure.address(port)
    web_address = exposure.address(ports.take("web"))
    return Wiring(
        config=config,
        folder=folder,
        credentials=load_or_create(folder.secrets),
        broker_certificate=make_certificate(folder.certificates, "broker"),
        store_certificate=make_certificate(folder.certificates, "store"),
        ports=ports,
        endpoint=exposure.endpoint(port),
        gateway_address=address,
        gateway_health=address if exposure.can_be_probed else f"{HOST}:{ports.take('gateway.health')}",
        nats_address=f"{HOST}:{ports.take('broker')}",
        s3_address=f"{HOST}:{ports.take('store.s3', with_grpc=True)}",
        web_address=web_address,
        web_health=web_address if exposure.can_be_probed else f"{HOST}:{ports.take('web.health')}",
        mark=mark,
    )
