"""The three roles, each of which may do what the ones before it may."""

from enum import IntEnum
from typing import Self


class Role(IntEnum):
    """What a caller may do: look, work, or look after everything."""

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """As it is written in files and claims: `viewer`."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Self | None:
        """The role that a word names; None if it names none."""
        return next((role for role in cls if role.word == word), None)
