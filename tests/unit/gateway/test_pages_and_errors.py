"""Lists cut into pages, names, etags; errors as they travel."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest
from clearstack.v1 import error_reason_pb2 as reasons
from clearstack.v1 import rule_service_pb2 as pb
from clearstack.v1.error_reason_pb2 import ErrorReason
from clearstack.v1.rule_service_pb2_grpc import RuleServiceStub, add_RuleServiceServicer_to_server
from clearstack.v1.stack_service_pb2 import Stack
from clearstack_common.errors import ClearstackError, ConflictError, InvalidFieldsError
from clearstack_gateway.servicers.errors import ErrorInterceptor, as_status
from clearstack_gateway.servicers.rules import RuleServicer
from clearstack_gateway.use_cases.tables import check_etag, etag_of, id_in, page
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status
from hypothesis import given
from hypothesis import strategies as st

Item = tuple[int, str]


@given(
    times=st.lists(st.integers(0, 5), max_size=40),
    size=st.integers(1, 10),
    late=st.lists(st.integers(0, 9), max_size=5),
)
def test_pages_have_every_item_once(times: list[int], size: int, late: list[int]) -> None:
    """Page after page, newest first, nothing is missed or shown twice, also when newer items come meanwhile."""
    items = [(time, f"i{number:02d}") for number, time in enumerate(times)]
    seen: list[Item] = []
    shown, token = page(sorted(items), size, "")
    seen += shown
    grown = items + [(100 + time, f"late{time}") for time in late]
    while token:
        shown, token = page(sorted(grown), size, token)
        assert 0 < len(shown) <= size
        seen += shown
    assert seen == sorted(items, reverse=True)


def test_page_without_a_size_has_fifty() -> None:
    """Without a size a page has 50 items; the last page has no token."""
    items = [(number, "x") for number in range(60)]
    shown, token = page(items, 0, "")
    assert len(shown) == 50
    rest, last = page(items, 0, token)
    assert (len(rest), last) == (10, "")


@pytest.mark.parametrize("size", [-1, 1001])
def test_impossible_size_is_refused(size: int) -> None:
    """A page has at most a thousand items."""
    with pytest.raises(InvalidFieldsError, match="page_size"):
        page([], size, "")


@pytest.mark.parametrize("token", ["x", "é", "/", "===", base64.b64encode(b"\xff").decode(), "bm8="])
def test_invented_token_is_refused(token: str) -> None:
    """A token that no list returned is an error of the caller's, not of ours."""
    with pytest.raises(InvalidFieldsError, match="page_token"):
        page([(1, "a")], 1, token)


@pytest.mark.parametrize(
    "name", ["", "a", "stacks/", "stacks/a/b", "stacks/a.b", "stacks/*", "stacks/é", "Stacks/a", "stacks/-"]
)
def test_malformed_name_is_refused(name: str) -> None:
    """What is no name of the collection never reaches the broker."""
    with pytest.raises(InvalidFieldsError, match="stacks/ID"):
        id_in(name, "stacks")


def test_name_holds_its_id() -> None:
    """An id may have hyphens, as those of a training's steps do."""
    assert id_in("denoisings/abc-stage1-attempt1", "denoisings") == "abc-stage1-attempt1"


def test_etag_is_compared_if_it_is_given() -> None:
    """No etag means that the caller does not mind; another version's is refused."""
    stack = Stack(name="stacks/a")
    check_etag("", stack)
    check_etag(etag_of(stack), stack)
    with pytest.raises(ConflictError):
        check_etag(etag_of(Stack(name="stacks/a", size_bytes=1)), stack)


def _details(status: status_pb2.Status) -> tuple[Any, Any]:
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
    return info, bad


@pytest.mark.parametrize("reason", ErrorReason.values()[1:])
def test_status_is_that_of_the_contract(reason: "ErrorReason.ValueType") -> None:
    """Every reason travels with its name, our domain, and the code that the proto's comment promises."""
    promised = {
        **dict.fromkeys((3, 5, 6, 7, 30), code_pb2.FAILED_PRECONDITION),
        **dict.fromkeys((31, 32, 39, 40), code_pb2.RESOURCE_EXHAUSTED),
        **dict.fromkeys((33, 36), code_pb2.INTERNAL),
        1: code_pb2.NOT_FOUND,
        4: code_pb2.ABORTED,
        34: code_pb2.UNAVAILABLE,
        35: code_pb2.UNIMPLEMENTED,
        37: code_pb2.UNAUTHENTICATED,
        38: code_pb2.PERMISSION_DENIED,
    }
    status = as_status(ClearstackError("A sentence.", reason=reason, metadata={"offset": "7"}))
    info, _ = _details(status)
    assert status.code == promised.get(reason, code_pb2.INVALID_ARGUMENT)
    assert status.message == "A sentence."
    assert "ERROR_REASON_" + info.reason == ErrorReason.Name(reason)
    assert (info.domain, dict(info.metadata)) == ("clearstack", {"offset": "7"})


class _Failing(RuleServicer):
    """Raises what a test wants."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def GetRule(self, request: pb.GetRuleRequest, context: Any) -> pb.GetRuleResponse:
        """Raises."""
        raise self._error


async def _failing(error: Exception) -> AsyncIterator[grpc.aio.AioRpcError]:
    server = grpc.aio.server(interceptors=[ErrorInterceptor()])
    add_RuleServiceServicer_to_server(_Failing(error), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub: Any = RuleServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.GetRule(pb.GetRuleRequest())
        yield caught.value
    await server.stop(None)


async def test_wrong_fields_travel_as_bad_request() -> None:
    """A client gets each wrong field with its description."""  # spec: C16
    async for error in _failing(InvalidFieldsError([("config.seed", "is -1"), ("stack", "is x")])):
        status = rpc_status.from_call(error)
        info, bad = _details(status)
        assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert info.reason == "INVALID_FIELDS"
        assert [(each.field, each.description) for each in bad.field_violations] == [
            ("config.seed", "is -1"),
            ("stack", "is x"),
        ]


async def test_unforeseen_error_tells_nothing_of_our_insides() -> None:
    """What nobody foresaw is INTERNAL with a fixed text; the details are in the log alone."""
    async for error in _failing(RuntimeError("password=hunter2")):
        info, _ = _details(rpc_status.from_call(error))
        assert error.code() == grpc.StatusCode.INTERNAL
        assert info.reason == "INTERNAL"
        assert "hunter2" not in str(error)
        assert "log" in (error.details() or "")


async def test_own_error_keeps_its_sentence() -> None:
    """An error of ours arrives with its code, reason and sentence."""
    own = ClearstackError("It is used by trainings/t.", reason=reasons.ERROR_REASON_IN_USE)
    async for error in _failing(own):
        assert error.code() == grpc.StatusCode.FAILED_PRECONDITION
        assert error.details() == "It is used by trainings/t."
        assert _details(rpc_status.from_call(error))[0].reason == "IN_USE"
