import pytest
from clearstack.v1 import config_pb2
from clearstack_cli.errors import UsageError
from clearstack_cli.overrides import parse


def test_every_type_of_field() -> None:
    """Numbers, switches and words arrive as they should, and nothing else is set."""
    config = parse(
        [
            "stage1.epochs=5",
            "stage2.learning_rate=1e-4",
            "stage1.augmentation=off",
            "stage1.masking_strategy=local-mean",
            "stage2.upsampling_mode=bilinear",
            "mask.adaptive_thresholding=true",
            "seed=9223372036854775807",
        ]
    )
    assert config.stage1.epochs == 5
    assert config.stage2.learning_rate == pytest.approx(1e-4)
    assert config.stage1.HasField("augmentation")
    assert config.stage1.augmentation is False
    assert config.stage1.masking_strategy == config_pb2.MASKING_STRATEGY_LOCAL_MEAN
    assert config.stage2.upsampling_mode == config_pb2.UPSAMPLING_MODE_BILINEAR
    assert config.mask.adaptive_thresholding is True
    assert config.seed == 2**63 - 1
    assert not config.stage1.HasField("patch_size")


def test_all_mistakes_are_told_at_once() -> None:
    """Each line names what was typed; the fields that there are come last."""
    with pytest.raises(UsageError) as refused:
        parse(["stage1.epochs=many", "stage3.epochs=1", "epochs", "stage1=5", "stage1.patience=99999999999"])
    lines = refused.value.message.splitlines()
    assert lines[1] == "  stage1.epochs=many: the value is a whole number"
    assert lines[2] == "  stage3.epochs=1: there is no such field"
    assert lines[3] == "  epochs: write FIELD=VALUE"
    assert lines[4] == "  stage1=5: there is no such field"
    assert lines[5].startswith("  stage1.patience=99999999999: ")
    assert "patches_per_image" in lines[6]
    assert refused.value.exit_code == 2


def test_words_of_an_enum_are_listed() -> None:
    """A wrong word is answered with the right ones."""
    with pytest.raises(UsageError, match="auto, local_mean, zeros, random, neighbour, median"):
        parse(["stage1.masking_strategy=mean"])
