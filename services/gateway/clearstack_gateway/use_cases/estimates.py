"""How long a training would take, from how fast the last one was here."""

from collections.abc import Iterator

from clearstack.v1.config_pb2 import StageConfig, TrainingConfig
from clearstack.v1.record_pb2 import TrainingRecord
from clearstack.v1.stack_service_pb2 import StackInfo
from clearstack.v1.training_service_pb2 import (
    CreateTrainingRequest,
    EstimateTrainingRequest,
    EstimateTrainingResponse,
)
from clearstack_common.config import stage_names

from clearstack_gateway.use_cases.tables import Tables, id_in
from clearstack_gateway.use_cases.trainings import Trainings

# What `_work` is per second on two cores of a server, measured with the published defaults (7.1 patches/s).
_TWO_CORES = 7.1 * 64**2 * 64**2 * 5
# Looking at held-out patches takes time, too.
_WITH_VALIDATION = 1.15
# Denoising goes forward only, over tiles that overlap; with all turns and flips eight times.
_FORWARD, _TURNS = 0.45, 8


class Estimates:
    """Estimates from the records of trainings."""

    def __init__(self, tables: Tables, trainings: Trainings) -> None:
        self._tables = tables
        self._trainings = trainings

    async def estimate(self, request: EstimateTrainingRequest) -> EstimateTrainingResponse:
        """How long each stage would take with its denoising, if early stopping does not end it before.

        Raises:
            InvalidFieldsError: As for the training itself.
            ClearstackError: The stack cannot be used, or not in this mode.
        """
        wanted = CreateTrainingRequest(
            stack=request.stack,
            method=request.method,
            mode=request.mode,
            preset=request.preset,
            config=request.config,
            validate_only=True,
        )
        config = (await self._trainings.create(wanted)).config
        info = (await self._tables.stacks.get(id_in(request.stack, "stacks", "stack"))).value.info
        measured, device = _newest_speed([stored.value for stored in await self._tables.trainings.list()])
        speed = measured or _TWO_CORES
        stages = [stage_s(stage, info, speed) for stage in _stages(config, len(stage_names(request.method)))]
        basis = (
            "From the speed of the last training here; early stopping may end it before."
            if measured
            else "Nothing was trained here yet, so this is for two CPU cores; a GPU is many times faster."
        )
        return EstimateTrainingResponse(seconds=sum(stages), stage_seconds=stages, basis=basis, device=device)


def stage_s(stage: StageConfig, info: StackInfo, speed: float) -> float:
    """Seconds for all epochs of a stage, and for denoising the stack with it.

    Args:
        stage: All of its parameters.
        info: The stack's shape.
        speed: Work per second, as `_work` counts it.
    """
    num_patches = stage.epochs * stage.patches_per_image * info.slice_count
    num_px = info.slice_count * info.height * info.width * (_TURNS if stage.test_time_augmentation else 1)
    training = num_patches * _work(stage) * _WITH_VALIDATION
    denoising = num_px / stage.patch_size**2 * _work(stage) * _FORWARD
    return (training + denoising) / speed


def _work(stage: StageConfig) -> float:
    """Work for one patch: each level has a quarter of the pixels and four times the products of the one before."""
    return float(stage.patch_size**2 * stage.features**2 * (stage.layers + 1))


def _newest_speed(records: list[TrainingRecord]) -> tuple[float, str]:
    """Of the stage that was trained last, and on what; 0 = there is none."""
    newest = sorted(records, key=lambda record: record.training.update_time.ToNanoseconds(), reverse=True)
    for record in newest:
        speeds = list(_speeds(record))
        if speeds:
            return speeds[-1]
    return 0.0, ""


def _speeds(record: TrainingRecord) -> Iterator[tuple[float, str]]:
    training = record.training
    for stage, status in zip(_stages(training.config, len(training.stages)), training.stages, strict=True):
        if status.progress.patches_per_second > 0:
            yield status.progress.patches_per_second * _work(stage), status.device


def _stages(config: TrainingConfig, count: int) -> list[StageConfig]:
    return [config.stage1, config.stage2][:count]
