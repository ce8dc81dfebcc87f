"""Tokens of an identity provider: what is accepted, and every way in which one is not right."""

import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from clearstack.v1 import error_reason_pb2
from clearstack_common.access import Role
from clearstack_common.errors import ClearstackError
from clearstack_gateway.access.errors import SetupError
from clearstack_gateway.access.jwks import Jwks
from clearstack_gateway.access.oidc import OidcTokens
from clearstack_gateway.access.settings import AccessSettings
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

ISSUER, AUDIENCE = "https://idp.example", "clearstack"


class Provider:
    """Signs tokens, and publishes its keys in a file."""

    def __init__(self, folder: Path) -> None:
        self.rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.ec = ec.generate_private_key(ec.SECP256R1())
        self.path = folder / "jwks.json"
        self.publish("one")

    def publish(self, rsa_id: str) -> None:
        """Writes the public keys, the RSA key by an id."""
        keys = [
            json.loads(RSAAlgorithm.to_jwk(self.rsa.public_key())) | {"kid": rsa_id, "alg": "RS256"},
            json.loads(ECAlgorithm.to_jwk(self.ec.public_key())) | {"kid": "curve"},
            {"kty": "oct", "kid": "shared", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "alg": "HS256"},
        ]
        self.path.write_text(json.dumps({"keys": keys}))

    def sign(
        self, *, key: Any = None, algorithm: str = "RS256", kid: str = "one", without: str = "", **claims: Any
    ) -> str:
        """A token that is right but for what is given."""
        body = {
            "sub": "u1",
            "iss": ISSUER,
            "aud": AUDIENCE,
            "exp": time.time() + 600,
            "roles": ["operator"],
        } | claims
        body.pop(without, None)
        return jwt.encode(body, self.rsa if key is None else key, algorithm=algorithm, headers={"kid": kid})


@pytest.fixture
def provider(tmp_path: Path) -> Provider:
    """An identity provider."""
    return Provider(tmp_path)


def _tokens(provider: Provider, **settings: Any) -> OidcTokens:
    return OidcTokens(
        AccessSettings(oidc_issuer=ISSUER, oidc_audience=AUDIENCE, oidc_jwks=str(provider.path), **settings)
    )


@pytest.mark.parametrize(
    ("claims", "settings", "role"),
    [
        ({}, {}, Role.OPERATOR),
        ({"roles": "viewer"}, {}, Role.VIEWER),
        ({"roles": ["viewer", "admin", "printer"]}, {}, Role.ADMIN),
        ({"realm": {"roles": ["viewer"]}}, {"oidc_role_claim": "realm.roles"}, Role.VIEWER),
        (
            {"roles": ["admin", "clearstack-operator"]},
            {"oidc_role_prefix": "clearstack-"},
            Role.OPERATOR,
        ),
    ],
)
async def test_the_role_is_what_the_provider_says(
    provider: Provider, claims: dict[str, Any], settings: dict[str, Any], role: Role
) -> None:
    """A word or a list, at the top or inside, with a prefix or without; of several the highest."""
    caller = await _tokens(provider, **settings).caller(provider.sign(**claims))
    assert (caller.name, caller.role) == ("oidc:u1", role)


async def test_a_key_on_a_curve_signs_too(provider: Provider) -> None:
    """ES256 is accepted as RS256 is."""
    token = provider.sign(key=provider.ec, algorithm="ES256", kid="curve")
    assert (await _tokens(provider).caller(token)).role is Role.OPERATOR


def _hostile(provider: Provider) -> dict[str, str]:
    public = provider.rsa.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    good = provider.sign()
    head, body, signature = good.split(".")
    hmac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    hs_head = jwt.utils.base64url_encode(json.dumps({"alg": "HS256", "kid": "one"}).encode()).decode()
    hs_signature = jwt.utils.base64url_encode(hmac.sign(f"{hs_head}.{body}".encode(), public)).decode()
    return {
        "expired": provider.sign(exp=time.time() - 60),
        "not yet": provider.sign(nbf=time.time() + 600),
        "issued in the future": provider.sign(iat=time.time() + 6000),
        "other audience": provider.sign(aud="another"),
        "other issuer": provider.sign(iss="https://idp.example.evil"),
        "no role": provider.sign(roles=[]),
        "unknown role": provider.sign(roles=["root"]),
        "role of another type": provider.sign(roles={"admin": True}),
        "roles of other types": provider.sign(roles=[1, None, ["admin"]]),
        "another's key": provider.sign(key=stranger),
        "unknown key": provider.sign(kid="two"),
        "a shared secret": provider.sign(key="secret" * 6, algorithm="HS256", kid="shared"),
        "the public key as a secret": f"{hs_head}.{body}.{hs_signature}",
        "no signature": provider.sign(key="", algorithm="none"),
        "signature cut off": f"{head}.{body}.",
        "body of another": f"{head}.{provider.sign(roles=['admin']).split('.')[1]}.{signature}",
        "curve with the other key's id": provider.sign(key=provider.ec, algorithm="ES256", kid="one"),
        **{
            f"without {claim}": provider.sign(without=claim)
            for claim in ("exp", "aud", "iss", "sub", "roles")
        },
        "nothing": "",
        "dots": "...",
        "not ASCII": "é.é.é",
        "static": "cs_abc",
    }


async def test_every_wrong_token_is_refused(provider: Provider) -> None:
    """Whatever is wrong with a token, the caller is not signed in, and the text tells no forger why."""
    tokens = _tokens(provider)
    for what, token in _hostile(provider).items():
        with pytest.raises(ClearstackError) as caught:
            pytest.fail(f"{what} was accepted: {await tokens.caller(token)}")
        assert caught.value.reason == error_reason_pb2.ERROR_REASON_NOT_SIGNED_IN, what


async def test_new_keys_are_found_and_invented_ones_cost_nothing(provider: Provider) -> None:
    """A key that is new is asked for after half a minute; ids that nobody has do not make us ask each time."""
    now = [1000.0]
    jwks = Jwks(str(provider.path), clock=lambda: now[0])
    assert await jwks.key("one") is not None
    provider.publish("two")
    assert await jwks.key("two") is None
    now[0] += 31
    assert await jwks.key("two") is not None
    provider.path.unlink()
    now[0] += 301
    assert await jwks.key("two") is not None, "those who are signed in go on while the provider is away"
    assert await jwks.key("shared") is None


def test_keys_by_an_open_way_are_refused() -> None:
    """Whoever stands between could send keys of their own."""
    with pytest.raises(SetupError, match="https://"):
        Jwks("http://idp.example/jwks")
