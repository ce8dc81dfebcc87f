"""`clearstack denoisings …`: runs of models on stacks."""

from pathlib import Path
from typing import Annotated

import typer
from clearstack.v1.denoising_pb2 import Denoising
from clearstack.v1.denoising_service_pb2 import (
    CancelDenoisingRequest,
    GetDenoisingRequest,
    ListDenoisingsResponse,
)
from rich.console import RenderableType

from clearstack_cli import paths, reports, words
from clearstack_cli.connection import Client
from clearstack_cli.output import card, console, hint, print_json, say, table
from clearstack_cli.paging import all_denoisings, denoising_name
from clearstack_cli.verb import JsonOption, connected

app = typer.Typer(no_args_is_help=True, help="List, show and cancel denoisings.")

DenoisingArgument = Annotated[
    str, typer.Argument(metavar="DENOISING", help="Id of the denoising, or its beginning.")
]


@app.command("list")
@connected
def list_(
    client: Client,
    *,
    steps: Annotated[
        bool, typer.Option("--steps", help="List those that are part of trainings, too.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List the denoisings, newest first."""
    response = all_denoisings(client, steps=steps)
    if as_json:
        print_json(response)
    elif response.denoisings:
        console().print(_table(response))
    else:
        hint("No denoisings yet: `clearstack denoise IN.tif --model MODEL`.")


@app.command()
@connected
def show(client: Client, denoising: DenoisingArgument, *, as_json: JsonOption = False) -> None:
    """Show a denoising."""
    name = denoising_name(client, denoising)
    found = client.denoisings.GetDenoising(GetDenoisingRequest(name=name)).denoising
    if as_json:
        print_json(found)
    else:
        console().print(_card(found))


@app.command()
@connected
def report(
    client: Client,
    denoising: DenoisingArgument,
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="REPORT.html", help="Where to write it; .json for JSON.")
    ],
) -> None:
    """Download the report on a result: pictures, noise, verdict."""
    paths.check_output(output)
    reports.download(client, denoising_name(client, denoising), output)
    say(f"Written: {output}")


@app.command()
@connected
def cancel(client: Client, denoising: DenoisingArgument, *, as_json: JsonOption = False) -> None:
    """Cancel a denoising."""
    name = denoising_name(client, denoising)
    cancelled = client.denoisings.CancelDenoising(CancelDenoisingRequest(name=name)).denoising
    if as_json:
        print_json(cancelled)
    else:
        say(f"{words.short(name)} is {words.denoising_state(cancelled.state)}.")


def _table(response: ListDenoisingsResponse) -> RenderableType:
    return table(
        "id",
        "name",
        "model",
        "stage",
        "slices",
        "state",
        "created",
        right=["stage", "slices"],
        rows=(
            (
                words.short(denoising.name),
                denoising.display_name,
                words.short(denoising.model),
                str(denoising.stage),
                f"{denoising.slices_done_count}/{denoising.slice_count}",
                words.denoising_state(denoising.state),
                words.age(denoising.create_time),
            )
            for denoising in response.denoisings
        ),
    )


def _card(denoising: Denoising) -> RenderableType:
    return card(
        words.short(denoising.name),
        [
            ("name", denoising.display_name),
            ("state", words.denoising_state(denoising.state)),
            ("failed", denoising.failure.message),
            ("stack", words.short(denoising.stack)),
            ("model", f"{words.short(denoising.model)}, stage {denoising.stage}"),
            ("slices", f"{denoising.slices_done_count} of {denoising.slice_count} denoised"),
            ("result", words.short(denoising.result_stack)),
            ("part of", denoising.training),
            ("notes", "\n".join(denoising.notes)),
            ("verdict", denoising.verdict),
            ("created", words.moment(denoising.create_time)),
            ("ended", words.moment(denoising.end_time)),
        ],
    )
