from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from clearstack_engine.denoising import load_denoiser
from clearstack_engine.errors import ModelMismatchError
from clearstack_engine.model.importing import import_files
from clearstack_engine.reference.network import ReferenceArchitecture, ReferenceUNet
from numpy.typing import NDArray
from unit.engine import reference_model

STAGE = {"features": 4, "num_layers": 2, "patch_size": 32}
IMAGE_YX = np.random.default_rng(3).integers(0, 65536, (50, 41), dtype=np.uint16)


def as_float(image_YX: NDArray[np.uint16]) -> NDArray[np.float32]:
    """16 bits as the reference sees them: between 0 and 1."""
    return (image_YX / 65535).astype(np.float32)


def weights_of(**changes: Any) -> reference_model.Weights:
    """Those of a tiny network of the first version, with changes."""
    kind: dict[str, Any] = {"num_features": 4, "num_layers": 2, "reflects": False, "transposed": True}
    return reference_model.draw_weights(**kind | changes)


def save(folder: Path, config: dict[str, Any], *stages: reference_model.Weights) -> Path:
    """The files of an import, with checkpoints as the reference writes them."""
    for number, weights in enumerate(stages, start=1):
        (folder / f"stage{number}").mkdir(parents=True)
        prefixed = {f"unet.{name}": tensor for name, tensor in weights.items()}
        checkpoint = {
            "model_state_dict": prefixed,
            "optimizer_state_dict": {},
            "hparams": {"split": (0.7, 0.3)},
        }
        torch.save(checkpoint, folder / f"stage{number}" / "weights.pth")
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize(
    ("reflects", "transposed"),
    [(False, True), (True, True), (True, False)],
    ids=["first version", "reflection", "resize convolution"],
)
def test_denoises_as_there(tmp_path: Path, *, reflects: bool, transposed: bool) -> None:
    """Each version's network, patches and normalisation give what they give there."""  # spec: E3
    weights = weights_of(reflects=reflects, transposed=transposed)
    config = {"stage1": STAGE, "run_stage2": False}
    import_files(save(tmp_path / "in", config, weights), tmp_path / "out")
    found_YX = load_denoiser(tmp_path / "out" / "stage1", "cpu").denoise_slice(IMAGE_YX[None])
    there_YX = reference_model.denoised(weights, as_float(IMAGE_YX), patch_px=32, num_layers=2)
    # Its first row and column are black there: a fault that is not kept.
    np.testing.assert_allclose(found_YX[1:, 1:] / 65535, there_YX[1:, 1:], atol=2e-5)
    assert (there_YX[0] == 0).all()
    assert found_YX[0].std() > 0


def test_z_score_of_newer_versions(tmp_path: Path) -> None:
    """The training slices' statistics are applied to values between 0 and 1, and taken back."""  # spec: E3
    weights = weights_of(reflects=True, transposed=False)
    config = {
        "recipes": {"n2v": STAGE, "structn2v": {**STAGE, "features": 9}},
        "mask": {"source": "center"},
        "normalize_method": "zscore",
        "_norm_stats": {"mean": 0.25, "std": 0.5, "eps": 1e-6},
    }
    import_files(save(tmp_path / "in", config, weights), tmp_path / "out")
    found_YX = load_denoiser(tmp_path / "out" / "stage1", "cpu").denoise_slice(IMAGE_YX[None])
    scored_YX = ((as_float(IMAGE_YX) - 0.25) / (0.5 + 1e-6)).astype(np.float32)
    there_YX = reference_model.denoised(weights, scored_YX, patch_px=32, num_layers=2) * (0.5 + 1e-6) + 0.25
    np.testing.assert_allclose(found_YX[1:, 1:] / 65535, there_YX[1:, 1:], atol=2e-5)


def test_second_stage_of_the_first_versions_follows_the_first(tmp_path: Path) -> None:
    """There it was made for the results of stage 1; later versions take the noisy image."""  # spec: E3
    first, second = weights_of(seed=1), weights_of(seed=2)
    config = {"stage1": STAGE, "stage2": STAGE}
    imported = import_files(save(tmp_path / "in", config, first, second), tmp_path / "out")
    assert any("result of stage 1" in note for note in imported.notes)
    image_YX = as_float(IMAGE_YX)
    alone_YX = load_denoiser(tmp_path / "out" / "stage1", "cpu").denoise_slice(image_YX[None])
    found_YX = load_denoiser(tmp_path / "out" / "stage2", "cpu").denoise_slice(image_YX[None])
    there_YX = reference_model.denoised(second, alone_YX.clip(0, 1), patch_px=32, num_layers=2)
    np.testing.assert_allclose(found_YX[1:, 1:], there_YX[1:, 1:], atol=2e-5)
    later = import_files(
        save(tmp_path / "later", config | {"run_stage1": True, "run_stage2": True}, first, second),
        tmp_path / "later-out",
    )
    assert not any("result of stage 1" in note for note in later.notes)


def test_two_and_a_half_d(tmp_path: Path) -> None:
    """Three slices in; the middle one of those that stage 1 gives."""  # spec: E3
    weights = weights_of(num_inputs=3, reflects=True)
    config = {"stage1": STAGE, "run_stage2": False, "mode": "2.5d"}
    imported = import_files(save(tmp_path / "in", config, weights), tmp_path / "out")
    assert imported.description.mode == "2.5d"
    slices_CYX = np.stack([IMAGE_YX, IMAGE_YX[::-1], IMAGE_YX])
    assert load_denoiser(tmp_path / "out" / "stage1", "cpu").denoise_slice(slices_CYX).shape == IMAGE_YX.shape


@pytest.mark.parametrize("shape_YX", [(1, 1), (7, 90), (32, 16), (33, 31)])
def test_any_size(tmp_path: Path, shape_YX: tuple[int, int]) -> None:
    """Smaller than a patch, odd, or long and thin: where the reference gives up, the image is mirrored."""  # spec: E4
    import_files(save(tmp_path / "in", {"stage1": STAGE}, weights_of()), tmp_path / "out")
    denoised_YX = load_denoiser(tmp_path / "out" / "stage1", "cpu").denoise_slice(
        np.ones((1, *shape_YX), np.uint8)
    )
    assert denoised_YX.shape == shape_YX
    assert np.isfinite(denoised_YX).all()


def test_n2v2_options() -> None:
    """Without the top skip and with blurred pooling the network keeps its size and its names."""  # spec: E3
    network = ReferenceUNet(
        ReferenceArchitecture(num_features=4, num_layers=2, top_skip=False, blur_pool=True, activation="relu")
    ).eval()
    names = network.state_dict()
    assert names["encoder_layers.1.blur_kernel"].sum().item() == pytest.approx(4)
    assert names["decoder_layers.3.1.weight"].shape == (4, 4, 3, 3)
    assert network(torch.rand(1, 1, 32, 32)).shape == (1, 1, 32, 32)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"features": 8},
            r"do not fit the architecture of stage 1 \(\d+ differences\): .*shape \(4, 1, 3, 3\), not \(8",
        ),
        (
            {"num_layers": 3},
            r"decoder_layers\.\d\.\d\.weight is missing|encoder_layers\.4\.0\.weight is missing",
        ),
        ({"features": 10**9}, r"features of stage 1 is '1000000000'; it must be a whole number"),
        ({"num_layers": "many"}, "num_layers of stage 1 is 'many'"),
        ({"patch_size": 30}, "patch_size of stage 1 is 30; .* multiple of 4"),
        ({"norm_type": "group"}, "norm_type 'group'"),
        ({"use_resize_conv": True}, "conv.weight is missing"),
        ({"upsampling_mode": "magic"}, "upsampling_mode of stage 1 is 'magic'; it must be one of bilinear"),
    ],
)
def test_mismatches_are_named(tmp_path: Path, change: dict[str, Any], text: str) -> None:
    """A configuration of other weights is refused with the first few differences, or the value that is wrong."""  # spec: E2
    folder = save(tmp_path / "in", {"stage1": {**STAGE, **change}, "run_stage2": False}, weights_of())
    with pytest.raises(ModelMismatchError, match=text):
        import_files(folder, tmp_path / "out")


def test_number_of_stages(tmp_path: Path) -> None:
    """One of two stages is refused, with the way to import it alone."""  # spec: E2
    folder = save(tmp_path / "in", {"stage1": STAGE, "stage2": STAGE}, weights_of())
    with pytest.raises(ModelMismatchError, match=r"describes 2 stage\(s\), but weights for 1.*run_stage2"):
        import_files(folder, tmp_path / "out")


def test_z_score_without_statistics(tmp_path: Path) -> None:
    """Without them the network would see other numbers than in training."""  # spec: E2
    config = {"stage1": STAGE, "run_stage2": False, "normalize_method": "zscore"}
    with pytest.raises(ModelMismatchError, match="_norm_stats"):
        import_files(save(tmp_path / "in", config, weights_of()), tmp_path / "out")
