"""`clearstack mask …`: the review between the stages of autoStructN2V."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from clearstack.v1.config_pb2 import MaskExtractorConfig
from clearstack.v1.mask_service_pb2 import (
    ApproveMaskRequest,
    GetMaskRequest,
    RegenerateMaskRequest,
    SetAutoApproveRequest,
    SkipStageTwoRequest,
)
from clearstack.v1.training_pb2 import Training

from clearstack_cli import mask_edit, mask_view, words
from clearstack_cli.connection import Client
from clearstack_cli.output import console, hint, print_json, say
from clearstack_cli.paging import training_name
from clearstack_cli.trainings import TrainingArgument
from clearstack_cli.verb import JsonOption, connected

app = typer.Typer(no_args_is_help=True, help="Review the mask of an autoStructN2V training.")


class Switch(StrEnum):
    """On or off, as typed."""

    ON = "on"
    OFF = "off"


@app.command()
@connected
def show(client: Client, training: TrainingArgument, *, as_json: JsonOption = False) -> None:
    """Draw the mask and show what was measured."""
    name = training_name(client, training)
    mask = client.masks.GetMask(GetMaskRequest(training=name)).mask
    if as_json:
        print_json(mask)
    else:
        console().print(mask_view.page(mask))


@app.command()
@connected
def approve(
    client: Client,
    training: TrainingArgument,
    *,
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="M.npy",
            help="Use this mask instead: bool or 0/1, (height, width), in 2.5D (3, height, width); odd sides.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    toggle: Annotated[
        list[str] | None,
        typer.Option(
            metavar="Y,X",
            help="Switch the pixel at this offset from the centre (in 2.5D: Z,Y,X); may be repeated.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Go on to stage 2 with this mask, as it is or edited."""
    name = training_name(client, training)
    request = ApproveMaskRequest(training=name)
    if file or toggle:
        extracted = client.masks.GetMask(GetMaskRequest(training=name)).mask
        request = mask_edit.approval(name, extracted, file=file, toggles=toggle or [])
    approved = client.masks.ApproveMask(request).training
    _tell(approved, "Approved; stage 2 follows.", as_json=as_json)


@app.command()
@connected
def regenerate(
    client: Client,
    training: TrainingArgument,
    *,
    base_percentile: Annotated[
        float | None,
        typer.Option(help="Strictness, 0 to 100; higher keeps fewer pixels.", show_default=False),
    ] = None,
    percentile_decay: Annotated[
        float | None,
        typer.Option(help="How fast strictness grows with the distance, 1 to 2.", show_default=False),
    ] = None,
    max_masked_pixels: Annotated[
        int | None, typer.Option(help="Active pixels at most, 1 to 500.", show_default=False)
    ] = None,
    adaptive: Annotated[
        bool | None,
        typer.Option(
            "--adaptive/--no-adaptive", help="Let strictness grow with the distance.", show_default=False
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Extract the mask anew; takes seconds, trains nothing. What is not given stays as it was."""
    name = training_name(client, training)
    config = MaskExtractorConfig(
        adaptive_thresholding=adaptive,
        base_percentile=base_percentile,
        percentile_decay=percentile_decay,
        max_masked_pixels=max_masked_pixels,
    )
    begun = client.masks.RegenerateMask(RegenerateMaskRequest(training=name, config=config)).training
    _tell(begun, "The mask is being extracted anew.", as_json=as_json)
    if not as_json:
        hint(f"See it in a few seconds with {client.command('mask show ' + words.short(name))}.")


@app.command()
@connected
def skip(client: Client, training: TrainingArgument, *, as_json: JsonOption = False) -> None:
    """Leave out stage 2: the result of stage 1 is final."""
    name = training_name(client, training)
    skipped = client.masks.SkipStageTwo(SkipStageTwoRequest(training=name)).training
    _tell(skipped, "Stage 2 is skipped; the result of stage 1 is final.", as_json=as_json)


@app.command("auto-approve")
@connected
def auto_approve(
    client: Client,
    training: TrainingArgument,
    switch: Annotated[Switch, typer.Argument(help="on or off.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Whether to go on without a review; can be changed until the mask is there."""
    name = training_name(client, training)
    request = SetAutoApproveRequest(training=name, auto_approve=switch is Switch.ON)
    changed = client.masks.SetAutoApprove(request).training
    _tell(changed, f"Auto-approve is {switch.value}.", as_json=as_json)


def _tell(training: Training, text: str, *, as_json: bool) -> None:
    if as_json:
        print_json(training)
    else:
        say(text)
