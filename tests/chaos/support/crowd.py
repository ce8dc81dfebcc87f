"""Many clients of one gateway, each with a connection of its own."""

import asyncio
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc.aio
from clearstack.v1.stack_service_pb2 import CreateStackRequest, DownloadStackRequest, UploadStackRequest
from clearstack.v1.stack_service_pb2_grpc import StackServiceStub
from clearstack.v1.training_service_pb2 import WatchTrainingRequest
from clearstack.v1.training_service_pb2_grpc import TrainingServiceStub
from e2e.support.installation import clean_environment

_ASKER = Path(__file__).with_name("asker.py")
_CHUNK = bytes(1 << 20)
_OPTIONS = [("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)]


class Crowd:
    """The clients.

    Attributes:
        took_s: How long each answer took, by what was asked for: `get`, `page`.
        num_seen: How many events each watcher has read.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self.took_s: defaultdict[str, list[float]] = defaultdict(list)
        self.num_seen: list[int] = []

    @asynccontextmanager
    async def _channel(self) -> AsyncIterator[grpc.aio.Channel]:
        async with grpc.aio.insecure_channel(self._address, options=_OPTIONS) as channel:
            yield channel

    async def ask(self, num_trainings: int) -> None:
        """Asks for trainings and for pages, for ever, in a process of its own."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(_ASKER), self._address, str(num_trainings)),
            stdout=asyncio.subprocess.PIPE,
            env=clean_environment(),
        )
        assert process.stdout is not None
        try:
            async for line in process.stdout:
                kind, took_s = line.split()
                self.took_s[kind.decode()].append(float(took_s))
        finally:
            process.kill()
            await process.wait()

    async def watch(self, training: str) -> None:
        """Reads whatever happens to a training."""
        number = len(self.num_seen)
        self.num_seen.append(0)
        async with self._channel() as channel:
            async for response in TrainingServiceStub(channel).WatchTraining(
                WatchTrainingRequest(name=training)
            ):
                self.num_seen[number] += response.HasField("event")

    async def watch_without_reading(self, training: str) -> None:
        """Asks for everything that happens to a training, and never reads it."""
        async with self._channel() as channel:
            call = TrainingServiceStub(channel).WatchTraining(WatchTrainingRequest(name=training))
            await call.initial_metadata()
            await asyncio.Event().wait()

    async def download_without_reading(self, stack: str) -> None:
        """Asks for a whole file, and never reads it."""
        async with self._channel() as channel:
            call = StackServiceStub(channel).DownloadStack(DownloadStackRequest(name=stack))
            await call.initial_metadata()
            await asyncio.Event().wait()

    async def upload(self, num_mib: int) -> None:
        """Sends one file, as fast as it goes."""
        async with self._channel() as channel:
            stub = StackServiceStub(channel)
            created = await stub.CreateStack(CreateStackRequest(display_name="big.tif"))

            async def chunks() -> AsyncIterator[UploadStackRequest]:
                for number in range(num_mib):
                    yield UploadStackRequest(name=created.stack.name, offset=number << 20, data=_CHUNK)

            answer = await stub.UploadStack(chunks())
            assert answer.stack.uploaded_bytes == num_mib << 20
