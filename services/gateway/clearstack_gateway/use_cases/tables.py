"""The gateway's records, and how lists of them are cut into pages."""

import base64
import binascii
import hashlib
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from clearstack.v1.model_service_pb2 import Model
from clearstack.v1.record_pb2 import AcquisitionRecord, DenoisingRecord, TrainingRecord
from clearstack.v1.rule_service_pb2 import Rule
from clearstack.v1.stack_service_pb2 import Stack
from clearstack_common import subjects
from clearstack_common.bus import Bus, RecordTable, StoredRecord
from clearstack_common.errors import ConflictError, InvalidFieldsError, NotFoundError
from google.protobuf.message import Message

from clearstack_gateway.use_cases.mirror import Mirror, MirroredTable
from clearstack_gateway.use_cases.ordered import Key, Ordered

M = TypeVar("M", bound=Message)

_DEFAULT_PAGE = 50
_LARGEST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Tables:
    """All records of the installation."""

    stacks: RecordTable[Stack]
    trainings: RecordTable[TrainingRecord]
    models: RecordTable[Model]
    denoisings: RecordTable[DenoisingRecord]
    acquisitions: RecordTable[AcquisitionRecord]
    rules: RecordTable[Rule]

    def by_collection(self) -> dict[str, RecordTable[Any]]:
        """Every table by the collection of its resources."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def open_tables(bus: Bus, mirror: Mirror | None = None) -> Tables:
    """The tables on the broker; with a mirror, which has to be kept running, their changes are copied."""

    def table(collection: str, bucket: str, message_type: type[M]) -> RecordTable[M]:
        records = bus.table(bucket, message_type)
        return MirroredTable(records, collection, mirror) if mirror else records

    return Tables(
        stacks=table("stacks", subjects.STACKS_BUCKET, Stack),
        trainings=table("trainings", subjects.TRAININGS_BUCKET, TrainingRecord),
        models=table("models", subjects.MODELS_BUCKET, Model),
        denoisings=table("denoisings", subjects.DENOISINGS_BUCKET, DenoisingRecord),
        acquisitions=table("acquisitions", subjects.ACQUISITIONS_BUCKET, AcquisitionRecord),
        rules=table("rules", subjects.RULES_BUCKET, Rule),
    )


def id_in(name: str, collection: str, field: str = "name") -> str:
    """The id in a resource name such as `stacks/abc`; `field` is where the request has it.

    Raises:
        InvalidFieldsError: The name is not of that collection.
    """
    prefix, _, record_id = name.partition("/")
    if (
        prefix != collection
        or not record_id
        or not record_id.replace("-", "").isalnum()
        or not record_id.isascii()
    ):
        raise InvalidFieldsError([(field, f"is {name[:80]!r}; it must look like {collection}/ID")])
    return record_id


def not_found(name: str, collection: str) -> NotFoundError:
    """The error for a resource that does not exist."""
    kind = collection.removesuffix("s")
    return NotFoundError(
        f"There is no {kind} {name[:80]!r}; `clearstack {collection} list` shows those that there are."
    )


def etag_of(resource: Message) -> str:
    """Changes when the stored resource does; upkeep of its record that nobody sees does not count."""
    return hashlib.sha256(resource.SerializeToString(deterministic=True)).hexdigest()[:16]


def check_etag(given: str, resource: Message) -> None:
    """Compares the etag of a request, if it has one, with the stored resource's.

    Raises:
        ConflictError: It is not the newest version's.
    """
    if given and given != etag_of(resource):
        raise ConflictError("It was changed since you read it; read it again and repeat.")


def page(keys: Sequence[Key], page_size: int, page_token: str) -> tuple[Sequence[Key], str]:
    """The keys on one page of a list, newest first, and the token of the next page.

    Args:
        keys: Of all items, in their order: when an item was made (ns), and its id.
        page_size: Items on the page; 0 = 50.
        page_token: From the page before; empty = the first page.

    Raises:
        InvalidFieldsError: The size or the token is wrong.
    """
    if not 0 <= page_size <= _LARGEST_PAGE:
        raise InvalidFieldsError([("page_size", f"is {page_size}; allowed: 0 to {_LARGEST_PAGE}")])
    stop = bisect_left(keys, _decode_token(page_token)) if page_token else len(keys)
    start = max(stop - (page_size or _DEFAULT_PAGE), 0)
    shown = keys[start:stop][::-1]
    return shown, _encode_token(shown[-1]) if start > 0 else ""


def page_of(
    ordered: Ordered[M],
    records: Sequence[StoredRecord[M]],
    page_size: int,
    page_token: str,
    keep: Callable[[M], bool] | None = None,
) -> tuple[Sequence[StoredRecord[M]], str]:
    """One page of a table's records, newest first, and the token of the next page.

    Args:
        ordered: By when they were made (ns) and their ids; those without a key are left out.
        records: As they are now.
        page_size: Records on the page; 0 = 50.
        page_token: From the page before; empty = the first page.
        keep: Which ones to list; None = all.

    Raises:
        InvalidFieldsError: The size or the token is wrong.
    """
    ordered.update(records)
    keys: Sequence[Key] = ordered.keys
    if keep is not None:
        stored = ordered.at(keys)
        keys = [key for key, each in zip(keys, stored, strict=True) if keep(each.value)]
    keys, token = page(keys, page_size, page_token)
    return ordered.at(keys), token


def _encode_token(key: tuple[int, str]) -> str:
    return base64.urlsafe_b64encode(f"{key[0]}/{key[1]}".encode()).decode()


def _decode_token(token: str) -> tuple[int, str]:
    try:
        time_ns, _, record_id = base64.urlsafe_b64decode(token.encode()).decode().partition("/")
        return int(time_ns), record_id
    except (ValueError, binascii.Error) as error:
        raise InvalidFieldsError([("page_token", "is not one that a list returned")]) from error
