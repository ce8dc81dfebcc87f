"""Looking into an installation's object store and work queue, past its API."""

import asyncio
import json

import nats
from clearstack_common import subjects
from clearstack_common.objects import S3Store
from clearstack_common.settings import ServiceSettings
from clearstack_embedded.credentials import load_or_create
from clearstack_embedded.folder import DataFolder
from clearstack_embedded.settings import BUCKET
from e2e.support.installation import RunningInstallation
from pydantic import SecretStr


def keys(installation: RunningInstallation, prefix: str) -> list[str]:
    """The keys below a prefix, without it."""

    async def look() -> list[str]:
        store = await S3Store.connect(_settings(installation))
        return [found.key.removeprefix(prefix) for found in await store.list(prefix)]

    return asyncio.run(look())


def jobs(installation: RunningInstallation, run: str) -> list[str]:
    """Subjects of the jobs that the queue still holds for a run."""
    settings = _settings(installation)
    wanted = f"clearstack.cmd.*.{subjects.run_id(run)}"

    async def look() -> list[str]:
        assert settings.nats_token is not None
        client = await nats.connect(settings.nats_url, token=settings.nats_token.get_secret_value())
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
        assert settings.nats_token is not None
        client = await nats.connect(settings.nats_url, token=settings.nats_token.get_secret_value())
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
    secrets = load_or_create(folder.secrets)
    state = json.loads(folder.state.read_text())
    return ServiceSettings(
        instance="test",
        nats_url=state["nats_url"],
        nats_token=SecretStr(secrets.nats_token),
        s3_endpoint=state["s3_url"].partition("//")[2],
        s3_access_key=secrets.s3_access_key,
        s3_secret_key=SecretStr(secrets.s3_secret_key),
        s3_secure=False,
        s3_bucket=BUCKET,
    )
