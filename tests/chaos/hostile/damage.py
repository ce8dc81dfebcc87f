"""Good files that were cut, or in which chance has overwritten something."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Final

from chaos.hostile.case import Case
from chaos.hostile.good_files import good_files

_HEAD_BYTES: Final = 700


def cases(num_mutations: int, seed: int) -> list[Case]:
    """Each kind of good file cut at a few places, and `num_mutations` files with random damage."""
    good = good_files()
    found = [
        Case(family="cut", name=f"{name} at {share:.0%}", build=partial(_cut, content, share))
        for name, content in good.items()
        for share in (0.02, 0.5, 0.97)
    ]
    names = sorted(good)
    for number in range(num_mutations):
        name, damage = names[number % len(names)], _DAMAGES[number % len(_DAMAGES)]
        found.append(
            Case(
                family="damage",
                name=f"{number}: {name}, {damage.__name__.strip('_')}",
                build=partial(_damaged, good[name], damage, f"{seed} {number}"),
                must_be_refused=False,
            )
        )
    return found


def _cut(content: bytes, share: float) -> bytes:
    return content[: max(1, int(len(content) * share))]


def _damaged(content: bytes, damage: Callable[[bytearray, random.Random], None], seed: str) -> bytes:
    changed = bytearray(content)
    damage(changed, random.Random(seed))
    return bytes(changed)


def _somewhere(content: bytearray, rng: random.Random) -> int:
    """A place, mostly in the heads, which are at the beginning or at the end."""
    start, end = min(_HEAD_BYTES, len(content)), max(0, len(content) - _HEAD_BYTES)
    return rng.choice([rng.randrange(start), rng.randrange(end, len(content)), rng.randrange(len(content))])


def _flip_bits(content: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice([1, 8, 64])):
        content[_somewhere(content, rng)] ^= 1 << rng.randrange(8)


def _overwrite(content: bytearray, rng: random.Random) -> None:
    start = _somewhere(content, rng)
    num_bytes = min(rng.choice([1, 2, 4, 8, 100]), len(content) - start)
    content[start : start + num_bytes] = rng.choice(
        [b"\0" * num_bytes, b"\xff" * num_bytes, b"\x7f" * num_bytes, rng.randbytes(num_bytes)]
    )


def _remove(content: bytearray, rng: random.Random) -> None:
    start = _somewhere(content, rng)
    del content[start : start + rng.choice([1, 2, 12, 500])]


def _insert(content: bytearray, rng: random.Random) -> None:
    start = _somewhere(content, rng)
    content[start:start] = rng.randbytes(rng.choice([1, 2, 12, 500]))


def _splice(content: bytearray, rng: random.Random) -> None:
    """A piece of the file where another one should be."""
    source, target = _somewhere(content, rng), _somewhere(content, rng)
    num_bytes = min(rng.choice([4, 12, 200]), len(content) - source, len(content) - target)
    content[target : target + num_bytes] = content[source : source + num_bytes]


def _swap_numbers(content: bytearray, rng: random.Random) -> None:
    """Numbers at the edge of their range where tags have theirs."""
    for _ in range(rng.choice([1, 3])):
        start = min(_somewhere(content, rng) & ~1, len(content) - 4)
        content[start : start + 4] = rng.choice([0, 1, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1]).to_bytes(
            4, "little"
        )


_DAMAGES: Final = (
    _flip_bits,
    _overwrite,
    _swap_numbers,
    _splice,
    _remove,
    _insert,
    _overwrite,
    _swap_numbers,
)
