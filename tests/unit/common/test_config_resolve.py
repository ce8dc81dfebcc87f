"""From a request to a full configuration."""

import pytest
from clearstack.v1 import config_pb2 as pb
from clearstack.v1.config_pb2 import MaskExtractorConfig, StageConfig, TrainingConfig
from clearstack_common.config import preset_config, resolve_config
from clearstack_common.errors import InvalidFieldsError
from hypothesis import given
from hypothesis import strategies as st

N2V, STRUCT = pb.METHOD_N2V, pb.METHOD_AUTOSTRUCTN2V
PRESETS = (pb.PRESET_FAST, pb.PRESET_BALANCED, pb.PRESET_HIGH_QUALITY)


def _stage(config: StageConfig) -> tuple[float, ...]:
    return (
        config.patch_size,
        config.patches_per_image,
        config.batch_size,
        config.mask_percentage,
        config.augmentation,
        config.features,
        config.layers,
        config.learning_rate,
        config.epochs,
        config.early_stopping,
        config.patience,
        config.resize_convolution,
        config.upsampling_mode,
    )


def test_balanced_is_the_published_table() -> None:
    """The preset `balanced` holds the values of the specification."""  # spec: C1, C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12, C15, C17
    bilinear = pb.UPSAMPLING_MODE_BILINEAR
    n2v = preset_config(N2V, pb.PRESET_BALANCED)
    both = preset_config(STRUCT, pb.PRESET_BALANCED)
    tail = (True, 10, True, bilinear)
    assert _stage(n2v.stage1) == (64, 100, 8, 15, True, 64, 4, 1e-4, 100, *tail)
    assert _stage(both.stage1) == (32, 100, 4, 15, False, 64, 4, 1e-4, 100, *tail)
    assert _stage(both.stage2) == (64, 200, 2, 10, True, 64, 4, 1e-5, 100, *tail)
    assert both.mask == MaskExtractorConfig(
        adaptive_thresholding=True, base_percentile=50, percentile_decay=1.15, max_masked_pixels=25
    )
    assert not n2v.HasField("stage2")
    assert not n2v.HasField("mask")


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("method", [N2V, STRUCT])
def test_preset_sets_every_parameter(method: "pb.Method.ValueType", preset: "pb.Preset.ValueType") -> None:
    """Every preset is valid as it is and leaves no parameter open."""  # spec: C15
    config = resolve_config(method, preset, TrainingConfig(), (24, 512, 512))
    for stage in [config.stage1] + ([config.stage2] if method == STRUCT else []):
        assert {field.name for field, _ in stage.ListFields()} == set(StageConfig.DESCRIPTOR.fields_by_name)


def test_override_changes_its_parameter_alone() -> None:
    """Any parameter of a preset can be overridden; the others stay."""  # spec: C15
    overrides = TrainingConfig(stage2=StageConfig(epochs=7, early_stopping=False), seed=5)
    config = resolve_config(STRUCT, pb.PRESET_FAST, overrides, (24, 512, 512))
    expected = preset_config(STRUCT, pb.PRESET_FAST)
    expected.stage2.epochs, expected.stage2.early_stopping, expected.seed = 7, False, 5
    assert config == expected


def test_preset_is_not_changed_by_use() -> None:
    """What one training overrides does not leak into the next."""  # spec: C15
    before = preset_config(STRUCT, pb.PRESET_FAST)
    resolve_config(STRUCT, pb.PRESET_FAST, TrainingConfig(stage1=StageConfig(epochs=1)), (24, 512, 512))
    assert preset_config(STRUCT, pb.PRESET_FAST) == before


def test_seed_is_drawn_and_recorded() -> None:
    """Without a seed two trainings get two, each of 63 bits at most; a given one is kept, 0 too."""  # spec: C14
    drawn = [resolve_config(N2V, pb.PRESET_FAST, TrainingConfig(), (24, 64, 64)).seed for _ in range(20)]
    assert len(set(drawn)) == 20
    assert all(0 <= seed < 2**63 for seed in drawn)
    for seed in (0, 2**63 - 1):
        assert resolve_config(N2V, pb.PRESET_FAST, TrainingConfig(seed=seed), (24, 64, 64)).seed == seed


def test_preset_patch_shrinks_to_the_slice() -> None:
    """A preset is for slices of any size: its patch becomes the largest that fits."""  # spec: C1
    config = resolve_config(STRUCT, pb.PRESET_BALANCED, TrainingConfig(), (24, 300, 50))
    assert (config.stage1.patch_size, config.stage2.patch_size) == (32, 48)


def test_patch_asked_for_is_not_shrunk() -> None:
    """A patch that a person asked for and that does not fit is refused, with the slice's size."""  # spec: C16
    overrides = TrainingConfig(stage1=StageConfig(patch_size=64))
    with pytest.raises(InvalidFieldsError) as caught:
        resolve_config(N2V, pb.PRESET_BALANCED, overrides, (24, 300, 50))
    [(field, text)] = caught.value.violations
    assert field == "config.stage1.patch_size"
    assert "64" in text
    assert "300 × 50" in text


def test_patch_must_fit_the_layers() -> None:
    """A patch that cannot be halved as often as there are layers is refused, with the number that it needs."""  # spec: C1
    overrides = TrainingConfig(stage1=StageConfig(patch_size=40, layers=4))
    with pytest.raises(InvalidFieldsError, match="multiple of 16"):
        resolve_config(N2V, pb.PRESET_BALANCED, overrides, (24, 300, 300))


@given(
    height=st.integers(16, 2000),
    width=st.integers(16, 2000),
    preset=st.sampled_from(PRESETS),
    method=st.sampled_from([N2V, STRUCT]),
)
def test_every_preset_suits_every_slice(
    height: int, width: int, preset: "pb.Preset.ValueType", method: "pb.Method.ValueType"
) -> None:
    """Whatever stack passed validation can be trained on with any preset."""  # spec: C15
    config = resolve_config(method, preset, TrainingConfig(), (24, height, width))
    for stage in [config.stage1] + ([config.stage2] if method == STRUCT else []):
        assert 16 <= stage.patch_size <= min(height, width)
        assert stage.patch_size % 2**stage.layers == 0


def test_request_is_left_as_it_is() -> None:
    """Resolving does not write into the request."""
    overrides = TrainingConfig(stage1=StageConfig(epochs=3))
    resolve_config(N2V, pb.PRESET_FAST, overrides, (24, 20, 20))
    assert overrides == TrainingConfig(stage1=StageConfig(epochs=3))


def test_patch_that_does_not_fit_is_named_beside_other_mistakes() -> None:
    """A patch that the layers or the slice forbid is named in the same error as values out of range."""  # spec: C16
    overrides = TrainingConfig(stage1=StageConfig(epochs=0, patch_size=33))
    with pytest.raises(InvalidFieldsError) as caught:
        resolve_config(N2V, pb.PRESET_FAST, overrides, (24, 64, 64))
    assert [field for field, _ in caught.value.violations] == [
        "config.stage1.epochs",
        "config.stage1.patch_size",
    ]


@pytest.mark.parametrize(
    ("preset", "num_slices", "patches"),
    [
        (pb.PRESET_FAST, 6, 160),
        (pb.PRESET_FAST, 96, 10),
        (pb.PRESET_HIGH_QUALITY, 6, 240),
        (pb.PRESET_HIGH_QUALITY, 96, 60),
        (pb.PRESET_BALANCED, 6, 100),
    ],
)
def test_epoch_fits_the_number_of_slices(
    preset: "pb.Preset.ValueType", num_slices: int, patches: int
) -> None:
    """Few slices give more patches each; many give fewer only where speed was asked for."""  # spec: C15
    config = resolve_config(N2V, preset, TrainingConfig(), (num_slices, 256, 256))
    assert config.stage1.patches_per_image == patches
