"""Signatures of what is sent to programs of the operator: the same for all webhooks."""

from __future__ import annotations

import hashlib
import hmac


def sign(secret: str, content: bytes) -> dict[str, str]:
    """Return the header field with the HMAC-SHA256 of the content, none without a secret.

    It is the field of GitHub's webhooks, so many receivers can check it as they are.
    """
    if not secret:
        return {}
    digest = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    return {"x-hub-signature-256": f"sha256={digest}"}
