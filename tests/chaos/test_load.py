"""Many at once.

A real broker, a real store and a gateway as a process of its own; nothing computes. Trainings are written into the
records directly, so that thousands are there in seconds; all else goes through the API.
"""

import asyncio
import os
import statistics
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest
from chaos.support.crowd import Crowd
from chaos.support.gateway import gateway_process
from chaos.support.lane import as_environment
from chaos.support.recorder import Recorder
from clearstack.v1 import config_pb2, stack_service_pb2, training_pb2
from clearstack.v1.event_pb2 import EpochAdvanced, Event
from clearstack.v1.record_pb2 import StageRecord, TrainingRecord
from clearstack.v1.stack_service_pb2 import Stack
from clearstack.v1.training_pb2 import StageStatus, Training
from clearstack_common import subjects
from clearstack_common.bus import NatsBus
from clearstack_common.config import preset_config
from clearstack_common.objects import S3Store
from contract.servers import Servers
from e2e.support.installation import clean_environment

_ANSWER_MS = 50
_WATCHED, _FILE = "trainings/t00000", "stacks/big"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How much of everything."""

    num_trainings: int
    num_queued: int
    num_watchers: int
    num_uploads: int
    upload_mib: int
    num_downloads: int
    download_mib: int
    num_events: int
    seconds: int

    def __str__(self) -> str:
        return (
            f"{self.num_trainings:,} trainings, {self.num_queued:,} of them queued; {self.num_watchers} watchers, and as many "
            f"that never read; {self.num_downloads} downloads of {self.download_mib} MiB that nobody reads; "
            f"{self.num_uploads} uploads of {self.upload_mib} MiB at once; then {self.seconds} s more"
        )


SHORT = Load(
    num_trainings=500,
    num_queued=100,
    num_watchers=15,
    num_uploads=4,
    upload_mib=16,
    num_downloads=8,
    download_mib=32,
    num_events=60,
    seconds=3,
)
LONG = Load(
    num_trainings=10_000,
    num_queued=1000,
    num_watchers=100,
    num_uploads=50,
    upload_mib=100,
    num_downloads=20,
    download_mib=64,
    num_events=500,
    seconds=1800,
)


@asynccontextmanager
async def _rig(folder: Path, load: Load) -> AsyncIterator[tuple[Crowd, psutil.Process]]:
    servers = Servers(folder / "servers")
    await servers.start()
    try:
        bus = await NatsBus.connect(servers.settings)
        await bus.set_up()
        await _fill(bus, await S3Store.connect(servers.settings), load)
        await bus.close()
        environment = clean_environment() | as_environment(servers.settings_of("gateway"))
        with gateway_process(environment, folder) as (pid, address):
            yield Crowd(address), psutil.Process(pid)
    finally:
        await servers.stop()


async def _fill(bus: NatsBus, store: S3Store, load: Load) -> None:
    trainings = bus.table(subjects.TRAININGS_BUCKET, TrainingRecord)
    gate = asyncio.Semaphore(64)

    async def add(number: int) -> None:
        async with gate:
            await trainings.create(f"t{number:05d}", _record(number, load))

    await asyncio.gather(*(add(number) for number in range(load.num_trainings)))
    for number in range(load.num_events):
        await bus.publish_event(Event(id=f"e{number}", run=_WATCHED, epoch_advanced=EpochAdvanced(stage=1)))
    file = await store.put_bytes(f"{_FILE}/original.tif", bytes(load.download_mib << 20))
    await bus.table(subjects.STACKS_BUCKET, Stack).create(
        subjects.run_id(_FILE),
        Stack(
            name=_FILE,
            state=stack_service_pb2.STACK_STATE_READY,
            object_key=file.object_key,
            size_bytes=file.size_bytes,
        ),
    )


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


async def test_many_at_once(tmp_path: Path, figure: Recorder) -> None:
    """Questions are answered at once, and memory stays where it is, whatever else goes on."""
    # Of the few answers the 99th percentile is the second slowest, which neighbours on the machine decide.
    took_s = await _many_at_once(tmp_path, figure, SHORT)
    assert statistics.median(took_s.busy + took_s.calm) * 1000 < _ANSWER_MS


@pytest.mark.chaos_long
@pytest.mark.timeout(3600)
async def test_very_many_at_once(tmp_path: Path, figure: Recorder, scaled: Callable[[int], int]) -> None:
    """The same with ten thousand trainings and fifty uploads, for half an hour."""
    load = replace(LONG, upload_mib=scaled(LONG.upload_mib), seconds=scaled(LONG.seconds))
    took_s = await _many_at_once(tmp_path, figure, load)
    assert _p99_ms(took_s.calm) < _ANSWER_MS


@dataclass(frozen=True, slots=True)
class _AnswersS:
    """How long GetTraining took: while files came, and afterwards."""

    busy: list[float]
    calm: list[float]


async def _many_at_once(folder: Path, figure: Recorder, load: Load) -> _AnswersS:
    async with _rig(folder, load) as (crowd, gateway):
        idle_mib = _memory_mib(gateway)
        tasks = [asyncio.ensure_future(crowd.watch(_WATCHED)) for _ in range(load.num_watchers)]
        tasks += [
            asyncio.ensure_future(crowd.watch_without_reading(_WATCHED)) for _ in range(load.num_watchers)
        ]
        tasks += [
            asyncio.ensure_future(crowd.download_without_reading(_FILE)) for _ in range(load.num_downloads)
        ]
        await _until(
            lambda: len(crowd.num_seen) == load.num_watchers and min(crowd.num_seen) >= load.num_events
        )
        tasks.append(asyncio.ensure_future(crowd.ask(load.num_trainings)))
        await _until(lambda: len(crowd.took_s["get"]) > 0)
        began_mib = _memory_mib(gateway)
        await asyncio.gather(*(crowd.upload(load.upload_mib) for _ in range(load.num_uploads)))
        before_mib, num_busy = _memory_mib(gateway), len(crowd.took_s["get"])
        await asyncio.sleep(load.seconds)
        after_mib = _memory_mib(gateway)
        failed = [task for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    took_s = _AnswersS(crowd.took_s["get"][:num_busy], crowd.took_s["get"][num_busy:])
    how = f"{load}; {os.cpu_count()} cores for all of it"
    figure(
        "GetTraining answers at once",
        how,
        f"during uploads {_told_ms(took_s.busy)}; after them {_told_ms(took_s.calm)}",
    )
    figure("a page of ListTrainings comes at once", how, _told_ms(crowd.took_s["page"]))
    figure(
        "the gateway's memory stays where it is",
        how,
        f"{idle_mib:.0f} MiB at first, {began_mib:.0f} MiB with all clients that read and do not read; {before_mib:.0f} MiB after the uploads, "
        f"at the end {after_mib:.0f} MiB",
    )
    assert not failed, failed
    assert began_mib < idle_mib + load.num_downloads * load.download_mib / 2
    assert after_mib < before_mib * 1.1 + 20
    return took_s


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(300):
        while not condition():  # noqa: ASYNC110 - counts of clients
            await asyncio.sleep(0.1)


def _memory_mib(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 2**20


def _told_ms(values_s: list[float]) -> str:
    return f"median {statistics.median(values_s) * 1000:.0f} ms, p99 {_p99_ms(values_s):.0f} ms"


def _p99_ms(values_s: list[float]) -> float:
    return statistics.quantiles(values_s, n=100)[98] * 1000
