"""The checks of a finished upload: its bytes, then, in a child process with limits, what they hold."""

import asyncio
from pathlib import Path

from clearstack.v1 import stack_service_pb2
from clearstack.v1.model_service_pb2 import StoredFile
from clearstack_common.errors import ClearstackError, NotFoundError, reason_from_name
from clearstack_common.objects import ObjectStore
from clearstack_stacks.errors import StackRefused
from clearstack_stacks.info import StackInfo
from clearstack_stacks.limits import Limits
from clearstack_stacks.sandbox import inspect_tiff_in_child

from clearstack_gateway.settings import GatewaySettings
from clearstack_gateway.use_cases.uploads import mismatch, no_bytes


async def check_upload(store: ObjectStore, key: str, path: Path, size_bytes: int, sha256: str) -> StoredFile:
    """Fetches an uploaded object and compares it with what the client declared.

    Args:
        store: Where it is.
        key: What it is called there.
        path: Where to put it.
        size_bytes: Declared size; 0 = do not compare.
        sha256: Declared SHA-256; empty = do not compare.

    Raises:
        WrongStateError: No bytes were uploaded.
        ClearstackError: CHECKSUM_MISMATCH.
    """
    try:
        file = await store.fetch_unverified(key, path)
    except NotFoundError:
        raise no_bytes() from None
    if size_bytes and size_bytes != file.size_bytes:
        raise mismatch(f"{file.size_bytes} bytes arrived, {size_bytes} were announced")
    if sha256 and sha256 != file.sha256:
        raise mismatch("the SHA-256 of what arrived is not the one that was announced")
    return file


async def validate(path: Path, settings: GatewaySettings) -> stack_service_pb2.StackInfo:
    """What the file holds.

    Raises:
        ClearstackError: The reason for which it is refused, with a text for the microscopist.
    """
    limits = Limits(max_file_bytes=settings.max_upload_bytes)
    try:
        info = await asyncio.to_thread(
            inspect_tiff_in_child,
            path,
            limits,
            settings.validation_timeout_s,
            settings.validation_memory_bytes,
        )
    except StackRefused as refused:
        raise ClearstackError(refused.message, reason=reason_from_name(refused.reason)) from refused
    return _as_proto(info)


def _as_proto(info: StackInfo) -> stack_service_pb2.StackInfo:
    return stack_service_pb2.StackInfo(
        slice_count=info.num_slices,
        height=info.height,
        width=info.width,
        dtype=info.dtype,
        axes=info.axes,
        pixel_size_um=info.pixel_size_um,
        pixel_size_y_um=info.pixel_size_y_um,
        z_step_um=info.z_step_um,
        minimum=info.min,
        maximum=info.max,
        mean=info.mean,
        standard_deviation=info.std,
        warnings=info.warnings,
        two_and_half_d_possible=info.two_and_half_d_possible,
        two_and_half_d_reason=info.two_and_half_d_reason,
    )
