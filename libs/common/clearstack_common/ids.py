"""Resource names and ids."""

import hashlib
import secrets

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 12


def new_id(kind: str, request_id: str = "", creator: str = "") -> str:
    """A new id of 12 letters and digits; the same one for the same kind, `request_id` (AIP-155) and creator.

    Nobody gets what somebody else has made by guessing a request id.
    """
    given = f"{kind}\0{request_id}\0{creator}" if creator else f"{kind}\0{request_id}"
    digest = hashlib.sha256(given.encode()).digest() if request_id else secrets.token_bytes(_LENGTH)
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:_LENGTH])
