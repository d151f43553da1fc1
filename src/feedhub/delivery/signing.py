"""Signatures of what is sent to programs of the operator: the same for all webhooks."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

# Bytes of a secret of Standard Webhooks, and how its text begins.
SECRET_BYTES = range(24, 65)
SECRET_PREFIX = "whsec_"  # noqa: S105 - of every secret


def read_secret(text: str) -> bytes:
    """Return the bytes of a secret of Standard Webhooks: `whsec_` and base64.

    Raises ValueError with what to do; it does not quote the secret.
    """
    try:
        secret = base64.b64decode(text.strip().removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) not in SECRET_BYTES:
        raise ValueError(f"its secret must be {SECRET_PREFIX} and the base64 of 24 to 64 bytes")
    return secret


def sign_webhook(secret: bytes, message: str, now: int, content: bytes) -> dict[str, str]:
    """Return the header fields of a message with an id, sent at a Unix time.

    Those of Standard Webhooks 1.0.0, with its symmetric signature.
    """
    signed = b"%b.%d.%b" % (message.encode(), now, content)
    digest = hmac.new(secret, signed, hashlib.sha256).digest()
    return {
        "webhook-id": message,
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
