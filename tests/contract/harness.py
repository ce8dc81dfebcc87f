"""What the suite needs to run against the broker in memory and against the real one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable
from typing import Any, Generic, Protocol, TypeVar

import nats
from clearstack_common.bus import Bus, Delivery, NatsBus
from clearstack_common.bus.nats_login import login
from clearstack_common.settings import ServiceSettings
from fakes import FakeBroker, FakeBus

T = TypeVar("T")
PATIENCE_S = 15.0


class Harness(Protocol):
    """One broker, empty at first."""

    ack_wait_s: float
    lock_ttl_s: float

    async def connect(self) -> Bus:
        """A new connection to the broker."""
        ...

    async def disconnect(self, bus: Bus) -> None:
        """Ends a connection."""
        ...

    async def wipe(self) -> None:
        """Ends all connections; the broker loses its data."""
        ...


class FakeHarness:
    """The broker in memory."""

    ack_wait_s = 0.2
    lock_ttl_s = 0.3

    def __init__(self) -> None:
        self._broker = FakeBroker(ack_wait_s=self.ack_wait_s, lock_ttl_s=self.lock_ttl_s)

    async def connect(self) -> Bus:
        """A new connection to the broker."""
        return FakeBus(self._broker)

    async def disconnect(self, bus: Bus) -> None:
        """Nothing to end."""

    async def wipe(self) -> None:
        """Another broker in its place."""
        self._broker = FakeBroker(ack_wait_s=self.ack_wait_s, lock_ttl_s=self.lock_ttl_s)


class RealHarness:
    """A NATS server that other tests used before."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._open: list[NatsBus] = []
        self.ack_wait_s = settings.ack_wait_s
        self.lock_ttl_s = float(settings.lock_ttl_s)

    async def connect(self) -> Bus:
        """A new connection to the broker."""
        self._open.append(await NatsBus.connect(self._settings))
        await self._open[-1].set_up()
        return self._open[-1]

    async def disconnect(self, bus: Bus) -> None:
        """Ends a connection."""
        assert isinstance(bus, NatsBus)
        self._open.remove(bus)
        await bus.close()

    async def wipe(self) -> None:
        """Ends all connections and empties the broker; it counts from 1 again."""
        await self.close()
        self._open.clear()

    async def close(self) -> None:
        """Ends all connections and empties the broker."""
        for bus in self._open:
            await bus.close()
        client = await nats.connect(self._settings.nats_url, **login(self._settings, ""))
        jetstream = client.jetstream()
        for stream in await jetstream.streams_info():
            await jetstream.delete_stream(stream.config.name or "")
        await client.close()


class Reader(Generic[T]):
    """Reads deliveries one by one, and can tell that none comes."""

    def __init__(self, source: AsyncIterator[Delivery[T]]) -> None:
        self._source = source
        self._next: asyncio.Task[Delivery[T]] | None = None

    async def next(self) -> Delivery[T]:
        """The next delivery."""
        task, self._next = self._task(), None
        async with asyncio.timeout(PATIENCE_S):
            return await task

    async def nothing_within(self, seconds: float) -> bool:
        """Whether no delivery comes in a time; one that does is kept for `next`."""
        done, _ = await asyncio.wait({self._task()}, timeout=seconds)
        return not done

    async def close(self) -> None:
        """Stops reading."""
        if self._next is not None:
            self._next.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._next

    def _task(self) -> "asyncio.Task[Delivery[T]]":
        if self._next is None:
            self._next = asyncio.ensure_future(_as_coroutine(anext(self._source)))
        return self._next


async def _as_coroutine(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
