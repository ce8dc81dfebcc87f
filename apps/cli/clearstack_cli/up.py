"""`clearstack up`, `status` and `logs`: the installation on this machine."""

import asyncio
import json
import webbrowser
from dataclasses import asdict
from typing import Annotated

import typer
from clearstack_embedded.errors import InstallationError
from clearstack_embedded.folder import data_folder
from clearstack_embedded.installation import Installation
from clearstack_embedded.logs import tail
from clearstack_embedded.ports import HOST
from clearstack_embedded.settings import InstallationConfig
from clearstack_embedded.status import ProcessStatus, read_status
from rich.console import RenderableType
from rich.text import Text

from clearstack_cli.errors import CliError
from clearstack_cli.exposing import (
    CertOption,
    ClientCaOption,
    HostOption,
    InsecureOption,
    KeyOption,
    TokensOption,
    exposure_of,
)
from clearstack_cli.output import console, hint, note, say, table
from clearstack_cli.verb import DataOption, JsonOption, guarded

_SHOWN_LINES = 200


@guarded
def up(
    *,
    data: DataOption = None,
    port: Annotated[
        int | None,
        typer.Option(help="The gateway's port.", min=1, max=65535, show_default="7433, or a free one"),
    ] = None,
    trainers: Annotated[int, typer.Option(help="Number of trainer processes.", min=1)] = 1,
    inference_workers: Annotated[
        int, typer.Option(help="Number of processes that denoise; they share the slices of a stack.", min=1)
    ] = 1,
    host: HostOption = HOST,
    tls_cert: CertOption = None,
    tls_key: KeyOption = None,
    tls_client_ca: ClientCaOption = None,
    tokens: TokensOption = None,
    insecure: InsecureOption = None,
    metrics: Annotated[
        bool,
        typer.Option(
            "--metrics", help="Figures for Prometheus; DATA/metrics.json says where (file_sd_configs)."
        ),
    ] = False,
    web: Annotated[bool, typer.Option("--web/--no-web", help="Serve the page.")] = True,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Start everything on this machine and keep it running until Ctrl-C."""
    config = InstallationConfig(
        data=data_folder(data),
        port=port,
        num_trainers=trainers,
        num_inference_workers=inference_workers,
        metrics=metrics,
        web=web,
        exposure=exposure_of(
            host,
            port,
            tls_cert=tls_cert,
            tls_key=tls_key,
            tls_client_ca=tls_client_ca,
            tokens=tokens,
            insecure=insecure,
        ),
    )
    try:
        asyncio.run(_run(config, open_page=open_page, as_json=as_json))
    except InstallationError as error:
        raise CliError(str(error)) from error


@guarded
def status(*, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show what runs, with versions and health."""
    processes = read_status(data_folder(data))
    if as_json:
        typer.echo(json.dumps({"processes": [asdict(each) for each in processes]}))
    elif processes:
        console().print(_table(processes))
    if not processes:
        raise CliError(f"No installation runs on {data_folder(data)}. Start one with `clearstack up`.")
    if not all(process.healthy for process in processes):
        raise typer.Exit(1)


@guarded
def logs(
    service: Annotated[
        str | None, typer.Argument(help="Only this process.", show_default="all of them")
    ] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines.")] = False,
    lines: Annotated[
        int, typer.Option("--lines", "-n", help="How many of the lines that are there.", min=0)
    ] = _SHOWN_LINES,
    data: DataOption = None,
) -> None:
    """Show the logs of the installation on this machine."""
    try:
        for line in tail(data_folder(data), service, follow=follow, last=lines):
            typer.echo(line)
    except InstallationError as error:
        raise CliError(str(error)) from error


async def _run(config: InstallationConfig, *, open_page: bool, as_json: bool) -> None:
    installation = Installation(config, on_event=lambda name, text: note(f"{name}: {text}"))
    await installation.start()
    if as_json:
        typer.echo(json.dumps({"endpoint": installation.endpoint, "page": installation.page}))
    else:
        say(f"Clearstack runs at {installation.endpoint}, data in {config.data}. Ctrl-C stops it.")
        if installation.page:
            say(f"The page: {installation.page}")
        hint("In another terminal: `clearstack denoise IN.tif -o OUT.tif`, or `clearstack --help`.")
    if open_page and installation.page and not await asyncio.to_thread(webbrowser.open, installation.page):
        hint(f"No browser could be opened here; go to {installation.page}.")
    await installation.run_until_stopped()
    note("Stopped.")


def _table(processes: list[ProcessStatus]) -> RenderableType:
    return table(
        "process",
        "pid",
        "health",
        "version",
        "",
        right=["pid"],
        rows=(
            (
                process.name,
                str(process.pid or "–"),
                Text("healthy", "green") if process.healthy else Text("not healthy", "red"),
                process.version,
                process.detail,
            )
            for process in processes
        ),
    )
