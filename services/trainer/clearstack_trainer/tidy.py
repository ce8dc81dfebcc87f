"""What a stage's training leaves in the object store when it is over."""

import structlog
from clearstack.v1.record_pb2 import TrainingRecord
from clearstack_common import subjects
from clearstack_common.errors import NotFoundError
from clearstack_common.worker import JobContext

log = structlog.get_logger()


async def tidy(context: JobContext) -> None:
    """Removes all but what the training's record refers to.

    These are the checkpoints, the files of a trainer that was overtaken, and after a cancellation or a failure
    everything: nothing that a later run could pick up.
    """
    kept = await _kept(context)
    stored = await context.store.list(f"{context.job.train.object_prefix}/")
    left = [item.key for item in stored if item.key not in kept]
    if left:
        await context.store.delete(left)
        log.info("tidied up", removed=len(left))


async def _kept(context: JobContext) -> set[str]:
    table = context.bus.table(subjects.TRAININGS_BUCKET, TrainingRecord)
    try:
        record = (await table.get(subjects.run_id(context.job.run))).value
    except NotFoundError:
        return set()  # deleted meanwhile
    return {file.object_key for stage in record.stages for file in stage.files}
