"""How much, how often and how large: each limit says what it is and what to do."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from clearstack.v1 import error_reason_pb2 as reasons
from clearstack.v1.stack_service_pb2 import (
    CreateStackRequest,
    CreateStackResponse,
    DeleteStackRequest,
    UploadStackRequest,
)
from clearstack.v1.training_service_pb2 import (
    CancelTrainingRequest,
    CreateTrainingRequest,
    CreateTrainingResponse,
    DeleteTrainingRequest,
    ListPresetsRequest,
    WatchTrainingRequest,
)
from clearstack_common.access import TokenFile
from clearstack_common.errors import ClearstackError
from clearstack_gateway.access import interceptor
from clearstack_gateway.access.rate import RateLimit
from unit.gateway.api_rig import Api, Outcome, served, token_file
from unit.gateway.rig import N2V, Gateway

_VIEWER, _ADMIN = "viewer-token", "admin-token"
_NOTHING = ListPresetsRequest()

Call = Callable[..., Awaitable[Outcome]]


async def _caller(api: Api) -> Call:
    by_name = {method.descriptor.name: method for method in await api.methods()}

    async def call(name: str, *requests: Any, **options: Any) -> Outcome:
        return await api.call(by_name[name], *(each.SerializeToString() for each in requests), **options)

    return call


async def test_stacks_of_one_caller_are_counted(gateway: Gateway, tmp_path: Path) -> None:
    """The fourth stack of three is refused with advice; another caller, and whoever deletes one, goes on."""
    tokens = token_file(tmp_path / "tokens.json")
    async with served(gateway, tokens_file=tokens, max_stacks_per_caller=3) as endpoint:
        api = Api(endpoint, "operator-token")
        call = await _caller(api)
        made = [await call("CreateStack", CreateStackRequest(display_name="a.tif")) for _ in range(4)]
        assert [each.code.name for each in made] == ["OK"] * 3 + ["RESOURCE_EXHAUSTED"]
        assert "clearstack stacks delete" in made[3].details
        assert (await call("CreateStack", CreateStackRequest(), token=_ADMIN)).code is grpc.StatusCode.OK
        stack = CreateStackResponse.FromString(made[0].responses[0]).stack
        assert stack.creator == "operator"
        assert (await call("DeleteStack", DeleteStackRequest(name=stack.name))).code is grpc.StatusCode.OK
        assert (await call("CreateStack", CreateStackRequest())).code is grpc.StatusCode.OK
        await api.close()


async def test_the_queue_has_an_end(gateway: Gateway, tmp_path: Path) -> None:
    """Each caller has a share of the queue, and the queue a length; checking a request is always possible."""
    tokens = token_file(tmp_path / "tokens.json")
    async with served(
        gateway, tokens_file=tokens, max_waiting_runs=3, max_waiting_runs_per_caller=2
    ) as endpoint:
        api = Api(endpoint, "operator-token")
        call = await _caller(api)
        request = CreateTrainingRequest(stack="stacks/s", method=N2V)
        own = [await call("CreateTraining", request) for _ in range(3)]
        assert [each.code.name for each in own] == ["OK", "OK", "RESOURCE_EXHAUSTED"]
        assert "cancel some" in own[2].details
        others = [await call("CreateTraining", request, token=_ADMIN) for _ in range(2)]
        assert [each.code.name for each in others] == ["OK", "RESOURCE_EXHAUSTED"]
        assert "CLEARSTACK_MAX_WAITING_RUNS" in others[1].details
        request.validate_only = True
        assert (await call("CreateTraining", request)).code is grpc.StatusCode.OK
        await api.close()


async def test_what_others_made_stays(gateway: Gateway, tmp_path: Path) -> None:
    """An operator ends their own trainings and stacks, an admin anybody's; a guessed request id gives nothing away."""
    tokens = token_file(tmp_path / "tokens.json")
    async with served(gateway, tokens_file=tokens) as endpoint:
        api = Api(endpoint, "operator-token")
        call = await _caller(api)
        request = CreateTrainingRequest(stack="stacks/s", method=N2V, request_id="guess")
        theirs, own = [
            CreateTrainingResponse.FromString(
                (await call("CreateTraining", request, token=token)).responses[0]
            ).training
            for token in ("admin-token", "operator-token")
        ]
        assert theirs.name != own.name
        for name, wanted in (
            ("CancelTraining", CancelTrainingRequest),
            ("DeleteTraining", DeleteTrainingRequest),
        ):
            refused = await call(name, wanted(name=theirs.name))
            assert refused.code is grpc.StatusCode.PERMISSION_DENIED
            assert "admin's" in refused.details
            assert (await call(name, wanted(name=own.name))).code is grpc.StatusCode.OK
            assert (await call(name, wanted(name=theirs.name), token=_ADMIN)).code is grpc.StatusCode.OK
        await api.close()


async def test_too_fast_is_told_when_to_come_back(gateway: Gateway, tmp_path: Path) -> None:
    """Beyond the burst calls are refused, of this caller alone; whoever tries tokens out is slowed down too."""
    tokens = token_file(tmp_path / "tokens.json")
    async with served(gateway, tokens_file=tokens, calls_per_second=0.01, calls_at_once=100) as endpoint:
        api = Api(endpoint, "admin-token")
        call = await _caller(api)
        for token, before in ((_VIEWER, "OK"), ("a guess", "UNAUTHENTICATED")):
            codes = [(await call("ListPresets", _NOTHING, token=token)).code.name for _ in range(103)]
            assert codes == [before] * 100 + ["RESOURCE_EXHAUSTED"] * 3
        assert "try again in" in (await call("ListPresets", _NOTHING, token=_VIEWER)).details
        assert (await call("ListPresets", _NOTHING)).code is grpc.StatusCode.OK
        await api.close()


def test_the_bucket_fills_again() -> None:
    """A burst, then a steady rate; callers do not take from each other; old ones are forgotten."""
    now = [0.0]
    rate = RateLimit(per_second=2, at_once=3, clock=lambda: now[0])
    for _ in range(3):
        rate.take("a")
    with pytest.raises(ClearstackError) as caught:
        rate.take("a")
    assert (caught.value.reason, caught.value.metadata) == (
        reasons.ERROR_REASON_TOO_MANY_CALLS,
        {"retry_after_s": "1"},
    )
    rate.take("b")
    now[0] += 0.5
    rate.take("a")
    with pytest.raises(ClearstackError):
        rate.take("a")
    for number in range(20_000):
        rate.take(str(number))
    assert len(rate._buckets) == 10_000


async def test_a_large_message_is_refused(gateway: Gateway) -> None:
    """4 MiB are the most in one message, whatever its service."""
    async with served(gateway) as endpoint:
        api = Api(endpoint)
        call = await _caller(api)
        large = UploadStackRequest(name="stacks/s", data=bytes(5 << 20))
        for name in ("UploadStack", "GetStack"):
            assert (await call(name, large)).code is grpc.StatusCode.RESOURCE_EXHAUSTED
        await api.close()


async def test_streams_of_one_caller_keep_nobody_out(gateway: Gateway, tmp_path: Path) -> None:
    """Whoever opens streams without end has so many and no more; others get through, and they when theirs end."""
    training = await gateway.new_training(method=N2V)
    tokens = token_file(tmp_path / "tokens.json")
    async with served(gateway, tokens_file=tokens, max_open_calls_per_caller=5) as endpoint:
        api = Api(endpoint, _VIEWER)
        call = await _caller(api)
        request = WatchTrainingRequest(name=training.name)
        watching = [asyncio.ensure_future(call("WatchTraining", request, deadline_s=2)) for _ in range(12)]
        assert (await call("ListPresets", _NOTHING, token=_ADMIN)).code is grpc.StatusCode.OK
        codes = Counter(outcome.code.name for outcome in await asyncio.gather(*watching))
        assert codes == {"RESOURCE_EXHAUSTED": 7, "DEADLINE_EXCEEDED": 5}
        async with asyncio.timeout(5):
            while (await call("ListPresets", _NOTHING)).code is not grpc.StatusCode.OK:
                pass
        await api.close()


async def test_a_stream_ends_with_its_token(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever watches is out when their token is taken away, not when the training ends."""
    path = token_file(tmp_path / "tokens.json")
    training = await gateway.new_training(method=N2V)
    monkeypatch.setattr(interceptor, "_LOOK_AGAIN_S", 0.0)
    async with served(gateway, tokens_file=path) as endpoint:
        api = Api(endpoint, "viewer-token")
        call = await _caller(api)
        watching = asyncio.ensure_future(call("WatchTraining", WatchTrainingRequest(name=training.name)))
        await gateway.broker.changed.wait(0.2)
        path.write_text(TokenFile.read(path).without("viewer").model_dump_json())
        await gateway.grant(training.name)
        assert (await watching).code is grpc.StatusCode.UNAUTHENTICATED
        await api.close()


async def test_where_nobody_is_asked_only_the_limits_of_all_hold(gateway: Gateway) -> None:
    """On one machine all programs are one caller: they do not keep each other out, but the queue has its end."""
    async with served(
        gateway,
        calls_per_second=0.01,
        calls_at_once=1,
        max_stacks_per_caller=1,
        max_waiting_runs_per_caller=1,
        max_waiting_runs=3,
    ) as endpoint:
        api = Api(endpoint)
        call = await _caller(api)
        stacks = [await call("CreateStack", CreateStackRequest()) for _ in range(3)]
        assert {each.code for each in stacks} == {grpc.StatusCode.OK}
        request = CreateTrainingRequest(stack="stacks/s", method=N2V)
        codes = [(await call("CreateTraining", request)).code.name for _ in range(4)]
        assert codes == ["OK"] * 3 + ["RESOURCE_EXHAUSTED"]
        await api.close()
