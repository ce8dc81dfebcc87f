"""What a denoising leaves in the object store that is of no use any more."""

import structlog
from clearstack.v1 import denoising_pb2 as pb
from clearstack.v1.record_pb2 import DenoisingRecord
from clearstack_common import subjects
from clearstack_common.errors import NotFoundError
from clearstack_common.worker import JobContext

_NEEDS_PARTS = frozenset({pb.DENOISING_STATE_DENOISING, pb.DENOISING_STATE_ASSEMBLING})
_GIVEN_UP = frozenset({pb.DENOISING_STATE_CANCELLED, pb.DENOISING_STATE_FAILED})

log = structlog.get_logger()


async def tidy(context: JobContext) -> None:
    """Removes the parts of a denoising that has its result, and of one that was given up or deleted the result, too.

    The last step removes the parts itself; a crash may come in between, and a worker that stood still may store one late.
    """
    state = await _state(context)
    if state in _NEEDS_PARTS:
        return
    left = set[str]()
    if context.job.HasField("denoise"):
        folder = context.job.denoise.object_key.rpartition("/")[0]
        left.update(item.key for item in await context.store.list(f"{folder}/"))
    else:
        left.update(context.job.assemble.part_keys)
        if state is None or state in _GIVEN_UP:
            left.add(context.job.assemble.object_key)
    if left:
        await context.store.delete(sorted(left))
        log.info("tidied up", removed=len(left))


async def _state(context: JobContext) -> "pb.DenoisingState.ValueType | None":
    """How far the denoising is; None if it was deleted."""
    table = context.bus.table(subjects.DENOISINGS_BUCKET, DenoisingRecord)
    try:
        return (await table.get(subjects.run_id(context.job.run))).value.denoising.state
    except NotFoundError:
        return None
