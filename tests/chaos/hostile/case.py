"""One hostile file, and the order in which they are built."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A file made to harm, or merely broken.

    Attributes:
        family: what kind of harm.
        name: unique in its family.
        build: gives the bytes; only called when the case is tried, so that large ones are not all held at once.
        must_be_refused: False where chance decides (a flipped bit may fall where it does not matter).
    """

    family: str
    name: str
    build: Callable[[], bytes]
    must_be_refused: bool = True

    def __str__(self) -> str:
        return f"{self.family}/{self.name}"


def spread(cases: list[Case], num_cases: int) -> list[Case]:
    """At most `num_cases` of them, of every family the same share, and from all over each family."""
    families: dict[str, list[Case]] = {}
    for case in cases:
        families.setdefault(case.family, []).append(case)
    share = -(-num_cases // len(families))
    return [case for members in families.values() for case in _every(members, share)][:num_cases]


def _every(members: list[Case], num_wanted: int) -> Iterator[Case]:
    """`num_wanted` members at even distances."""
    num_wanted = min(num_wanted, len(members))
    yield from (members[index * len(members) // num_wanted] for index in range(num_wanted))
