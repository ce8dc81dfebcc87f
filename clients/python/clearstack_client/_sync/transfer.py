# Written by tools/unasync.py from its counterpart in _async: change that one.
"""Files to and from the installation, in chunks, taken up again where they were cut off."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import grpc
from clearstack.v1.stack_service_pb2 import (
    STACK_STATE_UPLOADING,
    CreateStackRequest,
    DownloadStackRequest,
    FinalizeStackRequest,
    GetStackRequest,
    Stack,
    UploadStackRequest,
)

from clearstack_client import files
from clearstack_client._sync import io
from clearstack_client._sync.connection import Connection
from clearstack_client.errors import ClearstackError, reason, translated

_MISMATCH = "UPLOAD_OFFSET_MISMATCH"
# Called with the number of bytes done so far.
Report = Callable[[int], None]


def upload(
    connection: Connection,
    path: Path,
    *,
    display_name: str = "",
    request_id: str = "",
    report: Report = lambda _done: None,
) -> Stack:
    """Sends a file and has it validated; goes on where an earlier attempt with the same `request_id` was cut off.

    Raises:
        ClearstackError: The installation refused it, or cannot be reached any more.
        OSError: The file cannot be read.
    """
    display_name = display_name or path.name
    sha256 = io.in_thread(files.sha256_of, path)
    create = CreateStackRequest(
        display_name=display_name, request_id=request_id or files.upload_id(display_name, sha256)
    )
    # Not insisted on: where nothing has answered yet, there may be nothing.
    name = (connection.call(connection.stacks.CreateStack, create)).stack.name
    # It may have been begun before; only GetStack says how much of it there is.
    stack = (connection.insist(connection.stacks.GetStack, GetStackRequest(name=name))).stack
    size = path.stat().st_size
    if stack.state == STACK_STATE_UPLOADING:
        _send(connection, stack, path, size, report)
    report(size)
    finalize = FinalizeStackRequest(name=stack.name, size_bytes=size, sha256=sha256)
    return (connection.insist(connection.stacks.FinalizeStack, finalize)).stack


def download(connection: Connection, stack: str, target: Path, report: Report = lambda _done: None) -> None:
    """Fetches a stack's file; `target` is there only when it is whole.

    Raises:
        ClearstackError: The bytes are not those that the installation has, or it cannot be reached any more.
        OSError: `target` cannot be written.
    """
    found = connection.insist(connection.stacks.GetStack, GetStackRequest(name=stack))
    with files.written_whole(target) as file:
        _receive(connection, found.stack, target, file, report)


def _receive(connection: Connection, stack: Stack, target: Path, file: BinaryIO, report: Report) -> None:
    digest, done = hashlib.sha256(), 0
    for data in _received(connection, stack.name):
        io.in_thread(file.write, data)
        digest.update(data)
        done += len(data)
        report(done)
    if stack.sha256 and digest.hexdigest() != stack.sha256:
        raise ClearstackError(
            f"{target} did not arrive whole: its checksum differs. Download it again.",
            reason="CHECKSUM_MISMATCH",
        )


def _send(connection: Connection, stack: Stack, path: Path, size: int, report: Report) -> None:
    patience, where = connection.patience(), GetStackRequest(name=stack.name)
    offset = stack.uploaded_bytes
    while offset < size:
        with translated(connection.endpoint):
            try:
                connection.stacks.UploadStack(_chunks(stack.name, path, offset, report))
            except grpc.RpcError as error:
                patience.lost(None if reason(error) == _MISMATCH else error)
            else:
                return
        taken = (connection.insist(connection.stacks.GetStack, where, patience)).stack.uploaded_bytes
        if taken > offset:
            patience.well()
        offset = taken


def _chunks(name: str, path: Path, offset: int, report: Report) -> Iterator[UploadStackRequest]:
    # gRPC reads ahead, and may still be reading when the next attempt has begun: each attempt opens the file anew.
    with path.open("rb") as file:
        file.seek(offset)
        while data := io.in_thread(file.read, files.CHUNK_BYTES):
            yield UploadStackRequest(name=name, offset=offset, data=data)
            offset += len(data)
            report(offset)


def _received(connection: Connection, stack: str) -> Iterator[bytes]:
    """The file's bytes in pieces, each once and in order."""
    patience = connection.patience()
    done = 0
    with translated(connection.endpoint):
        while True:
            try:
                parts: Any = connection.stacks.DownloadStack(DownloadStackRequest(name=stack, offset=done))
                for part in parts:
                    patience.well()
                    done += len(part.data)
                    yield part.data
            except grpc.RpcError as error:
                patience.lost(error)
            else:
                return
