"""Figures of the whole installation, read now and then from the records and the broker."""

import asyncio
import time
from collections import Counter

import structlog
from clearstack.v1.job_pb2 import Job
from clearstack.v1.rule_service_pb2 import AcquisitionState
from clearstack.v1.training_pb2 import TrainingState
from clearstack_common.bus import Bus
from clearstack_common.errors import ClearstackError
from clearstack_common.telemetry import Metrics

from clearstack_gateway.use_cases.tables import Tables

_EVERY_S = 5.0
_VERBS = [field.name for field in Job.DESCRIPTOR.oneofs_by_name["verb"].fields]

log = structlog.get_logger()


class Figures:
    """Keeps the figures true."""

    def __init__(self, bus: Bus, tables: Tables, metrics: Metrics) -> None:
        self._bus = bus
        self._tables = tables
        self._metrics = metrics

    async def keep(self) -> None:
        """Reads them anew every few seconds, for ever."""
        while True:
            try:
                await self.read()
            except ClearstackError as error:
                log.info("figures are not read now", reason=error.message)
            await asyncio.sleep(_EVERY_S)

    async def read(self) -> None:
        """Reads them once."""
        queued = await self._bus.queued_jobs()
        for verb in _VERBS:  # a queue that is empty is told too
            self._metrics.jobs_queued.labels(verb).set(queued.get(verb, 0))
        await self._read_trainings()
        await self._read_acquisitions()
        holder = await self._bus.lock_holder()
        self._metrics.lock_age_s.clear()
        if holder is not None:
            self._metrics.lock_age_s.labels(holder.name).set(max(time.time() - holder.since_s, 0))

    async def _read_acquisitions(self) -> None:
        found = Counter(stored.value.acquisition.state for stored in await self._tables.acquisitions.list())
        for state in AcquisitionState.values()[1:]:
            name = AcquisitionState.Name(state).removeprefix("ACQUISITION_STATE_")
            self._metrics.acquisitions.labels(name).set(found[state])

    async def _read_trainings(self) -> None:
        counts = dict.fromkeys(TrainingState.values()[1:], 0)
        for stored in await self._tables.trainings.list():
            counts[stored.value.training.state] = counts.get(stored.value.training.state, 0) + 1
        for state, count in counts.items():
            name = TrainingState.Name(state).removeprefix("TRAINING_STATE_")
            self._metrics.trainings.labels(name).set(count)
