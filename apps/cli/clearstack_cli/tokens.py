"""`clearstack tokens`: who may use an installation that other machines can reach."""

import json
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from clearstack_common.access import StaticToken, TokenFile, TokenFileError, digest, new_token
from clearstack_embedded.folder import data_folder, write_private
from pydantic import ValidationError

from clearstack_cli.errors import CliError, UsageError
from clearstack_cli.output import console, note, table
from clearstack_cli.verb import DataOption, JsonOption, guarded

app = typer.Typer(no_args_is_help=True, help="Who may use an installation that other machines can reach.")


class RoleName(StrEnum):
    """What somebody may do."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


FileOption = Annotated[
    Path | None,
    typer.Option(
        "--file",
        envvar="CLEARSTACK_TOKENS_FILE",
        metavar="FILE",
        help="The file of tokens.",
        show_default="tokens.json in the data folder",
    ),
]
NameOption = Annotated[str, typer.Option(help="Whose it is: letters, digits, '-', '_', '.', '@'.")]


@app.command()
@guarded
def create(
    *,
    name: NameOption,
    role: Annotated[
        RoleName, typer.Option(help="viewer looks, operator works, admin may delete what others made.")
    ],
    days: Annotated[
        int | None, typer.Option(help="Valid for so long.", min=1, show_default="for ever")
    ] = None,
    file: FileOption = None,
    data: DataOption = None,
) -> None:
    """Make a token, show it once, and keep its hash. An earlier token of the same name ends."""
    path = _path(file, data)
    tokens = _read(path) if path.exists() else TokenFile()
    secret, now = new_token(), datetime.now(UTC).replace(microsecond=0)
    try:
        token = StaticToken(
            name=name,
            role=role.value,
            sha256=digest(secret),
            created=now,
            expires=now + timedelta(days=days) if days else None,
        )
    except ValidationError:
        raise UsageError(
            f"--name {name!r} is not possible: up to 64 letters, digits, '-', '_', '.' or '@', beginning with a "
            "letter or digit."
        ) from None
    except OverflowError:
        raise UsageError(f"--days {days} is beyond the calendar.") from None
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(path, tokens.with_token(token).model_dump_json(indent=2) + "\n")
    note(f"{name} is {role.value} in {path}. This is the token; it is shown this once:")
    typer.echo(secret)
    note("Clients take it from CLEARSTACK_TOKEN. The gateway reads the file anew by itself.")


@app.command("list")
@guarded
def list_(*, file: FileOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show who has a token. The tokens themselves are kept nowhere."""
    tokens = _read(_path(file, data)).tokens
    if as_json:
        shown = [token.model_dump(mode="json", exclude={"sha256"}) for token in tokens]
        typer.echo(json.dumps({"tokens": shown}))
        return
    rows = (
        (
            token.name,
            token.role,
            f"{token.created:%Y-%m-%d}",
            f"{token.expires:%Y-%m-%d}{' (over)' if token.is_expired() else ''}"
            if token.expires
            else "never",
        )
        for token in tokens
    )
    console().print(table("name", "role", "made", "ends", rows=rows))


@app.command()
@guarded
def revoke(
    name: Annotated[str, typer.Argument(help="Whose token ends.")],
    *,
    file: FileOption = None,
    data: DataOption = None,
) -> None:
    """End somebody's token, at once."""
    path = _path(file, data)
    tokens = _read(path)
    left = tokens.without(name)
    if left == tokens:
        raise CliError(f"{path} has no token of {name!r}; `clearstack tokens list` shows whose there are.")
    write_private(path, left.model_dump_json(indent=2) + "\n")
    note(f"The token of {name} is no longer accepted.")


def _path(file: Path | None, data: Path | None) -> Path:
    return file if file is not None else data_folder(data) / "tokens.json"


def _read(path: Path) -> TokenFile:
    try:
        return TokenFile.read(path)
    except TokenFileError as error:
        raise CliError(str(error)) from error
