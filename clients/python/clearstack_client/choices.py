"""What can be chosen, by the words that the documentation uses."""

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from clearstack.v1 import config_pb2
from clearstack.v1.config_pb2 import TrainingConfig
from google.protobuf import json_format

from clearstack_client.errors import ClearstackError

T = TypeVar("T")

Method = Literal["n2v", "autostructn2v", "auto"]
Mode = Literal["2d", "2.5d"]
Preset = Literal["fast", "balanced", "high-quality"]
# A message, or the same as nested mappings: {"stage1": {"epochs": 50}}.
Config = TrainingConfig | Mapping[str, Any] | None

METHODS: dict[str, "config_pb2.Method.ValueType"] = {
    "n2v": config_pb2.METHOD_N2V,
    "autostructn2v": config_pb2.METHOD_AUTOSTRUCTN2V,
}
MODES: dict[str, "config_pb2.Mode.ValueType"] = {"2d": config_pb2.MODE_2D, "2.5d": config_pb2.MODE_2_5D}
PRESETS: dict[str, "config_pb2.Preset.ValueType"] = {
    "fast": config_pb2.PRESET_FAST,
    "balanced": config_pb2.PRESET_BALANCED,
    "high-quality": config_pb2.PRESET_HIGH_QUALITY,
}


def one_of(choices: Mapping[str, T], word: str, what: str) -> T:
    """What a word stands for.

    Raises:
        ClearstackError: Nothing.
    """
    if word not in choices:
        raise ClearstackError(f"There is no {what} '{word}': choose {', '.join(choices)}.")
    return choices[word]


def config_of(config: Config) -> TrainingConfig:
    """What differs from the preset.

    Raises:
        ClearstackError: A field that does not exist, or a value of another kind.
    """
    if isinstance(config, TrainingConfig):
        return config
    try:
        return json_format.ParseDict(dict(config or {}), TrainingConfig())
    except json_format.ParseError as error:
        raise ClearstackError(f"The configuration cannot be understood: {error}") from error
