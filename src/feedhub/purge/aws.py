"""Signatures of requests to Amazon Web Services, version 4.

Not by botocore: it forbids a version of python-dateutil that feedgen may have, and is 14 MB.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from feedhub.errors import ConfigError


class Credentials(NamedTuple):
    """A key of an account or, with a session token, of a role for some hours."""

    key_id: str
    secret: str
    session_token: str = ""

    @classmethod
    def from_environ(cls) -> Credentials:
        """Return the credentials of the environment; raises ConfigError."""
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        found = cls(*(os.environ.get(name, "") for name in names))
        if not (found.key_id and found.secret):
            raise ConfigError("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or no cache purges")
        return found


def sign_request(
    method: str,
    url: str,
    headers: dict[str, str],
    content: bytes,
    *,
    scope: tuple[str, str],
    credentials: Credentials,
    now: datetime,
) -> dict[str, str]:
    """Return the header fields, in lower case, with the signature of the request.

    `scope` are region and service. The address has no query.
    """
    region, service = scope
    parts, moment = urlsplit(url), f"{now:%Y%m%dT%H%M%SZ}"
    signed = headers | {"host": parts.netloc, "x-amz-date": moment}
    if credentials.session_token:
        signed["x-amz-security-token"] = credentials.session_token
    names = ";".join(sorted(signed))
    lines = [f"{name}:{signed[name]}" for name in sorted(signed)]
    digest = hashlib.sha256(content).hexdigest()
    canonical = "\n".join([method, parts.path or "/", "", *lines, "", names, digest])
    where = f"{moment[:8]}/{region}/{service}/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{credentials.secret}".encode()
    for part in where.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = "\n".join(["AWS4-HMAC-SHA256", moment, where, hashed])
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    credential = f"Credential={credentials.key_id}/{where}"
    signed["authorization"] = (
        f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}"
    )
    return signed
