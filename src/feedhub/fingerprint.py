"""Fingerprints: what stands for some values, the same on every machine and in every version.

Only explicit values enter, under names that are written where they enter: never the `repr` or the
fields of an object, for then a class that gets another name would move every entity tag.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Union

import msgspec

# The quotes are for Python 3.11, which knows no recursive alias.
Value = Union[str, bytes, int, float, bool, None, "Sequence[Value]", "Mapping[str, Value]"]

_encode = msgspec.msgpack.Encoder(order="deterministic").encode


def fingerprint(*values: Value) -> str:
    """Return 32 hexadecimal digits that stand for the values."""
    return digest(*values).hex()


def digest(*values: Value) -> bytes:
    """Return 16 bytes that stand for the values: equal ones mean equal values."""
    return blake2b(_encode(values), digest_size=16).digest()


def named_values(**values: Value) -> dict[str, Value]:
    """Return values by name, without None, False, "" and empty collections.

    So a value that is added to a record later moves no fingerprint where it has such a default; one
    with another default must be passed as None where it has that. A 0 stays.
    """
    if all(values.values()):
        return values
    return {
        name: value
        for name, value in values.items()
        if value or (value == 0 and value is not False)
    }
