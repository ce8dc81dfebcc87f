"""Acquisitions as a client sees them: listed, and tried again."""

import contextlib
from collections.abc import Sequence

from clearstack.v1.record_pb2 import AcquisitionRecord
from clearstack.v1.rule_service_pb2 import Acquisition, ListAcquisitionsRequest, Rule
from clearstack.v1.stack_service_pb2 import Stack
from clearstack_common.bus import StoredRecord
from clearstack_common.errors import NotFoundError

from clearstack_gateway.acquisitions import flow
from clearstack_gateway.acquisitions.ledger import COLLECTION, Ledger
from clearstack_gateway.acquisitions.rules import COLLECTION as RULES
from clearstack_gateway.use_cases.ordered import Key, Ordered
from clearstack_gateway.use_cases.tables import Tables, id_in, page_of

_Wanted = tuple[str, frozenset[int]]


class Lookups:
    """What can be done with acquisitions."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._ledger = Ledger(tables.acquisitions)
        self._all = Ordered[AcquisitionRecord](_key)

    async def list(self, request: ListAcquisitionsRequest) -> tuple[Sequence[Acquisition], str]:
        """One page, newest arrival first, and the token of the next."""
        if request.rule:
            id_in(request.rule, RULES, "rule")
        wanted, states = request.rule, frozenset(request.states)
        ordered = self._all
        if wanted or states:
            ordered = Ordered[AcquisitionRecord](
                lambda stored: _key(stored) if _is_wanted(stored.value.acquisition, wanted, states) else None
            )
        entries = await self._ledger.entries()
        shown, token = page_of(ordered, entries, request.page_size, request.page_token)
        return [stored.value.acquisition for stored in shown], token

    async def retry(self, name: str) -> Acquisition:
        """Lets a failed acquisition begin again where it failed, as its rule says now.

        Raises:
            WrongStateError: It has not failed.
        """
        entry = await self.get(name)
        rule = entry.value.rule
        with contextlib.suppress(NotFoundError):  # deleted: as it was then
            rule = (await self._tables.rules.get(id_in(entry.value.acquisition.rule, RULES))).value
        return (await self._ledger.advance(entry, flow.Retry(rule=rule))).value.acquisition

    async def get(self, name: str) -> StoredRecord[AcquisitionRecord]:
        """One entry of the ledger."""
        try:
            return await self._tables.acquisitions.get(id_in(name, COLLECTION))
        except NotFoundError:
            raise NotFoundError(
                f"There is no acquisition {name[:80]!r}; `clearstack rules show` lists those of a rule."
            ) from None

    async def hand_over(self, stack: Stack, rule: Rule) -> None:
        """Has an uploaded stack dealt with as a rule says; done twice it counts once."""
        await self._ledger.hand_over(rule, stack)


def _key(stored: StoredRecord[AcquisitionRecord]) -> Key:
    return stored.value.acquisition.arrive_time.ToNanoseconds(), stored.id


def _is_wanted(acquisition: Acquisition, rule: str, states: frozenset[int]) -> bool:
    return (not rule or acquisition.rule == rule) and (not states or acquisition.state in states)
