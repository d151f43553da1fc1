"""The caches that can be purged: how each wants to be told, as its documentation says."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import product
from typing import NamedTuple
from xml.sax.saxutils import escape

import msgspec

from feedhub.config import PURGE_TOKEN
from feedhub.delivery.requests import ReceiverReply, judge
from feedhub.delivery.signing import read_secret, sign_webhook
from feedhub.document import CODINGS
from feedhub.errors import ConfigError
from feedhub.http_client import Reply
from feedhub.purge.aws import Credentials, sign_request

_JSON = {"content-type": "application/json"}
_CLOUDFRONT = "http://cloudfront.amazonaws.com/doc/2020-05-31/"


class PurgeRequest(NamedTuple):
    """One request to a cache."""

    url: str
    headers: dict[str, str]
    content: bytes = b""
    method: str = "POST"


class Service(NamedTuple):
    """A kind of cache.

    `limit` is how many tags one request may have. `requests` returns what to send to an endpoint
    for some tags (for paths of addresses `by_url`), with the token of the environment. `judge`
    returns what a response means.
    """

    limit: int
    requests: Callable[[str, Sequence[str], str], Iterator[PurgeRequest]]
    judge: Callable[[Reply], ReceiverReply] = judge
    by_url: bool = False


def _varnish(endpoint: str, tags: Sequence[str], token: str) -> Iterator[PurgeRequest]:
    """Ask deploy/varnish/feedhub.vcl, which hands the tags to its module xkey."""
    yield PurgeRequest(endpoint, {"xkey-purge": " ".join(tags)}, method="PURGE")


def _nginx(endpoint: str, paths: Sequence[str], token: str) -> Iterator[PurgeRequest]:
    """Ask deploy/nginx/proxy.conf, once for each response that may be stored of an address."""
    for path, coding, accept in product(paths, ("", *CODINGS), ("", "text/html")):
        headers = {"accept-encoding": coding or "identity", "accept": accept or "*/*"}
        yield PurgeRequest(f"{endpoint.rstrip('/')}/{path}", headers, method="PURGE")


def _judge_nginx(reply: Reply) -> ReceiverReply:
    """Return that nothing was stored where there is nothing to purge."""
    return ReceiverReply("accepted") if reply.status == 404 else judge(reply)


def _fastly(endpoint: str, tags: Sequence[str], token: str) -> Iterator[PurgeRequest]:
    """Return the batch purge of https://www.fastly.com/documentation/reference/api/purging/."""
    headers = {"fastly-key": token, "accept": "application/json", **_JSON}
    yield PurgeRequest(endpoint, headers, msgspec.json.encode({"surrogate_keys": tags}))


def _cloudflare(endpoint: str, tags: Sequence[str], token: str) -> Iterator[PurgeRequest]:
    """Return the purge of https://developers.cloudflare.com/cache/how-to/purge-cache/."""
    headers = {"authorization": f"Bearer {token}", **_JSON}
    yield PurgeRequest(endpoint, headers, msgspec.json.encode({"tags": tags}))


def _cloudfront(endpoint: str, tags: Sequence[str], token: str) -> Iterator[PurgeRequest]:
    """Return CreateInvalidation, whose paths may be tags behind a number sign."""
    items = "".join(f"<Path>{escape('#' + tag)}</Path>" for tag in tags)
    # Two requests with one reference are one invalidation, and each of ours is meant.
    reference = secrets.token_hex(16)
    content = (
        f'<InvalidationBatch xmlns="{_CLOUDFRONT}"><CallerReference>{reference}</CallerReference>'
        f"<Paths><Quantity>{len(tags)}</Quantity><Items>{items}</Items></Paths></InvalidationBatch>"
    ).encode()
    headers = sign_request(
        "POST",
        endpoint,
        {"content-type": "text/xml"},
        content,
        scope=("us-east-1", "cloudfront"),
        credentials=Credentials.from_environ(),
        now=datetime.now(UTC),
    )
    yield PurgeRequest(endpoint, headers, content)


def _judge_cloudfront(reply: Reply) -> ReceiverReply:
    """Return that too many purges under way, which CloudFront calls a bad request, mean: later."""
    meant = judge(reply)
    is_busy = b"TooManyInvalidationsInProgress" in reply.body
    return meant._replace(verdict="failed") if is_busy else meant


def _webhook(endpoint: str, tags: Sequence[str], token: str) -> Iterator[PurgeRequest]:
    """Send the tags as JSON, signed with the token, which is a secret of Standard Webhooks."""
    content = msgspec.json.encode({"type": "purge", "data": {"tags": tags}})
    headers = dict(_JSON)
    if token:
        try:
            secret = read_secret(token)
        except ValueError as error:
            raise ConfigError(f"{PURGE_TOKEN}: {error}") from None
        message = f"purge-{secrets.token_hex(12)}"
        headers |= sign_webhook(secret, message, int(time.time()), content)
    yield PurgeRequest(endpoint, headers, content)


SERVICES = {
    "varnish": Service(100, _varnish),
    "nginx": Service(200, _nginx, _judge_nginx, by_url=True),
    "fastly": Service(256, _fastly),
    "cloudflare": Service(100, _cloudflare),
    "cloudfront": Service(1_000, _cloudfront, _judge_cloudfront),
    "webhook": Service(1_000, _webhook),
}
