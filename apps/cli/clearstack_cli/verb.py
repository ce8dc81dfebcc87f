"""What every verb has in common: where the installation is, how errors end the command, how JSON is asked for."""

import functools
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Concatenate, ParamSpec

import typer

from clearstack_cli.connection import Client, connect, flags, require_endpoint
from clearstack_cli.errors import CliError, Interrupted
from clearstack_cli.output import complain, note

P = ParamSpec("P")

EndpointOption = Annotated[
    str | None,
    typer.Option(
        "--endpoint",
        envvar="CLEARSTACK_ENDPOINT",
        metavar="HOST:PORT",
        help="The installation to talk to.",
        show_default="the one that runs on the data folder",
    ),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar="CLEARSTACK_DATA",
        metavar="DIR",
        help="The data folder of the installation on this machine.",
        show_default="~/.local/share/clearstack",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One line of JSON instead of a table.")]

_INTERRUPTED = 130


def guarded(function: Callable[P, None]) -> Callable[P, None]:
    """A verb whose failures are one sentence and an exit code, never a traceback."""

    @functools.wraps(function)
    def command(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except (typer.Exit, typer.Abort, typer.BadParameter, BrokenPipeError):
            raise  # Typer knows what to do with these
        except KeyboardInterrupt:
            raise typer.Exit(_INTERRUPTED) from None
        except Exception as error:
            # The last line of defence: whatever it is, a person gets a sentence.
            if os.environ.get("CLEARSTACK_DEBUG") == "1":
                raise
            raise typer.Exit(_tell(error)) from None

    return command


def connected(function: Callable[Concatenate[Client, P], None]) -> Callable[..., None]:
    """A guarded verb whose first parameter, the client, is made from `--endpoint` and `--data`."""

    @functools.wraps(function)
    def command(*args: P.args, **kwargs: P.kwargs) -> None:
        endpoint, data = kwargs.pop("endpoint"), kwargs.pop("data")
        assert endpoint is None or isinstance(endpoint, str)  # noqa: S101 - Typer has seen to it
        assert data is None or isinstance(data, Path)  # noqa: S101
        with connect(require_endpoint(endpoint, data), flags=flags(endpoint, data)) as client:
            function(client, *args, **kwargs)

    guarded_command = guarded(command)
    _sign(guarded_command, function)
    return guarded_command


def _sign(command: Callable[..., None], function: Callable[..., None]) -> None:
    """Shows Typer the function's parameters with the two options in the place of the client."""
    _client, *own = inspect.signature(function, eval_str=True).parameters.values()
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in (("endpoint", EndpointOption), ("data", DataOption))
    ]
    command.__signature__ = inspect.Signature([*own, *added])  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in [*own, *added]}


def _tell(error: Exception) -> int:
    if isinstance(error, Interrupted):
        note(error.message)
        return error.exit_code
    if isinstance(error, CliError):
        complain(error.message)
        return error.exit_code
    if isinstance(error, OSError) and error.strerror:
        complain(f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}.")
        return 1
    complain(
        f"Unexpected {type(error).__name__}: {error}. "
        "This is a fault in Clearstack; CLEARSTACK_DEBUG=1 shows where it comes from."
    )
    return 1
