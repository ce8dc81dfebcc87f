"""`clearstack models …`: trained networks and their files."""

from pathlib import Path
from typing import Annotated

import typer
from clearstack.v1.model_service_pb2 import GetModelRequest, ListModelsResponse, Model
from rich.console import RenderableType

from clearstack_cli import words
from clearstack_cli.connection import Client
from clearstack_cli.links import fetch_all
from clearstack_cli.output import card, console, hint, print_json, say, table
from clearstack_cli.paging import all_models, model_name
from clearstack_cli.verb import JsonOption, connected

app = typer.Typer(no_args_is_help=True, help="List, show and download models.")

ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="Id of the model, or its beginning.")]


@app.command("list")
@connected
def list_(client: Client, *, as_json: JsonOption = False) -> None:
    """List the models, newest first."""
    response = all_models(client)
    if as_json:
        print_json(response)
    elif response.models:
        console().print(_table(response))
    else:
        hint("No models yet: a training makes one.")


@app.command()
@connected
def show(client: Client, model: ModelArgument, *, as_json: JsonOption = False) -> None:
    """Show a model's card: what it learnt from, how well, and its files."""
    found = client.models.GetModel(GetModelRequest(name=model_name(client, model))).model
    if as_json:
        print_json(found)
    else:
        console().print(_card(found))


@app.command()
@connected
def download(
    client: Client,
    model: ModelArgument,
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="A folder; made if it is not there.")],
) -> None:
    """Download a model's files: weights, configuration, mask."""
    response = client.models.GetModel(GetModelRequest(name=model_name(client, model)))
    for path in fetch_all(response.links, out):
        say(f"Written: {path}")


def _table(response: ListModelsResponse) -> RenderableType:
    return table(
        "id",
        "name",
        "method",
        "trained on",
        "stages",
        "validation loss",
        "created",
        right=["stages", "validation loss"],
        rows=(
            (
                words.short(model.name),
                model.display_name,
                f"{words.method(model.method)} {words.mode(model.mode)}",
                model.stack_display_name,
                str(len(model.stages)),
                f"{model.stages[-1].best_validation_loss:.4f}" if model.stages else "",
                words.age(model.create_time),
            )
            for model in response.models
        ),
    )


def _card(model: Model) -> RenderableType:
    stages = (
        (
            f"stage {stage.number}",
            f"{stage.epoch_count} epochs, best validation loss {stage.best_validation_loss:.4f}: "
            + ", ".join(f"{file.file_name} ({words.size(file.size_bytes)})" for file in stage.files),
        )
        for stage in model.stages
    )
    return card(
        words.short(model.name),
        [
            ("name", model.display_name),
            ("method", f"{words.method(model.method)} {words.mode(model.mode)}"),
            ("trained on", model.stack_display_name),
            ("training", words.short(model.training)),
            *stages,
            ("mask", ", ".join(file.file_name for file in model.mask_files)),
            ("device", model.device),
            ("version", model.code_version),
            ("seed", str(model.config.seed)),
            ("created", words.moment(model.create_time)),
        ],
    )
