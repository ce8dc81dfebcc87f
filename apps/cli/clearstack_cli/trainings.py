"""`clearstack trainings …`: what is being learnt, and what has been."""

from typing import Annotated

import typer
from clearstack.v1 import training_pb2
from clearstack.v1.training_pb2 import Training
from clearstack.v1.training_service_pb2 import (
    CancelTrainingRequest,
    DeleteTrainingRequest,
    GetTrainingRequest,
    ListTrainingsResponse,
)

from clearstack_cli import states, training_view, words
from clearstack_cli.connection import Client
from clearstack_cli.errors import Interrupted
from clearstack_cli.following import follow
from clearstack_cli.output import card, console, hint, note, print_json, say, table
from clearstack_cli.paging import all_trainings, training_name
from clearstack_cli.verb import JsonOption, connected

app = typer.Typer(no_args_is_help=True, help="List, show, watch, cancel and delete trainings.")

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
        console().print(_table(response))
    else:
        hint("No trainings yet: `clearstack train FILE.tif`.")


@app.command()
@connected
def show(client: Client, training: TrainingArgument, *, as_json: JsonOption = False) -> None:
    """Show a training: state, stages, mask, results."""
    name = training_name(client, training)
    show_training(client.trainings.GetTraining(GetTrainingRequest(name=name)).training, as_json=as_json)


@app.command()
@connected
def watch(client: Client, training: TrainingArgument, *, as_json: JsonOption = False) -> None:
    """Replay a training from its start and follow it to its end."""
    watch_to_end(client, training_name(client, training), as_json=as_json)


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


def show_training(training: Training, *, as_json: bool) -> None:
    """A training on stdout."""
    if as_json:
        print_json(training)
        return
    console().print(training_view.page(training))
    console().print(_card(training))


def watch_to_end(client: Client, name: str, *, as_json: bool) -> None:
    """Follows a training; with JSON the progress goes to stderr and the final training to stdout.

    Raises:
        CliError: It did not end well.
        Interrupted: Ctrl-C.
    """
    try:
        training = follow(client, name, on_review=how_to_review, stderr=as_json)
    except KeyboardInterrupt:
        raise Interrupted(
            f"No longer watching; the training goes on. Watch it again with `clearstack trainings watch "
            f"{words.short(name)}`, or end it with `clearstack trainings cancel {words.short(name)}`."
        ) from None
    if as_json:
        print_json(training)
    states.require_complete(training)
    if not as_json:
        hint(
            f"Fetch the result with `clearstack stacks download {words.short(training.result_stack)} -o OUT.tif`."
        )


def how_to_review(training: Training) -> None:
    """Says on stderr what a person has to do now."""
    short = words.short(training.name)
    note(
        f"The mask of {short} waits for a review: see it with `clearstack mask show {short}`, "
        f"then `clearstack mask approve {short}`, `regenerate` or `skip`."
    )


def _table(response: ListTrainingsResponse) -> object:
    return table(
        "id",
        "name",
        "method",
        "preset",
        "state",
        "created",
        rows=(
            (
                words.short(training.name),
                training.display_name,
                f"{words.method(training.method)} {words.mode(training.mode)}",
                words.preset(training.preset),
                _state(training),
                words.age(training.create_time),
            )
            for training in response.trainings
        ),
    )


def _state(training: Training) -> str:
    if training.state == training_pb2.TRAINING_STATE_QUEUED and training.queue_position:
        return f"queued, number {training.queue_position}"
    for stage in training.stages:
        if stage.state == training_pb2.STAGE_STATE_TRAINING and stage.progress.epoch:
            return f"stage {stage.number}, epoch {stage.progress.epoch}/{stage.progress.epoch_count}"
    return words.training_state(training.state)


def _card(training: Training) -> object:
    return card(
        words.short(training.name),
        [
            ("stack", words.short(training.stack)),
            ("failed", training.failure.message),
            ("mask", training.mask.message),
            ("model", words.short(training.model)),
            *((f"stage {each.number} result", words.short(each.result_stack)) for each in training.stages),
            ("final result", words.short(training.result_stack)),
            ("auto-approve", "on" if training.auto_approve else ""),
            ("session", training.session),
            ("priority", str(training.priority or "")),
            ("seed", str(training.config.seed)),
            ("created", words.moment(training.create_time)),
            ("ended", words.moment(training.end_time)),
        ],
    )
