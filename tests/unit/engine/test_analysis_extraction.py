import numpy as np
import pytest
from clearstack_engine.analysis import ExtractedMask, MaskExtractorConfig, NoiseCorrelation, extract_mask
from hypothesis import given, settings
from hypothesis import strategies as st


def correlation_of(rho_ZYX: np.ndarray, certainty: float = 100.0) -> NoiseCorrelation:
    """A measurement that found these correlations, all equally sure."""
    rho_ZYX = np.asarray(rho_ZYX, dtype=np.float32)
    certainty_ZYX = np.full_like(rho_ZYX, certainty)
    return NoiseCorrelation(
        correlation_ZYX=rho_ZYX,
        certainty_ZYX=certainty_ZYX,
        residual_correlation_ZYX=rho_ZYX,
        flat_correlation_ZYX=rho_ZYX,
        num_pixels=10_000,
        noise_std=1.0,
    )


def row(half: int = 20, length: int = 9) -> np.ndarray:
    """Correlation of white noise after a box filter along x."""
    rho_ZYX = np.zeros((1, 2 * half + 1, 2 * half + 1), dtype=np.float32)
    rho_ZYX[0, half] = np.maximum(0, 1 - np.abs(np.arange(-half, half + 1)) / length)
    return rho_ZYX


def active_offsets(mask: ExtractedMask) -> set[tuple[int, int, int]]:
    """Active pixels as offsets from the centre, whatever the crop."""
    return {(o.dz, o.dy, o.dx) for o in mask.offsets[: mask.num_active_pixels - 1]}


@st.composite
def correlations(draw: st.DrawFn) -> NoiseCorrelation:
    """Any symmetric correlations, most of them weak."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rho_ZYX = rng.uniform(-1, 1, (draw(st.sampled_from([1, 3])), 7, 9)) ** 3
    rho_ZYX = (rho_ZYX + rho_ZYX[::-1, ::-1, ::-1]) / 2
    rho_ZYX[len(rho_ZYX) // 2, 3, 4] = 1
    return correlation_of(rho_ZYX)


configs = st.builds(
    MaskExtractorConfig,
    adaptive_thresholding=st.booleans(),
    base_percentile=st.floats(0, 100),
    percentile_decay=st.floats(1, 2),
    max_masked_pixels=st.integers(1, 500),
)


def test_row_correlation_gives_row_mask() -> None:
    """The mask of row-correlated noise is the row as far as it is correlated, cropped to it."""
    mask = extract_mask(correlation_of(row()), MaskExtractorConfig())
    assert mask.mask_ZYX.shape == (1, 1, 17)
    assert mask.mask_ZYX.all()
    assert (mask.pattern, mask.kernel_size, mask.coverage_percent) == ("horizontal", (1, 17), 100.0)


def test_uncertain_correlation_is_ignored() -> None:
    """A large correlation that may be chance activates nothing, and the review hears so."""
    mask = extract_mask(correlation_of(row(), certainty=2), MaskExtractorConfig())
    assert mask.is_empty
    assert mask.mask_ZYX.shape == (1, 1, 1)
    assert mask.pattern == "none"
    assert "No structured noise detected" in mask.warnings[0]


@settings(deadline=None)
@given(correlations(), configs)
def test_mask_is_symmetric_odd_and_capped(correlation: NoiseCorrelation, config: MaskExtractorConfig) -> None:
    """Whatever the parameters, the mask is symmetric, holds its centre and keeps to the cap."""
    mask_ZYX = extract_mask(correlation, config).mask_ZYX
    assert all(side % 2 == 1 for side in mask_ZYX.shape)
    assert mask_ZYX[tuple(side // 2 for side in mask_ZYX.shape)]
    assert np.array_equal(mask_ZYX, mask_ZYX[::-1, ::-1, ::-1])
    assert mask_ZYX.sum() <= config.max_masked_pixels


@settings(deadline=None)
@given(correlations(), st.tuples(st.floats(0, 100), st.floats(0, 100)), st.booleans())
def test_higher_percentile_never_adds(
    correlation: NoiseCorrelation, percentiles: tuple[float, float], adaptive: bool
) -> None:
    """A stricter base percentile gives a subset of the mask."""
    kept = [
        active_offsets(
            extract_mask(correlation, MaskExtractorConfig(base_percentile=p, adaptive_thresholding=adaptive))
        )
        for p in sorted(percentiles)
    ]
    assert kept[1] <= kept[0]


def test_less_certain_pixels_continue_certain_ones() -> None:
    """The weak ends of a row count, as far as they are likely; a pixel that stands alone has to be certain."""  # spec: D9
    correlation = correlation_of(row(length=9))
    correlation.certainty_ZYX[0, 20, [12, 13, 14, 26, 27, 28]] = 4
    assert extract_mask(correlation, MaskExtractorConfig()).kernel_size == (1, 17)
    correlation.correlation_ZYX[0, [10, 30], [10, 30]] = 0.3
    correlation.certainty_ZYX[0, [10, 30], [10, 30]] = 4
    assert extract_mask(correlation, MaskExtractorConfig()).kernel_size == (1, 17)


def test_a_chessboard_is_a_grid() -> None:
    """Noise that changes its sign from pixel to pixel lies on a grid, however round its mask is."""
    y, x = np.indices((9, 9)) - 4
    rho_YX = np.exp(-(x**2 + y**2) / 8) * (-1.0) ** (x + y)
    assert extract_mask(correlation_of(rho_YX[None]), MaskExtractorConfig()).pattern == "grid"
    assert extract_mask(correlation_of(np.abs(rho_YX)[None]), MaskExtractorConfig()).pattern == "isotropic"


def test_scattered_mask_names_the_parameters_to_change() -> None:
    """The review of a mask that looks random names Base Percentile and Max Masked Pixels."""
    rho_ZYX = np.zeros((1, 9, 9))
    rho_ZYX[0, [0, 1, 2, 3], [1, 7, 3, 5]] = 0.3
    rho_ZYX = rho_ZYX + rho_ZYX[::-1, ::-1, ::-1]
    rho_ZYX[0, 4, 4] = 1
    (warning,) = extract_mask(correlation_of(rho_ZYX), MaskExtractorConfig()).warnings
    assert "Base Percentile" in warning
    assert "Max Masked Pixels" in warning


def test_cap_keeps_the_strongest() -> None:
    """The cap keeps the pixels of largest correlation and the centre."""
    mask = extract_mask(correlation_of(row()), MaskExtractorConfig(max_masked_pixels=6))
    assert mask.mask_ZYX.shape == (1, 1, 5)
    assert mask.mask_ZYX.all()


def test_decay_shortens_the_mask_only_if_adaptive() -> None:
    """A threshold that rises with distance drops the far pixels; without adaptive thresholding it is constant."""
    lengths = [
        extract_mask(
            correlation_of(row()), MaskExtractorConfig(percentile_decay=2.0, adaptive_thresholding=on)
        )
        for on in (True, False)
    ]
    assert lengths[0].num_active_pixels < lengths[1].num_active_pixels == 17


def test_percentile_100_leaves_the_centre() -> None:
    """The strictest percentile keeps nothing but the centre."""
    assert extract_mask(correlation_of(row()), MaskExtractorConfig(base_percentile=100)).is_empty


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_percentile": 101},
        {"percentile_decay": 0.9},
        {"max_masked_pixels": 0},
        {"max_masked_pixels": 501},
    ],
)
def test_config_out_of_range_is_refused(wrong: dict[str, float]) -> None:
    """A parameter out of its range is an error that names it."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        MaskExtractorConfig(**wrong)  # type: ignore[arg-type]
