"""Asks everything that can be asked, each for a few seconds only; what does not answer is a finding."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from clearstack.v1.admin_service_pb2 import DiagnoseInstallationResponse, Finding
from clearstack.v1.dead_letter_pb2 import DeadLetter
from clearstack.v1.training_pb2 import TRAINING_STATE_TRAINING, Training
from clearstack_common import subjects
from clearstack_common.bus import Bus
from clearstack_common.bus.survey import Survey
from clearstack_common.errors import ClearstackError
from clearstack_common.objects import ObjectStore
from clearstack_common.version import code_version

from clearstack_gateway.settings import GatewaySettings
from clearstack_gateway.use_cases.diagnosis import broker, machine, store, work
from clearstack_gateway.use_cases.diagnosis.findings import bad
from clearstack_gateway.use_cases.tables import Tables

# The first object in a new store may take seconds: it makes its volumes then.
_PATIENCE_S = 15.0


class Diagnosis:
    """Looks at one installation."""

    def __init__(
        self,
        survey: Survey,
        bus: Bus,
        tables: Tables,
        objects: ObjectStore,
        settings: GatewaySettings,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._survey = survey
        self._bus = bus
        self._letters = bus.table(subjects.DEAD_LETTERS_BUCKET, DeadLetter)
        self._tables = tables
        self._objects = objects
        self._settings = settings
        self._patience_s = patience_s

    async def run(self) -> DiagnoseInstallationResponse:
        """Everything that was found, in the order in which it is to be mended."""
        parts = await asyncio.gather(
            self._asked(self._broker, _broker_refused),
            self._asked(lambda: store.store(self._objects), store.refused),
            self._asked(self._work, _work_refused),
        )
        now = datetime.now(UTC)
        findings = [finding for part in parts for finding in part]
        findings.append(machine.scratch(self._settings.scratch))
        findings.append(machine.certificate(self._settings.tls_cert, now))
        response = DiagnoseInstallationResponse(findings=findings, version=code_version())
        response.time.FromDatetime(now)
        return response

    async def _asked(
        self, ask: Callable[[], Awaitable[Sequence[Finding]]], refused: Callable[[str], Finding]
    ) -> Sequence[Finding]:
        try:
            async with asyncio.timeout(self._patience_s):
                return await ask()
        except TimeoutError:
            return [refused(f"no answer within {self._patience_s:g} s.")]
        except ClearstackError as error:
            return [refused(error.message)]

    async def _broker(self) -> Sequence[Finding]:
        state = await self._survey.look()
        return [*broker.broker(state), *broker.workers(state)]

    async def _work(self) -> Sequence[Finding]:
        trainings = [stored.value.training for stored in await self._tables.trainings.list()]
        num_in_work = sum(training.state == TRAINING_STATE_TRAINING for training in trainings)
        return [
            work.dead_letters(len(await self._letters.list())),
            work.lock(await self._bus.lock_holder(), num_in_work),
            work.device(_newest(trainings)),
        ]


def _newest(trainings: Sequence[Training]) -> Training | None:
    begun = [each for each in trainings if any(stage.device for stage in each.stages)]
    return max(begun, key=lambda each: each.create_time.ToNanoseconds(), default=None)


def _broker_refused(reason: str) -> Finding:
    return bad(
        "broker",
        f"The broker could not be asked: {reason}",
        "See that it runs and has room, and that the gateway's log has no refused login; everything waits for it.",
    )


def _work_refused(reason: str) -> Finding:
    return bad("records", f"The records could not be read: {reason}", "Mend the broker first.")
