# Written by tools/unasync.py from its counterpart in _async: change that one.
"""Stacks: uploads and results."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clearstack.v1.inspection_pb2 import Inspection
from clearstack.v1.stack_service_pb2 import (
    DeleteStackRequest,
    GetStackPreviewRequest,
    GetStackRequest,
    InspectStackRequest,
    ListStacksRequest,
    Stack,
)
from numpy.typing import NDArray

from clearstack_client import arrays
from clearstack_client._sync import io, transfer
from clearstack_client._sync.connection import Connection
from clearstack_client.progress import OnProgress, Phase, ignore, of_bytes

Source = Path | str | NDArray[Any]


class Stacks:
    """The TIFF files that an installation has; names are `stacks/{id}`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def upload(
        self,
        source: Source,
        *,
        display_name: str = "",
        pixel_size_um: float | None = None,
        z_step_um: float | None = None,
        request_id: str = "",
        progress: OnProgress = ignore,
    ) -> Stack:
        """Sends a TIFF file, or an array as one, and has it validated.

        The same file, sent by the same person from the same machine, is the same stack as long as that is there: an
        upload that was cut off goes on where it was, also in another process.

        Args:
            source: A path, or an array of shape (Y, X) or (Z, Y, X).
            display_name: For the lists; default: the file's name.
            pixel_size_um: Of an array, along x and y.
            z_step_um: Of an array.
            request_id: Another one makes another stack of the same file.
            progress: Is told how many bytes were sent.

        Raises:
            ClearstackError: It was refused; `reason` says why.
            OSError: The file cannot be read.
        """
        with tempfile.TemporaryDirectory(prefix="clearstack-") as folder:
            if isinstance(source, str | Path):
                path = Path(source)
            else:
                path = Path(folder) / "array.ome.tif"
                io.in_thread(_write, path, source, pixel_size_um, z_step_um)
            total = path.stat().st_size
            return transfer.upload(
                self._connection,
                path,
                display_name=display_name,
                request_id=request_id,
                report=lambda done: progress(of_bytes(Phase.UPLOADING, done, total)),
            )

    def download(self, name: str, target: Path | str, *, progress: OnProgress = ignore) -> Path:
        """Fetches a stack's file; `target` is there only when it is whole, its checksum compared.

        Raises:
            ClearstackError: It is not there, or did not arrive whole.
            OSError: `target` cannot be written.
        """
        total = (self.get(name)).size_bytes
        path = Path(target)
        transfer.download(
            self._connection, name, path, lambda done: progress(of_bytes(Phase.DOWNLOADING, done, total))
        )
        return path

    def to_array(self, name: str, *, progress: OnProgress = ignore) -> NDArray[Any]:
        """Fetches a stack's pixels, with the axes and the dtype of its file.

        Raises:
            ClearstackError: As `download`.
        """
        with tempfile.TemporaryDirectory(prefix="clearstack-") as folder:
            path = self.download(name, Path(folder) / "stack.tif", progress=progress)
            return io.in_thread(arrays.read, path)

    def get(self, name: str) -> Stack:
        """The stack as it is now."""
        calls = self._connection
        return (calls.call(calls.stacks.GetStack, GetStackRequest(name=name))).stack

    def list(self, *, include_results: bool = False) -> Iterator[Stack]:
        """Every stack, newest first."""
        calls, request = self._connection, ListStacksRequest(include_results=include_results, page_size=200)
        for each in calls.pages(calls.stacks.ListStacks, request, "stacks"):
            yield each

    def inspect(self, name: str) -> Inspection:
        """Measures the noise without training, and recommends a method; seconds."""
        calls = self._connection
        return (calls.call(calls.stacks.InspectStack, InspectStackRequest(name=name))).inspection

    def preview(self, name: str, slice_index: int = 0, *, max_side_px: int = 512) -> bytes:
        """One slice as an 8-bit grey PNG; slices are counted from 0."""
        calls = self._connection
        request = GetStackPreviewRequest(name=name, slice=slice_index, max_side=max_side_px)
        return (calls.call(calls.stacks.GetStackPreview, request)).png

    def delete(self, name: str) -> None:
        """Deletes a stack; refused while a run that is not finished needs it."""
        calls = self._connection
        calls.call(calls.stacks.DeleteStack, DeleteStackRequest(name=name))


def _write(path: Path, array: NDArray[Any], pixel_size_um: float | None, z_step_um: float | None) -> None:
    arrays.write(path, array, pixel_size_um=pixel_size_um, z_step_um=z_step_um)
