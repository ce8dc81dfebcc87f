"""Calls of a browser reach the gateway, and its answers the browser, byte for byte."""

import asyncio

import pytest
from unit.web.conftest import Web
from unit.web.frames import HEADERS, frame, parsed

_GET, _DELETE = "/clearstack.v1.StackService/GetStack", "/clearstack.v1.StackService/DeleteStack"
_DOWNLOAD, _UPLOAD = "/clearstack.v1.StackService/DownloadStack", "/clearstack.v1.StackService/UploadStack"


async def test_a_single_answer(web: Web) -> None:
    """Bytes that are no message of ours go there and back: nobody looks into them."""
    response = await web.ask("POST", _GET, frame(b"\xff\x00any"), **HEADERS, authorization="Bearer t")
    answer = parsed(response.content)
    assert (answer.messages, answer.status) == ((b"\xff\x00any",), 0)
    assert dict(response.headers)[b"content-type"] == b"application/grpc-web+proto"
    assert web.behind.metadata["authorization"] == "Bearer t"


async def test_other_headers_stay_here(web: Web) -> None:
    """A cookie of another program on this machine is none of the gateway's business."""
    await web.ask("POST", _GET, frame(b""), **HEADERS, cookie="a=b", x_other="c")
    assert not {"cookie", "x-other"} & set(web.behind.metadata)


async def test_a_refusal_with_details(web: Web) -> None:
    """Status, sentence and the binary details arrive as the gateway sent them."""
    answer = parsed((await web.ask("POST", _DELETE, frame(b""), **HEADERS)).content)
    assert (answer.status, answer.text) == (5, "There is no stack ‘s’: 100 %")
    assert answer.binary("grpc-status-details-bin") == b"\x08\x05why"


async def test_a_stream_is_flushed_at_once_and_cancelled_when_nobody_listens(web: Web) -> None:
    """The first message is there while the second is not; a browser that goes away ends the call."""
    url = f"http://{web.address}{_DOWNLOAD}"
    headers = [(name.replace("_", "-"), value) for name, value in HEADERS.items()]
    async with web.client.stream("POST", url, headers=headers, content=frame(b"")) as response:
        first = await anext(aiter(response.aiter_stream()))
        assert first == frame(b"first")
    await asyncio.wait_for(web.behind.is_cancelled.wait(), 10)


async def test_a_stream_to_its_end(web: Web) -> None:
    """Every message, then the trailers."""
    web.behind.go_on.set()
    answer = parsed((await web.ask("POST", _DOWNLOAD, frame(b""), **HEADERS)).content)
    assert (answer.messages, answer.status) == ((b"first", b"second"), 0)


async def test_a_deadline(web: Web) -> None:
    """`grpc-timeout` is the gateway's, too."""
    answer = parsed((await web.ask("POST", _DOWNLOAD, frame(b""), **HEADERS, grpc_timeout="100m")).content)
    assert (answer.messages, answer.status) == ((b"first",), 4)


async def test_no_gateway(alone: Web) -> None:
    """UNAVAILABLE, with the sentence that says what to do."""
    answer = parsed((await alone.ask("POST", _GET, frame(b""), **HEADERS)).content)
    assert answer.status == 14
    assert "`clearstack up`" in answer.text


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [(_UPLOAD, frame(b""), 12), (_GET, b"", 3), (_GET, frame(b"a") * 2, 3), (_GET, b"\1\0\0\0\0", 3)],
)
async def test_what_no_browser_can_send(web: Web, path: str, body: bytes, status: int) -> None:
    """A stream of messages, none, two, a compressed one."""
    assert parsed((await web.ask("POST", path, body, **HEADERS)).content).status == status


async def test_other_kinds_of_requests(web: Web) -> None:
    """JSON is not spoken, a flood not taken, and what a call is not asked for is not made."""
    assert (await web.ask("POST", _GET, b"{}", content_type="application/json")).status == 415
    assert (await web.ask("POST", _GET, bytes(6 << 20), **HEADERS)).status == 413
    assert (await web.ask("GET", _GET)).status == 405
    assert (await web.ask("POST", "/grpc.health.v1.Health/Check", frame(b""), **HEADERS)).status == 405
    assert not web.behind.metadata
