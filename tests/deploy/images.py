"""Building images on a machine without a container engine, and running them there."""

# ruff: noqa: S607 - buildah and debootstrap are where the system has them

import json
import os
import socket
import subprocess
from pathlib import Path
from typing import Self

import grpc
from clearstack_common.health import READINESS
from clearstack_common.settings import ServiceSettings
from deploy.conftest import ROOT
from e2e.support.waiting import until
from grpc_health.v1 import health_pb2, health_pb2_grpc

_DEBIAN = "http://deb.debian.org/debian"
_CA = Path("/etc/ssl/certs/ca-certificates.crt")
_MODULES = {"gateway": "clearstack_gateway", "trainer": "clearstack_trainer"}
# Where a site has PyTorch for CPUs lying about; else it comes from PyTorch's own index.
_WHEELS = os.environ.get("PIP_FIND_LINKS", "")
# Nothing can be written but these two; devices are the machine's, as an engine would give them.
_ENTER = """
mount --bind "$1" "$1" && mount -o remount,ro,bind "$1"
mount -t tmpfs -o mode=1777 tmp "$1/tmp" && mount -t tmpfs -o uid=10001,gid=10001,mode=0700 scratch "$1/scratch"
mount --rbind /dev "$1/dev" && mount -t proc proc "$1/proc"
cp "$2" "$1/tmp/ca.pem" && chmod 0444 "$1/tmp/ca.pem"
exec chroot --userspec=10001:10001 "$1" python -P -m "$3"
"""


class Builder:
    """Images in a store of their own, on a Debian made by debootstrap."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._options = ("--root", str(folder / "storage"), "--runroot", str(folder / "run"))
        self._built: dict[str, Path] = {}
        self._base("base", "python3.11,ca-certificates")
        self._base("build", "python3.11,ca-certificates,python3.11-venv,python3-pip")

    def build(self, target: str) -> Path:
        """The root file system of a service's image."""
        if target not in self._built:
            self._run(target)
            name = "clearstack-trainer:test-cpu" if target == "trainer" else f"clearstack-{target}:test"
            container = self._buildah("from", f"localhost/{name}")
            self._built[target] = Path(self._buildah("mount", container))
        return self._built[target]

    def close(self) -> None:
        """Removes containers and images; they are large."""
        self._buildah("rm", "--all")
        self._buildah("rmi", "--all", "--force")

    def _run(self, target: str) -> None:
        (self._folder / "pip.conf").write_text(
            f"[global]\ncert = /run/secrets/ca.pem\nfind-links = {_WHEELS}\n"
        )
        engine = ["buildah", *self._options, "bud", "--isolation", "chroot", "--layers"]
        engine += ["--volume", f"{_WHEELS}:{_WHEELS}:ro"] if _WHEELS else []
        settings = {
            "ENGINE": " ".join(engine),
            "TAG": "test",
            "BASE": "localhost/base",
            "BUILD": "localhost/build",
            "PIP_CONF": str(self._folder / "pip.conf"),
            "CA": str(_CA),
            "TORCH_CPU": f"--no-index --find-links {_WHEELS}" if _WHEELS else "",
        }
        environment = os.environ | settings | {"STORAGE_DRIVER": "vfs"}
        subprocess.run(("deploy/docker/build.sh", target), cwd=ROOT, env=environment, check=True)

    def _base(self, name: str, packages: str) -> None:
        root = self._folder / name
        subprocess.run(
            ("debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", str(root), _DEBIAN),
            check=True,
            stdout=subprocess.DEVNULL,
        )
        container = self._buildah("from", "scratch")
        self._buildah("add", container, str(root), "/")
        self._buildah("commit", container, f"localhost/{name}")
        self._buildah("rm", container)

    def _buildah(self, *arguments: str) -> str:
        environment = os.environ | {"STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}
        done = subprocess.run(
            ("buildah", *self._options, *arguments),
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout.strip()


class Container:
    """A service that runs from an image's root file system, which it cannot write, as user 10001."""

    def __init__(self, root: Path, target: str, settings: ServiceSettings) -> None:
        self._port = _free_port()
        ca = settings.nats_ca
        assert ca is not None
        assert settings.nats_nkey_seed is not None
        values = {
            "NATS_URL": settings.nats_url,
            "NATS_CA": "/tmp/ca.pem",  # noqa: S108 - inside
            "NATS_NKEY_SEED": settings.nats_nkey_seed.get_secret_value(),
            "S3_ENDPOINT": settings.s3_endpoint,
            "S3_ACCESS_KEY": settings.s3_access_key,
            "S3_SECRET_KEY": settings.s3_secret_key.get_secret_value(),
            "S3_SECURE": "false",
            "GRPC_ADDRESS": f"127.0.0.1:{self._port}",
            "SCRATCH": "/scratch",
        }
        environment = {f"CLEARSTACK_{name}": value for name, value in values.items()}
        environment |= {"PATH": "/opt/clearstack/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/tmp"}  # noqa: S108
        command = ("unshare", "--mount", "sh", "-ec", _ENTER, "sh", str(root), str(ca), _MODULES[target])
        self._process = subprocess.Popen(command, env=environment, cwd="/")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def until_ready(self) -> None:
        """Waits until the service says that it reaches broker and store."""

        def is_ready() -> bool:
            assert self._process.poll() is None, "the service has ended"
            with grpc.insecure_channel(f"127.0.0.1:{self._port}") as channel:
                request = health_pb2.HealthCheckRequest(service=READINESS)
                try:
                    reply = health_pb2_grpc.HealthStub(channel).Check(request, timeout=2)
                except grpc.RpcError:
                    return False
            return bool(reply.status == health_pb2.HealthCheckResponse.SERVING)

        until(is_ready, 120, "the service is ready")

    def uid(self) -> int:
        """Whom it runs as."""
        [line] = [line for line in self._proc("status").read_text().splitlines() if line.startswith("Uid:")]
        return int(line.split()[1])

    def can_write(self, path: str) -> bool:
        """Whether its mounts let anybody write there, root included."""
        try:
            (self._proc("root") / path.lstrip("/")).touch()
        except OSError:
            return False
        return True

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        self._process.terminate()
        return self._process.wait(30)

    def _proc(self, name: str) -> Path:
        return Path(f"/proc/{self._process.pid}/{name}")


def bill_of(root: Path) -> set[str]:
    """The names in an image's software bill of materials."""
    bill = json.loads((root / "opt/clearstack/sbom.cdx.json").read_text(encoding="utf-8"))
    return {component["name"] for component in bill["components"]}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
