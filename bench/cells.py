"""What is measured: one cell is one method on one set with one budget."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SIX_SLICES = (0, 2, 4, 5, 6, 10)
QUICK_SLICES = (0, 2)
WITH_SPECTRUM = ("C", "D")
OTHERS = ("B", "columns", "diagonal", "isotropic", "stripes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One measurement; its key names its record.

    Attributes:
        data: a set of `bench.yardstick`.
        method: as the drivers know it.
        budget_s: CPU-seconds of training; 0 where there is none.
        preset: of Clearstack.
        ablation: of Clearstack, see `bench.ablations`.
        slices: only these; empty: all.
        seed: of the training.
    """

    data: str
    method: str
    budget_s: float = 0.0
    preset: str = ""
    ablation: str = ""
    slices: tuple[int, ...] = ()
    seed: int = 0

    @property
    def key(self) -> str:
        """A name that can be a file's."""
        parts = [self.data, self.method]
        if self.budget_s:
            parts.append(f"{self.budget_s:g}s")
        if self.slices:
            parts.append("z" + "-".join(map(str, self.slices)))
        return "_".join(
            [*parts, *filter(None, [self.preset, self.ablation]), *([f"seed{self.seed}"] * bool(self.seed))]
        )

    @property
    def is_ours(self) -> bool:
        """Whether Clearstack runs it."""
        return self.method.startswith("clearstack")


def ours(data: str, method: str, budget_s: float, *, preset: str = "fast", ablation: str = "") -> Cell:
    """A cell of Clearstack."""
    return Cell(data=data, method=f"clearstack-{method}", budget_s=budget_s, preset=preset, ablation=ablation)


def peer(data: str, method: str, budget_s: float = 0.0, *, slices: tuple[int, ...] = ()) -> Cell:
    """A cell of another program."""
    return Cell(data=data, method=method, budget_s=budget_s, slices=slices)


def quick() -> Iterator[Cell]:
    """Under 15 minutes on two cores: three kinds of noise, short trainings."""
    for data in ("A", "C", "D"):
        yield peer(data, "noisy")
        yield peer(data, "nlm")
        yield peer(data, "bm3d-white", slices=QUICK_SLICES)
    yield ours("A", "n2v", 60)
    yield peer("A", "careamics-n2v", 60)
    for data in WITH_SPECTRUM:
        yield peer(data, "careamics-struct", 60)
        yield ours(data, "auto", 60)
        yield ours(data, "same-mask", 60)
        yield peer(data, "bm3d-spectrum", slices=QUICK_SLICES[1:])


WHITE_BUDGETS_S = (100, 300, 500)
STRUCTURED_BUDGETS_S = (150, 300, 750)
OTHER_BUDGET_S = 100
LONG_BUDGETS_S = (1500, 2000)


def full() -> Iterator[Cell]:
    """Everything: the most telling first, five times the shortest budgets last."""
    yield from without_training()
    for number in (1, 0):
        yield from trained(WHITE_BUDGETS_S[number], STRUCTURED_BUDGETS_S[number])
    yield from (ours(data, "same-mask", STRUCTURED_BUDGETS_S[1]) for data in WITH_SPECTRUM)
    yield ours("A", "auto", WHITE_BUDGETS_S[1])
    yield from depth_and_real()
    yield from other_noise()
    yield from (ours(data, "n2v", STRUCTURED_BUDGETS_S[0]) for data in WITH_SPECTRUM)
    yield peer("A", "careamics-n2v2", WHITE_BUDGETS_S[0])
    yield from (ours("A", "n2v", budget_s, preset="high-quality") for budget_s in LONG_BUDGETS_S)
    yield from trained(WHITE_BUDGETS_S[2], STRUCTURED_BUDGETS_S[2])


def trained(white_s: float, structured_s: float) -> Iterator[Cell]:
    """Clearstack beside CAREamics, each with the method that is meant for the noise."""
    yield ours("A", "n2v", white_s)
    yield peer("A", "careamics-n2v", white_s)
    for data in WITH_SPECTRUM:
        yield ours(data, "auto", structured_s)
        yield peer(data, "careamics-struct", structured_s)


def without_training() -> Iterator[Cell]:
    """The input itself, and the classical methods."""
    for data in ("A", *WITH_SPECTRUM, *OTHERS, "confocal", "drift"):
        yield peer(data, "noisy")
        yield peer(data, "nlm")
    for data in ("A", "B", "isotropic", "confocal"):
        yield peer(data, "bm3d-white")
    for data in WITH_SPECTRUM:
        yield peer(data, "bm3d-spectrum", slices=SIX_SLICES)


def other_noise() -> Iterator[Cell]:
    """Kinds of noise that nothing was tuned on."""
    for data in OTHERS:
        yield from (ours(data, method, OTHER_BUDGET_S) for method in ("auto", "n2v", "same-mask"))
        is_told = data in {"columns", "stripes"}
        yield peer(data, "careamics-struct" if is_told else "careamics-n2v", OTHER_BUDGET_S)


def depth_and_real(budget_s: float = 100) -> Iterator[Cell]:
    """Neighbouring slices: where they agree and where they do not. And a real microscope."""
    for data in ("drift", "A"):
        yield ours(data, "n2v", budget_s)
        yield ours(data, "n2v-2.5d", budget_s)
    yield ours("confocal", "n2v", budget_s)
    yield ours("confocal", "auto", budget_s)
    yield peer("confocal", "careamics-n2v", budget_s)


WHITE_ABLATIONS = ("", "posterior")
STRUCTURED_ABLATIONS = ("", "no-posterior", "turns", "zeros", "local-mean")


def ablations(budget_s: float = 100) -> Iterator[Cell]:
    """One lead at a time, with and without."""
    yield from (ours("A", "n2v", budget_s, ablation=name) for name in WHITE_ABLATIONS)
    yield from (ours("A", "n2v", 3 * budget_s, ablation=name) for name in ("", "posterior"))
    for data in WITH_SPECTRUM:
        yield from (ours(data, "told", budget_s, ablation=name) for name in STRUCTURED_ABLATIONS)
