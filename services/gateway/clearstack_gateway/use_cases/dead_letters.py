"""Dead letters: looked at, retried, dropped."""

import secrets
from collections.abc import Awaitable, Callable, Sequence

from clearstack.v1.dead_letter_pb2 import DeadLetter
from clearstack.v1.event_pb2 import Event
from clearstack_common import protojson, subjects
from clearstack_common.bus import Bus, RecordTable, StoredRecord
from clearstack_common.bus.dead_letters import COLLECTION
from clearstack_common.errors import NotFoundError, WrongStateError

from clearstack_gateway.use_cases.ordered import Ordered
from clearstack_gateway.use_cases.runs import Runs
from clearstack_gateway.use_cases.tables import Tables, id_in, not_found, page_of
from clearstack_gateway.workflow import Retry

ApplyEvent = Callable[[Event], Awaitable[None]]


class DeadLetters:
    """What can be done with messages that were given up."""

    def __init__(self, bus: Bus, tables: Tables, runs: Runs, apply_event: ApplyEvent) -> None:
        self._bus = bus
        self._letters: RecordTable[DeadLetter] = bus.table(subjects.DEAD_LETTERS_BUCKET, DeadLetter)
        self._tables = tables
        self._runs = runs
        self._apply_event = apply_event
        self._by_age = Ordered[DeadLetter](
            lambda stored: (stored.value.create_time.ToNanoseconds(), stored.id)
        )

    async def list(self, page_size: int, page_token: str) -> tuple[Sequence[DeadLetter], str]:
        """One page of letters without their data, newest first, and the token of the next."""
        shown, token = page_of(self._by_age, await self._letters.list(), page_size, page_token)
        return [_without_data(stored.value) for stored in shown], token

    async def get(self, name: str) -> DeadLetter:
        """One letter, whole."""
        return (await self._get(name)).value

    async def drop(self, name: str) -> None:
        """Forgets a letter."""
        await self._letters.delete(await self._get(name))

    async def retry(self, name: str) -> str:
        """Gives what the letter is about another chance; returns the run that goes on.

        Raises:
            WrongStateError: Nothing waits for it any more.
        """
        stored = await self._get(name)
        run = await self._retry(stored.value)
        await self._letters.delete(stored)
        return run

    async def _retry(self, letter: DeadLetter) -> str:
        if not letter.run:
            if not letter.data:
                raise WrongStateError("The message was too large to be kept; drop the letter.")
            await self._bus.publish_again(letter.subject, letter.data)
            return ""
        if letter.subject.startswith(subjects.EVENTS.rstrip(">")):
            await self._apply_event(protojson.decode(letter.data, Event))
            return letter.run
        return await self._begin_anew(letter.run)

    async def _begin_anew(self, run: str) -> str:
        retry = Retry(incarnation=secrets.token_hex(3))
        if run.startswith("denoisings/"):
            try:
                record = (await self._tables.denoisings.get(subjects.run_id(run))).value
            except NotFoundError:
                raise not_found(run, "denoisings") from None
            if not record.denoising.training:
                await self._runs.advance_denoising(run, retry)
                return run
            run = record.denoising.training
        if not run.startswith("trainings/"):
            raise WrongStateError(
                f"Nobody waits for {run} any more: import, export or inspect again, and drop this letter."
            )
        await self._runs.advance_training(run, retry)
        return run

    async def _get(self, name: str) -> StoredRecord[DeadLetter]:
        try:
            return await self._letters.get(id_in(name, COLLECTION))
        except NotFoundError:
            raise not_found(name, COLLECTION) from None


def _without_data(letter: DeadLetter) -> DeadLetter:
    shown = DeadLetter()
    shown.CopyFrom(letter)
    shown.ClearField("data")
    return shown
