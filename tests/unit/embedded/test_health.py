import os
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

import pytest
from clearstack_embedded import health
from clearstack_embedded.certificates import make_certificate

Serve = Callable[[bytes], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that says the given bytes to its first visitor and hangs up; gives its address."""
    yield from _serving(None)


@pytest.fixture
def serve_tls(tmp_path: Path) -> Iterator[Serve]:
    """The same behind TLS, which comes first."""
    files = make_certificate(tmp_path / "certificates", "broker")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    yield from _serving(context)


def _serving(context: ssl.SSLContext | None) -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(reply: bytes) -> str:
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            thread = Thread(target=_say, args=(server, reply, context), daemon=True)
            thread.start()
            stack.callback(thread.join, 5)
            return f"127.0.0.1:{server.getsockname()[1]}"

        yield start


def _say(server: socket.socket, reply: bytes, context: ssl.SSLContext | None) -> None:
    connection, _ = server.accept()
    with connection if context is None else context.wrap_socket(connection, server_side=True) as visited:
        visited.sendall(reply)


def test_broker_is_known_by_its_greeting(serve_tls: Serve) -> None:
    """The version comes from the greeting; it is healthy when JetStream is on."""
    answer = health.check("nats", serve_tls(b'INFO {"version":"2.15.1","jetstream":true}\r\n'))
    assert (answer.healthy, answer.version) == (True, "2.15.1")


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH\r\n", b"", b"INFO {}\r\n", b"INFO [1]\r\n"])
def test_other_greetings_are_not_healthy(serve_tls: Serve, greeting: bytes) -> None:
    """Another server on the port, or a broker without JetStream, is not a healthy broker."""
    assert not health.check("nats", serve_tls(greeting)).healthy


def test_store_says_ok(serve: Serve) -> None:
    """The store is healthy when it answers 200."""
    assert health.check("http", serve(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")).healthy


def test_store_that_refuses_has_answered(serve: Serve) -> None:
    """A server that says no is not one that hangs: it must not be killed for it."""
    answer = health.check("http", serve(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"))
    assert (answer.healthy, answer.answered) == (False, True)


@pytest.mark.parametrize("kind", ["grpc", "nats", "http"])
def test_nobody_there_is_not_healthy(kind: health.ProbeKind) -> None:
    """A closed port is an answer of its own, in every protocol."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    answer = health.check(kind, address, 0.5)
    assert (answer.healthy, answer.answered) == (False, False)


@pytest.mark.parametrize("kind", ["grpc", "nats", "http"])
def test_silence_ends_in_time(kind: health.ProbeKind) -> None:
    """A server that accepts and says nothing counts as hanging after the timeout."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        answer = health.check(kind, f"127.0.0.1:{server.getsockname()[1]}", 0.2)
    assert (answer.healthy, answer.answered) == (False, False)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_listening_is_seen_in_both_families(family: socket.AddressFamily) -> None:
    """A listener on IPv4 is found, also when it uses an IPv6 socket for it as gRPC does."""
    host = "127.0.0.1" if family == socket.AF_INET else "::ffff:127.0.0.1"
    with socket.socket(family, socket.SOCK_STREAM) as server:
        if family == socket.AF_INET6:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind((host, 0))
        server.listen()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert health.listens(os.getpid(), address)
    assert not health.listens(os.getpid(), address)
