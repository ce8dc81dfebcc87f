"""Images of the services, built by buildah and run without root on a root file system that cannot be written."""

import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from clearstack_common.bus import NatsBus
from clearstack_common.objects import S3Store
from contract.servers import Servers
from deploy.images import Builder, Container, bill_of

pytestmark = [pytest.mark.images, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    """Builds on a Debian made by debootstrap."""
    missing = [name for name in ("buildah", "debootstrap") if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"images are built by root, with {' and '.join(missing) or 'buildah'}")
    with contextlib.closing(Builder(tmp_path_factory.mktemp("images"))) as made:
        yield made


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[Servers]:
    """A broker and a store, with what a gateway makes on them."""
    both = Servers(tmp_path / "servers")
    await both.start()
    bus = await NatsBus.connect(both.settings)
    await bus.set_up()
    await bus.close()
    await (await S3Store.connect(both.settings)).set_up()
    yield both
    await both.stop()


@pytest.mark.parametrize("target", ["gateway", "trainer"])
async def test_an_image_runs(builder: Builder, servers: Servers, target: str) -> None:
    """As a user without rights, on a root that cannot be written, until it is ready; SIGTERM ends it in order.

    It has no pip and no compiler, a list of what is in it, and nothing of how pip was configured for the build.
    """
    root = builder.build(target)
    for tool in ("pip", "pip3", "gcc", "cc", "make"):
        assert not [path for path in root.glob(f"**/bin/{tool}") if path.is_file()], tool
    assert not (root / "run/secrets").exists()
    assert not (root / "etc/pip.conf").exists()
    names = bill_of(root)
    assert {"clearstack", "grpcio", "minio"} <= names
    assert ("torch" in names) == (target == "trainer")
    with Container(root, target, servers.settings_of(target)) as container:
        container.until_ready()
        assert container.uid() == 10001
        assert not container.can_write("/opt/clearstack/probe")
        assert not container.can_write("/etc/probe")
        assert container.can_write("/scratch/probe")
        assert container.stop() == 0
