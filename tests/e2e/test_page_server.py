"""The page's server of a real installation: from a file to its tiles, as a browser does it."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import httpcore
import numpy as np
import pytest
import tifffile
from clearstack.v1 import stack_service_pb2 as pb
from e2e.support.installation import RunningInstallation
from google.protobuf.message import Message

M = TypeVar("M", bound=Message)
_STACKS = "/clearstack.v1.StackService/"


class Browser:
    """Knows nothing but the page's address."""

    def __init__(self, page: str) -> None:
        self._page = page
        self._pool = httpcore.ConnectionPool()

    def call(self, method: str, request: Message, answer: type[M]) -> M:
        """A call with one answer."""
        message = request.SerializeToString()
        headers = [("content-type", "application/grpc-web+proto"), ("origin", self._page)]
        body = b"\0" + struct.pack(">I", len(message)) + message
        response = self._pool.request("POST", f"{self._page}{_STACKS}{method}", headers=headers, content=body)
        flag, length = struct.unpack_from(">BI", response.content)
        assert flag == 0, response.content
        return answer.FromString(response.content[5 : 5 + length])

    def fetch(self, method: str, url: str, data: bytes | None = None, **headers: str) -> httpcore.Response:
        """A link of the gateway, by way of the page."""
        link = urlsplit(url)
        path = f"{self._page}/store{link.path}?{link.query}"
        return self._pool.request(method, path, headers=list(headers.items()), content=data)


@pytest.fixture
def browser(installation: RunningInstallation) -> Browser:
    """On the page of the shared installation."""
    return Browser(json.loads((installation.data / "installation.json").read_text())["page"])


def test_from_a_file_to_its_tiles_and_back(browser: Browser, tiff: Callable[..., Path]) -> None:
    """Links for the parts, the upload, tiles of any slice, and the same bytes again."""
    path = tiff()
    data, stack_ZYX = path.read_bytes(), tifffile.imread(path)
    created = browser.call("CreateStack", pb.CreateStackRequest(display_name="a.tif"), pb.CreateStackResponse)
    wanted = pb.ListStackUploadLinksRequest(name=created.stack.name, size_bytes=len(data))
    [link] = browser.call("ListStackUploadLinks", wanted, pb.ListStackUploadLinksResponse).links
    assert browser.fetch("PUT", link.url, data).status == 200
    assert not browser.call("ListStackUploadLinks", wanted, pb.ListStackUploadLinksResponse).links
    finalize = pb.FinalizeStackRequest(name=created.stack.name, size_bytes=len(data))
    stack = browser.call("FinalizeStack", finalize, pb.FinalizeStackResponse).stack
    request = pb.GetStackTileRequest(name=stack.name, slice=1)
    tile = browser.call("GetStackTile", request, pb.GetStackTileResponse)
    dtype = "<u2" if tile.format == pb.SAMPLE_FORMAT_UINT16 else "<f4"
    samples = np.frombuffer(tile.samples, dtype).reshape(tile.height, tile.width)
    shown = stack_ZYX[1][: tile.height, : tile.width]
    np.testing.assert_allclose(samples * tile.scale + tile.offset, shown, rtol=1e-6)
    file = browser.call("GetStackLink", pb.GetStackLinkRequest(name=stack.name), pb.GetStackLinkResponse).link
    assert browser.fetch("GET", file.url).content == data
    part = browser.fetch("GET", file.url, range="bytes=4-9")
    assert (part.status, part.content) == (206, data[4:10])
    assert browser.fetch("GET", file.url.replace("X-Amz-Signature=", "X-Amz-Signature=0")).status == 403
