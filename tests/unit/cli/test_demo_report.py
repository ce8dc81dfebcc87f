from pathlib import Path

import pytest
import tifffile
from clearstack.v1.mask_pb2 import Mask, MaskPlane, MaskSummary
from clearstack_cli import demo_report
from clearstack_stacks.samples import make_sample


def test_the_report_compares_every_stage_with_the_truth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """PSNR before and after, the mask, the paths, and a picture that can be opened."""
    sample = make_sample("rows", num_slices=3, side_px=64, seed=0)
    stages = [tmp_path / "one.tif", tmp_path / "two.tif"]
    for path in stages:
        tifffile.imwrite(
            path, sample.noisy_ZYX // 2 + sample.truth_ZYX // 2, imagej=True, metadata={"axes": "ZYX"}
        )
    mask = Mask(
        summary=MaskSummary(message="Structured noise: horizontal", kernel_height=1, kernel_width=3),
        planes=[MaskPlane(active=[True, True, True])],
    )
    demo_report.tell(sample, mask, stages, [tmp_path / "weights.pth", tmp_path / "mask.json"], tmp_path)
    shown = capsys.readouterr().out
    for expected in (
        "Structured noise: horizontal",
        "■ ◉ ■",
        "before",
        "after stage 1",
        "after stage 2",
        "+6.",
    ):
        assert expected in shown
    for path in (stages[-1], tmp_path / "weights.pth", tmp_path / "mask.json", tmp_path / "comparison.png"):
        assert str(path) in shown
    assert (tmp_path / "comparison.png").read_bytes().startswith(b"\x89PNG")
