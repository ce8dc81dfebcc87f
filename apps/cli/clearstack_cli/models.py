"""`clearstack models …`: trained networks and their files."""

import uuid
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from clearstack.v1.model_service_pb2 import (
    DeleteModelRequest,
    ExportModelRequest,
    GetModelRequest,
    Model,
    ModelExportFormat,
)

from clearstack_cli import words
from clearstack_cli.connection import Client
from clearstack_cli.links import fetch_all
from clearstack_cli.model_cards import model_card, models_table, summary
from clearstack_cli.model_files import messages, named, save_export
from clearstack_cli.output import console, hint, note, print_json, say
from clearstack_cli.paging import all_models, model_name
from clearstack_cli.verb import JsonOption, connected

app = typer.Typer(no_args_is_help=True, help="List, show, import, export and delete models.")

ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="Id of the model, or its beginning.")]


class ExportFormat(StrEnum):
    """Formats as they are typed."""

    CLEARSTACK = "clearstack"
    BIOIMAGEIO = "bioimageio"

    @property
    def proto(self) -> "ModelExportFormat.ValueType":
        """The enum's value."""
        return ModelExportFormat.Value(f"MODEL_EXPORT_FORMAT_{self.name}")


@app.command("list")
@connected
def list_(client: Client, *, as_json: JsonOption = False) -> None:
    """List the models, newest first."""
    response = all_models(client)
    if as_json:
        print_json(response)
    elif response.models:
        console().print(models_table(response))
    else:
        hint("No models yet: a training makes one, and `clearstack models import` takes one.")


@app.command()
@connected
def show(client: Client, model: ModelArgument, *, as_json: JsonOption = False) -> None:
    """Show a model's card: what it learnt from, how well, and its files."""
    found = client.models.GetModel(GetModelRequest(name=model_name(client, model))).model
    if as_json:
        print_json(found)
    else:
        console().print(model_card(found))


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


@app.command("import")
@connected
def import_(
    client: Client,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="CONFIG.json WEIGHTS.pth [WEIGHTS2.pth]",
            help="Configuration and the weights of each stage; or one archive.zip; or a folder of `models download`.",
            exists=True,
        ),
    ],
    *,
    mask: Annotated[
        Path | None,
        typer.Option(metavar="M.npy", help="The mask that stage 2 was trained with.", exists=True),
    ] = None,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="For the lists.", show_default="the name in the files")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Import a model: an export, or one of the autoStructN2V program."""
    parts = named(files, mask)
    model = client.models.ImportModel(messages(parts, name, uuid.uuid4().hex)).model
    if as_json:
        print_json(model)
        return
    say(f"Imported: {summary(model)}")
    for each in model.notes:
        note(each)
    hint(f"Use it with {client.command(f'denoise IN.tif --model {words.short(model.name)}')}")


@app.command()
@connected
def export(
    client: Client,
    model: ModelArgument,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.zip", help="The archive.")],
    export_format: Annotated[
        ExportFormat,
        typer.Option("--format", help="clearstack = for `models import`; bioimageio = for other programs."),
    ] = ExportFormat.CLEARSTACK,
) -> None:
    """Export a model as one archive."""
    request = ExportModelRequest(name=model_name(client, model), format=export_format.proto)
    size_bytes = save_export(client, request, output)
    say(f"Written: {output} ({words.size(size_bytes)})")


@app.command()
@connected
def delete(client: Client, model: ModelArgument, *, as_json: JsonOption = False) -> None:
    """Delete a model and its files; its training and results stay. Refused while a denoising needs it."""
    name = model_name(client, model)
    client.models.DeleteModel(DeleteModelRequest(name=name))
    if as_json:
        print_json(Model(name=name))
    else:
        say(f"Deleted: {words.short(name)}")
