"""A job's configuration in the engine's words."""

from typing import Any

from clearstack.v1.config_pb2 import METHOD_N2V, PRESET_BALANCED, MaskingStrategy, StageConfig, UpsamplingMode
from clearstack.v1.job_pb2 import TrainStage
from clearstack_common.config import preset_config
from clearstack_trainer.plan import engine_config

_SWITCHES = ("augmentation", "early_stopping", "resize_convolution", "posterior", "test_time_augmentation")


def test_every_choice_has_its_engines_word() -> None:
    """Each masking strategy and each interpolation arrives under its own name."""  # spec: C12 C13
    for name, value in MaskingStrategy.items()[1:]:
        word = name.removeprefix("MASKING_STRATEGY_").lower()
        assert engine_config(_work(masking_strategy=value)).masking_strategy == word
    for name, mode in UpsamplingMode.items()[1:]:
        word = name.removeprefix("UPSAMPLING_MODE_").lower()
        assert engine_config(_work(upsampling_mode=mode)).upsampling == word


def test_every_switch_arrives() -> None:
    """Each switch is passed on by itself, on and off."""  # spec: C5 C10 C11
    for switch in _SWITCHES:
        off = dict.fromkeys(_SWITCHES, False)
        found = engine_config(_work(**{**off, switch: True}))
        assert [each for each in _SWITCHES if getattr(found, each)] == [switch]


def _work(**values: Any) -> TrainStage:
    """A stage as the preset has it, but for what is given."""
    config = preset_config(METHOD_N2V, PRESET_BALANCED).stage1
    config.MergeFrom(StageConfig(**values))
    return TrainStage(stage=1, config=config)
