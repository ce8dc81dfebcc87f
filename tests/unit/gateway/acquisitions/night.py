"""A night at the microscope: a gateway on fakes with a rule, objects that appear, and services that answer at once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from clearstack.v1 import model_service_pb2
from clearstack.v1.event_pb2 import Event, StackInspected
from clearstack.v1.inspection_pb2 import CorrelationMap, Inspection, NoiseLevel, Recommendation
from clearstack.v1.model_service_pb2 import Model, ModelStage
from clearstack.v1.rule_service_pb2 import Acquisition, Rule
from clearstack_common import protojson
from clearstack_gateway.acquisitions import flow
from clearstack_gateway.acquisitions.foreman import Foreman
from clearstack_gateway.acquisitions.lister import Lister
from clearstack_gateway.acquisitions.lookups import Lookups
from clearstack_gateway.acquisitions.rules import Rules
from clearstack_gateway.bootstrap import foreman
from fakes.waiting import PATIENCE_S
from unit.gateway.plays import files
from unit.gateway.rig import N2V, Gateway, tiff_bytes

PREFIX, RESULTS = "incoming/", "denoised/night/"
_BEGAN = datetime(2026, 3, 2, tzinfo=UTC)


@dataclass(slots=True)
class Night:
    """One gateway's view of it; another gateway on the same broker and store sees the same."""

    gateway: Gateway
    rules: Rules = field(init=False)
    lookups: Lookups = field(init=False)
    lister: Lister = field(init=False)
    foreman: Foreman = field(init=False)
    levels: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        gateway = self.gateway
        self.rules = Rules(gateway.tables, gateway.store)
        self.lookups = Lookups(gateway.tables)
        self.lister = Lister(gateway.bus, gateway.tables, gateway.store, 60, "clearstack.s3.>")
        self.foreman = foreman(gateway.settings, gateway.bus, gateway.store, gateway.tables, gateway.runs)
        self.foreman._rest_s = 0

    async def rule(self, **fields: object) -> Rule:
        """A rule that denoises with the model `m`, at once, unless told otherwise."""
        wanted = Rule(prefix=PREFIX, results_prefix=RESULTS)
        wanted.settle_time.SetInParent()
        if not fields:
            await self.model()
            wanted.denoise.model = "models/m"
        wanted.MergeFrom(Rule(**fields))  # type: ignore[arg-type]
        return await self.rules.create(wanted, "once", "", validate_only=False)

    async def model(self) -> None:
        """A model that can denoise."""
        stage = ModelStage(number=1, files=files("models/m", "weights.pth"))
        ready = model_service_pb2.MODEL_STATE_READY
        await self.gateway.tables.models.create(
            "m", Model(name="models/m", state=ready, method=N2V, stages=[stage])
        )

    async def arrive(self, name: str, data: bytes = b"", minute: int = 0, bucket: str = "") -> None:
        """An object appears."""
        store = self.gateway.store.in_bucket(bucket)
        await store.put_bytes(f"{PREFIX}{name}", data or tiff_bytes())
        store.written[f"{PREFIX}{name}"] = _BEGAN + timedelta(minutes=minute)

    async def acquisitions(self) -> list[Acquisition]:
        """In order of arrival."""
        entries = [stored.value.acquisition for stored in await self.gateway.tables.acquisitions.list()]
        return sorted(entries, key=lambda each: each.arrive_time.ToNanoseconds())

    async def until_over(self, count: int = 1) -> list[Acquisition]:
        """Looks, deals and serves until so many acquisitions are over."""
        async with asyncio.timeout(PATIENCE_S), self._inspecting():
            while True:
                await self.gateway.apply_events()  # of a gateway that is gone, too
                await self._store_what_was_told()
                await self.lister.look()
                await self.deal()
                found = await self.acquisitions()
                if sum(each.state in flow.OVER for each in found) >= count:
                    return found
                await self.gateway.upkeep._dispatch_once()
                while self.gateway.broker.jobs:
                    await self.gateway.serve_job()

    async def deal(self) -> None:
        """Makes every step that can be made now, until nothing moves any more."""
        before: set[int] = set()
        while before != (now := {each.revision for each in await self.gateway.tables.acquisitions.list()}):
            before = now
            await self.foreman.pass_once()
            while self.foreman._working:
                await asyncio.wait(self.foreman._working.values())

    async def _store_what_was_told(self) -> None:
        """The files that real services would have stored before they told of them."""
        tables, store = self.gateway.tables, self.gateway.store
        keys = {stored.value.object_key for stored in await tables.stacks.list()}
        for stored in await tables.denoisings.list():
            keys |= {file.object_key for file in stored.value.denoising.report_files}
        for key in keys - store.objects.keys():
            await store.put_bytes(key, b"bytes")

    @contextlib.asynccontextmanager
    async def _inspecting(self) -> AsyncIterator[None]:
        """Answers looks at stacks: white noise, as strong as the stack's name says in `levels`."""
        working = asyncio.ensure_future(self._inspect())
        try:
            yield
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    async def _inspect(self) -> None:
        async for delivery in self.gateway.bus.jobs("inspect"):
            job = delivery.item
            stack = (await self.gateway.stacks.get(job.run)).display_name
            answer = Inspection(
                noise=NoiseLevel(standard_deviation=self.levels.get(stack, 10)),
                correlation=CorrelationMap(height=1, width=3, correlation=[0, 1, 0]),
                recommendation=Recommendation(method=N2V),
            )
            await self.gateway.store.put_bytes(job.inspect.object_key, protojson.encode(answer))
            told = StackInspected(object_key=job.inspect.object_key)
            await self.gateway.bus.publish_event(
                Event(id=f"{job.id}.done", run=job.run, job=job.id, stack_inspected=told)
            )
            await delivery.done()
