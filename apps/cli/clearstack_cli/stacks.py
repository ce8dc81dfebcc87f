"""`clearstack stacks …`: the files that an installation has."""

from pathlib import Path
from typing import Annotated

import typer
from clearstack.v1.stack_service_pb2 import (
    DeleteStackRequest,
    GetStackRequest,
    ListStacksResponse,
    Stack,
    StackInfo,
)
from rich.console import RenderableType

from clearstack_cli import bars, paths, words
from clearstack_cli.connection import Client
from clearstack_cli.output import card, console, hint, print_json, say, table
from clearstack_cli.paging import all_stacks, stack_name
from clearstack_cli.verb import JsonOption, connected

app = typer.Typer(no_args_is_help=True, help="Upload, list, show, download and delete TIFF stacks.")

StackArgument = Annotated[str, typer.Argument(metavar="STACK", help="Id of the stack, or its beginning.")]


@app.command()
@connected
def upload(
    client: Client,
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="TIFF files.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Upload TIFF files; each is validated at once."""
    for file in files:
        paths.check_input(file)
    for file in files:
        stack = bars.upload(client, file, stderr=as_json)
        if as_json:
            print_json(stack)
        else:
            say(f"{words.short(stack.name)}  {stack.display_name}  {shape(stack.info)}")
            for warning in stack.info.warnings:
                hint(f"  {warning}")


@app.command("list")
@connected
def list_(
    client: Client,
    *,
    results: Annotated[bool, typer.Option("--results", help="List what trainings made, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the stacks, newest first."""
    response = all_stacks(client, results=results)
    if as_json:
        print_json(response)
    elif response.stacks:
        console().print(_table(response))
    else:
        hint("No stacks yet: `clearstack stacks upload FILE.tif`.")


@app.command()
@connected
def show(client: Client, stack: StackArgument, *, as_json: JsonOption = False) -> None:
    """Show what is known of a stack."""
    name = stack_name(client, stack)
    found = client.stacks.GetStack(GetStackRequest(name=name)).stack
    if as_json:
        print_json(found)
    else:
        console().print(_card(found))


@app.command()
@connected
def download(
    client: Client,
    stack: StackArgument,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.tif", help="Where to write it.")],
) -> None:
    """Download a stack's file."""
    paths.check_output(output)
    bars.download(client, stack_name(client, stack), output)
    say(f"Written: {output}")


@app.command()
@connected
def delete(client: Client, stack: StackArgument, *, as_json: JsonOption = False) -> None:
    """Delete a stack; refused while a run that is not finished needs it."""
    name = stack_name(client, stack)
    client.stacks.DeleteStack(DeleteStackRequest(name=name))
    if as_json:
        print_json(Stack(name=name))
    else:
        say(f"Deleted: {words.short(name)}")


def shape(info: StackInfo) -> str:
    """For example `5 slices × 512 × 640 px, uint16`; nothing when the file has not been looked at."""
    if not info.slice_count:
        return ""
    slices = "1 slice" if info.slice_count == 1 else f"{info.slice_count} slices"
    return f"{slices} × {info.height} × {info.width} px, {info.dtype}"


def _table(response: ListStacksResponse) -> RenderableType:
    return table(
        "id",
        "name",
        "shape",
        "size",
        "state",
        "created",
        right=["size"],
        rows=(
            (
                words.short(stack.name),
                stack.display_name,
                shape(stack.info),
                words.size(stack.size_bytes),
                words.stack_state(stack.state),
                words.age(stack.create_time),
            )
            for stack in response.stacks
        ),
    )


def _card(stack: Stack) -> RenderableType:
    info = stack.info
    return card(
        words.short(stack.name),
        [
            ("name", stack.display_name),
            ("state", words.stack_state(stack.state)),
            ("refused", stack.failure.message),
            ("shape", shape(info)),
            ("axes", info.axes),
            ("pixel size", f"{info.pixel_size_um:.4g} µm" if info.HasField("pixel_size_um") else ""),
            ("z step", f"{info.z_step_um:.4g} µm" if info.HasField("z_step_um") else ""),
            (
                "values",
                f"{info.minimum:.6g} to {info.maximum:.6g}, mean {info.mean:.6g}" if info.dtype else "",
            ),
            ("2.5D", "possible" if info.two_and_half_d_possible else info.two_and_half_d_reason),
            ("warnings", "\n".join(info.warnings)),
            ("file", f"{words.size(stack.size_bytes)}, SHA-256 {stack.sha256}" if stack.sha256 else ""),
            ("made by", stack.source_run),
            ("created", words.moment(stack.create_time)),
        ],
    )
