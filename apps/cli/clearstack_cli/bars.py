"""Progress bars for transfers."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from clearstack.v1.stack_service_pb2 import GetStackRequest, Stack
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from clearstack_cli import transfer, words
from clearstack_cli.connection import Client
from clearstack_cli.output import console


def upload(client: Client, path: Path, *, stderr: bool = False) -> Stack:
    """Sends a file with a bar; as `transfer.upload`."""
    with _bar(f"Sending {path.name}", path.stat().st_size, stderr=stderr) as report:
        return transfer.upload(client, path, report)


def download(client: Client, stack: str, target: Path, *, stderr: bool = False) -> None:
    """Fetches a stack's file with a bar; as `transfer.download`."""
    num_bytes = client.stacks.GetStack(GetStackRequest(name=stack)).stack.size_bytes
    with _bar(f"Fetching {target.name}", num_bytes, stderr=stderr) as report:
        transfer.download(client, stack, target, report)


@contextlib.contextmanager
def _bar(text: str, total_bytes: int, *, stderr: bool) -> Iterator[transfer.Report]:
    target = console(stderr=stderr)
    if not target.is_terminal:
        target.print(f"{text} ({words.size(total_bytes)})", markup=False, soft_wrap=True)
        yield lambda _done: None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=target, transient=True) as progress:
        task = progress.add_task(text, total=total_bytes)
        yield lambda done: progress.update(task, completed=done)
