"""From what a request says to a full configuration, with every mistake named at once."""

import secrets
from collections.abc import Iterator, Sequence

from clearstack.v1 import config_pb2
from clearstack.v1.config_pb2 import MaskExtractorConfig, Method, Preset, StageConfig, TrainingConfig
from google.protobuf.message import Message

from clearstack_common.config.parameters import MASK_PARAMETERS, STAGE_PARAMETERS, Parameter
from clearstack_common.config.presets import PRESET_SLICES, preset_config
from clearstack_common.errors import InvalidFieldsError

Violation = tuple[str, str]

_SMALLEST_PATCH_PX = 16
_MOST_LAYERS = 5


def stage_names(method: "Method.ValueType") -> tuple[str, ...]:
    """The fields of `TrainingConfig` that hold the method's stages."""
    return ("stage1",) if method == config_pb2.METHOD_N2V else ("stage1", "stage2")


def resolve_config(
    method: "Method.ValueType",
    preset: "Preset.ValueType",
    overrides: TrainingConfig,
    shape_ZYX: tuple[int, int, int],
) -> TrainingConfig:
    """The preset, fitted to the stack's shape, with the overrides applied, and a seed.

    Raises:
        InvalidFieldsError: Names every field that is wrong, its value and its range.
    """
    num_slices, height, width = shape_ZYX
    violations = list(_misplaced(method, overrides))
    config = preset_config(method, preset)
    for name in stage_names(method):
        stage, wanted = getattr(config, name), getattr(overrides, name)
        stage.MergeFrom(wanted)
        if not wanted.HasField("patch_size"):
            _fit_patch(stage, min(height, width))
        if not wanted.HasField("patches_per_image"):
            _fit_epoch(preset, stage, num_slices)
        violations += _check_stage(name, stage, height, width)
    if method == config_pb2.METHOD_AUTOSTRUCTN2V:
        config.mask.MergeFrom(overrides.mask)
        violations += _check_message("config.mask", config.mask, MASK_PARAMETERS)
        if config.stage1.augmentation:
            violations.append(
                (
                    "config.stage1.augmentation",
                    "cannot be switched on: turned patches would hide the direction of the noise from the mask extraction",
                )
            )
    config.seed = overrides.seed if overrides.HasField("seed") else secrets.randbits(63)
    if config.seed < 0:
        violations.append(("config.seed", f"is {config.seed}; allowed: 0 to {2**63 - 1}"))
    if violations:
        raise InvalidFieldsError(violations)
    return config


def check_mask_config(config: MaskExtractorConfig) -> None:
    """Checks the full mask extractor configuration of a request that has it in its field `config`.

    Raises:
        InvalidFieldsError: Names every field that is wrong, its value and its range.
    """
    if violations := list(_check_message("config", config, MASK_PARAMETERS)):
        raise InvalidFieldsError(violations)


def _misplaced(method: "Method.ValueType", overrides: TrainingConfig) -> Iterator[Violation]:
    if method == config_pb2.METHOD_N2V:
        for name in ("stage2", "mask"):
            if overrides.HasField(name):
                yield f"config.{name}", "belongs to autostructn2v; n2v has stage1 alone"


def _fit_patch(stage: StageConfig, smallest_side: int) -> None:
    """A preset is for slices of any size: its patch shrinks to the largest that fits."""
    step = 2 ** min(max(stage.layers, 0), _MOST_LAYERS)  # what is beyond is refused later
    fitting = max(smallest_side // step * step, _SMALLEST_PATCH_PX)
    stage.patch_size = min(stage.patch_size, fitting)


def _fit_epoch(preset: "Preset.ValueType", stage: StageConfig, num_slices: int) -> None:
    """`fast` takes about the same time for every stack, `high-quality` at least the time of a stack of 24 slices."""
    is_shallow = num_slices < PRESET_SLICES
    if preset == config_pb2.PRESET_FAST or (preset == config_pb2.PRESET_HIGH_QUALITY and is_shallow):
        stage.patches_per_image = max(1, round(stage.patches_per_image * PRESET_SLICES / num_slices))


def _check_stage(name: str, stage: StageConfig, slice_height: int, slice_width: int) -> Iterator[Violation]:
    wrong = list(_check_message(f"config.{name}", stage, STAGE_PARAMETERS))
    yield from wrong
    field = f"config.{name}.patch_size"
    if {field, f"config.{name}.layers"} & {path for path, _ in wrong}:
        return  # what follows needs both
    if stage.patch_size % 2**stage.layers:
        yield (
            field,
            f"is {stage.patch_size}; with {stage.layers} layers it must be a multiple of {2**stage.layers}",
        )
    smallest = min(slice_height, slice_width)
    if stage.patch_size > smallest:
        yield (
            field,
            f"is {stage.patch_size}; the slices are {slice_height} × {slice_width} px, so at most {smallest}",
        )


def _check_message(path: str, message: Message, parameters: Sequence[Parameter]) -> Iterator[Violation]:
    for parameter in parameters:
        value = getattr(message, parameter.name)
        field = f"{path}.{parameter.name}"
        if parameter.kind in {"integer", "number"} and not parameter.minimum <= value <= parameter.maximum:
            yield field, f"is {_plain(value)}; allowed: {parameter.range_text}"
        if parameter.kind == "choice" and not _is_known_choice(message, parameter.name, value):
            yield field, f"is {value}; allowed: {', '.join(_choices(message, parameter.name))}"


def _plain(value: float) -> str:
    """A number as a person would have typed it: 1234567 stays 1234567."""
    return str(value) if isinstance(value, int) else f"{value:.15g}"


def _is_known_choice(message: Message, field: str, value: int) -> bool:
    enum = message.DESCRIPTOR.fields_by_name[field].enum_type
    return enum is not None and value != 0 and value in enum.values_by_number


def _choices(message: Message, field: str) -> list[str]:
    enum = message.DESCRIPTOR.fields_by_name[field].enum_type
    return [value.name for value in enum.values[1:]] if enum is not None else []
