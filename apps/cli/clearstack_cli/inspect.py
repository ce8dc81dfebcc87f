"""`clearstack inspect`: what the noise of a stack is like, without training."""

import contextlib
from pathlib import Path
from typing import Annotated

import typer
from clearstack.v1.inspection_pb2 import Inspection
from clearstack.v1.stack_service_pb2 import GetStackRequest, InspectStackRequest
from clearstack_embedded.folder import data_folder

from clearstack_cli import bars, inspection_view, preflight
from clearstack_cli.connection import Client, connect, find_endpoint, flags
from clearstack_cli.installation import own_installation
from clearstack_cli.output import console, hint, note, print_json
from clearstack_cli.paging import stack_name
from clearstack_cli.verb import DataOption, EndpointOption, JsonOption, guarded
from clearstack_cli.words import MethodName, ModeName


@guarded
def inspect(
    stack: Annotated[str, typer.Argument(metavar="FILE|STACK", help="A TIFF file, or the id of a stack.")],
    *,
    endpoint: EndpointOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a stack's noise in seconds, without training, and recommend a method."""
    path = _file(stack)
    if path is not None:
        preflight.check_input(path)
    found = find_endpoint(endpoint, data)
    with contextlib.ExitStack() as exits:
        address = found or exits.enter_context(own_installation(data_folder(data)))
        client = exits.enter_context(connect(address, flags=flags(endpoint, data)))
        name = bars.upload(client, path, stderr=as_json).name if path else stack_name(client, stack)
        inspection = look_at(client, name)
        if as_json:
            print_json(inspection)
            return
        title = client.stacks.GetStack(GetStackRequest(name=name)).stack.display_name
        console().print(inspection_view.page(title, inspection))
        if not inspection.recommendation.nothing_to_remove:
            hint(f"Do so: clearstack denoise {stack if path else 'FILE'} --method auto")


def look_at(client: Client, stack: str) -> Inspection:
    """What the installation finds in a stack."""
    return client.stacks.InspectStack(InspectStackRequest(name=stack)).inspection


def choose(client: Client, stack: str, mode: ModeName | None) -> tuple[MethodName, ModeName]:
    """Method and mode for `--method auto`; says on stderr what was chosen and why.

    Args:
        client: The installation.
        stack: The stack's name there.
        mode: As asked for; None to take the recommended one.
    """
    advice = look_at(client, stack).recommendation
    method = next(each for each in MethodName if each.proto == advice.method and each is not MethodName.AUTO)
    best = next(each for each in ModeName if each.proto == advice.mode)
    note(f"--method auto takes {method.value}, {(mode or best).value}. {advice.reason}")
    if mode is None and not advice.nothing_to_remove:
        note(advice.mode_reason)
    return method, mode or best


def _file(text: str) -> Path | None:
    path = Path(text)
    return path if path.exists() or path.suffix.lower() in {".tif", ".tiff"} else None
