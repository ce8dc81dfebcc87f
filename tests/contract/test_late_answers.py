"""A broker that answers too late."""

from clearstack_common.bus import NatsBus
from clearstack_common.bus.nats_client import ObservedClient
from contract.servers import Servers


async def test_late_answer_does_not_end_the_connection(servers: Servers) -> None:
    """Whoever has asked whether the broker is there, and did not wait, still hears all that comes afterwards."""
    bus = await NatsBus.connect(servers.settings)
    client = bus._client
    assert isinstance(client, ObservedClient)
    with servers.speechless_broker():
        assert not await bus.is_available()
    for _ in range(2):
        assert await bus.is_available()
    assert await bus.next_event("trainings/none", 0) is None
    assert client.stats["reconnects"] == 0
    await bus.close()
