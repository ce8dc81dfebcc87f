"""What a training asks for: jobs, denoisings, its model; all with names that depend on nothing but the record."""

from clearstack.v1 import model_service_pb2
from clearstack.v1.config_pb2 import StageConfig
from clearstack.v1.denoising_pb2 import Denoising
from clearstack.v1.event_pb2 import Event, StateChanged
from clearstack.v1.job_pb2 import ExtractMask, Job, MakeReport, TrainStage
from clearstack.v1.model_service_pb2 import Model, ModelStage, StoredFile
from clearstack.v1.record_pb2 import DenoisingRecord, TrainingRecord
from clearstack_common.subjects import run_id

_MASK_OF_A_MODEL = frozenset({"mask.json", "mask.npy"})


def work_id(record: TrainingRecord) -> str:
    """What the ids of a training's jobs, denoisings and events begin with.

    Not the training's id alone: one that was deleted may have had the same.
    """
    own_id = run_id(record.training.name)
    return f"{own_id}-{record.incarnation}" if record.incarnation else own_id


def model_folder(record: TrainingRecord) -> str:
    """Where the training's weights, configuration and masks are kept."""
    return f"models/{record.training.session}/{run_id(record.training.name)}"


def train_job(record: TrainingRecord, number: int) -> Job:
    """The training of a stage."""
    training = record.training
    stage = training.stages[number - 1]
    config: StageConfig = getattr(training.config, f"stage{number}")
    work = TrainStage(
        stage=number,
        attempt=stage.attempt,
        stack=record.stack,
        mode=training.mode,
        config=config,
        seed=training.config.seed,
        object_prefix=f"{model_folder(record)}/stage{number}/attempt{stage.attempt}",
    )
    if number > 1:
        work.mask.CopyFrom(mask_file(record, "mask.npy"))
    return Job(
        id=f"{work_id(record)}.stage{number}.attempt{stage.attempt}.train",
        run=training.name,
        train=work,
    )


def extract_job(record: TrainingRecord) -> Job:
    """The extraction of the next mask."""
    training = record.training
    revision = training.mask.revision + 1
    work = ExtractMask(
        revision=revision,
        stack=record.stack,
        denoised=record.stages[0].result,
        mode=training.mode,
        config=training.config.mask,
        object_prefix=f"{model_folder(record)}/mask/revision{revision}",
    )
    if training.HasField("mask"):
        work.correlation.CopyFrom(mask_file(record, "correlation.npz"))
    return Job(id=f"{work_id(record)}.mask.revision{revision}.extract", run=training.name, extract=work)


def mask_file(record: TrainingRecord, file_name: str) -> StoredFile:
    """A file of the newest mask."""
    return next(file for file in record.mask_files if file.file_name == file_name)


def denoising(record: TrainingRecord, number: int) -> DenoisingRecord:
    """The denoising of the training's own stack with a finished stage."""
    training, attempt = record.training, record.training.stages[number - 1].attempt
    return DenoisingRecord(
        stack=record.stack,
        stack_info=record.stack_info,
        denoising=Denoising(
            name=f"denoisings/{work_id(record)}-stage{number}-attempt{attempt}",
            display_name=f"{record.stack_display_name} · stage {number}",
            stack=training.stack,
            model=model_name(record),
            stage=number,
            slice_count=record.stack_info.slice_count,
            training=training.name,
            mode=training.mode,
            model_files=record.stages[number - 1].files,
            creator=training.creator,
        ),
        report=report(record, number),
    )


def report(record: TrainingRecord, number: int) -> MakeReport:
    """What the report of a stage's result will be made of; the result itself comes later."""
    training = record.training
    learnt = model(record)
    return MakeReport(
        stack_name=training.stack,
        stack_display_name=record.stack_display_name,
        method=training.method,
        mode=training.mode,
        preset=training.preset,
        stage=number,
        stages=learnt.stages[:number],
        config=training.config,
        mask_files=learnt.mask_files if number > 1 else [],
        earlier_result=record.stages[0].result if number > 1 else None,
        model=learnt.name,
        training=training.name,
        device=training.stages[number - 1].device,
        is_training_stack=True,
    )


def model_name(record: TrainingRecord) -> str:
    """The model of a training has its id."""
    return f"models/{run_id(record.training.name)}"


def model(record: TrainingRecord) -> Model:
    """What the training has learnt so far."""
    training = record.training
    learnt = [
        ModelStage(
            number=number,
            files=kept.files,
            epoch_count=kept.epoch_count,
            best_validation_loss=kept.best_validation_loss,
            training_loss=training.stages[number - 1].progress.training_loss,
        )
        for number, kept in enumerate(record.stages, start=1)
        if kept.files
    ]
    return Model(
        name=model_name(record),
        display_name=training.display_name,
        method=training.method,
        mode=training.mode,
        training=training.name,
        stack=training.stack,
        stack_sha256=record.stack.sha256,
        stack_display_name=record.stack_display_name,
        stages=learnt,
        mask_files=[file for file in record.mask_files if file.file_name in _MASK_OF_A_MODEL],
        config=training.config,
        device=training.stages[len(learnt) - 1].device,
        state=model_service_pb2.MODEL_STATE_READY,
        origin=model_service_pb2.MODEL_ORIGIN_TRAINED,
        stack_dtype=record.stack_info.dtype,
        noise_standard_deviation=record.stages[0].noise_standard_deviation,
    )


def state_changed(record: TrainingRecord, state: str) -> Event:
    """Tells the history that the gateway moved the training on."""
    training = record.training
    changed = StateChanged(state=state)
    if training.HasField("failure"):
        changed.failure.CopyFrom(training.failure)
    return Event(
        id=f"{work_id(record)}.state.{record.state_change_count}",
        run=training.name,
        state_changed=changed,
    )
