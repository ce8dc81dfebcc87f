"""Numbers, times and enum values in words."""

import math
from datetime import UTC, datetime
from enum import StrEnum

from clearstack.v1 import config_pb2
from clearstack.v1.config_pb2 import Method, Mode, Preset
from clearstack.v1.denoising_pb2 import DenoisingState
from clearstack.v1.mask_pb2 import MaskPattern
from clearstack.v1.stack_service_pb2 import StackOrigin, StackState
from clearstack.v1.training_pb2 import StageState, TrainingState
from google.protobuf.timestamp_pb2 import Timestamp

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


class MethodName(StrEnum):
    """Methods as they are typed."""

    AUTO = "auto"
    N2V = "n2v"
    AUTOSTRUCTN2V = "autostructn2v"

    @property
    def proto(self) -> "Method.ValueType":
        """The enum's value; unspecified for `auto`, which is settled when the stack is known."""
        if self is MethodName.AUTO:
            return config_pb2.METHOD_UNSPECIFIED
        return Method.Value(f"METHOD_{self.name}")


class ModeName(StrEnum):
    """Modes as they are typed."""

    TWO_D = "2d"
    TWO_AND_HALF_D = "2.5d"

    @property
    def proto(self) -> "Mode.ValueType":
        """The enum's value."""
        return config_pb2.MODE_2D if self is ModeName.TWO_D else config_pb2.MODE_2_5D


class PresetName(StrEnum):
    """Presets as they are typed."""

    FAST = "fast"
    BALANCED = "balanced"
    HIGH_QUALITY = "high-quality"

    @property
    def proto(self) -> "Preset.ValueType":
        """The enum's value."""
        return Preset.Value(f"PRESET_{self.name}")


_METHODS = {"METHOD_N2V": "N2V", "METHOD_AUTOSTRUCTN2V": "autoStructN2V"}
_MODES = {"MODE_2D": "2D", "MODE_2_5D": "2.5D"}


def method(value: "Method.ValueType") -> str:
    """For example `autoStructN2V`."""
    return _METHODS.get(Method.Name(value), "")


def mode(value: "Mode.ValueType") -> str:
    """For example `2.5D`."""
    return _MODES.get(Mode.Name(value), "")


def preset(value: "Preset.ValueType") -> str:
    """For example `high-quality`."""
    return _plain(Preset.Name(value), "PRESET_").replace(" ", "-")


def training_state(value: "TrainingState.ValueType") -> str:
    """For example `awaiting review`."""
    return _plain(TrainingState.Name(value), "TRAINING_STATE_")


def stage_state(value: "StageState.ValueType") -> str:
    """For example `complete`."""
    return _plain(StageState.Name(value), "STAGE_STATE_")


def stack_state(value: "StackState.ValueType") -> str:
    """For example `ready`."""
    return _plain(StackState.Name(value), "STACK_STATE_")


def stack_origin(value: "StackOrigin.ValueType") -> str:
    """For example `upload`."""
    return _plain(StackOrigin.Name(value), "STACK_ORIGIN_")


def denoising_state(value: "DenoisingState.ValueType") -> str:
    """For example `assembling`."""
    return _plain(DenoisingState.Name(value), "DENOISING_STATE_")


def pattern(value: "MaskPattern.ValueType") -> str:
    """For example `horizontal`."""
    return _plain(MaskPattern.Name(value), "MASK_PATTERN_")


def short(name: str) -> str:
    """A resource's id: `trainings/abc` → `abc`."""
    return name.rpartition("/")[2]


def size(num_bytes: float) -> str:
    """For example `12.3 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if num_bytes < 1000:  # noqa: PLR2004
            return f"{num_bytes:.0f} {unit}" if unit == "B" else f"{num_bytes:.1f} {unit}"
        num_bytes /= 1000
    return f"{num_bytes:.1f} TB"


def amount(value: float) -> str:
    """Three digits, without an exponent where people would not write one: `6,420`, `0.0312`."""
    if 1e-3 <= abs(value) < 1e6:  # noqa: PLR2004
        digits = 2 - math.floor(math.log10(abs(value)))
        return f"{round(value, digits):,.{max(0, digits)}f}"
    return f"{value:.3g}"


def duration(seconds: float) -> str:
    """For example `1 min 20 s`."""
    whole = max(0, round(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02d} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} min"


def moment(stamp: Timestamp) -> str:
    """Local date and time; nothing when the stamp is not set."""
    if not stamp.seconds:
        return ""
    return stamp.ToDatetime(tzinfo=UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def age(stamp: Timestamp, now: datetime | None = None) -> str:
    """For example `5 min ago`; nothing when the stamp is not set."""
    if not stamp.seconds:
        return ""
    seconds = ((now or datetime.now(UTC)) - stamp.ToDatetime(tzinfo=UTC)).total_seconds()
    for limit, unit, name in ((_MINUTE, 1, "s"), (_HOUR, _MINUTE, "min"), (_DAY, _HOUR, "h")):
        if seconds < limit:
            return f"{max(0, int(seconds // unit))} {name} ago"
    return f"{int(seconds // _DAY)} d ago"


def _plain(name: str, prefix: str) -> str:
    plain = name.removeprefix(prefix).lower().replace("_", " ")
    return "" if plain == "unspecified" else plain
