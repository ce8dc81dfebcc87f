"""A real broker and a real object store on free ports."""

from pathlib import Path

from clearstack_common.settings import ServiceSettings
from clearstack_embedded.child import Child
from clearstack_embedded.folder import DataFolder
from clearstack_embedded.servers import remove_sockets, servers
from clearstack_embedded.settings import BUCKET, InstallationConfig
from clearstack_embedded.wiring import Wiring, wire
from pydantic import SecretStr

# The shortest that the settings allow, so that expiry and redelivery come soon.
ACK_WAIT_S = 2.0
LOCK_TTL_S = 2


class Servers:
    """Both servers as child processes, on a folder of their own."""

    def __init__(self, root: Path) -> None:
        folder = DataFolder(root)
        folder.create()
        self._wiring: Wiring = wire(InstallationConfig(data=root), folder, {})
        self._children = [Child(spec) for spec in servers(self._wiring)]
        self.settings = ServiceSettings(
            instance="contract",
            nats_url=f"nats://{self._wiring.nats_address}",
            nats_token=SecretStr(self._wiring.credentials.nats_token),
            s3_endpoint=self._wiring.s3_address,
            s3_access_key=self._wiring.credentials.s3_access_key,
            s3_secret_key=SecretStr(self._wiring.credentials.s3_secret_key),
            s3_secure=False,
            s3_bucket=BUCKET,
            ack_wait_s=ACK_WAIT_S,
            lock_ttl_s=LOCK_TTL_S,
        )

    async def start(self) -> None:
        """Starts both and waits until they are healthy."""
        for child in self._children:
            await child.start()

    async def stop(self) -> None:
        """Ends both at once: nothing of them is needed afterwards."""
        for child in self._children:
            await child.kill()
        remove_sockets(self._wiring.ports)
