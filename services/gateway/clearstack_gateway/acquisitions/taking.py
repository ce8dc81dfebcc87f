"""Makes a stack of an object: copied inside the store, then checked just as an upload is."""

from pathlib import PurePosixPath

from clearstack.v1 import stack_service_pb2
from clearstack_common.errors import NotFoundError, WrongStateError
from clearstack_common.objects import ObjectStore, StoredObject

from clearstack_gateway.acquisitions.ledger import Entry
from clearstack_gateway.use_cases.limits import Limits
from clearstack_gateway.use_cases.stacks import Stacks


class GoneError(NotFoundError):
    """The object was removed or replaced before it could be taken."""


def request_id(entry: Entry) -> str:
    """The same for everything that one attempt at one acquisition makes, so that a crash doubles nothing."""
    return f"acquisition.{entry.id}.{entry.value.acquisition.attempt}"


class Taking:
    """Makes stacks of acquisitions."""

    def __init__(self, store: ObjectStore, stacks: Stacks, limits: Limits) -> None:
        self._store = store
        self._stacks = stacks
        self._limits = limits

    async def take(self, entry: Entry) -> str:
        """Copies and validates the object; returns its stack's name.

        Raises:
            GoneError: It is not there any more as it was met.
            ClearstackError: It is refused, with the validation's reason; or LIMIT_REACHED.
        """
        acquisition, creator = entry.value.acquisition, entry.value.rule.creator
        await self._limits.check_stacks(creator)
        stack, _ = await self._stacks.create(PurePosixPath(acquisition.key).name, request_id(entry), creator)
        if stack.state == stack_service_pb2.STACK_STATE_UPLOADING:
            await self._copy(entry, stack)
        try:
            return (await self._stacks.finalize(stack.name, acquisition.size_bytes, "")).name
        except WrongStateError:
            await self._stacks.delete(stack.name, "")
            raise GoneError("The object was removed or replaced before it could be taken.") from None

    async def _copy(self, entry: Entry, stack: stack_service_pb2.Stack) -> None:
        acquisition = entry.value.acquisition
        source = StoredObject(
            key=acquisition.key, size_bytes=acquisition.size_bytes, etag=acquisition.object_etag
        )
        bucket = self._store.in_bucket(acquisition.bucket).bucket
        try:
            await self._store.copy_in(stack.object_key, bucket, source)
        except NotFoundError:
            return  # it may have been copied before a crash: what there is is looked at next
