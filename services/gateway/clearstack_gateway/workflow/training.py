"""The life of a training, on one page.

    QUEUED → TRAINING (stage 1) → DENOISING (stage 1)
      n2v:            → COMPLETE
      autostructn2v:  → EXTRACTING_MASK → AWAITING_REVIEW ⇄ EXTRACTING_MASK (regenerate)
                        → QUEUED → TRAINING (stage 2) → DENOISING (stage 2) → COMPLETE
                        → COMPLETE (skip stage 2)
    from anywhere: → FAILED, → CANCELLED; from COMPLETE back to EXTRACTING_MASK (regenerate)
    from FAILED back to the step that failed (retry)

`advance(record, input)` gives the next record and what is to be done. It is pure: no clock, no I/O, the given record
stays as it is. An event counts only while its job is among the record's `active_jobs`, so that an event that comes
twice, late, or from an attempt that was given up, changes nothing.
"""

from collections.abc import Iterable

from clearstack.v1 import mask_pb2
from clearstack.v1 import training_pb2 as pb
from clearstack.v1.event_pb2 import (
    DenoisingFinished,
    EpochAdvanced,
    EpochCompleted,
    Event,
    JobFailed,
    MaskExtracted,
    StageStarted,
    StageTrained,
)
from clearstack.v1.record_pb2 import Effect, TrainingRecord
from clearstack.v1.stack_service_pb2 import Failure
from clearstack.v1.training_pb2 import TrainingState
from clearstack_common.errors import WrongStateError
from clearstack_common.subjects import run_id

from clearstack_gateway.workflow import training_effects as effects
from clearstack_gateway.workflow.decisions import (
    Approve,
    Cancel,
    Decision,
    Grant,
    Regenerate,
    Resume,
    Retry,
    SetAutoApprove,
    SkipStageTwo,
)

TERMINAL = frozenset({pb.TRAINING_STATE_COMPLETE, pb.TRAINING_STATE_FAILED, pb.TRAINING_STATE_CANCELLED})
_BEFORE_MASK = frozenset(
    {
        pb.TRAINING_STATE_QUEUED,
        pb.TRAINING_STATE_TRAINING,
        pb.TRAINING_STATE_DENOISING,
        pb.TRAINING_STATE_EXTRACTING_MASK,
    }
)

Step = tuple[TrainingRecord, list[Effect]]


def advance(record: TrainingRecord, happening: Event | Decision) -> Step:
    """The record after an event or a decision, and what has to be done because of it.

    Raises:
        WrongStateError: The decision cannot be taken in this state; the text says why.
    """
    after = TrainingRecord()
    after.CopyFrom(record)
    doing: list[Effect] = []
    if isinstance(happening, Event):
        if happening.job in record.active_jobs:
            _on_event(after, happening, doing)
    else:
        _on_decision(after, happening, doing)
    return after, doing


def _on_event(record: TrainingRecord, event: Event, doing: list[Effect]) -> None:
    match event.WhichOneof("kind"):
        case "stage_started":
            _stage_started(record, event.stage_started)
        case "epoch_advanced":
            _epoch_advanced(record, event.epoch_advanced)
        case "epoch_completed":
            _epoch_completed(record, event.epoch_completed)
        case "stage_trained":
            _stage_trained(record, event.job, event.stage_trained, doing)
        case "denoising_finished":
            _denoising_finished(record, event.job, event.denoising_finished, doing)
        case "mask_extracted":
            _mask_extracted(record, event.job, event.mask_extracted, doing)
        case "job_failed":
            _job_failed(record, event.job_failed, doing)


def _on_decision(record: TrainingRecord, decision: Decision, doing: list[Effect]) -> None:
    match decision:
        case Grant():
            _grant(record, doing)
        case Approve():
            _approve(record, decision, doing)
        case Regenerate():
            _regenerate(record, decision, doing)
        case SkipStageTwo():
            _require(
                record,
                {pb.TRAINING_STATE_AWAITING_REVIEW},
                "Stage 2 can be skipped while the mask awaits review",
            )
            _skip(record, doing)
        case SetAutoApprove():
            _set_auto_approve(record, enabled=decision.enabled)
        case Cancel():
            _cancel(record, doing)
        case Retry():
            _retry(record, decision, doing)
        case Resume():
            _resume(record, decision, doing)


# --- training a stage -------------------------------------------------------------------------------------------


def _grant(record: TrainingRecord, doing: list[Effect]) -> None:
    _require(record, {pb.TRAINING_STATE_QUEUED}, "Only a queued training can be given the slot")
    number = next(stage.number for stage in record.training.stages if stage.state == pb.STAGE_STATE_PENDING)
    job = effects.train_job(record, number)
    _wait_for(record, job.id)
    _move(record, pb.TRAINING_STATE_TRAINING, doing)
    doing.append(Effect(job=job))


def _stage_started(record: TrainingRecord, started: StageStarted) -> None:
    stage, kept = record.training.stages[started.stage - 1], record.stages[started.stage - 1]
    if started.token < kept.token:
        return
    kept.token = started.token
    stage.state = pb.STAGE_STATE_TRAINING
    stage.device = started.device
    _add_notes(stage, started.notes)


def _epoch_advanced(record: TrainingRecord, advanced: EpochAdvanced) -> None:
    stage, kept = record.training.stages[advanced.stage - 1], record.stages[advanced.stage - 1]
    if advanced.token >= kept.token and advanced.running.epoch > stage.progress.epoch:
        stage.running.CopyFrom(advanced.running)


def _epoch_completed(record: TrainingRecord, completed: EpochCompleted) -> None:
    stage, kept = record.training.stages[completed.stage - 1], record.stages[completed.stage - 1]
    if completed.token >= kept.token and completed.progress.epoch > stage.progress.epoch:
        stage.progress.CopyFrom(completed.progress)
        stage.ClearField("running")
        _add_notes(stage, completed.progress.notes)


def _stage_trained(record: TrainingRecord, job: str, trained: StageTrained, doing: list[Effect]) -> None:
    stage, kept = record.training.stages[trained.stage - 1], record.stages[trained.stage - 1]
    if trained.token < kept.token:
        return  # a trainer that lost the lock
    stage.state = pb.STAGE_STATE_COMPLETE
    stage.ClearField("running")
    stage.stopped_early_epoch = trained.stopped_early_epoch
    kept.token, kept.epoch_count = trained.token, trained.epoch_count
    kept.best_validation_loss = trained.best_validation_loss
    kept.noise_standard_deviation = trained.noise_standard_deviation
    del kept.files[:]
    kept.files.extend(trained.files)
    record.active_jobs.remove(job)
    record.training.model = effects.model_name(record)
    doing.append(Effect(register_model=effects.model(record)))
    _denoise(record, trained.stage, doing)


def _denoising_finished(
    record: TrainingRecord, job: str, finished: DenoisingFinished, doing: list[Effect]
) -> None:
    if finished.HasField("failure"):
        _fail(record, finished.failure, doing)
        return
    record.active_jobs.remove(job)
    record.training.notes.extend(note for note in finished.notes if note not in record.training.notes)
    record.training.stages[finished.stage - 1].result_stack = finished.result_stack
    record.stages[finished.stage - 1].result.CopyFrom(finished.file)
    if finished.stage == len(record.training.stages):
        _complete(record, finished.result_stack, doing)
    else:
        _extract(record, doing)


# --- the mask and its review ------------------------------------------------------------------------------------


def _extract(record: TrainingRecord, doing: list[Effect]) -> None:
    job = effects.extract_job(record)
    _wait_for(record, job.id)
    _move(record, pb.TRAINING_STATE_EXTRACTING_MASK, doing)
    doing.append(Effect(job=job))


def _mask_extracted(record: TrainingRecord, job: str, extracted: MaskExtracted, doing: list[Effect]) -> None:
    record.active_jobs.remove(job)
    record.training.mask.CopyFrom(extracted.summary)
    del record.mask_files[:]
    record.mask_files.extend(extracted.files)
    # Auto-approval is for the first mask; whoever regenerates one wants to see it.
    is_first = extracted.summary.revision == 1
    if not (record.training.auto_approve and is_first):
        _move(record, pb.TRAINING_STATE_AWAITING_REVIEW, doing)
    elif extracted.summary.pattern == mask_pb2.MASK_PATTERN_NONE:
        record.training.notes.append(
            "No structured noise detected: stage 2 was skipped, the result of stage 1 is final."
        )
        _skip(record, doing)
    else:
        _queue_stage_two(record, doing)


def _approve(record: TrainingRecord, decision: Approve, doing: list[Effect]) -> None:
    _require(record, {pb.TRAINING_STATE_AWAITING_REVIEW}, "A mask can be approved while it awaits review")
    if decision.edited_summary is not None:
        record.training.mask.CopyFrom(decision.edited_summary)
        edited = {file.file_name for file in decision.edited_files}
        kept = [file for file in record.mask_files if file.file_name not in edited]
        del record.mask_files[:]
        record.mask_files.extend([*decision.edited_files, *kept])
    _queue_stage_two(record, doing)


def _queue_stage_two(record: TrainingRecord, doing: list[Effect]) -> None:
    stage = record.training.stages[1]
    attempt = stage.attempt if stage.state == pb.STAGE_STATE_PENDING else stage.attempt + 1
    result = stage.result_stack  # stays visible until the new one replaces it
    stage.Clear()
    stage.number, stage.attempt, stage.state, stage.result_stack = 2, attempt, pb.STAGE_STATE_PENDING, result
    _move(record, pb.TRAINING_STATE_QUEUED, doing)


def _regenerate(record: TrainingRecord, decision: Regenerate, doing: list[Effect]) -> None:
    _require(
        record,
        {pb.TRAINING_STATE_AWAITING_REVIEW, pb.TRAINING_STATE_COMPLETE},
        "A mask can be regenerated while it awaits review or when the training is complete",
    )
    if not record.training.HasField("mask"):
        raise WrongStateError(
            "This training has no mask: it was made with n2v; train with autostructn2v to get one."
        )
    record.training.config.mask.MergeFrom(decision.config)
    record.training.ClearField("end_time")
    _extract(record, doing)


def _skip(record: TrainingRecord, doing: list[Effect]) -> None:
    record.training.stages[1].state = pb.STAGE_STATE_SKIPPED
    record.stages[1].Clear()  # a stage 2 of an earlier mask is not part of the model any more
    _complete(record, record.training.stages[0].result_stack, doing)


def _set_auto_approve(record: TrainingRecord, *, enabled: bool) -> None:
    if record.training.HasField("mask") or record.training.state not in _BEFORE_MASK:
        raise WrongStateError(
            f"Auto-approve can be changed until the mask is there; the training is {state_name(record)}. "
            "Approve the mask, regenerate it or skip stage 2."
        )
    record.training.auto_approve = enabled


# --- ends -------------------------------------------------------------------------------------------------------


def _complete(record: TrainingRecord, result_stack: str, doing: list[Effect]) -> None:
    record.training.result_stack = result_stack
    # A result has the id of the denoising that made it.
    record.training.report = f"denoisings/{run_id(result_stack)}" if result_stack else ""
    _move(record, pb.TRAINING_STATE_COMPLETE, doing)
    doing.append(Effect(register_model=effects.model(record)))


def _job_failed(record: TrainingRecord, failed: JobFailed, doing: list[Effect]) -> None:
    if failed.token and failed.token < max(kept.token for kept in record.stages):
        return  # a trainer that lost the lock: whoever has it now is at work
    _fail(record, failed.failure, doing)


def _fail(record: TrainingRecord, failure: Failure, doing: list[Effect]) -> None:
    _end_running_stage(record, pb.STAGE_STATE_FAILED)
    del record.active_jobs[:]
    if record.training.result_stack:  # a second attempt after COMPLETE takes nothing away
        record.training.notes.append(f"A new attempt failed, the earlier result stays: {failure.message}")
        _move(record, pb.TRAINING_STATE_COMPLETE, doing)
    else:
        record.training.failure.CopyFrom(failure)
        _move(record, pb.TRAINING_STATE_FAILED, doing)


def _cancel(record: TrainingRecord, doing: list[Effect]) -> None:
    if record.training.state in TERMINAL:
        raise WrongStateError(f"The training is {state_name(record)} already; there is nothing to cancel.")
    _end_running_stage(record, pb.STAGE_STATE_CANCELLED)
    doing.extend(Effect(cancel_denoising=job) for job in record.active_jobs if job.startswith("denoisings/"))
    del record.active_jobs[:]
    _move(record, pb.TRAINING_STATE_CANCELLED, doing)


def _end_running_stage(record: TrainingRecord, state: "pb.StageState.ValueType") -> None:
    has_slot = record.training.state == pb.TRAINING_STATE_TRAINING
    for stage in record.training.stages:
        if stage.state == pb.STAGE_STATE_TRAINING or (has_slot and stage.state == pb.STAGE_STATE_PENDING):
            stage.state = state
            return


# --- a step begun anew ------------------------------------------------------------------------------------------


def _retry(record: TrainingRecord, decision: Retry, doing: list[Effect]) -> None:
    _require(record, {pb.TRAINING_STATE_FAILED}, "Only what has failed can be tried again")
    record.incarnation = decision.incarnation
    record.training.ClearField("failure")
    record.training.ClearField("end_time")
    failed = [stage for stage in record.training.stages if stage.state == pb.STAGE_STATE_FAILED]
    if failed:
        failed[0].attempt += 1  # files of its own: those of the attempt that failed are being removed
        _requeue(record, failed[0], doing)
    elif _undenoised(record):
        _denoise(record, _undenoised(record)[-1].number, doing)
    else:
        _extract(record, doing)


def _resume(record: TrainingRecord, decision: Resume, doing: list[Effect]) -> None:
    if record.training.state in TERMINAL:
        raise WrongStateError(f"The training is {state_name(record)}; there is nothing to go on with.")
    record.incarnation = decision.incarnation
    del record.active_jobs[:]
    match record.training.state:
        case pb.TRAINING_STATE_TRAINING:
            begun = (pb.STAGE_STATE_PENDING, pb.STAGE_STATE_TRAINING)
            _requeue(record, next(stage for stage in record.training.stages if stage.state in begun), doing)
        case pb.TRAINING_STATE_DENOISING:
            _denoise(record, _complete_stages(record)[-1].number, doing)
        case pb.TRAINING_STATE_EXTRACTING_MASK:
            _extract(record, doing)


def _requeue(record: TrainingRecord, stage: pb.StageStatus, doing: list[Effect]) -> None:
    """Lets a stage wait for the slot again; its trainer will tell anew how far its checkpoint is."""
    stage.state = pb.STAGE_STATE_PENDING
    stage.ClearField("progress")
    stage.ClearField("running")
    _move(record, pb.TRAINING_STATE_QUEUED, doing)


def _denoise(record: TrainingRecord, number: int, doing: list[Effect]) -> None:
    denoising = effects.denoising(record, number)
    _wait_for(record, denoising.denoising.name)
    _move(record, pb.TRAINING_STATE_DENOISING, doing)
    doing.append(Effect(start_denoising=denoising))


def _complete_stages(record: TrainingRecord) -> list[pb.StageStatus]:
    return [stage for stage in record.training.stages if stage.state == pb.STAGE_STATE_COMPLETE]


def _undenoised(record: TrainingRecord) -> list[pb.StageStatus]:
    return [stage for stage in _complete_stages(record) if not stage.result_stack]


# --- small things -----------------------------------------------------------------------------------------------


def state_name(record: TrainingRecord) -> str:
    """The state without its prefix, for texts."""
    return TrainingState.Name(record.training.state).removeprefix("TRAINING_STATE_")


def _require(record: TrainingRecord, states: set["TrainingState.ValueType"], rule: str) -> None:
    if record.training.state not in states:
        raise WrongStateError(f"{rule}; this training is {state_name(record)}.")


def _wait_for(record: TrainingRecord, job: str) -> None:
    record.active_jobs.append(job)


def _move(record: TrainingRecord, state: "TrainingState.ValueType", doing: list[Effect]) -> None:
    record.training.state = state
    record.state_change_count += 1
    doing.append(Effect(event=effects.state_changed(record, state_name(record))))


def _add_notes(stage: pb.StageStatus, notes: Iterable[str]) -> None:
    stage.notes.extend(note for note in notes if note not in stage.notes)
