"""A model's description in the engine's words and in the API's."""

import json
from pathlib import Path
from typing import Any

from clearstack.v1 import config_pb2, model_service_pb2
from clearstack.v1.config_pb2 import Method, Mode, TrainingConfig
from clearstack.v1.model_service_pb2 import Model, ModelStage
from clearstack_common.version import code_version
from clearstack_engine.model.archive import ModelDescription, StageDescription
from google.protobuf import json_format

_METHODS = {"n2v": config_pb2.METHOD_N2V, "autostructn2v": config_pb2.METHOD_AUTOSTRUCTN2V}
_MODES = {"2d": config_pb2.MODE_2D, "2.5d": config_pb2.MODE_2_5D}
_METHOD_NAMES: dict[Method.ValueType, str] = {value: name for name, value in _METHODS.items()}
_MODE_NAMES: dict[Mode.ValueType, str] = {value: name for name, value in _MODES.items()}
_LONGEST = 200


def as_model(description: ModelDescription, notes: list[str]) -> Model:
    """What the files of an import say, without the files."""
    known = description.provenance
    model = Model(
        display_name=description.name[:_LONGEST],
        method=_METHODS[description.method],
        mode=_MODES[description.mode],
        stack_sha256=_text(known, "stack_sha256"),
        stack_display_name=_text(known, "stack_name"),
        stack_dtype=_text(known, "stack_dtype"),
        noise_standard_deviation=_number(known, "noise_standard_deviation"),
        code_version=_text(known, "code_version"),
        device=_text(known, "device"),
        config=_config(description.training),
        notes=notes,
        stages=[
            ModelStage(
                number=stage.number,
                epoch_count=stage.num_epochs,
                best_validation_loss=stage.best_validation_loss,
                training_loss=stage.training_loss,
            )
            for stage in description.stages
        ],
    )
    if isinstance(known.get("seed"), int) and 0 <= known["seed"] < 1 << 63:
        model.config.seed = known["seed"]
    if _text(known, "train_time"):
        _set_time(model, _text(known, "train_time"))
    return model


def as_description(model: Model, folder: Path) -> ModelDescription:
    """What an export says of a model.

    Args:
        model: as the gateway keeps it.
        folder: its files, `stage1/model.json` and so on.
    """
    trained = model.train_time if model.HasField("train_time") else model.create_time
    return ModelDescription(
        name=model.display_name,
        method=_METHOD_NAMES[model.method],
        mode=_MODE_NAMES[model.mode],
        stages=[_described(stage, folder / f"stage{stage.number}") for stage in model.stages],
        training=json_format.MessageToDict(model.config, preserving_proto_field_name=True),
        provenance={
            "stack_name": model.stack_display_name,
            "stack_sha256": model.stack_sha256,
            "stack_dtype": model.stack_dtype,
            "noise_standard_deviation": model.noise_standard_deviation,
            "training": model.training,
            "train_time": trained.ToJsonString(),
            "seed": model.config.seed,
            "device": model.device,
            "code_version": model.code_version,
            "exported_by": code_version(),
        },
    )


def _described(stage: model_service_pb2.ModelStage, folder: Path) -> StageDescription:
    history: list[dict[str, Any]] = []
    if (folder / "config.json").exists():
        history = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("history", [])
    return StageDescription(
        number=stage.number,
        model=json.loads((folder / "model.json").read_text(encoding="utf-8")),
        num_epochs=stage.epoch_count,
        best_validation_loss=stage.best_validation_loss,
        training_loss=stage.training_loss,
        loss_history=history,
    )


def _config(fields: dict[str, Any]) -> TrainingConfig:
    try:
        return json_format.ParseDict(fields, TrainingConfig(), ignore_unknown_fields=True)
    except json_format.ParseError:
        return TrainingConfig()  # for a person to read; nothing is computed with it


def _set_time(model: Model, text: str) -> None:
    try:
        model.train_time.FromJsonString(text)
    except ValueError:
        model.ClearField("train_time")


def _text(fields: dict[str, Any], key: str) -> str:
    value = fields.get(key, "")
    return value[:_LONGEST] if isinstance(value, str) else ""


def _number(fields: dict[str, Any], key: str) -> float:
    value = fields.get(key, 0.0)
    return float(value) if isinstance(value, int | float) and value > 0 else 0.0
