"""Which model does for an acquisition: the newest that learnt from noise like its own."""

from collections.abc import Iterable
from dataclasses import dataclass

from clearstack.v1 import config_pb2
from clearstack.v1.model_service_pb2 import Model
from clearstack.v1.stack_service_pb2 import Stack
from clearstack_common.errors import BackendUnavailableError, ClearstackError
from clearstack_common.subjects import run_id

from clearstack_gateway.acquisitions import flow
from clearstack_gateway.acquisitions.fingerprint import Fingerprint
from clearstack_gateway.acquisitions.ledger import Entry
from clearstack_gateway.use_cases.inspections import Inspections
from clearstack_gateway.use_cases.tables import Tables
from clearstack_gateway.workflow.model import is_ready
from clearstack_gateway.workflow.training import TERMINAL

# Each may have to be looked at anew; older ones are of other times.
_MOST_COMPARED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was found.

    Attributes:
        model: `models/{id}`; empty = none matches.
        wait_for: `trainings/{id}` that is making one that matches; empty = none.
        reason: Why, in words.
    """

    model: str = ""
    wait_for: str = ""
    reason: str


class Reuse:
    """Compares the noise of stacks."""

    def __init__(self, tables: Tables, inspections: Inspections) -> None:
        self._tables = tables
        self._inspections = inspections

    async def choose(self, entry: Entry, beside: Iterable[Entry]) -> Choice:
        """The newest model that matches, or else a training in work that will be one.

        Args:
            entry: Whose stack is there.
            beside: Other acquisitions; those of the same rule that train count.
        """
        stack = (await self._tables.stacks.get(run_id(entry.value.acquisition.stack))).value
        own = await self._fingerprint(stack)
        for model in await self._candidates(stack):
            if await self._is_like(own, model.stack):
                return Choice(
                    model=model.name,
                    reason=f"The noise is like that of {model.stack_display_name or model.stack}, on which it was trained.",
                )
        for other in beside:
            acquisition = other.value.acquisition
            is_training = (
                acquisition.state == flow.TRAINING and acquisition.rule == entry.value.acquisition.rule
            )
            if is_training and await self._is_like(own, acquisition.stack):
                return Choice(
                    wait_for=acquisition.training, reason="A model for such noise is being trained."
                )
        return Choice(reason="No model was trained on such noise yet.")

    async def _candidates(self, stack: Stack) -> list[Model]:
        """Models whose training stack is known, newest first."""
        unfinished = {
            stored.value.training.name
            for stored in await self._tables.trainings.list()
            if stored.value.training.state not in TERMINAL  # after stage 1 there is a model already
        }
        usable = [
            model
            for model in (stored.value for stored in await self._tables.models.list())
            if model.stack
            and is_ready(model)
            and model.training not in unfinished
            and (model.mode != config_pb2.MODE_2_5D or stack.info.two_and_half_d_possible)
        ]
        usable.sort(key=lambda model: model.create_time.ToNanoseconds(), reverse=True)
        return usable[:_MOST_COMPARED]

    async def _is_like(self, own: Fingerprint, name: str) -> bool:
        """Whether a stack's noise matches; not that of one that is gone or cannot be measured."""
        try:
            stack = (await self._tables.stacks.get(run_id(name))).value
            return not own.difference(await self._fingerprint(stack))
        except BackendUnavailableError:
            raise
        except ClearstackError:
            return False

    async def _fingerprint(self, stack: Stack) -> Fingerprint:
        return Fingerprint.of(stack, await self._inspections.inspect(stack.name))
