"""What clients and crashes leave behind half done: uploads, parts that were put together, checkpoints of what is over.

A store may end a write long after its writer was killed, so that nobody else comes to remove a checkpoint.
Objects without a record are left alone: records that a broker has lost are rebuilt from the store.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog
from clearstack.v1 import model_service_pb2, stack_service_pb2
from clearstack.v1.stack_service_pb2 import Stack
from clearstack_common.bus import StoredRecord
from clearstack_common.errors import ClearstackError
from clearstack_common.objects import ObjectStore, StoredObject

from clearstack_gateway.use_cases.model_imports import uploaded_for
from clearstack_gateway.use_cases.tables import Tables
from clearstack_gateway.use_cases.uploads import is_on_its_way
from clearstack_gateway.workflow.training import TERMINAL

_MOST_S = 3600.0
_CHECKPOINT = re.compile(r"models/[^/]+/(?P<training>[^/]+)/stage\d/attempt\d+/checkpoints/")

log = structlog.get_logger()


class Sweeper:
    """Removes what was begun and given up.

    Args:
        tables: The records.
        store: The files.
        abandoned_after_s: How long an upload must have stood still.
    """

    def __init__(self, tables: Tables, store: ObjectStore, abandoned_after_s: float) -> None:
        self._tables = tables
        self._store = store
        self._patience = timedelta(seconds=abandoned_after_s)

    async def run(self) -> None:
        """Sweeps every hour, or more often where less patience is asked for; for ever."""
        while True:
            try:
                await self.sweep()
            except ClearstackError as error:
                log.warning("sweep not possible now", reason=error.message)
            await asyncio.sleep(min(self._patience.total_seconds(), _MOST_S))

    async def sweep(self) -> None:
        """Sweeps once."""
        if aborted := await self._store.abort_uploads(self._patience):
            log.info("unfinished objects removed", count=aborted)
        found: defaultdict[str, list[StoredObject]] = defaultdict(list)
        for stored in await self._store.list("stacks/"):
            found[stored.key.split("/")[1]].append(stored)
        for stack in await self._tables.stacks.list():
            await self._sweep_stack(stack, found[stack.id])
        await self._sweep_models()

    async def _sweep_stack(self, stack: StoredRecord[Stack], objects: Sequence[StoredObject]) -> None:
        if stack.value.state != stack_service_pb2.STACK_STATE_UPLOADING:
            # What came has become one object since; a crash came before all of the rest was removed.
            await self._store.delete([each.key for each in objects if is_on_its_way(each.key)])
        elif self._is_abandoned(stack.value, objects):
            await self._tables.stacks.delete(stack)
            await self._store.delete([each.key for each in objects])
            log.info("abandoned upload removed", stack=stack.value.name)

    async def _sweep_models(self) -> None:
        uploads: defaultdict[str, list[StoredObject]] = defaultdict(list)
        checkpoints: defaultdict[str, list[StoredObject]] = defaultdict(list)
        for stored in await self._store.list("models/"):
            uploads[uploaded_for(stored.key)].append(stored)
            if found := _CHECKPOINT.match(stored.key):
                checkpoints[found["training"]].append(stored)
        importing = {
            model.id
            for model in await self._tables.models.list()
            if model.value.state == model_service_pb2.MODEL_STATE_IMPORTING
        }
        over = {
            training.id
            for training in await self._tables.trainings.list()
            if training.value.training.state in TERMINAL
        }
        useless = [group for model, group in uploads.items() if model and model not in importing]
        useless += [group for training, group in checkpoints.items() if training in over]
        old = [each.key for group in useless if self._is_old(_written(group)) for each in group]
        if old:
            await self._store.delete(old)
            log.info("files that nobody goes on with removed", count=len(old))

    def _is_abandoned(self, stack: Stack, objects: Sequence[StoredObject]) -> bool:
        return self._is_old([stack.create_time.ToDatetime(UTC), *_written(objects)])

    def _is_old(self, touched: Sequence[datetime]) -> bool:
        return bool(touched) and datetime.now(UTC) - max(touched) > self._patience


def _written(objects: Sequence[StoredObject]) -> list[datetime]:
    return [each.written_at for each in objects if each.written_at]
