"""Each service's keys open what is its own in the object store, and nothing else."""

import secrets

import pytest
from clearstack_common.errors import BackendUnavailableError
from clearstack_common.objects import S3Store
from clearstack_common.permissions import GATEWAY, SERVICES, WORK
from contract.servers import Servers
from minio.error import S3Error

FILES = ("stacks/s/original.tif", "models/m/weights.pth", "results/r/clean.tif", "records/trainings/t.json")
# Where each worker's files go.
WRITES = {
    "trainer": {"models/m/weights.pth"},
    "mask-extractor": {"models/m/weights.pth", "results/r/clean.tif", "stacks/s/inspection-1.json"},
    "inference": {"models/m/weights.pth", "results/r/clean.tif"},
}


@pytest.fixture
async def gateway(servers: Servers) -> S3Store:
    """The gateway's store, which holds a file of each kind."""
    store = await S3Store.connect(servers.settings_of(GATEWAY))
    await store.set_up()
    for key in FILES:
        await store.put_bytes(key, b"content")
    return store


async def _may_write(store: S3Store, key: str) -> bool:
    try:
        await store.put_bytes(key, b"content")
    except S3Error as error:
        if error.code != "AccessDenied":
            raise
        return False
    return True


async def _may_read(store: S3Store, key: str) -> bool:
    try:
        return await store.get_bytes(key) == b"content"
    except S3Error as error:
        if error.code != "AccessDenied":
            raise
        return False


@pytest.mark.usefixtures("gateway")
@pytest.mark.parametrize("service", WORK)
async def test_worker_reads_files_but_no_records(servers: Servers, service: str) -> None:
    """What there is to work on can be read; the copies of the records are the gateway's."""
    store = await S3Store.connect(servers.settings_of(service))
    assert {key for key in FILES if await _may_read(store, key)} == set(FILES[:3])
    assert await store.is_available()


@pytest.mark.usefixtures("gateway")
@pytest.mark.parametrize("service", WORK)
async def test_worker_writes_its_own(servers: Servers, service: str) -> None:
    """No worker can change a stack or a record, and the trainer no result."""
    store = await S3Store.connect(servers.settings_of(service))
    wanted = (*FILES, "stacks/s/inspection-1.json", "anything")
    assert {key for key in wanted if await _may_write(store, key)} == WRITES[service]


@pytest.mark.parametrize("service", WORK)
async def test_worker_deletes_no_stack(servers: Servers, service: str, gateway: S3Store) -> None:
    """A deletion that is not allowed is an error, and the file is still there."""
    store = await S3Store.connect(servers.settings_of(service))
    store._retry_for_s = 0.1
    with pytest.raises(BackendUnavailableError):
        await store.delete(["stacks/s/original.tif"])
    assert await _may_read(gateway, "stacks/s/original.tif")


@pytest.mark.usefixtures("gateway")
@pytest.mark.parametrize("service", SERVICES)
async def test_listing(servers: Servers, service: str) -> None:
    """A service sees what lies below its own prefixes; the gateway sees all."""
    store = await S3Store.connect(servers.settings_of(service))
    seen = set()
    for prefix in ("stacks/", "models/", "results/", "records/"):
        try:
            seen |= {prefix} if await store.list(prefix) else set()
        except S3Error as error:
            if error.code != "AccessDenied":
                raise
    expected = {"stacks/", "models/", "results/", "records/"} if service == GATEWAY else {*WORK[service].list}
    assert seen == expected


async def test_wrong_key_is_told_from_a_store_that_is_there(servers: Servers) -> None:
    """Whoever has another installation's key is refused, and is not said to be ready."""
    wrong = servers.settings_of("trainer").model_copy(update={"s3_access_key": secrets.token_hex(10)})
    assert not await (await S3Store.connect(wrong)).is_available()
