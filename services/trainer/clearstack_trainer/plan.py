"""What the computing child process is told: a JSON file in its folder."""

import json
from dataclasses import asdict
from pathlib import Path

from clearstack.v1 import config_pb2
from clearstack.v1.job_pb2 import TrainStage
from clearstack_engine.config import StageConfig

PLAN = "plan.json"
_UPSAMPLING = {
    config_pb2.UPSAMPLING_MODE_NEAREST: "nearest",
    config_pb2.UPSAMPLING_MODE_BILINEAR: "bilinear",
    config_pb2.UPSAMPLING_MODE_BICUBIC: "bicubic",
}
_STRATEGY = {
    config_pb2.MASKING_STRATEGY_AUTO: "auto",
    config_pb2.MASKING_STRATEGY_LOCAL_MEAN: "local_mean",
    config_pb2.MASKING_STRATEGY_ZEROS: "zeros",
    config_pb2.MASKING_STRATEGY_RANDOM: "random",
    config_pb2.MASKING_STRATEGY_NEIGHBOUR: "neighbour",
    config_pb2.MASKING_STRATEGY_MEDIAN: "median",
}


def write_plan(
    folder: Path, work: TrainStage, stack: Path, mask: Path | None, checkpoint: Path | None
) -> None:
    """Writes `plan.json`: where the files are, and the engine's configuration."""
    plan = {
        "stack": str(stack),
        "mask": str(mask) if mask else None,
        "checkpoint": str(checkpoint) if checkpoint else None,
        "config": asdict(engine_config(work)),
    }
    (folder / PLAN).write_text(json.dumps(plan))


def engine_config(work: TrainStage) -> StageConfig:
    """The job's configuration in the engine's words. Each stage has a seed of its own."""
    config = work.config
    return StageConfig(
        patch_size_px=config.patch_size,
        patches_per_slice=config.patches_per_image,
        batch_size=config.batch_size,
        mask_percentage=config.mask_percentage,
        augmentation=config.augmentation,
        num_features=config.features,
        num_layers=config.layers,
        learning_rate=config.learning_rate,
        num_epochs=config.epochs,
        early_stopping=config.early_stopping,
        early_stopping_patience=config.patience,
        resize_convolution=config.resize_convolution,
        upsampling=_UPSAMPLING[config.upsampling_mode],  # type: ignore[arg-type]
        masking_strategy=_STRATEGY[config.masking_strategy],  # type: ignore[arg-type]
        posterior=config.posterior,
        test_time_augmentation=config.test_time_augmentation,
        seed=(work.seed + work.stage) % 2**63,
        num_input_slices=3 if work.mode == config_pb2.MODE_2_5D else 1,
    )
