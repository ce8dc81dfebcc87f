"""A broker, a store, and the part of the gateway that takes results; and processes that fight for the lock."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Self

from clearstack.v1.record_pb2 import TrainingRecord
from clearstack_common import subjects
from clearstack_common.bus import NatsBus
from clearstack_common.objects import S3Store
from clearstack_common.settings import ServiceSettings
from clearstack_gateway.use_cases.models import Models
from clearstack_gateway.use_cases.runs import Runs
from clearstack_gateway.use_cases.tables import open_tables
from clearstack_gateway.use_cases.upkeep import Upkeep
from clearstack_gateway.workflow import Grant
from contract.servers import Servers
from contract.suspension import suspend
from e2e.support.installation import clean_environment
from unit.gateway.plays import N2V, new_training

_HOLDER = Path(__file__).with_name("lock_holder.py")
_PATIENCE_S = 60.0


class Holder:
    """A process that wants the lock, or has it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def hears(self) -> str:
        """The next thing that it says: the token of its lock, and how it ended."""
        assert self._process.stdout is not None
        async with asyncio.timeout(_PATIENCE_S):
            return (await self._process.stdout.readline()).decode().strip()

    def tell(self, word: str) -> None:
        """Has it commit, or fail, as soon as it runs."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n".encode())

    def suspend(self) -> None:
        """Stops it: what it is told meanwhile, it hears when it goes on."""
        suspend(self._process.pid)

    def resume(self) -> None:
        """Lets it go on."""
        self._process.send_signal(signal.SIGCONT)

    async def end(self) -> str:
        """How it ended."""
        said = await self.hears()
        await self._process.wait()
        return said

    async def kill(self) -> None:
        """Ends it now, also while it is stopped."""
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


class Lane:
    """One broker with one training lock."""

    def __init__(self, servers: Servers, bus: NatsBus, store: S3Store) -> None:
        self.settings = servers.settings
        self.store = store
        self._servers = servers
        self._holders: list[Holder] = []
        self._bus = bus
        self._tables = open_tables(bus)
        self._runs = Runs(bus, self._tables, pixels_per_range=1_000_000)
        self._upkeep = Upkeep(bus, self._tables, self._runs, Models(self._tables, store, 60))

    @classmethod
    @asynccontextmanager
    async def open(cls, root: Path) -> AsyncIterator[Self]:
        """Starts the servers and applies events, for the block."""
        servers = Servers(root)
        await servers.start()
        try:
            bus, store = await NatsBus.connect(servers.settings), await S3Store.connect(servers.settings)
            await bus.set_up()
            lane = cls(servers, bus, store)
            applying = asyncio.ensure_future(lane._upkeep.apply_events())
            try:
                yield lane
            finally:
                for holder in lane._holders:
                    await holder.kill()
                applying.cancel()
                await asyncio.gather(applying, return_exceptions=True)
                await bus.close()
        finally:
            await servers.stop()

    async def holder(self, run: TrainingRecord, clock_s: float = 0) -> Holder:
        """A new process that waits for the lock; its clock is wrong by some seconds."""
        arguments = (run.training.name, run.active_jobs[0], str(clock_s))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(_HOLDER), *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=clean_environment() | as_environment(self.settings),
        )
        self._holders.append(Holder(process))
        assert await self._holders[-1].hears() == "waiting"
        return self._holders[-1]

    async def new_run(self, number: int) -> TrainingRecord:
        """A training that has been given the slot."""
        record = new_training(N2V)
        record.training.name = f"trainings/r{number}"
        await self._runs.create_training(record)
        return (await self._runs.advance_training(record.training.name, Grant())).value

    async def record(self, run: TrainingRecord) -> TrainingRecord:
        """What is stored of a training, once every event that was published has been dealt with."""
        async with asyncio.timeout(_PATIENCE_S):
            while await self._has_events():  # noqa: ASYNC110 - it is on the broker
                await asyncio.sleep(0.02)
        return (await self._tables.trainings.get(subjects.run_id(run.training.name))).value

    async def _has_events(self) -> bool:
        info = await self._bus._jetstream.consumer_info(subjects.EVENTS_STREAM, "gateway")
        return bool(info.num_pending or info.num_ack_pending)

    def suspended_broker(self) -> AbstractContextManager[None]:
        """Stops the broker for the block."""
        return self._servers.speechless_broker()


def as_environment(settings: ServiceSettings) -> dict[str, str]:
    """The settings as the variables from which a process reads them."""
    chosen = settings.model_dump(exclude_unset=True)
    secret = {
        name: value.get_secret_value() for name, value in chosen.items() if hasattr(value, "get_secret_value")
    }
    return {f"CLEARSTACK_{name.upper()}": str(value) for name, value in (chosen | secret).items()}
