"""Denoises a TIFF through the API, knowing nothing of Clearstack but the files in `protos/`.

python foreign_client.py HOST:PORT IN.tif OUT.tif [epochs=5 features=16 …]
"""

import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import grpc
from grpc_tools import protoc  # type: ignore[import-untyped]

PROTOS = Path(__file__).resolve().parent.parent / "protos"
CHUNK_BYTES = 1 << 20


def generate(folder: Path) -> None:
    """Makes Python stubs of the protos and puts them in front of the path."""
    files = [str(path) for path in PROTOS.glob("clearstack/v1/*.proto")]
    includes = [f"-I{PROTOS}", f"-I{Path(protoc.__file__).parent / '_proto'}"]
    if protoc.main(["protoc", *includes, f"--python_out={folder}", f"--grpc_python_out={folder}", *files]):
        sys.exit("The stubs could not be generated.")
    for package in (folder / "clearstack", folder / "clearstack" / "v1"):
        (package / "__init__.py").touch()
    sys.path.insert(0, str(folder))


def service(name: str, channel: grpc.Channel) -> tuple[Any, Any]:
    """The messages and the stub of one service."""
    module = f"clearstack.v1.{name.lower()}_service_pb2"
    return import_module(module), getattr(import_module(f"{module}_grpc"), f"{name}ServiceStub")(channel)


def upload(pb: Any, stacks: Any, path: Path) -> str:
    """Sends the file in chunks and has it checked; returns the stack's name."""
    name: str = stacks.CreateStack(pb.CreateStackRequest(display_name=path.name)).stack.name

    def chunks() -> Iterator[Any]:
        with path.open("rb") as file:
            while data := file.read(CHUNK_BYTES):
                yield pb.UploadStackRequest(name=name, offset=file.tell() - len(data), data=data)

    stacks.UploadStack(chunks())
    info = stacks.FinalizeStack(pb.FinalizeStackRequest(name=name)).stack.info
    print(f"{name}: {info.slice_count} slices of {info.height} × {info.width} px, {info.dtype}")
    return name


def main(endpoint: str, source: str, target: str, *settings: str) -> None:
    """Uploads, trains, watches, approves, downloads."""
    with grpc.insecure_channel(endpoint) as channel:
        (pb, stacks), (training_pb, trainings) = service("Stack", channel), service("Training", channel)
        mask_pb, masks = service("Mask", channel)
        request = training_pb.CreateTrainingRequest(stack=upload(pb, stacks, Path(source)))
        request.method, request.preset = 2, 1  # METHOD_AUTOSTRUCTN2V, PRESET_FAST
        for name, value in (setting.split("=") for setting in settings):
            setattr(request.config.stage1, name, int(value))
            setattr(request.config.stage2, name, int(value))
        training = trainings.CreateTraining(request).training.name
        for item in trainings.WatchTraining(training_pb.WatchTrainingRequest(name=training)):
            if item.event.HasField("epoch_completed"):
                done = item.event.epoch_completed.progress
                print(f"epoch {done.epoch} of {done.epoch_count}, loss {done.validation_loss:.4f}")
            elif item.event.HasField("state_changed"):
                print(item.event.state_changed.state)
            if item.event.state_changed.state == "AWAITING_REVIEW":
                approved = masks.ApproveMask(mask_pb.ApproveMaskRequest(training=training)).training
                print("approved:", approved.mask.message)
        result = trainings.GetTraining(training_pb.GetTrainingRequest(name=training)).training.result_stack
        parts = stacks.DownloadStack(pb.DownloadStackRequest(name=result))
        Path(target).write_bytes(b"".join(part.data for part in parts))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        main(*sys.argv[1:])
