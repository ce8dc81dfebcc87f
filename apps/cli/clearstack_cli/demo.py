"""`clearstack demo`: the whole of Clearstack on a sample whose truth is known."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import tifffile
import typer
from clearstack.v1 import training_pb2
from clearstack.v1.mask_service_pb2 import GetMaskRequest
from clearstack.v1.model_service_pb2 import GetModelRequest
from clearstack.v1.training_pb2 import Training
from clearstack_stacks.samples import make_sample

from clearstack_cli import bars, demo_report, states
from clearstack_cli.connection import Client, connect
from clearstack_cli.errors import CliError
from clearstack_cli.following import follow
from clearstack_cli.installation import own_installation
from clearstack_cli.links import fetch_all
from clearstack_cli.output import say
from clearstack_cli.train import Wish, config_of, create
from clearstack_cli.verb import guarded
from clearstack_cli.words import MethodName, PresetName

_NUM_SLICES, _SIDE_PX, _SEED = 8, 192, 0


@guarded
def demo(
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the results go.")] = Path(
        "demo-output"
    ),
    keep: Annotated[bool, typer.Option("--keep", help="Keep the installation's data folder.")] = False,
) -> None:
    """See it work: start everything, make a noisy sample, denoise it, compare it with the truth."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CliError(f"The folder {out} cannot be made: {error.strerror}. Give another --out.") from error
    with _data(keep=keep) as data:
        with own_installation(data, stderr=False) as endpoint, connect(endpoint) as client:
            say(f"Clearstack runs at {endpoint}.")
            _show(client, out)
        say("Everything is stopped again.")
        if keep:
            say(f"The installation's data is in {data}: `clearstack up --data {data}` starts it again.")
        say("The same in a browser, with your own stacks: `clearstack up --open`.")


@contextlib.contextmanager
def _data(*, keep: bool) -> Iterator[Path]:
    if keep:
        yield Path(tempfile.mkdtemp(prefix="clearstack-demo-"))
        return
    with tempfile.TemporaryDirectory(prefix="clearstack-demo-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _show(client: Client, out: Path) -> None:
    say("A sample with noise that is correlated along rows, and its truth:")
    sample = make_sample("rows", num_slices=_NUM_SLICES, side_px=_SIDE_PX, seed=_SEED)
    for name, stack_ZYX in (("noisy", sample.noisy_ZYX), ("truth", sample.truth_ZYX)):
        tifffile.imwrite(out / f"{name}.tif", stack_ZYX, imagej=True, metadata={"axes": "ZYX"})
        say(f"  {out / name}.tif")
    training = _train(client, out / "noisy.tif")
    mask = client.masks.GetMask(GetMaskRequest(training=training.name)).mask
    stages = _fetch_stages(client, training, out)
    files = fetch_all(client.models.GetModel(GetModelRequest(name=training.model)).links, out / "model")
    demo_report.tell(sample, mask, stages, files, out)


def _train(client: Client, noisy: Path) -> Training:
    stack = bars.upload(client, noisy)
    wish = Wish(
        method=MethodName.AUTOSTRUCTN2V,
        preset=PresetName.FAST,
        config=config_of(None, _SEED),
        auto_approve=True,
        display_name="demo",
    )
    name = create(client, stack.name, wish).name
    training = follow(client, name, on_review=lambda _training: None)
    states.require_complete(training)
    return training


def _fetch_stages(client: Client, training: Training, out: Path) -> list[Path]:
    """The result of every stage that has one, first to last."""
    paths = []
    for stage in training.stages:
        if stage.state == training_pb2.STAGE_STATE_COMPLETE and stage.result_stack:
            path = out / f"denoised-stage{stage.number}.tif"
            bars.download(client, stage.result_stack, path)
            paths.append(path)
    return paths
