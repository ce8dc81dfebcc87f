"""The records of models: read, changed by compare-and-set, waited for."""

import asyncio
from collections.abc import Callable

from clearstack.v1.event_pb2 import Event
from clearstack.v1.model_service_pb2 import Model
from clearstack_common import subjects
from clearstack_common.bus import Bus, StoredRecord
from clearstack_common.errors import BackendUnavailableError, ConflictError, NotFoundError

from clearstack_gateway.use_cases.tables import Tables, id_in, not_found
from clearstack_gateway.workflow import model as workflow

_COLLECTION = "models"
_POLL_S = 1.0


class ModelRecords:
    """What the gateway keeps of models."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def get(self, name: str) -> StoredRecord[Model]:
        """The newest version.

        Raises:
            NotFoundError: There is no such model; the text says how to see those that there are.
        """
        try:
            return await self._tables.models.get(id_in(name, _COLLECTION))
        except NotFoundError:
            raise not_found(name, _COLLECTION) from None

    async def apply(self, event: Event) -> None:
        """Applies an event to the model that it is about."""
        await self.change(event.run, lambda model: workflow.advance(model, event))

    async def change(self, name: str, step: Callable[[Model], Model]) -> StoredRecord[Model]:
        """Compare-and-set until it holds; `step` gets the newest version and returns another."""
        while True:
            stored = await self.get(name)
            after = step(stored.value)
            if after == stored.value:
                return stored
            after.update_time.GetCurrentTime()
            try:
                return await self._tables.models.update(stored, after)
            except ConflictError:
                continue  # another gateway was faster: look again

    async def wait_until(
        self, bus: Bus, name: str, is_over: Callable[[Model], bool], *, timeout_s: float, what: str
    ) -> StoredRecord[Model]:
        """Waits for what a service makes of a model.

        Raises:
            BackendUnavailableError: It took too long; `what` says of what to look for later.
        """
        try:
            async with asyncio.timeout(timeout_s), bus.hints(subjects.events_of(name)) as hints:
                while True:
                    stored = await self.get(name)
                    if is_over(stored.value):
                        return stored
                    await hints.wait(_POLL_S)
        except TimeoutError:
            raise BackendUnavailableError(
                f"{what} has not come to an end within {timeout_s:.0f} seconds: the inference service is busy or away "
                "(`clearstack status` tells). Nothing is lost; ask again in a while."
            ) from None
