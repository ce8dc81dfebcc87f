"""A model's files on their way to an installation and back."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from clearstack.v1.model_service_pb2 import (
    ExportModelRequest,
    ImportModelRequest,
)
from clearstack_client.files import CHUNK_BYTES, written_whole

from clearstack_cli.connection import Client
from clearstack_cli.errors import CliError, UsageError

_WEIGHTS = (".pth", ".pt", ".safetensors")
_MOST_STAGES = 2
_USAGE = (
    "Give either one archive (.zip), one folder that `models download` has written, or a configuration (.json) and the "
    "weights (.pth or .safetensors) of one stage or of two, in their order."
)


def named(paths: Sequence[Path], mask: Path | None) -> dict[str, Path]:
    """What each file is in a model: its path by the name that the installation knows it under.

    Raises:
        UsageError: These files make no model.
    """
    if len(paths) == 1 and paths[0].is_dir():
        files = {path.relative_to(paths[0]).as_posix(): path for path in _known_files(paths[0])}
    elif len(paths) == 1 and paths[0].suffix.lower() == ".zip":
        files = {"archive.zip": paths[0]}
    else:
        files = _loose(paths)
    if mask is not None:
        if mask.suffix.lower() not in {".npy", ".json"}:
            raise UsageError(f"{mask} cannot be the mask: it must be a .npy file, or a mask.json.")
        files[f"mask/mask{mask.suffix.lower()}"] = mask
    if not files:
        raise UsageError(f"{paths[0]} holds no model. {_USAGE}")
    return files


def _known_files(folder: Path) -> list[Path]:
    known = [folder / "config.json"]
    known += [
        folder / part / name
        for part in ("stage1", "stage2")
        for name in ("model.json", "config.json", "weights.safetensors", "weights.pth")
    ]
    known += [folder / "mask" / name for name in ("mask.npy", "mask.json")]
    return [path for path in known if path.is_file()]


def _loose(paths: Sequence[Path]) -> dict[str, Path]:
    configs = [path for path in paths if path.suffix.lower() == ".json"]
    weights = [path for path in paths if path.suffix.lower() in _WEIGHTS]
    others = [path for path in paths if path not in configs and path not in weights]
    if others:
        raise UsageError(f"{others[0]} is neither configuration nor weights. {_USAGE}")
    if len(configs) != 1 or not 1 <= len(weights) <= _MOST_STAGES:
        raise UsageError(f"{len(configs)} .json and {len(weights)} weights files were given. {_USAGE}")
    files = {"config.json": configs[0]}
    for number, path in enumerate(weights, start=1):
        suffix = ".safetensors" if path.suffix.lower() == ".safetensors" else ".pth"
        files[f"stage{number}/weights{suffix}"] = path
    return files


def messages(files: dict[str, Path], display_name: str, request_id: str) -> Iterator[ImportModelRequest]:
    """The files in chunks, after a message that names the model."""
    yield ImportModelRequest(display_name=display_name, request_id=request_id)
    for name, path in files.items():
        with path.open("rb") as file:
            while data := file.read(CHUNK_BYTES):
                yield ImportModelRequest(file_name=name, data=data)


def save_export(client: Client, request: ExportModelRequest, target: Path) -> int:
    """Fetches an archive; `target` is there only when it is whole. Returns its size in bytes.

    Raises:
        CliError: The bytes are not those that the installation has.
        OSError: `target` cannot be written.
    """
    responses = iter(client.models.ExportModel(request))
    head = next(responses)
    digest = hashlib.sha256()
    with written_whole(target) as file:
        for response in responses:
            file.write(response.data)
            digest.update(response.data)
        if digest.hexdigest() != head.sha256:
            raise CliError(f"{target} did not arrive whole: its checksum differs. Export it again.")
    return head.size_bytes
