"""Models as people see them: a table, and a card for each."""

from collections.abc import Iterator

from clearstack.v1 import model_service_pb2 as pb
from clearstack.v1.model_service_pb2 import ListModelsResponse, Model, ModelStage
from rich.console import RenderableType

from clearstack_cli import words
from clearstack_cli.output import card, table

_STATES = {pb.MODEL_STATE_IMPORTING: "being checked", pb.MODEL_STATE_REFUSED: "refused"}


def models_table(response: ListModelsResponse) -> RenderableType:
    """One line for each model."""
    return table(
        "id",
        "name",
        "method",
        "origin",
        "trained on",
        "stages",
        "validation loss",
        "created",
        right=["stages", "validation loss"],
        rows=(
            (
                words.short(model.name),
                model.display_name,
                _method(model),
                _STATES.get(model.state, _origin(model)),
                model.stack_display_name,
                str(len(model.stages)),
                _loss(model.stages[-1].best_validation_loss) if model.stages else "",
                words.age(model.create_time),
            )
            for model in response.models
        ),
    )


def model_card(model: Model) -> RenderableType:
    """Everything that is known of a model; what is not known is left out."""
    return card(
        words.short(model.name),
        [
            ("name", model.display_name),
            ("state", _STATES.get(model.state, "")),
            ("refused because", model.failure.message if model.state == pb.MODEL_STATE_REFUSED else ""),
            ("method", _method(model)),
            ("origin", _origin(model)),
            ("trained on", model.stack_display_name),
            ("its data type", model.stack_dtype),
            ("its noise", f"{model.noise_standard_deviation:.4g}" if model.noise_standard_deviation else ""),
            ("its SHA-256", model.stack_sha256),
            ("training", words.short(model.training)),
            *((f"stage {stage.number}", _stage(stage)) for stage in model.stages),
            ("mask", ", ".join(file.file_name for file in model.mask_files)),
            ("device", model.device),
            ("version", model.code_version),
            ("seed", str(model.config.seed) if model.config.HasField("seed") else ""),
            ("trained", words.moment(model.train_time)),
            ("created", words.moment(model.create_time)),
            ("notes", "\n".join(model.notes)),
        ],
    )


def summary(model: Model) -> str:
    """For example `abc (N2V 2D, 1 stage)`."""
    stages = f"{len(model.stages)} stage{'s' if len(model.stages) > 1 else ''}"
    return f"{words.short(model.name)} ({_method(model)}, {stages})"


def _method(model: Model) -> str:
    return f"{words.method(model.method)} {words.mode(model.mode)}".strip()


def _origin(model: Model) -> str:
    return "imported" if model.origin == pb.MODEL_ORIGIN_IMPORTED else "trained"


def _stage(stage: ModelStage) -> str:
    files = ", ".join(f"{file.file_name} ({words.size(file.size_bytes)})" for file in stage.files)
    return ", ".join(_learnt(stage)) + (": " if any(_learnt(stage)) else "") + files


def _learnt(stage: ModelStage) -> Iterator[str]:
    if stage.epoch_count:
        yield f"{stage.epoch_count} epochs"
    if stage.training_loss:
        yield f"training loss {_loss(stage.training_loss)}"
    if stage.best_validation_loss:
        yield f"best validation loss {_loss(stage.best_validation_loss)}"


def _loss(value: float) -> str:
    return f"{value:.4f}" if value else ""
