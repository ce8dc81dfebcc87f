"""A whole gateway on fakes, and services that answer at once."""

import asyncio
from collections.abc import Coroutine
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from clearstack.v1 import config_pb2, stack_service_pb2
from clearstack.v1.record_pb2 import Effect, TrainingRecord
from clearstack.v1.stack_service_pb2 import Stack, StackInfo
from clearstack.v1.training_pb2 import Training, TrainingState
from clearstack.v1.training_service_pb2 import CreateTrainingRequest
from clearstack_common.objects import FileCache
from clearstack_gateway.settings import GatewaySettings
from clearstack_gateway.use_cases.denoisings import Denoisings
from clearstack_gateway.use_cases.masks import Masks
from clearstack_gateway.use_cases.mirror import Mirror
from clearstack_gateway.use_cases.models import Models
from clearstack_gateway.use_cases.runs import Runs
from clearstack_gateway.use_cases.stacks import Stacks
from clearstack_gateway.use_cases.tables import open_tables
from clearstack_gateway.use_cases.trainings import Trainings
from clearstack_gateway.use_cases.upkeep import _CONSUMER, _KINDS, Upkeep
from clearstack_gateway.workflow import Grant
from fakes import FakeBroker, FakeBus, FakeStore
from fakes.waiting import PATIENCE_S
from unit.gateway.plays import answers, denoising_answers

STRUCT, N2V = config_pb2.METHOD_AUTOSTRUCTN2V, config_pb2.METHOD_N2V


class Gateway:
    """One gateway process; several can share a broker and a store."""

    def __init__(
        self, scratch: Path, broker: FakeBroker | None = None, store: FakeStore | None = None
    ) -> None:
        self.broker = broker or FakeBroker()
        self.store = store or FakeStore()
        self.settings = GatewaySettings(scratch=scratch, max_upload_bytes=20 << 20, pixels_per_range=10_000)
        self.bus = FakeBus(self.broker)
        self.mirror = Mirror(self.store)
        self.tables = open_tables(self.bus, self.mirror)
        self.runs = Runs(self.bus, self.tables, self.settings.pixels_per_range)
        self.models = Models(self.tables, self.store, 60)
        self.upkeep = Upkeep(self.bus, self.tables, self.runs, self.models)
        self.stacks = Stacks(self.tables, self.store, FileCache(self.store, scratch / "cache"), self.settings)
        self.trainings = Trainings(self.bus, self.tables, self.store, self.runs)
        self.masks = Masks(self.tables, self.store, self.runs, self.trainings)
        self.denoisings = Denoisings(self.bus, self.tables, self.store, self.runs)
        self._loops: list[asyncio.Task[None]] = []

    async def ready_stack(self, stack_id: str = "s", num_slices: int = 3) -> Stack:
        """A validated stack."""
        stack = Stack(
            name=f"stacks/{stack_id}",
            display_name=f"{stack_id}.tif",
            state=stack_service_pb2.STACK_STATE_READY,
            origin=stack_service_pb2.STACK_ORIGIN_UPLOAD,
            object_key=f"stacks/{stack_id}/original.tif",
            size_bytes=5,
            info=StackInfo(
                slice_count=num_slices,
                height=64,
                width=64,
                two_and_half_d_possible=num_slices >= 20,
                two_and_half_d_reason="" if num_slices >= 20 else "Insufficient Stack Depth for 2.5D: …",
            ),
        )
        stack.create_time.GetCurrentTime()
        await self.store.put_bytes(stack.object_key, b"bytes")
        await self.tables.stacks.create(stack_id, stack)
        return stack

    async def new_training(
        self, request_id: str = "", *, method: "config_pb2.Method.ValueType" = STRUCT, priority: int = 0
    ) -> Training:
        """A training of the stack `s`, in the queue."""
        return await self.trainings.create(
            CreateTrainingRequest(stack="stacks/s", method=method, request_id=request_id, priority=priority)
        )

    def start(self, *loops: Coroutine[Any, Any, None]) -> None:
        """Lets loops of the upkeep run in the background."""
        self._loops += [asyncio.ensure_future(loop) for loop in loops]

    async def stop(self) -> None:
        """Ends the loops."""
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)

    async def until_state(self, name: str, state: str) -> Training:
        """Returns as soon as a training is in a state."""
        wanted = TrainingState.Value(f"TRAINING_STATE_{state}")
        async with asyncio.timeout(PATIENCE_S):
            while (training := await self.trainings.get(name)).state != wanted:
                await self.broker.changed.wait(1)
        return training

    async def grant(self, name: str) -> None:
        """Gives a training the slot."""
        await self.runs.advance_training(name, Grant())

    async def serve_job(self, token: int = 1) -> None:
        """Takes the oldest job, answers it as its service would, and applies what it told."""
        verb = self.broker.jobs[0].subject.split(".")[2]
        delivery = await anext(self.bus.jobs(verb))
        job = delivery.item
        told = (
            denoising_answers(job) if job.run.startswith("denoisings/") else answers(Effect(job=job), token)
        )
        for event in told:
            await self.bus.publish_event(event)
        await delivery.done()
        await self.apply_events()

    async def apply_events(self) -> None:
        """Applies what is in the history and was not applied yet."""
        consumer = self.broker.consumers[_CONSUMER]
        events = self.bus.events(_CONSUMER, _KINDS)
        while self.broker.due_event(consumer, [f"clearstack.evt.{kind}.*" for kind in _KINDS])[0]:
            await self.upkeep._apply(await anext(events))

    async def serve_until(self, name: str, state: str) -> Training:
        """Answers jobs until a training is in a state."""
        wanted = TrainingState.Value(f"TRAINING_STATE_{state}")
        while (training := await self.trainings.get(name)).state != wanted:
            if TrainingState.Name(training.state).endswith("QUEUED"):
                await self.grant(name)
            else:
                await self.serve_job()
        return training

    async def record(self, name: str) -> TrainingRecord:
        """What the gateway keeps of a training."""
        return (await self.tables.trainings.get(name.removeprefix("trainings/"))).value


def tiff_bytes(num_slices: int = 3, side_px: int = 32) -> bytes:
    """A small TIFF stack."""
    stack_ZYX = np.random.default_rng(0).integers(0, 4000, (num_slices, side_px, side_px)).astype(np.uint16)
    file = BytesIO()
    tifffile.imwrite(file, stack_ZYX, photometric="minisblack")
    return file.getvalue()
