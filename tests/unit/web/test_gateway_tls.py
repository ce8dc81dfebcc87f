"""The way from the page to a gateway with TLS: its very certificate is believed, and no other."""

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import grpc.aio
import pytest
from clearstack_embedded.certificates import Certificate, make_certificate
from clearstack_embedded.web import name_in
from clearstack_web.gateway import open_channel
from clearstack_web.settings import WebSettings


class _Echo(grpc.GenericRpcHandler):
    def service(self, _: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
        async def answer(request: bytes, _: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
            return request

        return grpc.unary_unary_rpc_method_handler(answer)


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    """The gateway's."""
    return make_certificate(tmp_path, "gateway")


@pytest.fixture
async def endpoint(certificate: Certificate) -> AsyncIterator[str]:
    """A gateway with that certificate."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_Echo(),))
    pair = (certificate.key.read_bytes(), certificate.certificate.read_bytes())
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    await server.start()
    yield f"https://127.0.0.1:{port}"
    await server.stop(None)


async def _call(endpoint: str, believed: Path, name: str) -> bytes:
    channel = open_channel(WebSettings(endpoint=endpoint, ca=believed, endpoint_name=name))
    try:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/a/b")
        return await call(b"hello", timeout=10)
    finally:
        await channel.close()


async def test_its_own_certificate_is_believed(endpoint: str, certificate: Certificate) -> None:
    """Though it is signed by somebody whom nobody knows, and whatever name it has."""
    name = name_in(certificate.certificate)
    assert await _call(endpoint, certificate.certificate, name) == b"hello"


async def test_another_one_is_not(endpoint: str, certificate: Certificate, tmp_path: Path) -> None:
    """Of another installation, or under a name that is not its own."""
    other = make_certificate(tmp_path, "other").certificate
    for believed, name in ((other, "localhost"), (certificate.certificate, "elsewhere")):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await _call(endpoint, believed, name)
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


def test_a_file_that_is_no_certificate(tmp_path: Path) -> None:
    """Has no name; the gateway says what is wrong with it."""
    (tmp_path / "a.pem").write_text("nothing")
    assert name_in(tmp_path / "a.pem") == name_in(tmp_path / "none.pem") == ""
