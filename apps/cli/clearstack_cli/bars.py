"""Progress bars for transfers."""

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path

from clearstack.v1.stack_service_pb2 import GetStackRequest, Stack
from clearstack_client.progress import OnProgress, ignore
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from clearstack_cli import words
from clearstack_cli.connection import Client
from clearstack_cli.output import console


def upload(client: Client, path: Path, *, stderr: bool = False) -> Stack:
    """Sends a file with a bar."""
    with _bar(f"Sending {path.name}", path.stat().st_size, stderr=stderr) as report:
        return client.api.stacks.upload(path, request_id=uuid.uuid4().hex, progress=report)


def download(client: Client, stack: str, target: Path, *, stderr: bool = False) -> None:
    """Fetches a stack's file with a bar."""
    num_bytes = client.stacks.GetStack(GetStackRequest(name=stack)).stack.size_bytes
    with _bar(f"Fetching {target.name}", num_bytes, stderr=stderr) as report:
        client.api.stacks.download(stack, target, progress=report)


@contextlib.contextmanager
def _bar(text: str, total_bytes: int, *, stderr: bool) -> Iterator[OnProgress]:
    target = console(stderr=stderr)
    if not target.is_terminal:
        target.print(f"{text} ({words.size(total_bytes)})", markup=False, soft_wrap=True)
        yield ignore
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=target, transient=True) as progress:
        task = progress.add_task(text, total=total_bytes)
        yield lambda now: progress.update(task, completed=now.done)
