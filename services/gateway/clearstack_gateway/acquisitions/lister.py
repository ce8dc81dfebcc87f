"""Finds new acquisitions: by looking through the store again and again, and sooner by what the store says of itself.

The lister alone is enough. What a notification names is looked up in the store like everything else.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

import structlog
from clearstack.v1.rule_service_pb2 import Rule
from clearstack_common.bus import Bus
from clearstack_common.errors import BackendUnavailableError, NotFoundError
from clearstack_common.objects import ObjectStore, StoredObject

from clearstack_gateway.acquisitions import flow
from clearstack_gateway.acquisitions.data_files import rule_for
from clearstack_gateway.acquisitions.ledger import Entry, Ledger, entry_id
from clearstack_gateway.acquisitions.notifications import created
from clearstack_gateway.use_cases.tables import Tables

_PAGE = 1000
_RETRY_S = 2.0

log = structlog.get_logger()


class Lister:
    """Enters into the ledger what it meets under the prefixes of the rules.

    Args:
        bus: Where notifications come.
        tables: The rules and the ledger.
        store: Where acquisitions come.
        every_s: How often to look through the store.
        subject: Where the store's notifications come; empty = nowhere.
    """

    def __init__(self, bus: Bus, tables: Tables, store: ObjectStore, every_s: float, subject: str) -> None:
        self._bus = bus
        self._tables = tables
        self._ledger = Ledger(tables.acquisitions)
        self._store = store
        self._every_s = every_s
        self._subject = subject

    async def run(self) -> None:
        """Looks through the store, for ever."""
        while True:
            try:
                await self.look()
            except (
                Exception
            ) as error:  # a bucket that went, a store that is away: the others' turn comes again
                log.warning("store is looked through later", error=str(error))
            await asyncio.sleep(self._every_s)

    async def listen(self) -> None:
        """Looks up what notifications name, for ever."""
        while self._subject:
            async for message in self._bus.notices(self._subject):
                try:
                    await self.hear(message)
                except Exception as error:  # it only hastens
                    log.info("notification not followed", error=str(error))
            await asyncio.sleep(_RETRY_S)
        await asyncio.Event().wait()

    async def hear(self, message: bytes) -> None:
        """Looks up the objects that a notification names."""
        rules = await self._rules()
        for bucket, key in created(message):
            own = "" if bucket == self._store.bucket else bucket
            if any(rule.source_bucket == own and key.startswith(rule.prefix) for rule in rules):
                try:
                    found = await self._store.in_bucket(own).stat(key)
                except NotFoundError:
                    continue
                await self._meet(rules, own, found)

    async def look(self) -> None:
        """Looks through every enabled rule's prefix once; one that cannot be looked at keeps no other from it."""
        rules = await self._rules()
        problems: list[Exception] = []
        for rule in rules:
            try:
                await self._look(rule, rules)
            except BackendUnavailableError:
                raise
            except Exception as error:  # the store refuses: whatever it says, it is this rule's trouble alone
                problems.append(error)
        if problems:
            raise problems[0]

    async def _rules(self) -> list[Rule]:
        return [stored.value for stored in await self._tables.rules.list() if not stored.value.disabled]

    async def _look(self, rule: Rule, rules: Sequence[Rule]) -> None:
        entries = await self._ledger.entries()
        met = {entry.id for entry in entries}
        waiting = {entry.id: entry for entry in entries if _is_waiting(entry, rule)}
        async for found in self._objects(rule):
            its_id = entry_id(rule.source_bucket, found.key, found.etag)
            waiting.pop(its_id, None)
            if its_id not in met and rule_for(rules, rule.source_bucket, found) is rule:
                await self._meet(rules, rule.source_bucket, found)
        for entry in waiting.values():  # it is there no more, or no more as it was
            await self._withdraw_if_gone(entry)

    async def _objects(self, rule: Rule) -> AsyncIterator[StoredObject]:
        bucket, after = self._store.in_bucket(rule.source_bucket), ""
        while found := await bucket.page(rule.prefix, after, _PAGE):
            for each in found:
                yield each
            after = found[-1].key

    async def _withdraw_if_gone(self, entry: Entry) -> None:
        acquisition = entry.value.acquisition
        try:
            found = await self._store.in_bucket(acquisition.bucket).stat(acquisition.key)
        except NotFoundError:
            await self._ledger.withdraw(entry)
            return
        if found.etag != acquisition.object_etag:
            await self._ledger.withdraw(entry)

    async def _meet(self, rules: Sequence[Rule], bucket: str, found: StoredObject) -> None:
        rule = rule_for(rules, bucket, found)
        if rule is not None and await self._ledger.meet(rule, bucket, found):
            log.info("acquisition met", key=found.key, rule=rule.name)


def _is_waiting(entry: Entry, rule: Rule) -> bool:
    acquisition = entry.value.acquisition
    return acquisition.state == flow.SETTLING and acquisition.rule == rule.name
