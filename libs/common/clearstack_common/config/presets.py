"""The presets: a value for every parameter. `balanced` holds the published defaults; the others were measured."""

from collections.abc import Mapping

from clearstack.v1 import config_pb2
from clearstack.v1.config_pb2 import MaskExtractorConfig, Method, Preset, StageConfig, TrainingConfig

_BALANCED = {
    "patch_size": 64,
    "patches_per_image": 100,
    "batch_size": 8,
    "mask_percentage": 15.0,
    "augmentation": True,
    "features": 64,
    "layers": 4,
    "learning_rate": 1e-4,
    "epochs": 100,
    "early_stopping": True,
    "patience": 10,
    "resize_convolution": True,
    "upsampling_mode": config_pb2.UPSAMPLING_MODE_BILINEAR,
    "masking_strategy": config_pb2.MASKING_STRATEGY_AUTO,
    "posterior": False,
    "test_time_augmentation": False,
}
# The patches per image of `fast` and `high-quality` are for 24 slices. Shallower stacks get more of each, so that an epoch
# stays as long; for `fast` deeper ones get fewer.
PRESET_SLICES = 24
_FAST = _BALANCED | {
    "patches_per_image": 40,
    "batch_size": 16,
    "mask_percentage": 10.0,
    "features": 32,
    "layers": 2,
    "learning_rate": 4e-3,
    "epochs": 10,
}
# Nine times as many steps with the same network; a third more of them gain nothing, and wider and deeper networks did worse
# with the same CPU-time.
_HIGH_QUALITY = _FAST | {
    "patches_per_image": 60,
    "epochs": 60,
    "patience": 20,
    "test_time_augmentation": True,
}

# What is different in the stages of autoStructN2V; N2V's only stage takes the values above.
_SHORT_STAGE_1 = {
    "augmentation": False,
    "patch_size": 32,
    "batch_size": 32,
    "mask_percentage": 15.0,
    "learning_rate": 2e-3,
}
_STAGE_1: Mapping["Preset.ValueType", Mapping[str, int | float | bool]] = {
    config_pb2.PRESET_FAST: _SHORT_STAGE_1,
    config_pb2.PRESET_BALANCED: {"augmentation": False, "patch_size": 32, "batch_size": 4},
    config_pb2.PRESET_HIGH_QUALITY: _SHORT_STAGE_1,
}
# On correlated noise it is worth more than a decibel, on white noise it costs a tenth or two.
_POSTERIOR = {"posterior": True}
_STAGE_2: Mapping["Preset.ValueType", Mapping[str, int | float | bool]] = {
    config_pb2.PRESET_FAST: _POSTERIOR,
    config_pb2.PRESET_BALANCED: {
        "patches_per_image": 200,
        "batch_size": 2,
        "mask_percentage": 10.0,
        "learning_rate": 1e-5,
    },
    config_pb2.PRESET_HIGH_QUALITY: _POSTERIOR,
}
_COMMON: Mapping["Preset.ValueType", Mapping[str, int | float | bool]] = {
    config_pb2.PRESET_FAST: _FAST,
    config_pb2.PRESET_BALANCED: _BALANCED,
    config_pb2.PRESET_HIGH_QUALITY: _HIGH_QUALITY,
}


def preset_config(method: "Method.ValueType", preset: "Preset.ValueType") -> TrainingConfig:
    """Every parameter but the seed."""
    common = _COMMON[preset]
    if method == config_pb2.METHOD_N2V:
        return TrainingConfig(stage1=_stage(common))
    return TrainingConfig(
        stage1=_stage({**common, **_STAGE_1[preset]}),
        stage2=_stage({**common, **_STAGE_2[preset]}),
        mask=MaskExtractorConfig(
            adaptive_thresholding=True, base_percentile=50.0, percentile_decay=1.15, max_masked_pixels=25
        ),
    )


def _stage(values: Mapping[str, int | float | bool]) -> StageConfig:
    stage = StageConfig()
    for name, value in values.items():
        setattr(stage, name, value)
    return stage
