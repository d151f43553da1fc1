"""Doubles of hosted caches, which check each request against what their documents say."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from lxml import etree

from tests.hubs import Fields, Reply, http_server

TOKEN = "whsec_" + base64.b64encode(b"a secret of no service at all").decode()
KEY_ID, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
XMLNS = "{http://cloudfront.amazonaws.com/doc/2020-05-31/}"
PATHS = {
    "fastly": "/service/SU1Z0isxPaozGVKXdv0eY/purge",
    "cloudflare": "/client/v4/zones/023e105f4ecef8ad9ca31a8372d0c353/purge_cache",
    "cloudfront": "/2020-05-31/distribution/EDFDVBD6EXAMPLE/invalidation",
    "webhook": "/purged",
}


@dataclass
class HostedCache:
    """A service that remembers the tags of each request. `reply`, if it is set, replies instead."""

    service: str
    url: str = ""
    purged: list[list[str]] = field(default_factory=list)
    reply: Reply | None = None
    requests: int = 0

    def answer(self, method: str, path: str, fields: Fields, body: bytes) -> Reply:
        self.requests += 1
        if self.reply is not None:
            return self.reply
        if (method, path) != ("POST", PATHS[self.service]):
            return 404, {}, b""
        result = getattr(self, f"_{self.service}")(fields, body)
        if isinstance(result, list):
            self.purged.append(result)
            return GOOD[self.service]
        return result

    def _cloudflare(self, fields: Fields, body: bytes) -> Reply | list[str]:
        """developers.cloudflare.com/api/resources/cache/methods/purge"""
        if fields.get("authorization") != f"Bearer {TOKEN}":
            return 403, {}, cloudflare_error(10000, "Authentication error")
        sent = json.loads(body)
        is_json = fields["content-type"] == "application/json"
        if not is_json or sent.keys() != {"tags"} or not 0 < len(sent["tags"]) <= 100:
            return 400, {}, cloudflare_error(1094, "Too many tags")
        assert all(tag.isascii() and "," not in tag and len(tag) <= 1024 for tag in sent["tags"])
        return list(sent["tags"])

    def _fastly(self, fields: Fields, body: bytes) -> Reply | list[str]:
        """fastly.com/documentation/reference/api/purging"""
        if fields.get("fastly-key") != TOKEN:
            return 401, {}, b'{"msg":"Provided credentials are missing or invalid"}'
        keys = json.loads(body)["surrogate_keys"]
        if not 0 < len(keys) <= 256 or any(len(key) > 1024 or " " in key for key in keys):
            return 400, {}, b'{"msg":"Bad request"}'
        return list(keys)

    def _cloudfront(self, fields: Fields, body: bytes) -> Reply | list[str]:
        """docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateInvalidation.html"""
        if not is_signed(self, fields, body):
            return 403, {}, aws_error("SignatureDoesNotMatch")
        root = etree.fromstring(body)
        assert root.tag == f"{XMLNS}InvalidationBatch"
        items = [item.text or "" for item in root.iterfind(f".//{XMLNS}Path")]
        assert root.findtext(f"{XMLNS}Paths/{XMLNS}Quantity") == str(len(items))
        assert root.findtext(f"{XMLNS}CallerReference")
        assert all(re.fullmatch(r"#[!-+\--~]{1,256}", item) for item in items)
        if len(items) > 3_000:
            return 400, {}, aws_error("TooManyInvalidationsInProgress")
        return [item[1:] for item in items]

    def _webhook(self, fields: Fields, body: bytes) -> Reply | list[str]:
        """github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""
        names = ("webhook-id", "webhook-timestamp")
        signed = ".".join(fields.get(name, "") for name in names).encode() + b"." + body
        secret = base64.b64decode(TOKEN.removeprefix("whsec_"))
        expected = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
        if fields.get("webhook-signature") != f"v1,{expected}":
            return 401, {}, b""
        sent = json.loads(body)
        assert sent["type"] == "purge"
        return list(sent["data"]["tags"])


GOOD: dict[str, Reply] = {
    "cloudflare": (200, {}, b'{"success":true,"errors":[],"messages":[],"result":{"id":"0"}}'),
    "fastly": (200, {}, b'{"all":"108-1391560174-974124"}'),
    "cloudfront": (201, {}, b"<Invalidation/>"),
    "webhook": (204, {}, b""),
}


def cloudflare_error(code: int, message: str) -> bytes:
    errors = [{"code": code, "message": message}]
    return json.dumps({"success": False, "errors": errors, "result": None}).encode()


def aws_error(code: str) -> bytes:
    return f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>".encode()


def is_signed(cache: HostedCache, fields: Fields, body: bytes) -> bool:
    """Check a signature of version 4, as the AWS manual computes it."""
    match = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=(\w+)/(\d{8})/us-east-1/cloudfront/aws4_request, "
        r"SignedHeaders=([a-z0-9;-]+), Signature=(\w{64})",
        fields.get("authorization", ""),
    )
    if not match or match[1] != KEY_ID:
        return False
    names = match[3].split(";")
    assert {"content-type", "host", "x-amz-date"} <= set(names)
    lines = [f"{name}:{fields[name].strip()}" for name in names]
    digest = hashlib.sha256(body).hexdigest()
    canonical = "\n".join(
        [
            "POST",
            urlsplit(cache.url).path,
            "",
            *lines,
            "",
            match[3],
            digest,
        ]
    )
    scope = f"{match[2]}/us-east-1/cloudfront/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", fields["x-amz-date"], scope, hashed])
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest() == match[4]


@contextmanager
def hosted_cache(service: str) -> Iterator[HostedCache]:
    """Run the double of a service."""
    cache = HostedCache(service)
    with http_server(cache.answer) as url:
        cache.url = url + PATHS[service]
        yield cache
