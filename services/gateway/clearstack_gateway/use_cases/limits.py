"""How much one caller, and all together, may have: stacks, and runs that wait or are under way."""

from collections.abc import Sequence

from clearstack.v1 import stack_service_pb2, training_pb2

from clearstack_gateway.access.refusals import limit_reached
from clearstack_gateway.access.settings import AccessSettings
from clearstack_gateway.use_cases.tables import Tables
from clearstack_gateway.workflow import denoising as workflow


class Limits:
    """Counts what there is before something is added.

    Several calls at the same moment, or several gateways, may go a little beyond a limit: it keeps the installation
    usable, and needs not be exact.
    """

    def __init__(self, tables: Tables, settings: AccessSettings) -> None:
        self._tables = tables
        self._settings = settings
        self._headroom: dict[str, int] = {}

    async def check_stacks(self, caller: str) -> None:
        """Refuses one more upload by a caller who has too many.

        Raises:
            ClearstackError: LIMIT_REACHED.
        """
        if not caller:  # nobody is asked who they are: the disk is the limit, and their own
            return
        if self._headroom.get(caller, 0) > 0:
            self._headroom[caller] -= 1
            return
        most = self._settings.max_stacks_per_caller
        count = sum(
            stored.value.creator == caller
            for stored in await self._tables.stacks.list()
            if stored.value.origin == stack_service_pb2.STACK_ORIGIN_UPLOAD
        )
        if count >= most:
            raise limit_reached(
                f"You have {count} stacks, and this installation keeps {most} of one caller. Delete some that you do "
                "not need (`clearstack stacks delete`), or ask whoever runs it to raise CLEARSTACK_MAX_STACKS_PER_CALLER."
            )
        # All records were read for this: half of what is left can be used up before they are read again.
        self._headroom[caller] = (most - count) // 2

    async def check_runs(self, caller: str) -> None:
        """Refuses one more training or denoising while too many are unfinished.

        Raises:
            ClearstackError: LIMIT_REACHED.
        """
        creators = await self._unfinished()
        own, most = creators.count(caller), self._settings.max_waiting_runs_per_caller
        if caller and own >= most:
            raise limit_reached(
                f"{own} of your trainings and denoisings are not finished, and one caller may have {most} of them. Wait "
                "until some are, or cancel some; CLEARSTACK_MAX_WAITING_RUNS_PER_CALLER is the limit."
            )
        if len(creators) >= self._settings.max_waiting_runs:
            raise limit_reached(
                f"{len(creators)} trainings and denoisings are not finished, which is as many as this installation takes. "
                "Try again when some are; CLEARSTACK_MAX_WAITING_RUNS is the limit."
            )

    async def _unfinished(self) -> Sequence[str]:
        """Who created them. The steps of trainings do not count: what computes now is not many."""
        trainings = [
            stored.value.training.creator
            for stored in await self._tables.trainings.list()
            if stored.value.training.state == training_pb2.TRAINING_STATE_QUEUED
        ]
        denoisings = [
            stored.value.denoising.creator
            for stored in await self._tables.denoisings.list()
            if stored.value.denoising.state not in workflow.TERMINAL and not stored.value.denoising.training
        ]
        return [*trainings, *denoisings]
