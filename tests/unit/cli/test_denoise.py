import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from clearstack.v1 import mask_pb2, training_pb2
from clearstack.v1.config_pb2 import TrainingConfig
from clearstack_cli.connection import Client
from clearstack_cli.errors import CliError, Interrupted
from clearstack_cli.farewell import Host
from clearstack_cli.one_shot import OneShot, Order
from clearstack_cli.train import Wish
from clearstack_cli.words import MethodName
from typer.testing import Result
from unit.cli.fake_gateway import FakeGateway

Run = Callable[..., Result]
STRUCTURED = Wish(method=MethodName.AUTOSTRUCTN2V, config=TrainingConfig())


@pytest.fixture
def type_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Somebody types."""
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def _one_shot(
    client: Client, wish: Wish = STRUCTURED, *, host: Host = Host.STAYS, asks: bool = True
) -> OneShot:
    return OneShot(client=client, host=host, order=Order(wish=wish), is_interactive=asks)


def test_from_noisy_to_denoised(run: Run, noisy: Path, tmp_path: Path) -> None:
    """One command, exit 0, and the result where it was asked for."""
    result = run("denoise", noisy, "-o", tmp_path / "out.tif")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out.tif").read_bytes() == noisy.read_bytes()
    assert "epoch 3/3" in result.stdout


def test_without_o_the_result_lies_beside_the_input(run: Run, noisy: Path, tmp_path: Path) -> None:
    """IN-denoised.tif; and its JSON is the training."""
    result = run("denoise", noisy, "--json")
    assert (tmp_path / "noisy-denoised.tif").exists()
    assert json.loads(result.stdout)["state"] == "TRAINING_STATE_COMPLETE"


def test_several_inputs_into_a_folder(run: Run, noisy: Path, tmp_path: Path) -> None:
    """Each gets its own result there."""
    other = tmp_path / "other.tif"
    other.write_bytes(noisy.read_bytes())
    (tmp_path / "out").mkdir()
    assert run("denoise", noisy, other, "-o", tmp_path / "out").exit_code == 0
    assert {each.name for each in (tmp_path / "out").iterdir()} == {
        "noisy-denoised.tif",
        "other-denoised.tif",
    }


def test_the_input_is_never_written_over(run: Run, gateway: FakeGateway, noisy: Path, tmp_path: Path) -> None:
    """Not even by another name for it."""
    (tmp_path / "link.tif").symlink_to(noisy)
    for target in (noisy, tmp_path / "link.tif"):
        result = run("denoise", noisy, "-o", target)
        assert result.exit_code == 1
        assert "never writes over it" in result.stderr
    assert gateway.stacks == {}


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (Path.exists, "does not exist"),
        (Path.mkdir, "is a folder"),
        (Path.touch, "is empty"),
        (lambda path: path.write_text("not an image"), "not a TIFF"),
        (
            lambda path: tifffile.imwrite(path, np.zeros((64, 64, 3), "u1"), photometric="rgb"),
            "Split Channels",
        ),
        (lambda path: tifffile.imwrite(path, np.zeros((64, 64), "u1")), "nothing to learn from"),
    ],
)
def test_bad_input_is_told_before_anything_is_started(
    run: Run, gateway: FakeGateway, tmp_path: Path, make: Callable[[Path], object], sentence: str
) -> None:
    """Each its own sentence, and nothing has been sent."""
    make(tmp_path / "bad.tif")
    result = run("denoise", tmp_path / "bad.tif")
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert "Traceback" not in result.output
    assert gateway.stacks == {}


def test_too_few_slices_for_2_5d(run: Run, noisy: Path) -> None:
    """The spec's words.  # spec: A5."""
    result = run("denoise", noisy, "--mode", "2.5d")
    assert result.exit_code == 1
    assert "Insufficient Stack Depth for 2.5D: the stack has 3 slices, 20 are needed" in result.stderr


def test_a_model_is_used_without_training(
    run: Run, gateway: FakeGateway, noisy: Path, tmp_path: Path
) -> None:
    """--model takes an id's beginning, and --dtype goes to the denoising."""
    run("train", noisy)
    result = run("denoise", noisy, "-o", tmp_path / "o.tif", "--model", "c0", "--dtype", "float32", "--json")
    assert result.exit_code == 0, result.output
    assert len(gateway.created) == 1
    denoising = json.loads(result.stdout)
    assert (denoising["model"], denoising["output_dtype"]) == ("models/c002", "float32")


def test_full_precision_after_a_training(run: Run, gateway: FakeGateway, noisy: Path) -> None:
    """A training's own result has the input's type, so the model is run once more."""
    assert run("denoise", noisy, "--dtype", "float32").exit_code == 0
    assert [each.output_dtype for each in gateway.denoisings.values()] == ["float32"]


def test_nobody_to_ask(run: Run, noisy: Path, tmp_path: Path) -> None:
    """Without a terminal: the commands to approve, and exit 1."""
    result = run("denoise", noisy, "-o", tmp_path / "o.tif", "--method", "autostructn2v")
    assert result.exit_code == 1
    for command in ("mask show c002", "mask approve c002", "trainings watch c002", "trainings download c002"):
        assert f"clearstack {command}" in result.stderr
    assert not (tmp_path / "o.tif").exists()


def test_approve_at_the_terminal(
    client: Client, gateway: FakeGateway, noisy: Path, tmp_path: Path, type_in: Callable[[str], None]
) -> None:
    """Enter alone does what the extractor recommends."""
    type_in("\n")
    _one_shot(client).run(noisy, tmp_path / "out.tif")
    assert gateway.calls == ["approve"]
    assert (tmp_path / "out.tif").exists()


def test_regenerate_at_the_terminal_until_it_is_right(
    client: Client, gateway: FakeGateway, noisy: Path, tmp_path: Path, type_in: Callable[[str], None]
) -> None:
    """Three numbers; one that is refused is asked again; each new mask is shown and asked about."""
    type_in("r\n101\n\n\nr\n80\n1.5\n10\na\n")
    _one_shot(client).run(noisy, tmp_path / "out.tif")
    assert gateway.calls == ["regenerate", "approve"]
    sent = gateway.regenerated[0]
    assert (sent.base_percentile, sent.percentile_decay, sent.max_masked_pixels) == (80, 1.5, 10)


def test_nothing_found_is_skipped_by_default(
    client: Client, gateway: FakeGateway, noisy: Path, tmp_path: Path, type_in: Callable[[str], None]
) -> None:
    """Enter skips stage 2.  # spec: D11."""
    gateway.advice = mask_pb2.REVIEW_ADVICE_SKIP_STAGE_TWO
    type_in("\n")
    _one_shot(client).run(noisy, tmp_path / "out.tif")
    assert gateway.calls == ["skip"]


def test_cancel_at_the_terminal(
    client: Client, noisy: Path, tmp_path: Path, type_in: Callable[[str], None]
) -> None:
    """The training ends, and so does the command."""
    type_in("c\n")
    with pytest.raises(CliError, match="cancelled"):
        _one_shot(client).run(noisy, tmp_path / "out.tif")
    assert not (tmp_path / "out.tif").exists()


@pytest.mark.parametrize(
    ("host", "sentence"), [(Host.STAYS, "goes on: follow"), (Host.ENDS_WITH_US, "is kept")]
)
def test_leaving_the_review_says_what_becomes_of_the_training(
    client: Client, noisy: Path, tmp_path: Path, type_in: Callable[[str], None], host: Host, sentence: str
) -> None:
    """Ctrl-D is a way out, with exit code 130."""
    type_in("")
    with pytest.raises(Interrupted, match=sentence) as left:
        _one_shot(client, host=host).run(noisy, tmp_path / "out.tif")
    assert left.value.exit_code == 130


def test_the_same_command_again_takes_up_what_waits(
    client: Client, gateway: FakeGateway, noisy: Path, tmp_path: Path
) -> None:
    """Stage 1 is not trained twice: --auto-approve approves the mask that is there."""
    with pytest.raises(CliError, match="--auto-approve"):
        _one_shot(client, host=Host.ENDS_WITH_US, asks=False).run(noisy, tmp_path / "out.tif")
    again = Wish(method=MethodName.AUTOSTRUCTN2V, config=TrainingConfig(), auto_approve=True)
    _one_shot(client, again, host=Host.ENDS_WITH_US, asks=False).run(noisy, tmp_path / "out.tif")
    assert len(gateway.created) == 1
    assert gateway.calls == ["approve"]
    assert (tmp_path / "out.tif").exists()


def test_another_wish_is_another_training(
    client: Client, gateway: FakeGateway, noisy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What still computes is named, since it may come first."""
    with pytest.raises(CliError):
        _one_shot(client, host=Host.ENDS_WITH_US, asks=False).run(noisy, tmp_path / "out.tif")
    gateway.trainings["trainings/c002"].state = training_pb2.TRAINING_STATE_TRAINING
    other = Wish(method=MethodName.AUTOSTRUCTN2V, config=TrainingConfig(seed=5), auto_approve=True)
    _one_shot(client, other, host=Host.ENDS_WITH_US, asks=False).run(noisy, tmp_path / "out.tif")
    assert len(gateway.created) == 2
    assert "may come first: c002" in capsys.readouterr().err
