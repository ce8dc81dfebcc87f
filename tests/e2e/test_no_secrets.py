"""What an installation writes and says gives none of its secrets away."""

import stat
from collections.abc import Iterator
from pathlib import Path

import grpc
import psutil
import pytest
from clearstack.v1.model_service_pb2 import GetModelRequest
from clearstack.v1.stack_service_pb2 import CreateStackRequest, Stack
from clearstack.v1.training_service_pb2 import GetTrainingRequest
from clearstack_embedded.credentials import load_or_create
from clearstack_embedded.folder import DataFolder
from e2e.support import configs
from e2e.support.api import Api
from e2e.support.installation import RunningInstallation

# Where secrets belong: their own file, and what the broker and the store are told; each for its owner only.
_PRIVATE = {"secrets.json", "store/identities.json", "store/security.toml", "certificates"}


@pytest.fixture(scope="module")
def said(api: Api, white: Stack) -> list[str]:
    """What clients are told in the course of a training: answers, its whole history, an error."""
    done = api.until_complete(api.train(white, configs.n2v()).name)
    model = api.models.GetModel(GetModelRequest(name=done.model))
    link = api.stacks.CreateStack(CreateStackRequest(display_name="later.tif"))
    with pytest.raises(grpc.RpcError) as refusal:
        api.trainings.GetTraining(GetTrainingRequest(name="trainings/none"))
    return [*map(str, api.history(done.name)), str(done), str(model), str(link), str(refusal.value)]


@pytest.fixture(scope="module")
def secrets(installation: RunningInstallation) -> list[bytes]:
    """Everything that must be seen nowhere: the keys of all, and the signatures of links that were given out."""
    folder = DataFolder(installation.data)
    accounts = load_or_create(folder.secrets).accounts.values()
    found = [secret for each in accounts for secret in (each.nkey_seed, each.s3_secret_key)]
    security = (folder.store / "security.toml").read_text()
    found += [
        line.split('"')[1] for line in security.splitlines() if line.startswith("key = ") and "/" not in line
    ]
    keys = folder.certificates.glob("*.key")
    found += [key.read_text().splitlines()[1] for key in keys]
    assert len(found) == 6 * 2 + 4 + 2
    return [secret.encode() for secret in found]


@pytest.mark.usefixtures("said")
def test_logs_hold_no_secret(installation: RunningInstallation, secrets: list[bytes]) -> None:
    """No process has written a key, or the signature of a link that works, into its log."""
    logs = {
        path: path.read_bytes() for path in (*(installation.data / "logs").iterdir(), installation.report)
    }
    assert sum(map(len, logs.values())) > 1000
    forbidden = [*secrets, b"X-Amz-Signature"]
    assert [path.name for path, text in logs.items() if any(secret in text for secret in forbidden)] == []


def test_clients_are_told_no_secret(said: list[str], secrets: list[bytes]) -> None:
    """Answers, events and errors hold no key; a link to a file holds a signature, and that is all."""
    assert len(said) > 5
    assert not [text for text in said if any(secret.decode() in text for secret in secrets)]


@pytest.mark.usefixtures("said")
def test_broker_and_store_hold_no_secret(installation: RunningInstallation, secrets: list[bytes]) -> None:
    """Neither the streams and records of the broker nor anything else in the data folder holds a key."""
    leaks = [
        str(path)
        for path in _files(installation.data)
        if any(secret in path.read_bytes() for secret in secrets)
    ]
    assert leaks == []


def test_nobody_else_reads_the_folder(installation: RunningInstallation) -> None:
    """What is inside is closed to other users, and every file with a secret on its own too."""
    folders = [installation.data / name for name in ("broker", "certificates", "logs", "store")]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}
    private = [path for name in _PRIVATE for path in _leaves(installation.data / name)]
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}


def test_command_lines_hold_no_secret(installation: RunningInstallation, secrets: list[bytes]) -> None:
    """Everybody on the machine can read command lines."""
    lines = [" ".join(process.cmdline()) for process in installation.processes()]
    assert len(lines) >= 6
    assert not [line for line in lines if any(secret.decode() in line for secret in secrets)]


def test_each_process_has_its_own_keys_alone(installation: RunningInstallation) -> None:
    """A service that is taken over gives away its own keys, and neither another's nor the operator's."""
    accounts = load_or_create(DataFolder(installation.data).secrets).accounts
    for service in ("gateway", "trainer", "trainer-2", "mask-extractor", "inference"):
        process = psutil.Process(installation.pid(service))
        values = set(process.environ().values())
        known = {name for name, each in accounts.items() if values & {each.nkey_seed, each.s3_secret_key}}
        assert known == {service.removesuffix("-2")}


def _files(data: Path) -> Iterator[Path]:
    for path in data.rglob("*"):
        inside = path.relative_to(data)
        if path.is_file() and not any(str(inside).startswith(name) for name in _PRIVATE):
            yield path


def _leaves(path: Path) -> list[Path]:
    return [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
