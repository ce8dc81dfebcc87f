"""The parameters of the specification: presets, ranges, and all mistakes at once."""

import math

import pytest
from clearstack.v1 import config_pb2 as pb
from clearstack.v1.config_pb2 import MaskExtractorConfig, StageConfig, TrainingConfig
from clearstack_common.config import (
    MASK_PARAMETERS,
    STAGE_PARAMETERS,
    check_mask_config,
    preset_config,
    resolve_config,
)
from clearstack_common.errors import InvalidFieldsError

N2V, STRUCT = pb.METHOD_N2V, pb.METHOD_AUTOSTRUCTN2V
_SIDE = 512

# The specification's table: field, smallest, largest, just below, just above.
_RANGES = [
    ("patch_size", 16, 256, 15, 257),
    ("patches_per_image", 1, 10_000, 0, 10_001),
    ("batch_size", 1, 1024, 0, 1025),
    ("mask_percentage", 0.1, 50.0, 0.0999, 50.001),
    ("features", 8, 256, 7, 257),
    ("layers", 1, 5, 0, 6),
    ("learning_rate", 1e-7, 1e-1, 9e-8, 0.10001),
    ("epochs", 1, 10_000, 0, 10_001),
    ("patience", 1, 1000, 0, 1001),
]
_MASK_RANGES = [
    ("base_percentile", 0.0, 100.0, -0.001, 100.001),
    ("percentile_decay", 1.0, 2.0, 0.999, 2.001),
    ("max_masked_pixels", 1, 500, 0, 501),
]


def _violations(overrides: TrainingConfig, method: "pb.Method.ValueType" = STRUCT) -> dict[str, str]:
    try:
        resolve_config(method, pb.PRESET_BALANCED, overrides, (24, _SIDE, _SIDE))
    except InvalidFieldsError as error:
        return dict(error.violations)
    return {}


def _with(stage: str, field: str, value: float) -> TrainingConfig:
    config = TrainingConfig()
    setattr(getattr(config, stage), field, value)
    return config


@pytest.mark.parametrize("stage", ["stage1", "stage2"])
@pytest.mark.parametrize(("field", "smallest", "largest", "below", "above"), _RANGES)
def test_range_of_stage_parameter(
    stage: str, field: str, smallest: float, largest: float, below: float, above: float
) -> None:
    """The ends of a range are accepted; what is just beyond is refused by name, value and range."""  # spec: C1, C2, C3, C4, C6, C7, C8, C9, C10
    for value in (smallest, largest):
        assert _violations(_with(stage, field, value)) == {}
    for value in (below, above):
        text = _violations(_with(stage, field, value))[f"config.{stage}.{field}"]
        assert f"{value:g}" in text
        assert f"{smallest:g} to {largest:g}" in text


@pytest.mark.parametrize(("field", "smallest", "largest", "below", "above"), _MASK_RANGES)
def test_range_of_mask_parameter(
    field: str, smallest: float, largest: float, below: float, above: float
) -> None:
    """The mask extractor's ranges are held at creation and at regeneration."""  # spec: C17
    for value in (smallest, largest):
        assert _violations(_with("mask", field, value)) == {}
    for value in (below, above):
        assert list(_violations(_with("mask", field, value))) == [f"config.mask.{field}"]
        full = preset_config(STRUCT, pb.PRESET_BALANCED).mask
        setattr(full, field, value)
        with pytest.raises(InvalidFieldsError) as caught:
            check_mask_config(full)
        assert [path for path, _ in caught.value.violations] == [f"config.{field}"]


def test_every_numeric_parameter_is_in_the_tables() -> None:
    """A parameter that is added needs its range in these tests."""
    numeric = {
        each.name for each in (*STAGE_PARAMETERS, *MASK_PARAMETERS) if each.kind in {"integer", "number"}
    }
    assert numeric == {row[0] for row in (*_RANGES, *_MASK_RANGES)}
    assert {each.name for each in STAGE_PARAMETERS} == set(StageConfig.DESCRIPTOR.fields_by_name)
    assert {each.name for each in MASK_PARAMETERS} == set(MaskExtractorConfig.DESCRIPTOR.fields_by_name)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("field", ["mask_percentage", "learning_rate"])
def test_what_is_no_number_is_refused(field: str, value: float) -> None:
    """NaN and infinities are in no range."""  # spec: C16
    assert f"config.stage1.{field}" in _violations(_with("stage1", field, value))


@pytest.mark.parametrize("value", [1_234_567, 100_000_000])
def test_large_numbers_are_written_out(value: int) -> None:
    """A text shows the number that was typed."""  # spec: C16
    assert f"is {value};" in _violations(_with("stage1", "epochs", value))["config.stage1.epochs"]
    text = _violations(_with("stage1", "mask_percentage", value + 0.5))["config.stage1.mask_percentage"]
    assert f"is {value}.5;" in text


@pytest.mark.parametrize("layers", [-(2**31), 2**31 - 1])
def test_absurd_layers_are_refused_at_once(layers: int) -> None:
    """A number of layers that no network has costs no computation."""  # spec: C16
    assert list(_violations(_with("stage1", "layers", layers))) == ["config.stage1.layers"]


@pytest.mark.parametrize("field", ["upsampling_mode", "masking_strategy"])
@pytest.mark.parametrize("value", [0, 99])
def test_unknown_choice_is_refused(field: str, value: int) -> None:
    """A choice that there is not is refused with those that there are."""  # spec: C12, C13
    text = _violations(_with("stage1", field, value))[f"config.stage1.{field}"]
    enum = StageConfig.DESCRIPTOR.fields_by_name[field].enum_type
    assert enum is not None
    assert all(choice.name in text for choice in enum.values[1:])


def test_all_mistakes_come_at_once() -> None:
    """One error names every offending field of every part."""  # spec: C16
    wrong = TrainingConfig(
        stage1=StageConfig(epochs=0, features=4, augmentation=True),
        stage2=StageConfig(learning_rate=5, patch_size=300),
        mask=MaskExtractorConfig(percentile_decay=3),
        seed=-1,
    )
    assert set(_violations(wrong)) == {
        "config.stage1.epochs",
        "config.stage1.features",
        "config.stage1.augmentation",
        "config.stage2.learning_rate",
        "config.stage2.patch_size",
        "config.mask.percentile_decay",
        "config.seed",
    }


def test_n2v_has_one_stage_and_no_mask() -> None:
    """What belongs to autoStructN2V is refused for N2V, not ignored."""  # spec: C16
    wrong = TrainingConfig(stage2=StageConfig(epochs=3), mask=MaskExtractorConfig(base_percentile=60))
    assert set(_violations(wrong, N2V)) == {"config.stage2", "config.mask"}


def test_stage_1_takes_no_augmentation() -> None:
    """Augmentation cannot be switched on in stage 1 of autoStructN2V, and can be chosen elsewhere."""  # spec: C5
    assert list(_violations(_with("stage1", "augmentation", value=True))) == ["config.stage1.augmentation"]
    assert _violations(_with("stage1", "augmentation", value=False)) == {}
    assert _violations(_with("stage2", "augmentation", value=False)) == {}
    assert _violations(_with("stage1", "augmentation", value=True), N2V) == {}


@pytest.mark.parametrize("field", ["posterior", "test_time_augmentation"])
@pytest.mark.parametrize("stage", ["stage1", "stage2"])
def test_the_posterior_may_be_asked_for_in_every_stage(stage: str, field: str) -> None:
    """The first stage of autoStructN2V finds out by itself whether the noise lets it be used."""
    wanted = _with(stage, field, value=True)
    config = resolve_config(STRUCT, pb.PRESET_BALANCED, wanted, (24, _SIDE, _SIDE))
    assert getattr(getattr(config, stage), field)
    assert field in {each.name for each in STAGE_PARAMETERS if each.kind == "switch"}
