"""Rules that train, in a real installation: what arrives first is trained on, what is like it reuses the model."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from clearstack.v1 import config_pb2
from clearstack.v1 import rule_service_pb2 as pb
from clearstack.v1.rule_service_pb2 import Acquisition, Rule
from clearstack_embedded.settings import BUCKET
from e2e.support import backends, configs, tiffs
from e2e.support.api import Api
from e2e.support.cli import clearstack
from e2e.support.installation import RunningInstallation
from e2e.support.waiting import until
from minio import Minio

_OVER = (pb.ACQUISITION_STATE_STORED, pb.ACQUISITION_STATE_FAILED)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningInstallation]:
    """One that looks for new acquisitions every second."""
    running = RunningInstallation(
        data=tmp_path_factory.mktemp("rules") / "data", environment={"CLEARSTACK_ACQUISITIONS_EVERY_S": "1"}
    )
    running.start()
    yield running
    running.stop()
    assert not running.processes(), "processes are left behind"


@pytest.fixture(scope="module")
def api(installation: RunningInstallation) -> Api:
    """A client of it."""
    return Api(installation.endpoint)


@pytest.fixture(scope="module")
def store(installation: RunningInstallation) -> Minio:
    """What a microscope's PC writes to."""
    return backends.client(installation)


def test_what_is_like_the_first_reuses_its_model(
    installation: RunningInstallation, api: Api, store: Minio, tmp_path: Path
) -> None:
    """The same noise again: the same model. Four times as strong, or in rows: trained anew."""
    wanted = Rule(prefix="incoming/reuse/", results_prefix="denoised/reuse/")
    wanted.settle_time.FromMilliseconds(500)
    wanted.reuse.otherwise.method = config_pb2.METHOD_N2V
    wanted.reuse.otherwise.config.CopyFrom(configs.n2v(epochs=1))
    api.rules.CreateRule(pb.CreateRuleRequest(rule=wanted))
    first = _handled(api, _arrives(store, tmp_path, "incoming/reuse/a.tif", level=3000))
    again = _handled(api, _arrives(store, tmp_path, "incoming/reuse/b.tif", level=3050))
    strong = _handled(api, _arrives(store, tmp_path, "incoming/reuse/c.tif", level=12_000))
    assert first.training
    assert (again.training, again.model) == ("", first.model)
    assert "like that of" in again.model_reason
    assert strong.training
    assert strong.model != first.model
    kinds = ("report.html", "report.json", "tif")
    names = [f"{name}.{kind}" for name in "abc" for kind in kinds]
    assert sorted(backends.keys(installation, "denoised/reuse/")) == names


def test_structured_noise_is_trained_on_with_its_mask_approved(
    installation: RunningInstallation, api: Api, store: Minio, tmp_path: Path
) -> None:
    """Both stages, and nobody is asked."""
    wanted = Rule(prefix="incoming/rows/", results_prefix="denoised/rows/")
    wanted.settle_time.FromMilliseconds(500)
    wanted.train.method = config_pb2.METHOD_AUTOSTRUCTN2V
    wanted.train.config.CopyFrom(configs.two_stages(epochs=1))
    api.rules.CreateRule(pb.CreateRuleRequest(rule=wanted))
    path = tmp_path / "rows.tif"
    tiffs.write_sample(path, "rows", num_slices=6, side_px=64)
    done = _handled(api, _put(store, "incoming/rows/r.tif", path))
    training = api.training(done.training)
    assert len(training.stages) == 2
    assert training.auto_approve
    names = ["r.report.html", "r.report.json", "r.tif"]
    assert sorted(backends.keys(installation, "denoised/rows/")) == names


def test_failures_are_listed_and_tried_again(
    installation: RunningInstallation, api: Api, store: Minio, tmp_path: Path
) -> None:
    """Rules create | list | show | failures | retry | disable | update | delete, by the command line."""

    def run(*arguments: str) -> str:
        done = clearstack("rules", *arguments, installation=installation)
        assert done.code == 0, done.err
        return done.out

    made = json.loads(
        run(
            "create",
            "--name",
            "bad night",
            "--prefix",
            "incoming/bad/",
            "--settle",
            "0.5",
            "--do",
            "train",
            "--json",
        )
    )
    rule = made["name"].removeprefix("rules/")
    assert "bad night" in run("list")
    tiffs.BAD["CONSTANT"](tmp_path / "flat.tif")
    key = _put(store, "incoming/bad/flat.tif", tmp_path / "flat.tif")
    failed = _over(api, key)
    assert (failed.failure.reason, failed.attempt) == ("CONSTANT", 1)
    assert "flat.tif" in run("show", rule)
    listed = " ".join(run("failures", rule).split())
    assert failed.failure.message[:20] in listed
    run("retry", failed.name.removeprefix("acquisitions/"))
    until(lambda: _over(api, key).attempt == 2, 60, "it was tried again")
    assert json.loads(run("disable", rule, "--json"))["disabled"]
    assert json.loads(run("update", rule, "--name", "quiet night", "--json"))["display_name"] == "quiet night"
    run("delete", rule)
    assert rule not in run("list")


def _arrives(store: Minio, folder: Path, key: str, level: float) -> str:
    stack_ZYX = tiffs.noise(level=level)
    return _put(store, key, tiffs.write(folder / "arrives.tif", stack_ZYX))


def _put(store: Minio, key: str, path: Path) -> str:
    data = path.read_bytes()
    store.put_object(BUCKET, key, io.BytesIO(data), len(data))
    return key


def _handled(api: Api, key: str) -> Acquisition:
    """What became of an object, once that is over; it went well."""
    done = _over(api, key)
    assert done.state == pb.ACQUISITION_STATE_STORED, done.failure.message
    return done


def _over(api: Api, key: str) -> Acquisition:
    def look() -> Acquisition | None:
        found = api.rules.ListAcquisitions(pb.ListAcquisitionsRequest(page_size=100, states=_OVER))
        return next((each for each in found.acquisitions if each.key == key), None)

    return until(look, 120, f"{key} is over")
