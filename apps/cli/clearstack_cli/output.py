"""Where output goes: results to stdout, complaints to stderr, and JSON on one line."""

from collections.abc import Iterable

import typer
from google.protobuf import json_format
from google.protobuf.message import Message
from rich import box
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

# A table that goes into a file or a pipe is for grep: it must not be folded at 80 columns.
_FILE_WIDTH = 200


def console(*, stderr: bool = False) -> Console:
    """A console for people."""
    made = Console(stderr=stderr, highlight=False)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, width=_FILE_WIDTH)


def say(text: str) -> None:
    """One line for a person, as it is."""
    console().print(text, markup=False, soft_wrap=True)


def hint(text: str) -> None:
    """A quieter line: what to do next."""
    console().print(text, markup=False, soft_wrap=True, style="dim")


def note(text: str) -> None:
    """A line on stderr that is no error."""
    console(stderr=True).print(text, markup=False, soft_wrap=True)


def complain(text: str) -> None:
    """An error, on stderr."""
    console(stderr=True).print(f"[bold red]error:[/] {escape(text)}", soft_wrap=True)


def json_line(message: Message) -> str:
    """The message as proto-JSON with the protos' field names, on one line."""
    return json_format.MessageToJson(
        message, preserving_proto_field_name=True, indent=None, always_print_fields_with_no_presence=True
    )


def print_json(message: Message) -> None:
    """For scripts."""
    typer.echo(json_line(message))


def table(*columns: str, rows: Iterable[Iterable[RenderableType]], right: Iterable[str] = ()) -> Table:
    """A table without vertical lines; columns in `right` are aligned to the right."""
    made = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for column in columns:
        made.add_column(column, justify="right" if column in set(right) else "left", overflow="fold")
    for row in rows:
        made.add_row(*map(_as_it_is, row))
    return made


def card(title: str, facts: Iterable[tuple[str, RenderableType]]) -> Panel:
    """A panel of names and values; values that are empty strings are left out."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in facts:
        if value:
            grid.add_row(name, _as_it_is(value))
    return Panel(
        grid, title=f"[bold]{escape(title)}[/]", title_align="left", expand=False, border_style="dim"
    )


def _as_it_is(cell: RenderableType) -> RenderableType:
    """Text that somebody has typed somewhere: it neither colours nor steers the terminal."""
    if not isinstance(cell, str):
        return cell
    return Text("".join(each if each.isprintable() or each == "\n" else "\ufffd" for each in cell))
