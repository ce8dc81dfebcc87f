"""Trainings and denoisings on paper: what the services would answer, and one run played step by step."""

from collections.abc import Sequence

from clearstack.v1 import config_pb2, mask_pb2, training_pb2
from clearstack.v1.denoising_pb2 import Denoising
from clearstack.v1.event_pb2 import (
    DenoisingFinished,
    EpochCompleted,
    Event,
    JobFailed,
    MaskExtracted,
    RangeDenoised,
    ReportMade,
    ResultAssembled,
    SlicesDenoised,
    StageStarted,
    StageTrained,
)
from clearstack.v1.job_pb2 import Job
from clearstack.v1.mask_pb2 import MaskSummary
from clearstack.v1.model_service_pb2 import StoredFile
from clearstack.v1.record_pb2 import DenoisingRecord, Effect, StageRecord, TrainingRecord
from clearstack.v1.stack_service_pb2 import Failure, StackInfo
from clearstack.v1.training_pb2 import EpochProgress, StageStatus, Training, TrainingState
from clearstack_common.config import preset_config
from clearstack_gateway.workflow import Decision, Grant
from clearstack_gateway.workflow.training import advance

N2V, STRUCT = config_pb2.METHOD_N2V, config_pb2.METHOD_AUTOSTRUCTN2V
STRIPES, NOTHING = mask_pb2.MASK_PATTERN_HORIZONTAL, mask_pb2.MASK_PATTERN_NONE
FAILURE = Failure(reason="COMPUTATION_FAILED", message="It broke.")


def new_training(method: "config_pb2.Method.ValueType", *, auto_approve: bool = False) -> TrainingRecord:
    """A training that was just created."""
    num_stages = 1 if method == N2V else 2
    return TrainingRecord(
        training=Training(
            name="trainings/t",
            stack="stacks/s",
            session="default",
            state=training_pb2.TRAINING_STATE_QUEUED,
            method=method,
            config=preset_config(method, config_pb2.PRESET_FAST),
            auto_approve=auto_approve,
            stages=[
                StageStatus(number=n, state=training_pb2.STAGE_STATE_PENDING, attempt=1)
                for n in range(1, num_stages + 1)
            ],
        ),
        stack=StoredFile(file_name="original.tif", object_key="stacks/s/original.tif"),
        stack_info=StackInfo(slice_count=3, height=64, width=64),
        stages=[StageRecord() for _ in range(num_stages)],
    )


def new_denoising(num_slices: int, *, training: str = "", side_px: int = 10) -> DenoisingRecord:
    """A denoising that was just asked for."""
    return DenoisingRecord(
        denoising=Denoising(
            name="denoisings/d", stack="stacks/s", stage=1, training=training, slice_count=num_slices
        ),
        stack_info=StackInfo(slice_count=num_slices, height=side_px, width=side_px, warnings=["dim"]),
    )


def files(folder: str, *names: str) -> list[StoredFile]:
    """Stored files of those names."""
    return [StoredFile(file_name=name, object_key=f"{folder}/{name}") for name in names]


def mask_extracted(job: Job, pattern: "mask_pb2.MaskPattern.ValueType" = STRIPES) -> Event:
    """What the mask extractor tells."""
    revision = job.extract.revision
    summary = MaskSummary(revision=revision, pattern=pattern, active_pixel_count=3)
    found = files(job.extract.object_prefix, "mask.json", "mask.npy", "correlation.npz")
    return Event(
        id=f"{job.id}.extracted",
        run=job.run,
        job=job.id,
        mask_extracted=MaskExtracted(summary=summary, files=found),
    )


def stage_trained(job: Job, token: int) -> Event:
    """What a trainer tells at its end."""
    stage, attempt = job.train.stage, job.train.attempt
    trained = StageTrained(
        stage=stage,
        attempt=attempt,
        token=token,
        files=files(f"{job.train.object_prefix}/{token}", "weights.pth", "model.json"),
        epoch_count=2,
        best_validation_loss=0.5,
    )
    return Event(id=f"{job.id}.trained.{token}", run=job.run, job=job.id, stage_trained=trained)


def epoch_completed(job: Job, token: int, epoch: int) -> Event:
    """What a trainer tells after each epoch."""
    progress = EpochProgress(epoch=epoch, epoch_count=9, validation_loss=1 / epoch, notes=["batch halved"])
    completed = EpochCompleted(
        stage=job.train.stage, attempt=job.train.attempt, token=token, progress=progress
    )
    return Event(id=f"{job.id}.epoch.{epoch}", run=job.run, job=job.id, epoch_completed=completed)


def stage_started(job: Job, token: int) -> Event:
    """What a trainer tells at its beginning."""
    started = StageStarted(
        stage=job.train.stage, attempt=job.train.attempt, token=token, device="cpu", notes=["slow"]
    )
    return Event(id=f"{job.id}.started.{token}", run=job.run, job=job.id, stage_started=started)


def denoising_finished(started: DenoisingRecord) -> Event:
    """What a training's denoising tells it."""
    denoising = started.denoising
    own_id = denoising.name.removeprefix("denoisings/")
    finished = DenoisingFinished(
        stage=denoising.stage,
        result_stack=f"stacks/{own_id}",
        file=StoredFile(object_key=f"results/{own_id}.tif"),
    )
    return Event(
        id=f"{own_id}.finished", run=denoising.training, job=denoising.name, denoising_finished=finished
    )


def job_failed(job: str, run: str = "trainings/t", token: int = 0) -> Event:
    """What a worker tells when it gives up; a trainer with its token."""
    return Event(id=f"{job}.failed", run=run, job=job, job_failed=JobFailed(failure=FAILURE, token=token))


def denoising_answers(job: Job) -> list[Event]:
    """What the inference service, and for the report the mask extractor, tells of a job."""
    if job.HasField("assemble"):
        file = StoredFile(object_key=job.assemble.object_key, size_bytes=9, sha256="ab")
        told = [Event(result_assembled=ResultAssembled(file=file))]
    elif job.HasField("report"):
        made = ReportMade(
            files=files(job.report.object_prefix, "report.html", "report.json"), verdict="white"
        )
        told = [Event(report_made=made)]
    else:
        first, stop = job.denoise.start, job.denoise.stop
        told = [
            Event(slices_denoised=SlicesDenoised(range_start=first, done_count=done))
            for done in range(1, stop - first)
        ]
        denoised = RangeDenoised(range_start=first, object_key=job.denoise.object_key)
        told.append(Event(range_denoised=denoised))
    for number, event in enumerate(told):
        event.id, event.run, event.job = f"{job.id}.{number}", job.run, job.id
    return told


def answers(
    effect: Effect, token: int, pattern: "mask_pb2.MaskPattern.ValueType" = STRIPES
) -> Sequence[Event]:
    """What the services tell when they carry an effect of a training out."""
    match effect.WhichOneof("kind"), effect.job.WhichOneof("verb"):
        case "job", "train":
            job = effect.job
            epochs = [epoch_completed(job, token, epoch) for epoch in (1, 2)]
            return [stage_started(job, token), *epochs, stage_trained(job, token)]
        case "job", "extract":
            return [mask_extracted(effect.job, pattern)]
        case "start_denoising", _:
            return [denoising_finished(effect.start_denoising)]
    return []


class Play:
    """One training: its record, all effects so far, and the states that it went through."""

    def __init__(self, record: TrainingRecord) -> None:
        self.record = record
        self.effects: list[Effect] = []
        self.states = [self.state]
        self.token = 0

    @property
    def state(self) -> str:
        """The present state, without prefix."""
        return TrainingState.Name(self.record.training.state).removeprefix("TRAINING_STATE_")

    def tell(self, happening: Event | Decision) -> Sequence[Effect]:
        """Applies an event or a decision; returns what follows."""
        self.record, doing = advance(self.record, happening)
        self.effects.extend(doing)
        if self.state != self.states[-1]:
            self.states.append(self.state)
        return doing

    def job(self) -> Job:
        """The newest job."""
        return next(effect.job for effect in reversed(self.effects) if effect.HasField("job"))

    def serve(self, pattern: "mask_pb2.MaskPattern.ValueType" = STRIPES) -> "Play":
        """Lets the queue and the services work until a person is needed or the run is over."""
        pending = self._awaited()
        while pending or self.state == "QUEUED":
            if self.state == "QUEUED":
                pending = [*self.tell(Grant())]
            self.token += 1
            told = [event for effect in pending for event in answers(effect, self.token, pattern)]
            pending = [effect for event in told for effect in self.tell(event)]
            pending = [effect for effect in pending if not effect.HasField("event")]
        return self

    def serve_until(self, state: str) -> "Play":
        """Lets the services work until a state is reached."""
        while self.state != state:
            pending = [Effect()] if self.state == "QUEUED" else self._awaited()
            self.token += 1
            for effect in pending:
                told: Sequence[Event | Decision] = answers(effect, self.token) or [Grant()]
                for happening in told:
                    self.tell(happening)
        return self

    def _awaited(self) -> list[Effect]:
        active = set(self.record.active_jobs)
        return [
            effect
            for effect in self.effects
            if effect.job.id in active or effect.start_denoising.denoising.name in active
        ]
