"""The verbs of the command line that no other test here uses, against a real installation: what they do is looked at."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clearstack.v1 import training_pb2
from clearstack.v1.denoising_service_pb2 import ListDenoisingsRequest
from clearstack.v1.stack_service_pb2 import Stack
from clearstack.v1.training_service_pb2 import ListTrainingsRequest
from e2e.support import configs, tiffs
from e2e.support.api import Api
from e2e.support.cli import clearstack
from e2e.support.installation import RunningInstallation
from e2e.support.refusals import refused

Run = Callable[..., str]
_NEWEST = ListTrainingsRequest(page_size=1)
_QUICK = configs.as_options(epochs=2, posterior="on", test_time_augmentation="on")
_QUICK_STAGES = configs.as_options("stage1", "stage2", epochs=1)


@pytest.fixture(scope="module")
def run(installation: RunningInstallation) -> Run:
    """Runs a command that has to succeed; returns what it printed."""

    def invoke(*arguments: object) -> str:
        done = clearstack(*arguments, installation=installation)
        assert done.code == 0, done.err
        return done.out

    return invoke


@pytest.fixture(scope="module")
def trained(run: Run, api: Api, white: Stack) -> Iterator[str]:
    """The id of a training that was watched to its end; `trainings delete` takes it and its model away again."""
    told = run("train", white.name, "--method", "n2v", "--name", "walk", "--watch", *_QUICK)
    assert "epoch 2/2" in told
    assert "Noise measured: standard deviation" in told
    [name] = [each.name for each in api.trainings.ListTrainings(_NEWEST).trainings]
    training_id = name.removeprefix("trainings/")
    yield training_id
    run("trainings", "delete", training_id)
    assert training_id not in run("trainings", "list") + run("models", "list")
    assert refused(lambda: api.training(name)).reason == "RESOURCE_NOT_FOUND"


def test_a_stack_comes_and_goes(run: Run, installation: RunningInstallation, tmp_path: Path) -> None:
    """sample, stacks upload | list | show | download | delete, inspect: the file comes back bit for bit, then it is gone."""  # spec: B6 B7 A7
    path, back = tmp_path / "white.tif", tmp_path / "back.tif"
    run("sample", "white", path, "--slices", 4, "--side", 64, "--seed", 2)
    truth = [each for each in tmp_path.iterdir() if each != path]
    assert [tiffs.read(each).shape for each in (path, *truth)] == [(4, 64, 64)] * 2
    stack = json.loads(run("stacks", "upload", path, "--json"))
    stack_id = stack["name"].removeprefix("stacks/")
    assert (stack["state"], stack["info"]["slice_count"]) == ("STACK_STATE_READY", 4)
    assert stack_id in run("stacks", "list")
    assert "64" in run("stacks", "show", stack_id)
    run("stacks", "download", stack_id, "-o", back)
    assert back.read_bytes() == path.read_bytes()
    inspection = json.loads(run("inspect", stack_id, "--json"))
    assert inspection["recommendation"]["method"] == "METHOD_N2V"
    run("stacks", "delete", stack_id)
    assert stack_id not in run("stacks", "list")
    gone = clearstack("stacks", "show", stack_id, installation=installation)
    assert (gone.code != 0, "Traceback" in gone.err) == (True, False)


def test_a_training_can_be_seen_again(run: Run, api: Api, trained: str, white: Stack, tmp_path: Path) -> None:
    """Trainings list | watch | download: who comes late sees every epoch, with its notes, and gets the result."""  # spec: D2
    assert trained in run("trainings", "list")
    assert "epoch 2/2" in run("trainings", "watch", trained)
    history = api.history(f"trainings/{trained}")
    notes = [note for event in history for note in event.epoch_completed.progress.notes]
    assert any(note.startswith("Noise measured: ") for note in notes)
    result = tmp_path / "result.tif"
    run("trainings", "download", trained, "-o", result)
    assert tiffs.read(result).shape == (white.info.slice_count, white.info.height, white.info.width)


def test_a_model_is_as_its_training_was_told(run: Run, trained: str, tmp_path: Path) -> None:
    """Models list | show | download: the posterior and the turns are in its configuration and on its card."""  # spec: E1
    assert trained in run("models", "list")
    stage = json.loads(run("models", "show", trained, "--json"))["config"]["stage1"]
    assert (stage["posterior"], stage["test_time_augmentation"]) == (True, True)
    run("models", "download", trained, "--out", tmp_path)
    assert (tmp_path / "stage1" / "weights.pth").exists()
    learnt, card = (
        json.loads((tmp_path / "stage1" / each).read_text()) for each in ("config.json", "model.json")
    )
    assert (learnt["stage"]["posterior"], card["test_time_augmentation"]) == (True, True)


def test_a_denoising_with_a_model(
    run: Run, api: Api, installation: RunningInstallation, trained: str, tmp_path: Path
) -> None:
    """Denoise --model, denoisings list | show | report | cancel."""  # spec: E4
    source, clean, report = (tmp_path / name for name in ("other.tif", "clean.tif", "report.json"))
    run("denoise", tiffs.write_noise(source, num_slices=2), "--model", trained, "-o", clean)
    assert (tiffs.read(clean) != tiffs.read(source)).any()
    [denoising] = api.denoisings.ListDenoisings(ListDenoisingsRequest(page_size=1)).denoisings
    assert denoising.model == f"models/{trained}"
    denoising_id = denoising.name.removeprefix("denoisings/")
    assert denoising_id in run("denoisings", "list")
    assert "COMPLETE" in run("denoisings", "show", denoising_id).upper()
    run("denoisings", "report", denoising_id, "-o", report)
    assert json.loads(report.read_text())["verdict"]["headline"]
    over = clearstack("denoisings", "cancel", denoising_id, installation=installation)
    assert over.code != 0
    assert "nothing to cancel" in over.err


def test_a_review_by_its_verbs(run: Run, api: Api, rows: Stack) -> None:
    """Mask auto-approve | regenerate | skip: the review waits, shows a smaller mask, and ends without stage 2."""  # spec: D10
    stack_id = rows.name.removeprefix("stacks/")
    run("train", stack_id, "--method", "autostructn2v", "--name", "review", *_QUICK_STAGES, "--auto-approve")
    [name] = [each.name for each in api.trainings.ListTrainings(_NEWEST).trainings]
    training_id = name.removeprefix("trainings/")
    run("mask", "auto-approve", training_id, "off")
    waiting = api.until(name, training_pb2.TRAINING_STATE_AWAITING_REVIEW)
    assert not waiting.auto_approve
    run("mask", "regenerate", training_id, "--max-masked-pixels", 2)
    waiting = api.until(name, training_pb2.TRAINING_STATE_AWAITING_REVIEW)
    assert (waiting.mask.revision, waiting.mask.active_pixel_count <= 2) == (2, True)
    run("mask", "skip", training_id)
    done = api.until_complete(name)
    assert done.stages[1].state == training_pb2.STAGE_STATE_SKIPPED
    assert done.result_stack == done.stages[0].result_stack


def test_the_installation_tells_of_itself(run: Run, installation: RunningInstallation) -> None:
    """Presets come from the installation, status and logs from its folder."""  # spec: C15
    assert "stage2.epochs" in run("presets", "--method", "autostructn2v")
    assert "gateway" in run("status", "--data", installation.data)
    assert "service ready" in run("logs", "gateway", "--data", installation.data, "-n", 5000)
