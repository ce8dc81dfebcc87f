"""All hostile TIFFs."""

from __future__ import annotations

from chaos.hostile import chains, damage, sizes, texts
from chaos.hostile.case import Case


def hostile_tiffs(num_mutations: int, seed: int = 0) -> list[Case]:
    """The cases of all families; `seed` decides the random damage."""
    return [*chains.cases(), *sizes.cases(), *texts.cases(), *damage.cases(num_mutations, seed)]
