"""Addresses in the one form that every format can carry, and the media types of files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

from feedhub.limits import MAX_ADDRESS
from feedhub.text import unescape_once

# Checked before urllib sees the address: it drops tabs and line ends without a word.
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_LINE_ENDS = re.compile(r"[\t\r\n]+")
_ANGLES = re.compile(r"<[^<>]+>")
_HTTP = re.compile(r"https?://", re.IGNORECASE)
_CONTACT = re.compile(r"(mailto|tel):[ \t]*([^\s].*)", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:]+))(?::([0-9]{0,5}))?")
# Emoji in names of hosts: browsers read them, RFC 5891 does not.
_SYMBOLS = re.compile("[\u2190-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_ESCAPED_HOST = re.compile(r"(?:[^%]|%[89A-Fa-f][0-9A-Fa-f]){1,4096}")
# RFC 3986, 3.3 to 3.5: what may stand in a path, query or fragment; a lone % may not.
_ILLEGAL_IN_PATH = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]")
_ILLEGAL_IN_QUERY = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~!$&'()*+,;=:@/?%]")
# An address as `absolute_url` writes most of them: nothing to decode, to quote, to fold or to add.
_ESCAPE, _IN_PATH = "%[0-9A-Fa-f]{2}", r"[A-Za-z0-9\-._~!$&'()*+,=:@/]"
_ALL_IN_PATH = "".join(filter(re.compile(_IN_PATH).fullmatch, map(chr, range(128)))).encode()
_PATH = f"{_IN_PATH}*+(?:{_ESCAPE}{_IN_PATH}*+)*+"
_QUERY = rf"(?:\?|{_ESCAPE}|{_IN_PATH}++)++"
_NORMAL = re.compile(
    rf"https?://(?=[^/]{{1,253}}/){_LABEL}(?:\.{_LABEL})*+\.?/{_PATH}(?:\?{_QUERY})?(?:#{_QUERY})?"
)
_ENTITY_LEFT = re.compile(r"(&(?:#?[A-Za-z0-9]+));")
_DEFAULT_PORTS = {"http": 80, "https": 443}

_MEDIA_TYPES = {
    "avif": "image/avif",
    "bmp": "image/bmp",
    "gif": "image/gif",
    "heic": "image/heic",
    "ico": "image/vnd.microsoft.icon",
    "jfif": "image/jpeg",
    "jpe": "image/jpeg",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "png": "image/png",
    "svg": "image/svg+xml",
    "tif": "image/tiff",
    "webp": "image/webp",
}
# As podcast directories have them, where several names are in use.
_AUDIO_AND_VIDEO_TYPES = {
    "aac": "audio/aac",
    "flac": "audio/flac",
    "m4a": "audio/x-m4a",
    "m4b": "audio/x-m4a",
    "mp3": "audio/mpeg",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "wav": "audio/wav",
    "weba": "audio/webm",
    "m4v": "video/x-m4v",
    "mkv": "video/x-matroska",
    "mov": "video/quicktime",
    "mp4": "video/mp4",
    "mpeg": "video/mpeg",
    "mpg": "video/mpeg",
    "ogv": "video/ogg",
    "webm": "video/webm",
}
#: How the names of pictures and of audio and video files end.
ASSET_SUFFIXES = tuple(f".{ending}" for ending in (*_MEDIA_TYPES, *_AUDIO_AND_VIDEO_TYPES))
_FORMAT_KEYS = frozenset({"format", "fm", "f", "output", "ext"})
_SOURCE_KEYS = frozenset({"url", "src", "image"})
_TRANSFORM = re.compile(r"(?:^|[/,:])(?:format\(([a-z]+)\)|f_([a-z]+)(?=[/,]|$))")
_EXTENSION = re.compile(r"\.([a-z]+)(?::[a-z0-9]+)?$")  # Twitter says photo.jpg:large
_MAX_DECODINGS = 5
# The name alone tells the format: the query has none, nothing is transformed or encoded.
_PLAIN_IMAGE = re.compile(
    r"https?://[a-z0-9.-]+/[a-z0-9./-]*(?:(?<!f)_[a-z0-9./-]*)*\.([a-z]+)"
    r"(?:\?(?!.*(?:format|fm?|output|ext)=)[a-z0-9&=_.-]*)?",
    re.ASCII | re.IGNORECASE,
)


class UrlError(ValueError):
    """Why an address cannot be used; the message never quotes it."""


def absolute_url(raw: str, base: str = "") -> str:
    """Return `raw`, resolved on `base`, as an absolute http(s) URI of at most 4,096 characters.

    Pure ASCII. HTML entities are decoded once; escapes such as %2F, doubled slashes and the order
    of the query stay as they are. Using the result as `raw` again changes nothing. Raises UrlError
    (RFC 3986; RFC 5891).
    """
    if is_normal(raw):
        return raw
    if raw.startswith("/") and not raw.startswith("//") and "/." not in raw and is_normal(base):
        url = "/".join(base.split("/", 3)[:3]) + raw
        if is_normal(url):
            return url
    return normalise(raw, base)


def contact_url(raw: str) -> str:
    """Return the address of a mailbox or telephone (RFC 6068, RFC 3966) in ASCII, else ""."""
    match = _CONTACT.fullmatch(raw.strip())
    if not match or _FORBIDDEN.search(raw) or len(raw) > MAX_ADDRESS:
        return ""
    return f"{match[1].lower()}:{quote(match[2], _ILLEGAL_IN_QUERY)}"


def is_normal(raw: str) -> bool:
    """Return True only where `normalise` returns `raw` itself; quicker, but it misses some."""
    scheme, _, rest = raw.partition("://")
    host, slash, path = rest.partition("/")
    if slash and path.isascii() and not path.encode().translate(None, _ALL_IN_PATH):
        return scheme in _DEFAULT_PORTS and len(raw) <= MAX_ADDRESS and is_normal_host(host)
    return len(raw) <= MAX_ADDRESS and bool(_NORMAL.fullmatch(raw))


# Cached, because most addresses of a site have few hosts.
@lru_cache(maxsize=4096)
def is_normal_host(host: str) -> bool:
    """Return whether a host is a name in its one spelling."""
    return len(host) <= 253 and bool(_HOST.fullmatch(host))


def rooted_url(raw: str, base: str) -> str:
    """Return `raw` as `absolute_url` does, but start `/x` at the path of `base`, not at its host.

    Front matter written for a site under `https://host/site` says `/assets/i.png` for
    `https://host/site/assets/i.png`. Raises UrlError.
    """
    text = raw.strip()
    if text.startswith("/") and not text.startswith("//"):
        root = split_url(base)[2].rstrip("/")
        if not text.startswith(root) or text[len(root) :][:1] not in ("", "/", "?", "#"):
            text = root + text
    return absolute_url(text, base)


def normalise(raw: str, base: str) -> str:
    """Return what `absolute_url` does, for every address; raises UrlError."""
    # Entities are longer than what they stand for.
    if len(raw) > 2 * MAX_ADDRESS:
        raise UrlError(f"the address is longer than {MAX_ADDRESS} characters")
    # As browsers do (URL Standard, 4.4): tabs and line ends are dropped, wherever they stand.
    text = _LINE_ENDS.sub("", unescape_once(raw.strip())).strip()
    if _ANGLES.fullmatch(text):
        text = text[1:-1]
    if not text:
        raise UrlError("the address is empty")
    if _FORBIDDEN.search(text):
        raise UrlError("the address holds a control or direction character")
    url = resolve(text, base)
    if not _HTTP.match(url):
        raise UrlError("the address is not an absolute http or https address")
    scheme, netloc, path, query, fragment = split_url(url)
    result = (
        f"{scheme}://{normalise_authority(netloc, scheme)}{quote(path, _ILLEGAL_IN_PATH) or '/'}"
    )
    if query:
        result += "?" + quote(query, _ILLEGAL_IN_QUERY)
    if fragment:
        result += "#" + quote(fragment, _ILLEGAL_IN_QUERY)
    # What still looks like an entity is meant so: it must not be decoded a second time.
    result = _ENTITY_LEFT.sub(r"\1%3B", result)
    if len(result) > MAX_ADDRESS:
        raise UrlError(f"the address is longer than {MAX_ADDRESS} characters")
    return result


def resolve(text: str, base: str) -> str:
    """Return an address resolved on `base` (RFC 3986, 5.2); `//host` takes https or base's http."""
    if text.startswith("//"):
        text = ("http:" if base[:5].lower() == "http:" else "https:") + text
    if _SCHEME.match(text):
        return text
    try:
        return urljoin(base, text)
    except ValueError:
        raise UrlError("the address cannot be read") from None


def split_url(url: str) -> tuple[str, str, str, str, str]:
    """Return scheme, authority, path, query and fragment; raises UrlError."""
    try:
        return urlsplit(url)
    except ValueError:  # a broken IPv6 host, or one that turns into another under NFKC
        raise UrlError("the host of the address cannot be read") from None


def quote(part: str, illegal: re.Pattern[str]) -> str:
    """Percent-encode what is illegal in a part of an address; escapes stay as they are."""
    return illegal.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), part)


def normalise_authority(netloc: str, scheme: str) -> str:
    """Return host and port in their one spelling, without the default port; raises UrlError."""
    if "@" in netloc:
        raise UrlError("the address carries a user name")
    match = _AUTHORITY.fullmatch(netloc)
    if not match:
        raise UrlError("the host or port of the address is not valid")
    address, name, port = match.groups()
    host = normalise_ipv6(address) if address else normalise_host(name)
    number = int(port) if port else _DEFAULT_PORTS[scheme]
    if not 0 < number < 65536:
        raise UrlError("the port of the address is not valid")
    return host if number == _DEFAULT_PORTS[scheme] else f"{host}:{number}"


def normalise_ipv6(text: str) -> str:
    """Return an IPv6 address in brackets, compressed (RFC 5952); raises UrlError."""
    try:
        return f"[{IPv6Address(text).compressed}]"
    except AddressValueError:
        raise UrlError("the host of the address is not an IPv6 address") from None


def normalise_host(name: str) -> str:
    """Return the name of a host in lower case and ASCII (RFC 5891); raises UrlError."""
    if _ESCAPED_HOST.fullmatch(name):
        # As browsers do (URL Standard, 3.5); escapes of ASCII hide a name from who reads it.
        name = unquote(name)
    if len(name) > 253:
        raise UrlError("the host of the address is too long")
    host = name.lower()
    if not name.isascii():
        import idna  # 20 ms, and few hosts need it

        try:
            host = idna.encode(_SYMBOLS.sub("x", name), uts46=True).decode("ascii")
            if _SYMBOLS.search(name):
                labels = idna.uts46_remap(name).split(".")
                host = ".".join(map(ascii_label, labels))
        except UnicodeError:
            raise UrlError("the host of the address is not a valid name") from None
    if not _HOST.fullmatch(host) or len(host) > 254:
        raise UrlError("the host of the address is not a valid name")
    return host


def ascii_label(label: str) -> str:
    """Return a part of a host's name in ASCII (RFC 3492)."""
    return label if label.isascii() else f"xn--{label.encode('punycode').decode()}"


def image_media_type(url: str) -> str:
    """Return the media type the image at `url` has for certain, such as `image/jpeg`, else "".

    The format in the query or path wins over the name of the file. Nothing is guessed, because RSS
    enclosures and JSON Feed attachments with a wrong type are worse than none.
    """
    plain = _PLAIN_IMAGE.fullmatch(url)
    return (plain and _MEDIA_TYPES.get(plain[1].lower())) or find_media_type(url)


def audio_or_video_type(url: str) -> str:
    """Return the media type of the audio or video file at `url` by its ending, else ""."""
    path = url.partition("?")[0].partition("#")[0]
    return _AUDIO_AND_VIDEO_TYPES.get(path.rpartition("/")[2].rpartition(".")[2].lower(), "")


def find_media_type(url: str) -> str:
    """Return what `image_media_type` does, for every address."""
    words = format_words(url, nested=True)
    return next((_MEDIA_TYPES[word] for word in words if word in _MEDIA_TYPES), "")


def asset_type(path: str) -> str:
    """Return the media type of a picture, audio or video file by its ending."""
    return (_MEDIA_TYPES | _AUDIO_AND_VIDEO_TYPES)[path.rpartition(".")[2].lower()]


def format_words(url: str, *, nested: bool) -> Iterator[str]:
    """Yield what might name the format of an image, the most trustworthy first.

    `nested` looks into an address in the query too, as resizing services have it.
    """
    try:
        parts = urlsplit(unescape_once(url).strip())
    except ValueError:
        return
    query = [(key.lower(), value) for key, value in parse_qsl(parts.query)]
    path = parts.path
    for _ in range(_MAX_DECODINGS):  # addresses nest, encoded twice and more
        once = unquote(path)
        if once == path:
            break
        path = once
    path = re.split(r"[?#]", path.lower(), maxsplit=1)[0]
    *folders, name = path.split("/")
    yield from (value.lower() for key, value in query if key in _FORMAT_KEYS)
    yield from (match[1] or match[2] for match in _TRANSFORM.finditer(path))
    yield extension(name)
    if nested:
        for key, value in query:
            if key in _SOURCE_KEYS:
                yield from format_words(value, nested=False)
    yield from (extension(folder) for folder in reversed(folders))


def extension(segment: str) -> str:
    """Return the extension of a segment of a path, without its dot, or ""."""
    match = _EXTENSION.search(segment)
    return match[1] if match else ""
