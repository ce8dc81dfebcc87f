"""The life of a denoising, on one page.

    DENOISING (each range a job of its own, for any inference process) → ASSEMBLING → REPORTING → COMPLETE
    from anywhere: → FAILED, → CANCELLED; a report that cannot be made costs a note, not the result
    from FAILED back to DENOISING (retry)

Pure, like the life of a training; see there.
"""

from clearstack.v1 import denoising_pb2 as pb
from clearstack.v1.denoising_pb2 import DenoisingState, SliceRange
from clearstack.v1.event_pb2 import (
    DenoisingFinished,
    Event,
    JobFailed,
    RangeDenoised,
    ReportMade,
    ResultAssembled,
    StateChanged,
)
from clearstack.v1.record_pb2 import DenoisingRecord, Effect
from clearstack_common.errors import WrongStateError
from clearstack_common.subjects import run_id

from clearstack_gateway.workflow import denoising_effects as effects
from clearstack_gateway.workflow.decisions import Cancel, Resume, Retry

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
    _send_ranges(after, doing)
    return after, doing


def advance(record: DenoisingRecord, happening: Event | Cancel | Retry | Resume) -> Step:
    """The record after an event or a decision, and what has to be done because of it.

    Raises:
        WrongStateError: The decision cannot be taken in this state; the text says why.
    """
    after, doing = _copy(record), list[Effect]()
    match happening:
        case Cancel():
            _cancel(after, doing)
        case Retry() | Resume():
            _begin_anew(after, happening, doing)
        case _ if happening.job in record.active_jobs:
            _on_event(after, happening, doing)
    return after, doing


def _send_ranges(record: DenoisingRecord, doing: list[Effect]) -> None:
    for part in record.denoising.ranges:
        job = effects.range_job(record, part.start, part.stop)
        record.active_jobs.append(job.id)
        doing.append(Effect(job=job))
    _move(record, pb.DENOISING_STATE_DENOISING, doing)


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
        case "report_made":
            record.active_jobs.remove(event.job)
            _report_made(record, event.report_made, doing)
        case "job_failed":
            _job_failed(record, event.job_failed, doing)


def _count(record: DenoisingRecord, start_slice: int, done: int) -> None:
    part = _range(record, start_slice)
    part.done_count = max(part.done_count, done)
    record.denoising.slices_done_count = sum(part.done_count for part in record.denoising.ranges)


def _range_denoised(record: DenoisingRecord, denoised: RangeDenoised, doing: list[Effect]) -> None:
    part = _range(record, denoised.range_start)
    part.object_key = denoised.object_key
    # Every range says much the same: what the first one has said is enough.
    if not record.denoising.notes:
        record.denoising.notes.extend(denoised.notes)
    _count(record, part.start, part.stop - part.start)
    if not record.active_jobs:
        job = effects.assemble_job(record)
        record.active_jobs.append(job.id)
        _move(record, pb.DENOISING_STATE_ASSEMBLING, doing)
        doing.append(Effect(job=job))


def _result_assembled(record: DenoisingRecord, assembled: ResultAssembled, doing: list[Effect]) -> None:
    record.result.CopyFrom(assembled.file)
    job = effects.report_job(record)
    record.active_jobs.append(job.id)
    _move(record, pb.DENOISING_STATE_REPORTING, doing)
    doing.append(Effect(job=job))


def _report_made(record: DenoisingRecord, made: ReportMade, doing: list[Effect]) -> None:
    record.denoising.report_files.extend(made.files)
    record.denoising.verdict = made.verdict
    _complete(record, doing)


def _complete(record: DenoisingRecord, doing: list[Effect]) -> None:
    record.denoising.result_stack = f"stacks/{run_id(record.denoising.name)}"
    _move(record, pb.DENOISING_STATE_COMPLETE, doing)
    doing.append(Effect(register_stack=effects.result_stack(record)))
    _tell_training(record, doing)


def _job_failed(record: DenoisingRecord, failed: JobFailed, doing: list[Effect]) -> None:
    del record.active_jobs[:]
    if record.denoising.state == pb.DENOISING_STATE_REPORTING:
        record.denoising.notes.append(f"The result is complete, but has no report: {failed.failure.message}")
        _complete(record, doing)
        return
    record.denoising.failure.CopyFrom(failed.failure)
    _move(record, pb.DENOISING_STATE_FAILED, doing)
    _tell_training(record, doing)


def _cancel(record: DenoisingRecord, doing: list[Effect]) -> None:
    if record.denoising.state in TERMINAL:
        raise WrongStateError(f"The denoising is {state_name(record)} already; there is nothing to cancel.")
    del record.active_jobs[:]
    _move(record, pb.DENOISING_STATE_CANCELLED, doing)


def _begin_anew(record: DenoisingRecord, decision: Retry | Resume, doing: list[Effect]) -> None:
    if record.denoising.training:
        raise WrongStateError(f"This denoising is a step of {record.denoising.training}; begin that anew.")
    is_failed = record.denoising.state == pb.DENOISING_STATE_FAILED
    if is_failed != isinstance(decision, Retry) or (not is_failed and record.denoising.state in TERMINAL):
        raise WrongStateError(
            f"The denoising is {state_name(record)}; only what has failed can be tried again."
        )
    record.incarnation = decision.incarnation
    for field in ("failure", "end_time", "slices_done_count", "notes"):
        record.denoising.ClearField(field)
    del record.active_jobs[:]
    for part in record.denoising.ranges:
        part.ClearField("done_count")
        part.ClearField("object_key")
    _send_ranges(record, doing)


def state_name(record: DenoisingRecord) -> str:
    """The state without its prefix, for texts."""
    return DenoisingState.Name(record.denoising.state).removeprefix("DENOISING_STATE_")


def _tell_training(record: DenoisingRecord, doing: list[Effect]) -> None:
    denoising = record.denoising
    if not denoising.training:
        return
    finished = DenoisingFinished(
        stage=denoising.stage, result_stack=denoising.result_stack, notes=denoising.notes
    )
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
