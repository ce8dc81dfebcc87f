"""Tokens that an identity provider has signed (OpenID Connect)."""

from collections.abc import Mapping
from typing import Any

import jwt
from clearstack_common.access import Role
from jwt.exceptions import ExpiredSignatureError, InvalidTokenError

from clearstack_gateway.access.caller import Caller
from clearstack_gateway.access.jwks import Jwks
from clearstack_gateway.access.refusals import not_signed_in
from clearstack_gateway.access.settings import AccessSettings

# Signatures by a private key that only the provider has; nothing symmetric, and never `none`.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_LEEWAY_S = 30


class OidcTokens:
    """Checks tokens against the provider's keys: signature, issuer, audience, time."""

    def __init__(self, settings: AccessSettings) -> None:
        self._settings = settings
        self._jwks = Jwks(settings.oidc_jwks)

    async def caller(self, token: str) -> Caller:
        """Who the provider says it is.

        Raises:
            ClearstackError: NOT_SIGNED_IN: it is not for us, not from there, expired, or names no role.
        """
        try:
            claims = await self._claims(token)
        except ExpiredSignatureError:
            raise not_signed_in("The token has expired; sign in again") from None
        except InvalidTokenError:
            # Why exactly is no business of whoever invents tokens.
            raise not_signed_in("The token is not one that this installation accepts") from None
        role = self._role(claims)
        if role is None:
            raise not_signed_in(
                f"The token names no role of Clearstack in `{self._settings.oidc_role_claim}`; ask whoever runs this installation"
            )
        return Caller(name=f"oidc:{str(claims['sub'])[:200]}", role=role)

    async def _claims(self, token: str) -> Mapping[str, Any]:
        key = await self._jwks.key(str(jwt.get_unverified_header(token).get("kid", "")))
        if key is None:
            raise InvalidTokenError("unknown key")
        return jwt.decode(
            token,
            key,
            algorithms=_ALGORITHMS,
            issuer=self._settings.oidc_issuer,
            audience=self._settings.oidc_audience,
            leeway=_LEEWAY_S,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )

    def _role(self, claims: Mapping[str, Any]) -> Role | None:
        found: Any = claims
        for part in self._settings.oidc_role_claim.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        words = [found] if isinstance(found, str) else found if isinstance(found, list) else []
        prefix = self._settings.oidc_role_prefix
        roles = [
            Role.of(word.removeprefix(prefix))
            for word in words
            if isinstance(word, str) and word.startswith(prefix)
        ]
        return max((role for role in roles if role is not None), default=None)
