"""`clearstack denoise`: from noisy files to clean ones in one command."""

import contextlib
import sys
from pathlib import Path
from typing import Annotated

import typer
from clearstack_embedded.folder import data_folder

from clearstack_cli import paths, preflight, reports
from clearstack_cli.connection import Client, connect, find_endpoint, flags
from clearstack_cli.errors import UsageError
from clearstack_cli.farewell import Host
from clearstack_cli.installation import own_installation
from clearstack_cli.one_shot import OneShot, Order
from clearstack_cli.output import hint, note, say
from clearstack_cli.overrides import SetOption
from clearstack_cli.paging import model_name
from clearstack_cli.train import (
    AutoApproveOption,
    MethodOption,
    ModeOption,
    PresetOption,
    SeedOption,
    Wish,
    config_of,
)
from clearstack_cli.verb import DataOption, EndpointOption, JsonOption, guarded
from clearstack_cli.words import MethodName, ModeName, PresetName

_DTYPES = ("", "float32")


@guarded
def denoise(
    inputs: Annotated[list[Path], typer.Argument(metavar="IN.tif", help="Noisy TIFF stacks.")],
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT.tif",
            help="The result; with several inputs a folder.",
            show_default="IN-denoised.tif beside the input",
        ),
    ] = None,
    method: MethodOption = MethodName.N2V,
    preset: PresetOption = PresetName.BALANCED,
    assignments: SetOption = None,
    auto_approve: AutoApproveOption = False,
    mode: ModeOption = None,
    dtype: Annotated[
        str,
        typer.Option(help="float32 keeps full precision.", show_default="the input's", metavar="float32"),
    ] = "",
    model: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Train nothing, use this model.", show_default=False),
    ] = None,
    seed: SeedOption = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="REPORT.html",
            help="Write the report too, as a page, or as REPORT.json; with several inputs a folder.",
            show_default=False,
        ),
    ] = None,
    endpoint: EndpointOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Denoise TIFF stacks: learn from each one, then clean it.

    Uses the installation that --endpoint names or that runs on the data folder; otherwise one is started for as
    long as it is needed.
    """
    if dtype not in _DTYPES:
        raise UsageError(f"--dtype {dtype} is not possible: leave it out, or give float32.")
    wish = Wish(
        method=method,
        mode=mode,
        preset=preset,
        config=config_of(assignments, seed),
        auto_approve=auto_approve,
    )
    targets = paths.results_of(inputs, output)
    preflight.check(inputs, targets, mode=mode or ModeName.TWO_D)
    pages = paths.reports_of(inputs, report)
    order = Order(wish=wish, dtype=dtype, as_json=as_json, model=model)
    files = list(zip(inputs, targets, pages, strict=True))
    found = find_endpoint(endpoint, data)
    with contextlib.ExitStack() as exits:
        host = Host.STAYS if found else Host.ENDS_WITH_US
        address = found or exits.enter_context(own_installation(data_folder(data)))
        client = exits.enter_context(connect(address, flags=flags(endpoint, data)))
        _denoise_all(client, host, order, files)


def _denoise_all(
    client: Client, host: Host, order: Order, files: list[tuple[Path, Path, Path | None]]
) -> None:
    if order.model is not None:
        order = order.with_model(model_name(client, order.model))
    for source, target, report in files:
        shot = OneShot(client=client, host=host, order=order, is_interactive=sys.stdin.isatty())
        run = shot.run(source, target)
        if not order.as_json:
            say(f"Written: {target}")
            if verdict := reports.verdict(client, run):
                hint(verdict)
        if report is not None:
            reports.download(client, run.name, report)
            note(f"Written: {report}")
