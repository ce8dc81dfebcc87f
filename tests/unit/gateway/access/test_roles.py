"""Who may call what, asked of a real server through its own reflection."""

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import grpc.aio
import pytest
from clearstack_common.access import Role
from clearstack_gateway.access.roles import NEEDED_ROLES, needed_role
from grpc_health.v1 import health_pb2, health_pb2_grpc
from unit.gateway.api_rig import Api, served, token_file
from unit.gateway.rig import Gateway

_DOCS = Path(__file__).resolve().parents[4] / "docs/security.md"
_REFUSED = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)


@pytest.fixture
async def api(gateway: Gateway, tmp_path: Path) -> AsyncIterator[Api]:
    """A gateway that asks for tokens, and a client with an admin's."""
    async with served(gateway, tokens_file=token_file(tmp_path / "tokens.json")) as endpoint:
        api = Api(endpoint, "admin-token")
        yield api
        await api.close()


async def test_each_call_has_a_role(api: Api) -> None:
    """The table names every call that reflection finds, and none that is not there."""
    assert {method.path for method in await api.methods()} == set(NEEDED_ROLES)


async def test_each_call_refuses_who_is_not_known(api: Api) -> None:
    """With no token, an unknown, an expired or a mangled one, no call gets through, and none tells whether it could."""
    methods = await api.methods()
    assert len(methods) > 35
    nobody = Api(api.endpoint)
    for method in methods:
        outcomes = [await nobody.call(method, b"")] + [
            await api.call(method, b"", token=token)
            for token in ("unknown", "late-token", "admin-token x", "ADMIN-TOKEN")
        ]
        assert {outcome.code for outcome in outcomes} == {grpc.StatusCode.UNAUTHENTICATED}, method.path
    await nobody.close()


async def test_each_call_refuses_a_lower_role(api: Api) -> None:
    """Each role gets through where the table says so, and nowhere else."""
    for method in await api.methods():
        needed = needed_role(method.path)
        for role in Role:
            outcome = await api.call(method, b"", token=f"{role.word}-token")
            if role < needed:
                assert outcome.code is grpc.StatusCode.PERMISSION_DENIED, (method.path, role)
                assert needed.word in outcome.details
            else:
                assert outcome.code not in _REFUSED, (method.path, role)


async def test_what_is_no_message_is_refused(api: Api) -> None:
    """Bytes that are no message are a mistake of the caller's, and are not even looked at without a token."""
    nobody = Api(api.endpoint)
    for method in await api.methods():
        assert (await nobody.call(method, b"\xff\xff")).code is grpc.StatusCode.UNAUTHENTICATED
        outcome = await api.call(method, b"\xff\xff")
        assert outcome.code is grpc.StatusCode.INVALID_ARGUMENT, (method.path, outcome)
        assert "no message of this call" in outcome.details
    await nobody.close()


async def test_reflection_wants_a_token_and_health_none(api: Api) -> None:
    """A probe has no token; whoever asks what calls there are needs one."""
    nobody = Api(api.endpoint)
    with pytest.raises(grpc.RpcError) as caught:
        await nobody.methods()
    assert isinstance(caught.value, grpc.Call)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    async with grpc.aio.insecure_channel(api.endpoint) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        await stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
        watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=5)
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        watch.cancel()
    await nobody.close()


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("/clearstack.v1.StackService/Unheard", Role.ADMIN),
        ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", Role.VIEWER),
    ],
)
def test_a_call_without_a_row_is_for_admins(path: str, role: Role) -> None:
    """What somebody forgets to list is closed, not open."""
    assert needed_role(path) is role


def test_the_table_is_in_the_documentation() -> None:
    """docs/security.md has a row for each call, with its role."""
    page = _DOCS.read_text()
    for path, role in NEEDED_ROLES.items():
        service, _, method = path.rpartition("/")
        [row] = [line for line in page.splitlines() if line.startswith(f"| {service.rpartition('.')[2]} ")]
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert method in cells[role].replace(",", " ").split(), path
