"""Files to and from the installation, in chunks, taken up again where they were cut off."""

import contextlib
import hashlib
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar

import grpc
from clearstack.v1.stack_service_pb2 import (
    CreateStackRequest,
    DownloadStackRequest,
    FinalizeStackRequest,
    GetStackRequest,
    Stack,
    UploadStackRequest,
)

from clearstack_cli.connection import Client
from clearstack_cli.errors import CliError, reason
from clearstack_cli.output import note
from clearstack_cli.retrying import Patience

T = TypeVar("T")

CHUNK_BYTES = 1 << 20
_MISMATCH = "UPLOAD_OFFSET_MISMATCH"
# Called with the number of bytes done so far.
Report = Callable[[int], None]


def upload(client: Client, path: Path, report: Report = lambda _done: None) -> Stack:
    """Sends a file and has it validated.

    Raises:
        CliError: The file cannot be read, or it changed while it was sent.
        grpc.RpcError: The installation refused it.
    """
    with path.open("rb") as file:
        created = client.stacks.CreateStack(
            CreateStackRequest(display_name=path.name, request_id=uuid.uuid4().hex)
        )
        name = created.stack.name
        _send(client, name, file, report)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        finalize = FinalizeStackRequest(name=name, size_bytes=file.tell(), sha256=sha256)
        return _insisting(client, lambda: client.stacks.FinalizeStack(finalize), Patience(note)).stack


def download(client: Client, stack: str, target: Path, report: Report = lambda _done: None) -> None:
    """Fetches a stack's file; `target` is there only when it is whole.

    Raises:
        CliError: The bytes are not those that the installation has.
        OSError: `target` cannot be written.
    """
    expected = client.stacks.GetStack(GetStackRequest(name=stack)).stack.sha256
    with written_whole(target) as file:
        digest = hashlib.sha256()
        for done, chunk in _received(client, stack):
            file.write(chunk)
            digest.update(chunk)
            report(done)
        if expected and digest.hexdigest() != expected:
            raise CliError(f"{target} did not arrive whole: its checksum differs. Download it again.")


@contextlib.contextmanager
def written_whole(target: Path) -> Iterator[BinaryIO]:
    """A file beside `target` that takes its place when the block ends well, and is removed otherwise."""
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with part.open("xb") as file:
            yield file
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _send(client: Client, name: str, file: BinaryIO, report: Report) -> None:
    patience, where = Patience(note), GetStackRequest(name=name)
    offset, size = 0, os.fstat(file.fileno()).st_size
    while True:
        try:
            client.stacks.UploadStack(_chunks(name, file, offset, report))
        except grpc.RpcError as error:
            patience.lost(None if reason(error) == _MISMATCH else error, client.endpoint)
        else:
            return
        taken = _insisting(client, lambda: client.stacks.GetStack(where), patience).stack.uploaded_bytes
        if taken == size:  # all of it came, but not the answer
            return
        if taken > offset:
            patience.well()
        offset = taken


def _chunks(name: str, file: BinaryIO, offset: int, report: Report) -> Iterator[UploadStackRequest]:
    # gRPC reads ahead on a thread of its own, which may still be reading when the next attempt has begun:
    # so nobody may move the file's position.
    while data := os.pread(file.fileno(), CHUNK_BYTES, offset):
        yield UploadStackRequest(name=name, offset=offset, data=data)
        offset += len(data)
        report(offset)


def _insisting(client: Client, call: Callable[[], T], patience: Patience) -> T:
    """Repeats a call that may be repeated, while the installation is away."""
    while True:
        try:
            return call()
        except grpc.RpcError as error:
            patience.lost(error, client.endpoint)


def _received(client: Client, stack: str) -> Iterator[tuple[int, bytes]]:
    """The file's chunks, each once, with the number of bytes up to its end."""
    patience = Patience(note)
    done = 0
    while True:
        try:
            for response in client.stacks.DownloadStack(DownloadStackRequest(name=stack, offset=done)):
                patience.well()
                done += len(response.data)
                yield done, response.data
        except grpc.RpcError as error:
            patience.lost(error, client.endpoint)
        else:
            return
