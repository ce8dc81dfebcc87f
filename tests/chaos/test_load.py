"""Many at once.

A real broker, a real store and a gateway as a process of its own; nothing computes. Trainings are written into the
records directly, so that thousands are there in seconds; all else goes through the API.
"""

import asyncio
import os
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import grpc.aio
import psutil
import pytest
from chaos.support.recorder import Recorder
from clearstack.v1 import config_pb2, training_pb2
from clearstack.v1.event_pb2 import EpochAdvanced, Event
from clearstack.v1.record_pb2 import StageRecord, TrainingRecord
from clearstack.v1.stack_service_pb2 import CreateStackRequest, UploadStackRequest
from clearstack.v1.stack_service_pb2_grpc import StackServiceStub
from clearstack.v1.training_pb2 import StageStatus, Training
from clearstack.v1.training_service_pb2 import (
    GetTrainingRequest,
    ListTrainingsRequest,
    WatchTrainingRequest,
)
from clearstack.v1.training_service_pb2_grpc import TrainingServiceStub
from clearstack_common import subjects
from clearstack_common.bus import NatsBus
from clearstack_common.config import preset_config
from clearstack_common.settings import ServiceSettings
from clearstack_embedded.ports import HOST
from contract.servers import Servers
from e2e.support.installation import clean_environment

_START_S = 120.0
_CHUNK = bytes(1 << 20)
_WATCHED = "t00000"
_OPTIONS = [("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How much of everything."""

    num_trainings: int
    num_queued: int
    num_watchers: int
    num_uploads: int
    upload_mib: int
    num_events: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"{self.num_trainings} trainings, {self.num_queued} of them queued, {self.num_watchers} watchers, as many "
            f"more that never read, {self.num_uploads} uploads of {self.upload_mib} MiB at once, for {self.seconds:g} s"
        )


SHORT = Load(
    num_trainings=1000,
    num_queued=200,
    num_watchers=40,
    num_uploads=4,
    upload_mib=16,
    num_events=200,
    seconds=5,
)
LONG = Load(
    num_trainings=10_000,
    num_queued=1000,
    num_watchers=200,
    num_uploads=50,
    upload_mib=100,
    num_events=2000,
    seconds=1800,
)


class Rig:
    """The gateway under load, and its clients."""

    def __init__(self, bus: NatsBus, gateway: psutil.Process, address: str) -> None:
        self.bus = bus
        self._gateway = gateway
        self._address = address
        self.took_s: list[float] = []
        self.pages_s: list[float] = []
        self.num_seen: list[int] = []

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[grpc.aio.Channel]:
        """A connection of its own, as each client has."""
        async with grpc.aio.insecure_channel(self._address, options=_OPTIONS) as channel:
            yield channel

    def memory_mib(self) -> float:
        """What the gateway holds."""
        return float(self._gateway.memory_info().rss) / 2**20

    async def ask(self, load: Load) -> None:
        """Asks for trainings, queued ones among them, and for pages, for ever."""
        async with self.channel() as channel:
            stub, number = TrainingServiceStub(channel), 0
            while True:
                number += 1
                name = f"trainings/t{number * 7919 % load.num_trainings:05d}"
                self.took_s.append(await _timed(stub.GetTraining(GetTrainingRequest(name=name))))
                if number % 20 == 0:
                    self.pages_s.append(await _timed(stub.ListTrainings(ListTrainingsRequest(page_size=50))))
                await asyncio.sleep(0.01)

    async def watch(self) -> None:
        """Reads whatever happens to one training."""
        async with self.channel() as channel:
            number = len(self.num_seen)
            self.num_seen.append(0)
            stub = TrainingServiceStub(channel)
            async for response in stub.WatchTraining(WatchTrainingRequest(name=f"trainings/{_WATCHED}")):
                self.num_seen[number] += response.HasField("event")

    async def watch_without_reading(self) -> None:
        """Asks for everything that happens to one training, and never reads it."""
        async with self.channel() as channel:
            call = TrainingServiceStub(channel).WatchTraining(
                WatchTrainingRequest(name=f"trainings/{_WATCHED}")
            )
            await call.initial_metadata()
            await asyncio.Event().wait()

    async def upload(self, num_mib: int) -> None:
        """Sends one file, as fast as it goes."""
        async with self.channel() as channel:
            stub = StackServiceStub(channel)
            created = await stub.CreateStack(CreateStackRequest(display_name="big.tif"))

            async def chunks() -> AsyncIterator[UploadStackRequest]:
                for number in range(num_mib):
                    yield UploadStackRequest(name=created.stack.name, offset=number << 20, data=_CHUNK)

            answer = await stub.UploadStack(chunks())
            assert answer.stack.uploaded_bytes == num_mib << 20


async def _timed(call: grpc.aio.UnaryUnaryCall) -> float:  # type: ignore[type-arg]
    began = perf_counter()
    await call
    return perf_counter() - began


@asynccontextmanager
async def _rig(folder: Path, load: Load) -> AsyncIterator[Rig]:
    servers = Servers(folder / "servers")
    await servers.start()
    bus = await NatsBus.connect(servers.settings)
    await bus.set_up()
    try:
        await _fill(bus, load)
        async with _gateway(servers.settings_of("gateway"), folder) as (process, address):
            yield Rig(bus, process, address)
    finally:
        await bus.close()
        await servers.stop()


async def _fill(bus: NatsBus, load: Load) -> None:
    table = bus.table(subjects.TRAININGS_BUCKET, TrainingRecord)
    gate = asyncio.Semaphore(64)

    async def add(number: int) -> None:
        async with gate:
            await table.create(f"t{number:05d}", _record(number, load))

    await asyncio.gather(*(add(number) for number in range(load.num_trainings)))
    for number in range(load.num_events):
        event = Event(id=f"e{number}", run=f"trainings/{_WATCHED}", epoch_advanced=EpochAdvanced(stage=1))
        await bus.publish_event(event)


def _record(number: int, load: Load) -> TrainingRecord:
    """A training as large as a real one; the one that is watched holds the slot, the next ones wait."""
    state = training_pb2.TRAINING_STATE_COMPLETE
    if number <= load.num_queued:
        state = training_pb2.TRAINING_STATE_QUEUED if number else training_pb2.TRAINING_STATE_TRAINING
    training = Training(
        name=f"trainings/t{number:05d}",
        stack="stacks/none",
        state=state,
        method=config_pb2.METHOD_AUTOSTRUCTN2V,
        config=preset_config(config_pb2.METHOD_AUTOSTRUCTN2V, config_pb2.PRESET_BALANCED),
        stages=[StageStatus(), StageStatus()],
    )
    training.create_time.FromSeconds(1_700_000_000 + number)
    return TrainingRecord(training=training, stages=[StageRecord(), StageRecord()])


@asynccontextmanager
async def _gateway(settings: ServiceSettings, folder: Path) -> AsyncIterator[tuple[psutil.Process, str]]:
    assert settings.nats_nkey_seed is not None
    environment = clean_environment() | {
        "CLEARSTACK_NATS_URL": settings.nats_url,
        "CLEARSTACK_NATS_NKEY_SEED": settings.nats_nkey_seed.get_secret_value(),
        "CLEARSTACK_NATS_CA": str(settings.nats_ca),
        "CLEARSTACK_S3_ENDPOINT": settings.s3_endpoint,
        "CLEARSTACK_S3_ACCESS_KEY": settings.s3_access_key,
        "CLEARSTACK_S3_SECRET_KEY": settings.s3_secret_key.get_secret_value(),
        "CLEARSTACK_S3_SECURE": "false",
        "CLEARSTACK_SCRATCH": str(folder / "scratch"),
        "CLEARSTACK_LOG_FORMAT": "json",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "clearstack_gateway", env=environment, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(_START_S):
            while b'"service ready"' not in (line := await process.stderr.readline()):
                assert line, "the gateway did not start"
        port = int(line.split(b'"port": ')[1].split(b",")[0].split(b"}")[0])
        drain = asyncio.ensure_future(process.stderr.read())
        yield psutil.Process(process.pid), f"{HOST}:{port}"
    finally:
        process.terminate()
        await process.wait()
    drain.cancel()


@pytest.mark.parametrize(
    "load",
    [
        pytest.param(SHORT, id="short"),
        pytest.param(LONG, id="long", marks=[pytest.mark.chaos_long, pytest.mark.timeout(3600)]),
    ],
)
async def test_many_at_once(tmp_path: Path, figure: Recorder, load: Load) -> None:
    """Questions are answered at once, and memory stays where it is, whatever else goes on."""
    async with _rig(tmp_path, load) as rig:
        tasks = [asyncio.ensure_future(rig.watch()) for _ in range(load.num_watchers)]
        tasks += [asyncio.ensure_future(rig.watch_without_reading()) for _ in range(load.num_watchers)]
        async with asyncio.timeout(300):
            while len(rig.num_seen) < load.num_watchers or min(rig.num_seen) < load.num_events:  # noqa: ASYNC110 - counts of clients
                await asyncio.sleep(0.2)
        tasks.append(asyncio.ensure_future(rig.ask(load)))
        await asyncio.gather(*(rig.upload(load.upload_mib) for _ in range(load.num_uploads)))
        before, num_before = rig.memory_mib(), len(rig.took_s)
        await asyncio.sleep(load.seconds)
        after = rig.memory_mib()
        failed = [task for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    busy_ms, calm_ms = _p99_ms(rig.took_s[:num_before]), _p99_ms(rig.took_s[num_before:])
    how = f"{load}; {os.cpu_count()} cores for all of it"
    figure("GetTraining answers at once", how, f"p99 {busy_ms:.0f} ms during uploads, {calm_ms:.0f} ms after")
    figure("a page of ListTrainings comes at once", how, f"p99 {_p99_ms(rig.pages_s):.0f} ms")
    figure("the gateway's memory stays where it is", how, f"{before:.0f} MiB, at the end {after:.0f} MiB")
    assert not failed, failed
    assert calm_ms < 50
    assert after < before * 1.1 + 20


def _p99_ms(values_s: list[float]) -> float:
    return statistics.quantiles(values_s, n=100)[98] * 1000
