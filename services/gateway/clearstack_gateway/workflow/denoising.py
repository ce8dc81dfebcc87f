"""The life of a denoising, on one page.

    DENOISING (each range a job of its own, for any inference process) → ASSEMBLING → COMPLETE
    from anywhere: → FAILED, → CANCELLED

Pure, like the life of a training; see there.
"""

from clearstack.v1 import denoising_pb2 as pb
from clearstack.v1 import stack_service_pb2
from clearstack.v1.denoising_pb2 import DenoisingState, SliceRange
from clearstack.v1.event_pb2 import (
    DenoisingFinished,
    Event,
    JobFailed,
    RangeDenoised,
    ResultAssembled,
    StateChanged,
)
from clearstack.v1.job_pb2 import AssembleResult, DenoiseRange, Job
from clearstack.v1.record_pb2 import DenoisingRecord, Effect
from clearstack.v1.stack_service_pb2 import Stack
from clearstack_common.errors import WrongStateError
from clearstack_common.subjects import run_id

from clearstack_gateway.workflow.decisions import Cancel

TERMINAL = frozenset({pb.DENOISING_STATE_COMPLETE, pb.DENOISING_STATE_FAILED, pb.DENOISING_STATE_CANCELLED})

Step = tuple[DenoisingRecord, list[Effect]]


def start(record: DenoisingRecord, pixels_per_range: int) -> Step:
    """A new denoising, cut into ranges of about that many pixels."""
    after, doing = _copy(record), list[Effect]()
    info = after.stack_info
    slices_per_range = max(1, pixels_per_range // max(1, info.height * info.width))
    for first in range(0, info.slice_count, slices_per_range):
        stop = min(first + slices_per_range, info.slice_count)
        after.denoising.ranges.append(SliceRange(start=first, stop=stop))
        job = _range_job(after, first, stop)
        after.active_jobs.append(job.id)
        doing.append(Effect(job=job))
    _move(after, pb.DENOISING_STATE_DENOISING, doing)
    return after, doing


def advance(record: DenoisingRecord, happening: Event | Cancel) -> Step:
    """The record after an event or a decision, and what has to be done because of it.

    Raises:
        WrongStateError: It is over already and cannot be cancelled.
    """
    after, doing = _copy(record), list[Effect]()
    if isinstance(happening, Cancel):
        _cancel(after, doing)
    elif happening.job in record.active_jobs:
        _on_event(after, happening, doing)
    return after, doing


def _on_event(record: DenoisingRecord, event: Event, doing: list[Effect]) -> None:
    match event.WhichOneof("kind"):
        case "slices_denoised":
            _count(record, event.slices_denoised.range_start, event.slices_denoised.done_count)
        case "range_denoised":
            record.active_jobs.remove(event.job)
            _range_denoised(record, event.range_denoised, doing)
        case "result_assembled":
            record.active_jobs.remove(event.job)
            _result_assembled(record, event.result_assembled, doing)
        case "job_failed":
            _job_failed(record, event.job_failed, doing)


def _count(record: DenoisingRecord, start_slice: int, done: int) -> None:
    part = _range(record, start_slice)
    part.done_count = max(part.done_count, done)
    record.denoising.slices_done_count = sum(part.done_count for part in record.denoising.ranges)


def _range_denoised(record: DenoisingRecord, denoised: RangeDenoised, doing: list[Effect]) -> None:
    part = _range(record, denoised.range_start)
    part.object_key = denoised.object_key
    _count(record, part.start, part.stop - part.start)
    if not record.active_jobs:
        job = _assemble_job(record)
        record.active_jobs.append(job.id)
        _move(record, pb.DENOISING_STATE_ASSEMBLING, doing)
        doing.append(Effect(job=job))


def _result_assembled(record: DenoisingRecord, assembled: ResultAssembled, doing: list[Effect]) -> None:
    record.result.CopyFrom(assembled.file)
    record.denoising.result_stack = f"stacks/{run_id(record.denoising.name)}"
    _move(record, pb.DENOISING_STATE_COMPLETE, doing)
    doing.append(Effect(register_stack=_result_stack(record)))
    _tell_training(record, doing)


def _job_failed(record: DenoisingRecord, failed: JobFailed, doing: list[Effect]) -> None:
    record.denoising.failure.CopyFrom(failed.failure)
    del record.active_jobs[:]
    _move(record, pb.DENOISING_STATE_FAILED, doing)
    _tell_training(record, doing)


def _cancel(record: DenoisingRecord, doing: list[Effect]) -> None:
    if record.denoising.state in TERMINAL:
        raise WrongStateError(f"The denoising is {state_name(record)} already; there is nothing to cancel.")
    del record.active_jobs[:]
    _move(record, pb.DENOISING_STATE_CANCELLED, doing)


def state_name(record: DenoisingRecord) -> str:
    """The state without its prefix, for texts."""
    return DenoisingState.Name(record.denoising.state).removeprefix("DENOISING_STATE_")


def result_folder(record: DenoisingRecord) -> str:
    """Where the result is kept: with the training's other results if it is a step of one."""
    return f"results/{run_id(record.denoising.training or record.denoising.name)}"


def _range_job(record: DenoisingRecord, first: int, stop: int) -> Job:
    denoising = record.denoising
    own_id = run_id(denoising.name)
    work = DenoiseRange(
        start=first,
        stop=stop,
        stack=record.stack,
        mode=denoising.mode,
        model_files=denoising.model_files,
        output_dtype=denoising.output_dtype,
        object_key=f"{result_folder(record)}/parts/{own_id}/{first:06d}-{stop:06d}.raw",
    )
    return Job(id=f"{own_id}.range{first}.denoise", run=denoising.name, denoise=work)


def _assemble_job(record: DenoisingRecord) -> Job:
    denoising = record.denoising
    own_id = run_id(denoising.name)
    file_name = f"stage{denoising.stage}-{own_id}.tif" if denoising.training else "denoised.tif"
    work = AssembleResult(
        stack=record.stack,
        part_keys=[part.object_key for part in denoising.ranges],
        output_dtype=denoising.output_dtype,
        object_key=f"{result_folder(record)}/{file_name}",
    )
    return Job(id=f"{own_id}.assemble", run=denoising.name, assemble=work)


def _result_stack(record: DenoisingRecord) -> Stack:
    denoising = record.denoising
    info = stack_service_pb2.StackInfo()
    info.CopyFrom(record.stack_info)
    info.ClearField("warnings")
    if denoising.output_dtype:
        info.dtype = denoising.output_dtype
    return Stack(
        name=denoising.result_stack,
        display_name=f"{denoising.display_name}, denoised",
        state=stack_service_pb2.STACK_STATE_READY,
        origin=stack_service_pb2.STACK_ORIGIN_RESULT,
        size_bytes=record.result.size_bytes,
        uploaded_bytes=record.result.size_bytes,
        sha256=record.result.sha256,
        object_key=record.result.object_key,
        info=info,
        source_run=denoising.training or denoising.name,
    )


def _tell_training(record: DenoisingRecord, doing: list[Effect]) -> None:
    denoising = record.denoising
    if not denoising.training:
        return
    finished = DenoisingFinished(stage=denoising.stage, result_stack=denoising.result_stack)
    if denoising.HasField("failure"):
        finished.failure.CopyFrom(denoising.failure)
    else:
        finished.file.CopyFrom(record.result)
    event = Event(
        id=f"{run_id(denoising.name)}.finished",
        run=denoising.training,
        job=denoising.name,
        denoising_finished=finished,
    )
    doing.append(Effect(event=event))


def _range(record: DenoisingRecord, start_slice: int) -> SliceRange:
    return next(part for part in record.denoising.ranges if part.start == start_slice)


def _move(record: DenoisingRecord, state: "DenoisingState.ValueType", doing: list[Effect]) -> None:
    record.denoising.state = state
    record.state_change_count += 1
    changed = StateChanged(state=state_name(record))
    if record.denoising.HasField("failure"):
        changed.failure.CopyFrom(record.denoising.failure)
    own_id = run_id(record.denoising.name)
    event = Event(
        id=f"{own_id}.state.{record.state_change_count}", run=record.denoising.name, state_changed=changed
    )
    doing.append(Effect(event=event))


def _copy(record: DenoisingRecord) -> DenoisingRecord:
    after = DenoisingRecord()
    after.CopyFrom(record)
    return after
