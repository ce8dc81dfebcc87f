"""`clearstack presets`: what each preset sets."""

from pathlib import Path
from typing import Annotated

import typer
from clearstack.v1 import config_pb2
from clearstack.v1.training_service_pb2 import ListPresetsRequest, ListPresetsResponse, PresetValues
from clearstack_common.config import preset_config
from clearstack_embedded.folder import data_folder
from clearstack_embedded.status import running_endpoint
from google.protobuf.message import Message
from rich.console import RenderableType

from clearstack_cli import overrides, words
from clearstack_cli.connection import connect, flags
from clearstack_cli.errors import CliError
from clearstack_cli.output import console, print_json, table
from clearstack_cli.verb import DataOption, EndpointOption, JsonOption, guarded
from clearstack_cli.words import MethodName


@guarded
def presets(
    *,
    method: Annotated[
        MethodName, typer.Option("--method", case_sensitive=False, help="Whose presets to show.")
    ] = MethodName.N2V,
    as_json: JsonOption = False,
    endpoint: EndpointOption = None,
    data: DataOption = None,
) -> None:
    """Show the value of every parameter in every preset; the names are those for --set."""
    if method is MethodName.AUTO:
        raise CliError(
            "`auto` becomes n2v or autostructn2v when the stack is known, and they have different presets: "
            "ask for `--method n2v` or `--method autostructn2v`; `clearstack inspect FILE` tells which one a stack wants."
        )
    response = _presets(method, endpoint, data)
    if as_json:
        print_json(response)
    else:
        console().print(_table(response))


def _presets(method: MethodName, endpoint: str | None, data: Path | None) -> ListPresetsResponse:
    """The installation's; without one, those of this version, so that they can be read before anything runs."""
    found = endpoint or running_endpoint(data_folder(data))
    if found is None:
        values = [
            PresetValues(preset=preset, config=preset_config(method.proto, preset))
            for preset in (config_pb2.PRESET_FAST, config_pb2.PRESET_BALANCED, config_pb2.PRESET_HIGH_QUALITY)
        ]
        return ListPresetsResponse(presets=values)
    with connect(found, flags=flags(endpoint, data)) as client:
        return client.trainings.ListPresets(ListPresetsRequest(method=method.proto))


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
