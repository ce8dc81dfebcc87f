"""Follows a denoising to its end."""

from clearstack.v1.denoising_pb2 import Denoising
from clearstack.v1.denoising_service_pb2 import GetDenoisingRequest
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from clearstack_cli.connection import Client
from clearstack_cli.output import console


def follow_denoising(client: Client, name: str, *, stderr: bool = False) -> Denoising:
    """Shows how many slices are done until the denoising ends; returns it as it is then."""
    target = console(stderr=stderr)
    columns = (TextColumn("Denoising"), BarColumn(), MofNCompleteColumn(), TextColumn("slices"))
    if not target.is_terminal:
        target.print("Denoising …")
    with Progress(*columns, console=target, transient=True, disable=not target.is_terminal) as progress:
        task = progress.add_task("", total=None)
        for _ in client.api.denoisings.watch(name):
            now = _get(client, name)
            progress.update(task, total=now.slice_count or None, completed=now.slices_done_count)
    return _get(client, name)


def _get(client: Client, name: str) -> Denoising:
    return client.denoisings.GetDenoising(GetDenoisingRequest(name=name)).denoising
