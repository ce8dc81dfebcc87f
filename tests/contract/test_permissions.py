"""Each service's keys open what is its own at the broker, and nothing else."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import nats
import nats.errors
import pytest
from clearstack.v1.event_pb2 import Event, RangeDenoised, StageTrained
from clearstack.v1.record_pb2 import TrainingRecord
from clearstack_common import subjects
from clearstack_common.bus import NatsBus
from clearstack_common.bus.nats_login import login
from clearstack_common.errors import BackendUnavailableError
from clearstack_common.listener import LISTENER
from clearstack_common.permissions import GATEWAY, SERVICES, WORK, inbox
from contract.examples import train
from contract.harness import Reader, RealHarness
from contract.servers import Servers
from nats.aio.client import Client

WORKERS = tuple(WORK)
_PATIENCE_S = 10.0
_NOBODYS = "nobody.may"


class Intruder:
    """Somebody with the keys of one service, and a client that tries anything.

    Attributes:
        client: The connection.
    """

    def __init__(self) -> None:
        self.client = Client()
        self._refusals: asyncio.Queue[str] = asyncio.Queue()

    async def note(self, error: Exception) -> None:
        """What the broker says to whoever oversteps."""
        self._refusals.put_nowait(str(error))

    async def may_publish(self, wanted: Iterable[str]) -> set[str]:
        """Those of the subjects on which the broker takes a message from us."""
        for subject in (*wanted, _NOBODYS):
            await self.client.publish(subject, b"{}")
        return set(wanted) - await self._refused(wanted)

    async def may_listen(self, wanted: Iterable[str]) -> set[str]:
        """Those of the subjects to which the broker lets us listen."""
        for subject in (*wanted, _NOBODYS):
            await self.client.subscribe(subject)
        return set(wanted) - await self._refused(wanted)

    async def _refused(self, wanted: Iterable[str]) -> set[str]:
        # The broker answers in order, so all refusals are there once the last one, which is certain, has come.
        said = ""
        async with asyncio.timeout(_PATIENCE_S):
            while f'"{_NOBODYS}"' not in said:
                said += await self._refusals.get()
        return {subject for subject in wanted if f'"{subject.lower()}"' in said}


@pytest.fixture(autouse=True)
async def made(servers: Servers) -> AsyncIterator[NatsBus]:
    """The broker as the gateway sets it up with its own keys; empty again afterwards."""
    bus = await NatsBus.connect(servers.settings_of(GATEWAY), service=GATEWAY)
    await bus.set_up()
    yield bus
    await bus.close()
    await RealHarness(servers.settings).close()


@asynccontextmanager
async def _intruder(servers: Servers, service: str) -> AsyncIterator[Intruder]:
    settings, intruder = servers.settings_of(service), Intruder()
    await intruder.client.connect(
        settings.nats_url, **login(settings, service), error_cb=intruder.note, allow_reconnect=False
    )
    yield intruder
    await intruder.client.close()


def _everything(service: str) -> list[str]:
    """Subjects of all the others, and those that nobody may use."""
    others = [name for name in SERVICES if name != service]
    streams = [subjects.JOBS_STREAM, subjects.EVENTS_STREAM, "KV_clearstack_locks", "KV_clearstack_models"]
    foreign = [
        f"$JS.API.STREAM.{verb}.{stream}" for stream in streams for verb in ("DELETE", "UPDATE", "MSG.DELETE")
    ]
    foreign += ["$JS.API.STREAM.LIST", "$JS.API.STREAM.CREATE.MINE", "$JS.API.INFO", "$SYS.REQ.SERVER.PING"]
    foreign += [f"{inbox(other)}.x" for other in others]
    for other in others:
        if other != GATEWAY:
            foreign += [f"clearstack.evt.{kind}.x" for kind in WORK[other].kinds if service != GATEWAY]
            foreign += [
                f"$JS.API.CONSUMER.MSG.NEXT.CLEARSTACK_JOBS.{verb}-workers" for verb in WORK[other].verbs
            ]
            foreign += [f"$JS.ACK.CLEARSTACK_JOBS.{verb}-workers.1.1.1.1.0" for verb in WORK[other].verbs]
    if service != GATEWAY:
        foreign += ["clearstack.cmd.train.x", "clearstack.evt.state_changed.x", "clearstack.hint.cancel.x"]
        foreign += [f"$KV.{bucket}.x" for bucket in subjects.RECORD_BUCKETS]
        foreign += [
            "$JS.API.CONSUMER.DURABLE.CREATE.CLEARSTACK_JOBS.mine",
            "$JS.API.CONSUMER.CREATE.CLEARSTACK_JOBS",
        ]
        foreign += ["$JS.API.STREAM.PURGE.CLEARSTACK_EVENTS", "$JS.API.STREAM.MSG.GET.CLEARSTACK_EVENTS"]
    if service != "trainer":
        foreign.append("$KV.clearstack_locks.training")
    return foreign


@pytest.mark.parametrize("service", [*SERVICES, LISTENER])
async def test_what_is_not_its_own_is_refused(servers: Servers, service: str) -> None:
    """No service can speak for another, take its jobs, answer for it, or unmake what is there."""
    async with _intruder(servers, service) as intruder:
        assert await intruder.may_publish(_everything(service)) == set()


@pytest.mark.parametrize("service", SERVICES)
async def test_it_hears_no_secrets(servers: Servers, service: str) -> None:
    """No service hears the answers to another, and only the gateway hears the events."""
    wanted = ["_INBOX.>", ">", "clearstack.>", "$KV.>", "$JS.>", "$SYS.>", "clearstack.cmd.>"]
    wanted += [f"{inbox(other)}.>" for other in SERVICES if other != service]
    wanted += ["clearstack.evt.>"] if service != GATEWAY else []
    async with _intruder(servers, service) as intruder:
        assert await intruder.may_listen(wanted) == set()


async def test_a_listener_hears_the_events_alone(servers: Servers) -> None:
    """It makes the consumer of its own name, and neither another nor anything else."""
    wanted = ["clearstack.evt.>", "clearstack.>", "$KV.>", *(f"{inbox(name)}.>" for name in SERVICES)]
    api, stream = "$JS.API.CONSUMER", subjects.EVENTS_STREAM
    calls = [f"{api}.DURABLE.CREATE.{stream}.{name}" for name in (LISTENER, "gateway", "gateway-events")]
    calls += [f"{api}.{verb}.{stream}.{LISTENER}" for verb in ("DELETE", "MSG.NEXT")]
    calls += ["clearstack.evt.state_changed.x", f"$JS.API.STREAM.MSG.GET.{stream}"]
    async with _intruder(servers, LISTENER) as intruder:
        assert await intruder.may_listen(wanted) == {"clearstack.evt.>"}
        assert await intruder.may_publish(calls) == {calls[0], calls[4]}


@pytest.mark.parametrize("service", WORKERS)
async def test_records_of_others_cannot_be_read(servers: Servers, service: str) -> None:
    """A worker reads the records that say whether its job is wanted, and no others."""
    buckets = subjects.BUCKETS
    own = {*WORK[service].tables, *([subjects.LOCKS_BUCKET] if WORK[service].locks else [])}
    own.add(subjects.DEAD_LETTERS_BUCKET)
    async with _intruder(servers, service) as intruder:
        readable = await intruder.may_publish([f"$JS.API.STREAM.MSG.GET.KV_{bucket}" for bucket in buckets])
    assert readable == {f"$JS.API.STREAM.MSG.GET.KV_{bucket}" for bucket in own}


async def test_a_job_goes_its_way(servers: Servers, made: NatsBus) -> None:
    """With their own keys the gateway and the trainer do all that they have to, up to the lock and the event."""
    trainer = await NatsBus.connect(servers.settings_of("trainer"), service="trainer")
    record = await made.table(subjects.TRAININGS_BUCKET, TrainingRecord).create("t", TrainingRecord())
    await made.publish_job(train(1))
    delivery = await Reader(trainer.jobs("train")).next()
    await delivery.still_working()
    assert (await trainer.table(subjects.TRAININGS_BUCKET, TrainingRecord).get("t")).value == record.value
    lock = await trainer.acquire_lock("me")
    assert lock is not None
    await lock.renew()
    assert await made.lock_token() == lock.token
    await trainer.publish_event(Event(id="e", run="trainings/t", stage_trained=StageTrained()))
    event = await Reader(made.events("gateway", ["stage_trained"])).next()
    assert event.item.run == "trainings/t"
    await event.done()
    async with trainer.hints(subjects.cancel_subject("trainings/t")) as hints:
        await trainer._client.flush()
        for _ in range(3):  # a hint may be lost
            await made.hint(subjects.cancel_subject("trainings/t"))
            if await hints.wait(_PATIENCE_S / 3):
                return
    pytest.fail("no hint was heard")
    await delivery.done()
    await lock.release()
    assert [stored.id for stored in await made.table(subjects.TRAININGS_BUCKET, TrainingRecord).list()] == [
        "t"
    ]
    await made.forget_events("trainings/t")
    await trainer.close()


async def test_every_worker_gets_its_jobs(servers: Servers) -> None:
    """Each worker finds the consumer of each of its verbs."""
    for service, work in WORK.items():
        bus = await NatsBus.connect(servers.settings_of(service), service=service)
        for verb in work.verbs:
            reader = Reader(bus.jobs(verb))
            assert await reader.nothing_within(0.2)
            await reader.close()
        await bus.close()


async def test_event_of_another_service_is_lost_on_the_sender(servers: Servers) -> None:
    """A trainer that says it has denoised is not believed: the event is not stored, and it gets no answer."""
    trainer = await NatsBus.connect(servers.settings_of("trainer"), service="trainer")
    with pytest.raises(BackendUnavailableError):
        await trainer.publish_event(Event(id="e", run="denoisings/d", range_denoised=RangeDenoised()))
    await trainer.close()


@pytest.mark.parametrize(
    "changes",
    [{"nats_nkey_seed": None}, {"nats_ca": None}, {"nats_url": ""}],
    ids=["no key", "no trust", "in clear"],
)
async def test_who_is_unknown_stays_outside(servers: Servers, changes: dict[str, Any]) -> None:
    """Without a key, without trust in the broker's certificate, or in the clear there is no connection."""
    settings = servers.settings_of(GATEWAY)
    options = login(settings.model_copy(update=changes), GATEWAY)
    url = settings.nats_url if "nats_url" not in changes else settings.nats_url.replace("tls:", "nats:")
    with pytest.raises((nats.errors.Error, OSError)):
        await nats.connect(url, **options, allow_reconnect=False)


async def test_a_broker_in_the_clear_is_not_spoken_to(servers: Servers) -> None:
    """Asked to use TLS, we say nothing to whoever offers none: a stranger in between cannot talk us out of it."""
    said = asyncio.Queue[bytes]()

    async def pretend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"server_id":"x","version":"2.15.1","nonce":"abc","max_payload":1048576}\r\n')
        said.put_nowait(await reader.read(4096))
        writer.close()

    server = await asyncio.start_server(pretend, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises((nats.errors.Error, OSError)):
        await nats.connect(
            f"tls://127.0.0.1:{port}", **login(servers.settings_of(GATEWAY), GATEWAY), allow_reconnect=False
        )
    server.close()
    assert not (await said.get()).startswith(b"CONNECT")


async def test_a_handshake_that_fails_is_tried_again(servers: Servers) -> None:
    """A busy machine misses one now and then; the service must not hang for it."""
    settings, failures = servers.settings_of(GATEWAY), 0
    host, port = settings.nats_url.removeprefix("tls://").split(":")

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal failures
        if not failures:
            failures += 1
            writer.write(b"INFO {}\r\n")  # in the clear, in the middle of the handshake
            return
        broker_reader, broker_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(_pump(reader, broker_writer), _pump(broker_reader, writer))

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    there = f"tls://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with asyncio.timeout(60):
        bus = await NatsBus.connect(settings.model_copy(update={"nats_url": there}), service=GATEWAY)
    assert await bus.is_available()
    assert failures == 1
    await bus.close()
    server.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()
