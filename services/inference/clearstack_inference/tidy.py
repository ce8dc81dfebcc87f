"""What a denoising leaves in the object store when it does not come to its end."""

import structlog
from clearstack.v1.denoising_pb2 import DENOISING_STATE_CANCELLED, DENOISING_STATE_FAILED
from clearstack.v1.record_pb2 import DenoisingRecord
from clearstack_common import subjects
from clearstack_common.errors import NotFoundError
from clearstack_common.worker import JobContext

log = structlog.get_logger()


async def tidy(context: JobContext) -> None:
    """Removes the parts, and the file made of them, of a denoising that was cancelled, failed or deleted."""
    if not await _is_given_up(context):
        return
    left = set[str]()
    if context.job.HasField("denoise"):
        folder = context.job.denoise.object_key.rpartition("/")[0]
        left.update(item.key for item in await context.store.list(f"{folder}/"))
    else:
        left.update(context.job.assemble.part_keys, [context.job.assemble.object_key])
    await context.store.delete(sorted(left))
    log.info("tidied up", removed=len(left))


async def _is_given_up(context: JobContext) -> bool:
    table = context.bus.table(subjects.DENOISINGS_BUCKET, DenoisingRecord)
    try:
        record = (await table.get(subjects.run_id(context.job.run))).value
    except NotFoundError:
        return True
    return record.denoising.state in {DENOISING_STATE_CANCELLED, DENOISING_STATE_FAILED}
