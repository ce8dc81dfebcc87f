import json
from collections.abc import Callable
from pathlib import Path

from clearstack.v1 import config_pb2
from clearstack_cli.app import app
from typer.testing import CliRunner, Result
from unit.cli.fake_gateway import FakeGateway

Run = Callable[..., Result]


def test_train_uploads_the_file_and_returns_the_id(run: Run, gateway: FakeGateway, noisy: Path) -> None:
    """Without --watch the id is all that is printed after the upload."""
    result = run(
        "train", noisy, "--preset", "fast", "--set", "stage1.epochs=5", "--seed", "7", "--name", "mine"
    )
    assert result.exit_code == 0, result.output
    assert f"trainings/{result.stdout.splitlines()[-1]}" in gateway.trainings
    request = gateway.created[0]
    assert (request.method, request.mode) == (config_pb2.METHOD_N2V, config_pb2.MODE_2D)
    assert (request.preset, request.display_name) == (config_pb2.PRESET_FAST, "mine")
    assert (request.config.stage1.epochs, request.config.seed) == (5, 7)
    assert request.request_id


def test_train_takes_stacks_that_are_there(run: Run, gateway: FakeGateway, noisy: Path) -> None:
    """A stack's id is not uploaded again."""
    run("stacks", "upload", noisy)
    result = run("train", "b0", "--json")
    assert json.loads(result.stdout)["stack"] == "stacks/b001"
    assert gateway.created[0].stack == "stacks/b001"


def test_refused_fields_are_listed_one_per_line(run: Run, gateway: FakeGateway, noisy: Path) -> None:
    """Every offending field is named as it is typed after --set."""
    gateway.refuse_config = {"config.stage1.epochs": "must be 1 to 10,000", "mode": "needs 20 slices"}
    result = run("train", noisy)
    assert result.exit_code == 1
    assert "  stage1.epochs: must be 1 to 10,000\n  mode: needs 20 slices" in result.stderr
    assert "Traceback" not in result.output


def test_json_of_a_training_has_the_protos_names(run: Run, noisy: Path) -> None:
    """Scripts rely on name, state and stages on one line."""
    run("train", noisy)
    result = run("trainings", "show", "c", "--json")
    assert len(result.stdout.splitlines()) == 1
    training = json.loads(result.stdout)
    assert training["name"] == "trainings/c002"
    assert training["state"] == "TRAINING_STATE_COMPLETE"
    assert training["stages"][0]["state"] == "STAGE_STATE_COMPLETE"
    assert training["auto_approve"] is False


def test_watch_prints_the_history_in_plain_lines(run: Run, noisy: Path) -> None:
    """Without a terminal: the first and the last epoch, the end, and how to get the result."""
    run("train", noisy)
    result = run("trainings", "watch", "c002")
    assert result.exit_code == 0, result.output
    assert "stage 1: trains on cpu (float32)" in result.stdout
    assert "stage 1: epoch 1/3, training loss 1.0000, validation loss 1.1000" in result.stdout
    assert "epoch 2/3" not in result.stdout
    assert "complete" in result.stdout
    assert "clearstack trainings download c002" in result.stdout


def test_watch_sees_nothing_twice_after_a_lost_connection(
    run: Run, gateway: FakeGateway, noisy: Path
) -> None:
    """The second stream begins where the first was cut off."""
    run("train", noisy)
    gateway.cut_watch_after = 2
    result = run("trainings", "watch", "c002")
    assert result.exit_code == 0, result.output
    assert gateway.watched_after == [0, 2]
    assert result.stdout.count("epoch 1/3") == 1
    assert result.stderr.count("Connection lost, trying again") == 1
    assert result.stderr.count("Connected again") == 1


def test_watching_with_json_keeps_progress_out_of_stdout(run: Run, noisy: Path) -> None:
    """One line of JSON on stdout, the rest on stderr."""
    result = run("train", noisy, "--watch", "--json")
    assert json.loads(result.stdout)["state"] == "TRAINING_STATE_COMPLETE"
    assert "epoch 3/3" in result.stderr


def test_a_failed_training_fails_the_watcher(run: Run, gateway: FakeGateway, noisy: Path) -> None:
    """Exit code and reason."""
    gateway.fail_with = "Not enough memory: reduce stage1.batch_size."
    result = run("train", noisy, "--watch")
    assert result.exit_code == 1
    assert "Not enough memory: reduce stage1.batch_size." in result.stderr


def test_list_cancel_delete(run: Run, gateway: FakeGateway, noisy: Path) -> None:
    """The life of a training from the outside."""
    run("train", noisy, "--method", "autostructn2v")
    assert "autoStructN2V 2D" in run("trainings", "list").stdout
    assert "awaiting review" in run("trainings", "list").stdout
    assert "cancelled" in run("trainings", "cancel", "c002").stdout
    assert run("trainings", "delete", "c002").exit_code == 0
    assert gateway.trainings == {}


def test_download_of_a_stage(run: Run, noisy: Path, tmp_path: Path) -> None:
    """Results can be fetched by training; one that is not there is refused with the state."""
    run("train", noisy, "--method", "autostructn2v")
    assert run("trainings", "download", "c002", "--stage", 1, "-o", tmp_path / "one.tif").exit_code == 0
    assert (tmp_path / "one.tif").read_bytes() == noisy.read_bytes()
    result = run("trainings", "download", "c002", "-o", tmp_path / "final.tif")
    assert result.exit_code == 1
    assert "the training c002 is awaiting review" in result.stderr


def test_presets_are_a_table_of_what_can_be_set(run: Run) -> None:
    """Names and values as --set takes them."""
    result = run("presets")
    assert "high-quality" in result.stdout
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["stage1.epochs", "100"] in lines
    assert ["stage1.augmentation", "on"] in lines
    assert ["stage1.masking_strategy", "local_mean"] in lines


def test_presets_of_auto_are_refused(run: Run) -> None:
    """`auto` is settled by a stack: the text says what to ask for, and no method's table passes for it."""  # spec: C15
    result = run("presets", "--method", "auto")
    assert result.exit_code != 0
    assert "--method autostructn2v" in result.stderr
    assert "epochs" not in result.stdout


def test_presets_can_be_read_before_anything_runs(tmp_path: Path) -> None:
    """Without an installation the presets of this version are shown."""  # spec: C15
    environment = {"CLEARSTACK_ENDPOINT": "", "CLEARSTACK_DATA": str(tmp_path)}
    result = CliRunner().invoke(app, ["presets", "--method", "autostructn2v"], env=environment)
    assert result.exit_code == 0
    assert ["stage2.learning_rate", "0.004", "1e-05", "0.004"] in [
        line.split() for line in result.stdout.splitlines()
    ]
