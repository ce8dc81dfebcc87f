"""Looking into an installation's object store and work queue, past its API."""

import asyncio
import io
import json
from pathlib import Path

import nats
import urllib3
from clearstack_common import subjects
from clearstack_common.bus import NatsBus
from clearstack_common.bus.nats_login import login
from clearstack_common.objects import S3Store
from clearstack_common.settings import ServiceSettings
from clearstack_embedded.credentials import OPERATOR, load_or_create
from clearstack_embedded.folder import DataFolder
from clearstack_embedded.settings import BUCKET
from clearstack_gateway.use_cases.tables import open_tables
from e2e.support.installation import RunningInstallation
from minio import Minio
from minio.error import MinioException
from nats.aio.client import Client
from nats.js import JetStreamContext
from pydantic import SecretStr


def keys(installation: RunningInstallation, prefix: str) -> list[str]:
    """The keys below a prefix, without it."""

    async def look() -> list[str]:
        store = await S3Store.connect(_settings(installation))
        return [found.key.removeprefix(prefix) for found in await store.list(prefix)]

    return asyncio.run(look())


def is_mirrored(installation: RunningInstallation) -> bool:
    """Whether the store has the newest version of every record."""

    async def look() -> bool:
        bus = await NatsBus.connect(_settings(installation))
        await bus.attach()
        store = await S3Store.connect(_settings(installation))
        try:
            copies = {each.key for each in await store.list("records/")}
            tables = open_tables(bus).by_collection()
            wanted = {
                f"records/{collection}/{stored.id}/{stored.revision:020d}.json"
                for collection, table in tables.items()
                for stored in await table.list()
            }
            return wanted <= copies
        finally:
            await bus.close()

    return asyncio.run(look())


def client(installation: RunningInstallation) -> Minio:
    """Any S3 client, with a key for everything."""
    settings = _settings(installation)
    secret = settings.s3_secret_key.get_secret_value()
    return Minio(settings.s3_endpoint, settings.s3_access_key, secret, secure=False)


def can_write(installation: RunningInstallation) -> bool:
    """Whether the store takes an object now."""
    try:
        client(installation).put_object(BUCKET, "probe/file", io.BytesIO(bytes(1 << 20)), 1 << 20)
    except (MinioException, urllib3.exceptions.HTTPError):
        return False
    return True


def copy_objects(installation: RunningInstallation, folder: Path, first: str = "") -> int:
    """Copies every object into a folder as any S3 client would, those below `first` before the others; how many."""

    async def copy() -> int:
        store = await S3Store.connect(_settings(installation))
        found = [each.key for each in await store.list("")]
        for key in sorted(found, key=lambda key: not key.startswith(first)):
            await store.fetch_unverified(key, folder / key)
        return len(found)

    return asyncio.run(copy())


def put_objects(installation: RunningInstallation, folder: Path) -> None:
    """Puts what `copy_objects` has copied into the store."""

    async def put() -> None:
        store = await S3Store.connect(_settings(installation))
        for path in folder.rglob("*"):
            if path.is_file():
                await store.put_file(str(path.relative_to(folder)), path)

    asyncio.run(put())


def publish(installation: RunningInstallation, subject: str, data: bytes) -> None:
    """Publishes a message to a stream, whatever it holds."""

    async def send() -> None:
        client = await _client(installation)
        await client.jetstream().publish(subject, data)
        await client.close()

    asyncio.run(send())


def forget_ids(installation: RunningInstallation) -> None:
    """Makes the broker forget which messages it has seen, as it does by itself after an hour."""

    async def shorten() -> None:
        client = await _client(installation)
        jetstream = client.jetstream()
        for stream in (subjects.JOBS_STREAM, subjects.EVENTS_STREAM):
            config = (await jetstream.stream_info(stream)).config
            config.duplicate_window = 0.1
            await jetstream.update_stream(config)
        async with asyncio.timeout(30):
            while await _is_remembered(jetstream, "clearstack.evt.probe.probe"):  # noqa: ASYNC110 - it is on the broker
                await asyncio.sleep(0.2)
        await client.close()

    asyncio.run(shorten())


async def _is_remembered(jetstream: JetStreamContext, subject: str) -> bool:
    return bool((await jetstream.publish(subject, b"{}", headers={"Nats-Msg-Id": "probe"})).duplicate)


async def _client(installation: RunningInstallation) -> Client:
    settings = _settings(installation)
    return await nats.connect(settings.nats_url, **login(settings, ""))


def jobs(installation: RunningInstallation, run: str) -> list[str]:
    """Subjects of the jobs that the queue still holds for a run."""
    settings = _settings(installation)
    wanted = f"clearstack.cmd.*.{subjects.run_id(run)}"

    async def look() -> list[str]:
        client = await nats.connect(settings.nats_url, **login(settings, ""))
        try:
            stream = await client.jetstream().stream_info(subjects.JOBS_STREAM, subjects_filter=wanted)
            return sorted(stream.state.subjects or {})
        finally:
            await client.close()

    return asyncio.run(look())


def waiting(installation: RunningInstallation) -> dict[str, int]:
    """How many requests for work each durable consumer of the broker has open."""
    settings = _settings(installation)

    async def look() -> dict[str, int]:
        client = await nats.connect(settings.nats_url, **login(settings, ""))
        try:
            jetstream = client.jetstream()
            streams = (subjects.JOBS_STREAM, subjects.EVENTS_STREAM)
            consumers = [each for stream in streams for each in await jetstream.consumers_info(stream)]
            return {each.name: each.num_waiting or 0 for each in consumers if each.config.durable_name}
        finally:
            await client.close()

    return asyncio.run(look())


def _settings(installation: RunningInstallation) -> ServiceSettings:
    folder = DataFolder(installation.data)
    account = load_or_create(folder.secrets).of(OPERATOR)
    state = json.loads(folder.state.read_text())
    return ServiceSettings(
        instance="test",
        nats_url=state["nats_url"],
        nats_ca=folder.certificates / "broker-ca.pem",
        nats_nkey_seed=SecretStr(account.nkey_seed),
        s3_endpoint=state["s3_url"].partition("//")[2],
        s3_access_key=account.s3_access_key,
        s3_secret_key=SecretStr(account.s3_secret_key),
        s3_secure=False,
        s3_bucket=BUCKET,
    )
