import asyncio
import http.client
import io
import json
import signal
import socket
import ssl
import stat
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

import nats
import nats.errors
import psutil
import pytest
from clearstack_embedded.bucket import bucket_exists
from clearstack_embedded.credentials import OPERATOR, Account, load_or_create
from clearstack_embedded.folder import DataFolder
from clearstack_embedded.installation import Installation, InstallationConfig, InstallationError
from clearstack_embedded.lock import is_held
from clearstack_embedded.ports import GRPC_OFFSET
from clearstack_embedded.state import InstallationState, read_state
from clearstack_embedded.status import ProcessStatus, read_status, running_endpoint
from minio import Minio
from nats.aio.client import Client

Start = Callable[..., Installation]
Leftovers = Callable[[], list[psutil.Process]]
Supervise = Callable[..., Awaitable[asyncio.subprocess.Process]]
Until = Callable[[Callable[[], object]], Awaitable[None]]


def _state(data: Path) -> InstallationState:
    state = read_state(DataFolder(data).state)
    assert state is not None
    return state


def _operator(data: Path) -> Account:
    return load_or_create(DataFolder(data).secrets).of(OPERATOR)


def _store(data: Path) -> Minio:
    account = _operator(data)
    return Minio(
        _state(data).s3_url.removeprefix("http://"),
        access_key=account.s3_access_key,
        secret_key=account.s3_secret_key,
        secure=False,
    )


def _put(data: Path) -> None:
    _store(data).put_object("clearstack", "a/stack.tif", io.BytesIO(b"pixels"), 6)


def _get(data: Path) -> bytes:
    reply = _store(data).get_object("clearstack", "a/stack.tif")
    try:
        return reply.read()
    finally:
        reply.close()


async def _publish(data: Path) -> None:
    client = await _broker(data)
    await client.jetstream().add_stream(name="runs", subjects=["runs"])
    await client.jetstream().publish("runs", b"created")
    await client.close()


async def _num_messages(data: Path) -> int:
    client = await _broker(data)
    info = await client.jetstream().stream_info("runs")
    await client.close()
    return int(info.state.messages)


async def _broker(data: Path) -> Client:
    return await _connect(data, _operator(data))


async def _connect(data: Path, account: Account) -> Client:
    authority = DataFolder(data).certificates / "broker-ca.pem"
    return await nats.connect(
        _state(data).nats_url,
        nkeys_seed_str=account.nkey_seed,
        tls=ssl.create_default_context(cafile=authority),
        tls_handshake_first=True,
        allow_reconnect=False,
    )


def _status(data: Path) -> dict[str, ProcessStatus]:
    return {process.name: process for process in read_status(data)}


@pytest.fixture
async def supervise(data: Path, script: Path) -> AsyncIterator[Supervise]:
    """Starts supervisors of `data` as processes of their own; each is ended with the test."""
    made: list[asyncio.subprocess.Process] = []

    async def run(*misbehaviour: str) -> asyncio.subprocess.Process:
        supervisor = await asyncio.create_subprocess_exec(
            *(sys.executable, str(script), str(data), *misbehaviour),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        made.append(supervisor)
        return supervisor

    yield run
    for supervisor in made:
        if supervisor.returncode is None:
            supervisor.kill()
        await supervisor.wait()


async def _until_ready(supervisor: asyncio.subprocess.Process) -> None:
    assert supervisor.stdout is not None
    assert await supervisor.stdout.readline() == b"ready\n"


async def test_data_outlives_the_installation(installations: Start, data: Path, leftovers: Leftovers) -> None:
    """What was stored is found again by a second start, on other ports too; a stop leaves no process."""
    first = installations()
    began = time.monotonic()
    await first.start()
    assert time.monotonic() - began < 20
    await asyncio.to_thread(_put, data)
    await _publish(data)
    began = time.monotonic()
    await first.stop()
    assert time.monotonic() - began < 10
    assert leftovers() == []
    assert running_endpoint(data) is None
    DataFolder(data).ports.unlink()
    await installations().start()
    assert await asyncio.to_thread(_get, data) == b"pixels"
    assert await _num_messages(data) == 1


async def test_killed_processes_come_back_on_their_ports(
    installations: Start, data: Path, until: Until
) -> None:
    """After `kill -9` of broker, store and a service each is there again where it was, with its data."""
    events: list[tuple[str, str]] = []
    await installations(report=lambda *event: events.append(event)).start()
    before = _state(data)
    await asyncio.to_thread(_put, data)
    await _publish(data)
    for process in before.processes:
        if process.name != "gateway":
            assert process.pid is not None
            psutil.Process(process.pid).kill()
    await until(lambda: _are_new(before, _status(data)))
    assert [process.address for process in _state(data).processes] == [
        process.address for process in before.processes
    ]
    assert await asyncio.to_thread(_get, data) == b"pixels"
    assert await _num_messages(data) == 1
    assert ("broker", "broker was ended by SIGKILL; starting it again in 0.2 s") in events


def _are_new(before: InstallationState, now: dict[str, ProcessStatus]) -> bool:
    return all(
        now[old.name].healthy and (old.name == "gateway") == (now[old.name].pid == old.pid)
        for old in before.processes
    )


async def test_second_start_on_the_same_data_is_refused(installations: Start, data: Path) -> None:
    """The sentence says where the first one is; the first one goes on."""
    first = installations()
    await first.start()
    with pytest.raises(InstallationError, match=f"already running .at {first.endpoint}, process"):
        await installations().start()
    assert running_endpoint(data) == first.endpoint
    status = await asyncio.to_thread(_status, data)
    assert [name for name, process in status.items() if process.healthy] == [
        "broker",
        "store",
        "gateway",
        "trainer",
    ]
    assert all(process.version for process in status.values())


async def test_nothing_is_open_to_whoever_asks(installations: Start, data: Path) -> None:
    """Every port is local, gives no object without a key, and no secret can be read by others."""
    await installations().start()
    await asyncio.to_thread(_put, data)
    folder = DataFolder(data)
    assert stat.S_IMODE(folder.secrets.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.state.stat().st_mode) == 0o600
    for address in _addresses(_state(data)):
        assert address.removeprefix("::ffff:").startswith("127.0.0.1:")
        for path in ("clearstack/a/stack.tif", "buckets/clearstack/a/stack.tif"):
            assert b"pixels" not in await asyncio.to_thread(_fetch, f"http://{address}/{path}")
    assert not bucket_exists(_state(data).s3_url.removeprefix("http://"), "clearstack", Account.generate())
    with pytest.raises(nats.errors.Error):
        await _connect(data, Account.generate())


async def test_inner_parts_of_the_store_talk_to_nobody(installations: Start, data: Path) -> None:
    """The store's parts take each other's word by certificate; anybody else on this machine is sent away."""
    await installations().start()
    book = json.loads(DataFolder(data).ports.read_text())
    ports = [port + GRPC_OFFSET for name, port in book.items() if name.startswith("store.")]
    listening = {int(address.rpartition(":")[2]) for address in _addresses(_state(data))}
    assert len(listening.intersection(ports)) >= 4
    for port in listening.intersection(ports):
        assert not await asyncio.to_thread(_is_spoken_to, port, None)
        assert not await asyncio.to_thread(_is_spoken_to, port, _trusting())


def _trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return context


def _is_spoken_to(port: int, tls: ssl.SSLContext | None) -> bool:
    """Whether a gRPC server answers the beginning of HTTP/2 with its own."""
    try:
        with ExitStack() as stack:
            plain = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            connection = stack.enter_context(tls.wrap_socket(plain)) if tls else plain
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
            return connection.recv(9)[3:4] == b"\x04"  # a SETTINGS frame
    except OSError:  # it hangs up, or asks for a certificate
        return False


def _addresses(state: InstallationState) -> list[str]:
    return [
        f"{connection.laddr.ip}:{connection.laddr.port}"
        for process in state.processes
        for connection in psutil.Process(process.pid).net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN
    ]


def _fetch(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:  # noqa: S310 - http on this machine
            return bytes(reply.read())
    except (OSError, http.client.HTTPException):
        return b""


async def test_broken_service_fails_the_start(installations: Start, data: Path, leftovers: Leftovers) -> None:
    """The sentence names the service and its log; what had started is stopped, and the folder is free."""
    with pytest.raises(InstallationError, match=r"trainer ended with exit code 1 .*no graphics card.*logs"):
        await installations("broken").start()
    assert leftovers() == []
    assert not is_held(DataFolder(data).lock)


async def test_taken_port_that_was_asked_for_is_refused(data: Path, leftovers: Leftovers) -> None:
    """Nothing is started when the port is not to be had."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(InstallationError, match=f"Port {port} "):
            await Installation(InstallationConfig(data=data, port=port)).start()
    assert leftovers() == []


async def test_killed_supervisor_leaves_nothing(
    installations: Start, data: Path, supervise: Supervise, leftovers: Leftovers, until: Until
) -> None:
    """After `kill -9` of the supervisor all goes, a deaf grandchild too; the data can be used again."""
    supervisor = await supervise("parent", "deaf")
    await _until_ready(supervisor)
    await asyncio.to_thread(_put, data)
    assert len(leftovers()) == 5
    supervisor.kill()
    await supervisor.wait()
    await until(lambda: not leftovers())
    assert DataFolder(data).state.exists()
    assert running_endpoint(data) is None
    await installations().start()
    assert await asyncio.to_thread(_get, data) == b"pixels"


@pytest.mark.parametrize(
    ("name", "misbehaviour"), [(signal.SIGTERM, ["parent", "deaf"]), (signal.SIGINT, [])]
)
async def test_signal_stops_everything_in_time(
    data: Path, supervise: Supervise, leftovers: Leftovers, name: signal.Signals, misbehaviour: list[str]
) -> None:
    """Asked to stop, the supervisor ends all within ten seconds, whatever ignores it, and says so."""
    supervisor = await supervise(*misbehaviour)
    await _until_ready(supervisor)
    supervisor.send_signal(name)
    async with asyncio.timeout(10):
        output, _ = await supervisor.communicate()
    assert output == b"stopped\n"
    assert supervisor.returncode == 0
    assert leftovers() == []
    assert not DataFolder(data).state.exists()


async def test_stop_while_starting(
    data: Path, supervise: Supervise, leftovers: Leftovers, until: Until
) -> None:
    """Ctrl-C in the middle of a start leaves nothing behind."""
    supervisor = await supervise()
    await until(leftovers)
    supervisor.send_signal(signal.SIGINT)
    _, errors = await supervisor.communicate()
    assert b"asked to stop before it was ready" in errors
    assert leftovers() == []
    assert not DataFolder(data).state.exists()
