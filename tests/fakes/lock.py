"""The training lock of the broker in memory."""

from clearstack_common.bus import LockLostError
from clearstack_common.errors import BackendUnavailableError

from fakes.broker import FakeBroker, Held


class FakeLock:
    """The lock, held. A copy of it is the same holder, who may know an older revision."""

    def __init__(self, broker: FakeBroker, held: Held) -> None:
        self._broker = broker
        self._holder = held.holder
        self.token = held.token

    async def renew(self) -> None:
        """Keeps the lock for another TTL."""
        self._broker.reach()
        held = self._broker.holder()
        if held is None or held.token != self.token:
            raise LockLostError("The training lock was lost to another trainer.")
        self._broker.write_lock(self._holder, self.token)

    async def release(self) -> None:
        """Gives the lock back, if it is still ours."""
        try:
            self._broker.reach()
        except BackendUnavailableError:
            return
        held = self._broker.holder()
        if held is not None and held.token == self.token:
            self._broker.lock = None
            self._broker.lock_revision += 1
