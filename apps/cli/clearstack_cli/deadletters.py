"""`clearstack deadletters …`: messages that no service could deal with."""

from typing import Annotated

import typer
from clearstack.v1.admin_service_pb2 import (
    DropDeadLetterRequest,
    GetDeadLetterRequest,
    ListDeadLettersResponse,
    RetryDeadLetterRequest,
)
from clearstack.v1.dead_letter_pb2 import DeadLetter
from rich.console import RenderableType

from clearstack_cli import words
from clearstack_cli.connection import Client
from clearstack_cli.output import card, console, hint, print_json, say, table
from clearstack_cli.paging import all_dead_letters, dead_letter_name
from clearstack_cli.verb import JsonOption, connected

app = typer.Typer(no_args_is_help=True, help="List, show, retry and drop messages that were given up.")

LetterArgument = Annotated[str, typer.Argument(metavar="LETTER", help="Id of the letter, or its beginning.")]


@app.command("list")
@connected
def list_(client: Client, *, as_json: JsonOption = False) -> None:
    """List the dead letters, newest first."""
    response = all_dead_letters(client)
    if as_json:
        print_json(response)
    elif response.dead_letters:
        console().print(_table(response))
    else:
        hint("No dead letters: every message was dealt with.")


@app.command()
@connected
def show(client: Client, letter: LetterArgument, *, as_json: JsonOption = False) -> None:
    """Show a dead letter, with the message as it was published."""
    name = dead_letter_name(client, letter)
    found = client.admin.GetDeadLetter(GetDeadLetterRequest(name=name)).dead_letter
    if as_json:
        print_json(found)
    else:
        console().print(_card(found))


@app.command()
@connected
def retry(client: Client, letter: LetterArgument, *, as_json: JsonOption = False) -> None:
    """Give it another chance: a failed run begins anew the step that failed. The letter goes."""
    name = dead_letter_name(client, letter)
    response = client.admin.RetryDeadLetter(RetryDeadLetterRequest(name=name))
    if as_json:
        print_json(response)
    elif response.run:
        say(f"{response.run} goes on.")
    else:
        say("The message was handed out again.")


@app.command()
@connected
def drop(client: Client, letter: LetterArgument, *, as_json: JsonOption = False) -> None:
    """Forget a dead letter; its run stays as it is."""
    name = dead_letter_name(client, letter)
    response = client.admin.DropDeadLetter(DropDeadLetterRequest(name=name))
    if as_json:
        print_json(response)
    else:
        say(f"Dropped: {words.short(name)}")


def _table(response: ListDeadLettersResponse) -> RenderableType:
    return table(
        "id",
        "run",
        "reason",
        "times",
        "when",
        right=["times"],
        rows=(
            (
                words.short(letter.name),
                letter.run or letter.subject,
                letter.failure.message,
                str(letter.delivery_count),
                words.age(letter.create_time),
            )
            for letter in response.dead_letters
        ),
    )


def _card(letter: DeadLetter) -> RenderableType:
    return card(
        words.short(letter.name),
        [
            ("run", letter.run),
            ("reason", letter.failure.message),
            ("subject", letter.subject),
            ("handed out", f"{letter.delivery_count} times"),
            ("given up", words.moment(letter.create_time)),
            ("message", letter.data.decode(errors="replace")),
        ],
    )
