"""How bytes get in and out."""

import hashlib
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import psutil
import pytest
import tifffile
from clearstack.v1.stack_service_pb2 import (
    CreateStackRequest,
    DownloadStackRequest,
    FinalizeStackRequest,
    GetStackRequest,
    StackState,
    UploadStackRequest,
)
from e2e.support import tiffs
from e2e.support.api import CHUNK_BYTES, Api
from e2e.support.figures import measure
from e2e.support.installation import RunningInstallation
from e2e.support.refusals import refused
from e2e.support.waiting import until

_READY = StackState.STACK_STATE_READY
_BIG_SLICES, _BIG_SIDE_PX = 12, 4096
_ALLOWED_BYTES = 200e6


def test_a_file_can_be_put_to_the_link(api: Api, tmp_path: Path) -> None:
    """A PUT to the upload link and FinalizeStack give a stack that is ready."""  # spec: B6
    path = tiffs.write_noise(tmp_path / "noisy.tif")
    created = api.stacks.CreateStack(CreateStackRequest(display_name="noisy.tif"))
    request = urllib.request.Request(created.upload_url, data=path.read_bytes(), method="PUT")  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the link is the store's own
        assert answer.status == 200
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    finalize = FinalizeStackRequest(name=created.stack.name, sha256=digest)
    stack = api.stacks.FinalizeStack(finalize).stack
    assert (stack.state, stack.sha256, stack.size_bytes) == (_READY, digest, path.stat().st_size)
    assert (stack.info.slice_count, stack.info.height, stack.info.dtype) == (6, tiffs.SIDE_PX, "uint16")
    assert api.stacks.FinalizeStack(finalize).stack.etag == stack.etag
    assert api.download(stack.name, tmp_path / "back.tif").read_bytes() == path.read_bytes()


def test_a_broken_upload_is_taken_up_where_it_stands(api: Api, tmp_path: Path) -> None:
    """After a break the stack says how many bytes it has; a chunk from elsewhere is refused with the place."""
    path = tiffs.write(tmp_path / "noisy.tif", tiffs.noise(num_slices=24, side_px=512))
    data = path.read_bytes()
    name = api.stacks.CreateStack(CreateStackRequest(display_name="noisy.tif")).stack.name

    def breaks_off() -> Iterator[UploadStackRequest]:
        for offset in range(0, 10 * CHUNK_BYTES, CHUNK_BYTES):
            yield UploadStackRequest(name=name, offset=offset, data=data[offset : offset + CHUNK_BYTES])
        raise ConnectionError

    with pytest.raises(grpc.RpcError):
        api.stacks.UploadStack(breaks_off())
    stands = api.stacks.GetStack(GetStackRequest(name=name)).stack.uploaded_bytes
    assert stands < len(data)
    wrong = refused(lambda: api.send(name, path, stands + 1))
    assert (wrong.reason, wrong.metadata) == ("UPLOAD_OFFSET_MISMATCH", {"offset": str(stands)})
    api.send(name, path, stands)
    digest = hashlib.sha256(data).hexdigest()
    stack = api.stacks.FinalizeStack(FinalizeStackRequest(name=name, sha256=digest)).stack
    assert (stack.state, stack.size_bytes) == (_READY, len(data))


def test_a_download_can_start_anywhere(api: Api, tmp_path: Path) -> None:
    """An offset leaves out what the client has already."""
    path = tiffs.write_noise(tmp_path / "noisy.tif")
    name = api.upload(path).name
    parts = api.stacks.DownloadStack(DownloadStackRequest(name=name, offset=1000))
    assert b"".join(part.data for part in parts) == path.read_bytes()[1000:]


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_big_upload_costs_little_memory(
    api: Api, installation: RunningInstallation, tmp_path: Path
) -> None:
    """400 MB through the gateway take less than 200 MB of its memory."""
    path = tmp_path / "big.tif"
    tifffile.imwrite(
        path, _pages(), shape=(_BIG_SLICES, _BIG_SIDE_PX, _BIG_SIDE_PX), dtype="uint16", bigtiff=True
    )
    pid = installation.pid("gateway")
    assert pid is not None
    gateway = psutil.Process(pid)
    before, peak, done = _memory(gateway), [0], threading.Event()

    def look() -> bool:
        peak[0] = max(peak[0], _memory(gateway))
        return done.is_set()

    watcher = threading.Thread(target=until, args=(look, 230, "the upload is done"))
    watcher.start()
    try:
        stack = api.upload(path)
    finally:
        done.set()
        watcher.join()
        path.unlink()
    assert (stack.state, stack.info.slice_count) == (_READY, _BIG_SLICES)
    grown = peak[0] - before
    measure(f"400 MB upload: the gateway grew by {grown / 1e6:.0f} MB")
    assert grown < _ALLOWED_BYTES


def _memory(process: psutil.Process) -> int:
    """Bytes of a process and of those that it has started."""
    total = 0
    for each in (process, *process.children(recursive=True)):
        try:
            total += each.memory_info().rss
        except psutil.Error:
            continue
    return total


def _pages() -> Iterator[np.ndarray[tuple[int, ...], np.dtype[np.uint16]]]:
    page_YX = np.random.default_rng(1).integers(100, 200, (_BIG_SIDE_PX, _BIG_SIDE_PX), dtype=np.uint16)
    for number in range(_BIG_SLICES):
        yield page_YX + np.uint16(number)
