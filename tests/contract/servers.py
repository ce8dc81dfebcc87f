"""A real broker and a real object store on free ports."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clearstack_common.settings import ServiceSettings
from clearstack_embedded.child import Child
from clearstack_embedded.credentials import OPERATOR, Account
from clearstack_embedded.folder import DataFolder
from clearstack_embedded.servers import remove_sockets, servers
from clearstack_embedded.settings import BUCKET, InstallationConfig
from clearstack_embedded.wiring import Wiring, wire
from contract.suspension import suspended
from pydantic import SecretStr

# The shortest that the settings allow, so that expiry and redelivery come soon.
ACK_WAIT_S = 2.0
LOCK_TTL_S = 2


def keys(account: Account) -> dict[str, Any]:
    """The settings of whoever has an account."""
    return {
        "nats_nkey_seed": SecretStr(account.nkey_seed),
        "s3_access_key": account.s3_access_key,
        "s3_secret_key": SecretStr(account.s3_secret_key),
    }


class Servers:
    """Both servers as child processes, on a folder of their own."""

    def __init__(self, root: Path) -> None:
        folder = DataFolder(root)
        folder.create()
        self._wiring: Wiring = wire(InstallationConfig(data=root), folder, {})
        self._children = [Child(spec) for spec in servers(self._wiring)]
        self.settings = ServiceSettings(
            instance="contract",
            nats_url=self._wiring.nats_url,
            nats_ca=self._wiring.broker_certificate.authority,
            s3_endpoint=self._wiring.s3_address,
            s3_secure=False,
            s3_bucket=BUCKET,
            ack_wait_s=ACK_WAIT_S,
            lock_ttl_s=LOCK_TTL_S,
            **keys(self._wiring.credentials.of(OPERATOR)),
        )

    def settings_of(self, service: str) -> ServiceSettings:
        """The settings with the keys of one service instead of the operator's."""
        return self.settings.model_copy(update=keys(self._wiring.credentials.of(service)))

    async def start(self) -> None:
        """Starts both and waits until they are healthy."""
        for child in self._children:
            await child.start()

    @contextmanager
    def speechless_broker(self) -> Iterator[None]:
        """Stops the broker as a debugger would, for the block."""
        pid = next(child.pid for child in self._children if child.spec.name == "broker")
        assert pid is not None
        with suspended(pid):
            yield

    async def stop(self) -> None:
        """Ends both at once: nothing of them is needed afterwards."""
        for child in self._children:
            await child.kill()
        remove_sockets(self._wiring.ports)
        self._wiring.ports.close()
