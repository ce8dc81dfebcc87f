"""`clearstack trainings …`: what is being learnt, and what has been."""

from pathlib import Path
from typing import Annotated

import typer
from clearstack.v1.training_pb2 import Training
from clearstack.v1.training_service_pb2 import (
    CancelTrainingRequest,
    DeleteTrainingRequest,
    GetTrainingRequest,
)

from clearstack_cli import bars, paths, reports, states, training_cards, training_view, words
from clearstack_cli.connection import Client
from clearstack_cli.errors import Interrupted
from clearstack_cli.following import follow
from clearstack_cli.output import console, hint, note, print_json, say
from clearstack_cli.paging import all_trainings, training_name
from clearstack_cli.verb import JsonOption, connected

app = typer.Typer(no_args_is_help=True, help="List, show, watch, download, cancel and delete trainings.")

TrainingArgument = Annotated[
    str, typer.Argument(metavar="TRAINING", help="Id of the training, or its beginning.")
]


@app.command("list")
@connected
def list_(client: Client, *, as_json: JsonOption = False) -> None:
    """List the trainings, newest first."""
    response = all_trainings(client)
    if as_json:
        print_json(response)
    elif response.trainings:
        console().print(training_cards.table_of(response.trainings))
    else:
        hint("No trainings yet: `clearstack train FILE.tif`.")


@app.command()
@connected
def show(client: Client, training: TrainingArgument, *, as_json: JsonOption = False) -> None:
    """Show a training: state, stages, mask, results."""
    name = training_name(client, training)
    found = client.trainings.GetTraining(GetTrainingRequest(name=name)).training
    if as_json:
        print_json(found)
    else:
        console().print(training_view.page(found))
        console().print(training_cards.card_of(found))


@app.command()
@connected
def watch(client: Client, training: TrainingArgument, *, as_json: JsonOption = False) -> None:
    """Replay a training from its start and follow it to its end."""
    watch_to_end(client, training_name(client, training), as_json=as_json)


@app.command()
@connected
def download(
    client: Client,
    training: TrainingArgument,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.tif", help="Where to write it.")],
    stage: Annotated[
        int | None, typer.Option(help="The result of this stage.", min=1, max=2, show_default="the final one")
    ] = None,
) -> None:
    """Download the denoised stack of a training."""
    paths.check_output(output)
    name = training_name(client, training)
    found = client.trainings.GetTraining(GetTrainingRequest(name=name)).training
    bars.download(client, states.result_of(found, stage), output)
    say(f"Written: {output}")


@app.command()
@connected
def report(
    client: Client,
    training: TrainingArgument,
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="REPORT.html", help="Where to write it; .json for JSON.")
    ],
    stage: Annotated[
        int | None, typer.Option(help="Of this stage's result.", min=1, max=2, show_default="the final one")
    ] = None,
) -> None:
    """Download the report on the result of a training: pictures, losses, mask, verdict."""
    paths.check_output(output)
    reports.download(client, training_name(client, training), output, stage=stage or 0)
    say(f"Written: {output}")


@app.command()
@connected
def cancel(client: Client, training: TrainingArgument, *, as_json: JsonOption = False) -> None:
    """Cancel a training, whatever it is doing."""
    name = training_name(client, training)
    cancelled = client.trainings.CancelTraining(CancelTrainingRequest(name=name)).training
    if as_json:
        print_json(cancelled)
    else:
        say(f"{words.short(name)} is {words.training_state(cancelled.state)}.")


@app.command()
@connected
def delete(client: Client, training: TrainingArgument, *, as_json: JsonOption = False) -> None:
    """Delete a training with its model and its results."""
    name = training_name(client, training)
    client.trainings.DeleteTraining(DeleteTrainingRequest(name=name))
    if as_json:
        print_json(Training(name=name))
    else:
        say(f"Deleted: {words.short(name)}")


def watch_to_end(client: Client, name: str, *, as_json: bool) -> None:
    """Follows a training; with JSON the progress goes to stderr and the final training to stdout.

    Raises:
        CliError: It did not end well.
        Interrupted: Ctrl-C.
    """
    try:
        training = follow(
            client, name, on_review=lambda waiting: note(how_to_review(client, waiting)), stderr=as_json
        )
    except KeyboardInterrupt:
        raise Interrupted(
            "No longer watching; the training goes on. "
            f"Watch it again with {client.command('trainings watch ' + words.short(name))}, "
            f"or end it with {client.command('trainings cancel ' + words.short(name))}."
        ) from None
    if as_json:
        print_json(training)
    states.require_complete(training)
    if not as_json:
        fetch = f"trainings download {words.short(name)} -o OUT.tif"
        hint(f"Fetch the result with {client.command(fetch)}.")


def how_to_review(client: Client, training: Training) -> str:
    """What a person has to do now, and with which commands."""
    short = words.short(training.name)
    return (
        f"The mask of {short} waits for a review: see it with {client.command('mask show ' + short)}, "
        f"then go on with {client.command('mask approve ' + short)}, or with regenerate or skip instead of approve."
    )
