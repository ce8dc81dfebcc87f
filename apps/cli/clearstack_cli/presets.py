"""`clearstack presets`: what each preset sets."""

from typing import Annotated

import typer
from clearstack.v1.training_service_pb2 import ListPresetsRequest, ListPresetsResponse
from google.protobuf.message import Message
from rich.console import RenderableType

from clearstack_cli import overrides, words
from clearstack_cli.connection import Client
from clearstack_cli.output import console, print_json, table
from clearstack_cli.verb import JsonOption, connected
from clearstack_cli.words import MethodName


@connected
def presets(
    client: Client,
    *,
    method: Annotated[
        MethodName, typer.Option("--method", case_sensitive=False, help="Whose presets to show.")
    ] = MethodName.N2V,
    as_json: JsonOption = False,
) -> None:
    """Show the value of every parameter in every preset; the names are those for --set."""
    response = client.trainings.ListPresets(ListPresetsRequest(method=method.proto))
    if as_json:
        print_json(response)
    else:
        console().print(_table(response))


def _table(response: ListPresetsResponse) -> RenderableType:
    names = [words.preset(each.preset) for each in response.presets]
    rows = []
    for path in overrides.field_paths():
        values = [_value(each.config, path) for each in response.presets]
        if any(values):
            rows.append((path, *values))
    return table("parameter", *names, rows=rows, right=names)


def _value(config: Message, path: str) -> str:
    *parents, last = path.split(".")
    for parent in parents:
        config = getattr(config, parent)
    if not config.HasField(last):
        return ""
    value = getattr(config, last)
    if words_of := overrides.enum_words(config.DESCRIPTOR.fields_by_name[last]):
        return {number: word for word, number in words_of.items()}.get(value, "")
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)
