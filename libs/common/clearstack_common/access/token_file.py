"""The file of tokens: names, roles and hashes. Whoever reads it cannot call with what stands there."""

import hashlib
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from clearstack_common.access.roles import Role

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$"
_PREFIX = "cs_"


class TokenFileError(Exception):
    """The file cannot be read; the text says why."""


def new_token() -> str:
    """A token of 256 random bits."""
    return _PREFIX + secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What is kept of a token. It is long and random, so no salt and no slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def _known(word: str) -> str:
    if Role.of(word) is None:
        raise ValueError(f"must be one of {', '.join(role.word for role in Role)}")
    return word


class StaticToken(BaseModel):
    """One line of the list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=NAME_PATTERN)
    role: Annotated[str, AfterValidator(_known)]
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    created: AwareDatetime
    expires: AwareDatetime | None = None

    def is_expired(self, now: datetime | None = None) -> bool:
        """Whether its time is over."""
        return self.expires is not None and (now or datetime.now(UTC)) >= self.expires


class TokenFile(BaseModel):
    """The whole list; at most one token for each name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tokens: tuple[StaticToken, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Self:
        """What is in the file.

        Raises:
            TokenFileError: It is not there, or is no such file.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise TokenFileError(f"The file of tokens {path} cannot be read: {error.strerror}.") from error
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "the whole file"
            raise TokenFileError(
                f"The file of tokens {path} is wrong at {where}: {first['msg']}. `clearstack tokens create` writes it."
            ) from error

    def with_token(self, token: StaticToken) -> Self:
        """The list with one more; an earlier one of the same name goes."""
        return self.model_copy(update={"tokens": (*self.without(token.name).tokens, token)})

    def without(self, name: str) -> Self:
        """The list without a name."""
        return self.model_copy(update={"tokens": tuple(each for each in self.tokens if each.name != name)})
