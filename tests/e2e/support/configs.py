"""Configurations for trainings that take seconds."""

from typing import Any

from clearstack.v1.config_pb2 import MaskExtractorConfig, StageConfig, TrainingConfig

_TINY = {
    "patch_size": 32,
    "patches_per_image": 4,
    "batch_size": 4,
    "features": 8,
    "layers": 2,
    "learning_rate": 1e-3,
    "epochs": 2,
    "early_stopping": False,
}


def stage(**values: Any) -> StageConfig:
    """A stage as small as it can be, but for what is given."""
    return StageConfig(**{**_TINY, **values})


def n2v(**values: Any) -> TrainingConfig:
    """One small stage with a fixed seed."""
    return TrainingConfig(stage1=stage(**values), seed=7)


def two_stages(**values: Any) -> TrainingConfig:
    """Two small stages with a fixed seed; augmentation as autoStructN2V wants it."""
    first = stage(**values, augmentation=False)
    return TrainingConfig(stage1=first, stage2=stage(**values), mask=MaskExtractorConfig(), seed=7)


def as_options(*stages: str, **values: Any) -> list[str]:
    """The same for the command line."""
    settings = {name: str(value).lower() for name, value in {**_TINY, **values}.items()}
    pairs = [f"{each}.{name}={value}" for each in stages or ("stage1",) for name, value in settings.items()]
    return [word for pair in pairs for word in ("--set", pair)]
