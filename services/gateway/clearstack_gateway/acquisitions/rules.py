"""Rules: created, looked at, changed, deleted."""

from collections import Counter
from collections.abc import Sequence

from clearstack.v1.rule_service_pb2 import AcquisitionCount, Rule
from clearstack_common import ids
from clearstack_common.bus import RecordExistsError, StoredRecord
from clearstack_common.errors import InvalidFieldsError, NotFoundError
from clearstack_common.objects import ObjectStore
from google.protobuf.field_mask_pb2 import FieldMask

from clearstack_gateway.acquisitions.checking import completed
from clearstack_gateway.acquisitions.vetting import check
from clearstack_gateway.use_cases.ordered import Ordered
from clearstack_gateway.use_cases.tables import Tables, check_etag, etag_of, id_in, not_found, page_of

COLLECTION = "rules"
_ACTIONS = ("denoise", "train", "reuse")
_GIVEN = ("name", "creator", "create_time", "update_time", "etag")  # nobody's to choose


class Rules:
    """What can be done with rules."""

    def __init__(self, tables: Tables, store: ObjectStore) -> None:
        self._tables = tables
        self._store = store
        self._all = Ordered[Rule](lambda stored: (stored.value.create_time.ToNanoseconds(), stored.id))

    async def create(self, wanted: Rule, request_id: str, creator: str, *, validate_only: bool) -> Rule:
        """Adds a rule; a repeated request gets what the first one has made.

        Raises:
            InvalidFieldsError: Names every field that is wrong.
        """
        rule_id = ids.new_id(COLLECTION, request_id, creator)
        rule = Rule()
        rule.CopyFrom(wanted)
        for field in _GIVEN:
            rule.ClearField(field)  # type: ignore[arg-type]
        rule.name, rule.creator = f"{COLLECTION}/{rule_id}", creator
        rule = completed(rule, self._store.bucket)
        await check(rule, self._tables, self._store)
        rule.create_time.GetCurrentTime()
        rule.update_time.CopyFrom(rule.create_time)
        if validate_only:
            return rule
        try:
            stored = await self._tables.rules.create(rule_id, rule)
        except RecordExistsError:
            stored = await self._tables.rules.get(rule_id)
        return _shown(stored)

    async def get(self, name: str) -> Rule:
        """One rule."""
        return _shown(await self._get(name))

    async def counts(self, name: str) -> Sequence[AcquisitionCount]:
        """How many acquisitions of a rule are in which state."""
        found = Counter(
            stored.value.acquisition.state
            for stored in await self._tables.acquisitions.list()
            if stored.value.acquisition.rule == name
        )
        return [AcquisitionCount(state=state, count=count) for state, count in sorted(found.items())]

    async def list(self, page_size: int, page_token: str) -> tuple[Sequence[Rule], str]:
        """One page of rules, newest first, and the token of the next."""
        shown, token = page_of(self._all, await self._tables.rules.list(), page_size, page_token)
        return [_shown(stored) for stored in shown], token

    async def update(self, wanted: Rule, mask: FieldMask) -> Rule:
        """Changes those fields that the mask names.

        Raises:
            InvalidFieldsError: Names every field that is wrong.
            ConflictError: The rule is not as its etag says.
        """
        stored = await self._get(wanted.name)
        check_etag(wanted.etag, stored.value)
        rule = Rule()
        rule.CopyFrom(stored.value)
        for path in _paths(wanted, mask):
            _take(rule, wanted, path)
        rule = completed(rule, self._store.bucket)
        if rule == stored.value:
            return _shown(stored)
        await check(rule, self._tables, self._store)
        rule.update_time.GetCurrentTime()
        return _shown(await self._tables.rules.update(stored, rule))

    async def delete(self, name: str, etag: str) -> None:
        """Removes a rule; what it has begun goes on."""
        stored = await self._get(name)
        check_etag(etag, stored.value)
        await self._tables.rules.delete(stored)

    async def _get(self, name: str) -> StoredRecord[Rule]:
        try:
            return await self._tables.rules.get(id_in(name, COLLECTION))
        except NotFoundError:
            raise not_found(name, COLLECTION) from None


def _paths(wanted: Rule, mask: FieldMask) -> Sequence[str]:
    """The fields to take.

    Raises:
        InvalidFieldsError: The mask names one that there is not, or that is not for choosing.
    """
    known = [field.name for field in Rule.DESCRIPTOR.fields if field.name not in _GIVEN]
    if not mask.paths:
        return [field.name for field, _ in wanted.ListFields() if field.name in known]
    if list(mask.paths) == ["*"]:
        return [path for path in known if path not in _ACTIONS or wanted.HasField(path)]  # type: ignore[arg-type]
    unknown = [path for path in mask.paths if path not in known]
    if unknown:
        text = f"names {', '.join(unknown)[:200]}; allowed: {', '.join(known)}, or '*'"
        raise InvalidFieldsError([("update_mask", text)])
    return mask.paths


def _take(rule: Rule, wanted: Rule, path: str) -> None:
    value = getattr(wanted, path)
    if path in _ACTIONS or path in {"settle_time", "start_time"}:
        rule.ClearField(path)  # type: ignore[arg-type]
        if wanted.HasField(path):  # type: ignore[arg-type]
            getattr(rule, path).CopyFrom(value)
    else:
        setattr(rule, path, value)


def _shown(stored: StoredRecord[Rule]) -> Rule:
    rule = Rule()
    rule.CopyFrom(stored.value)
    rule.etag = etag_of(stored.value)
    return rule
