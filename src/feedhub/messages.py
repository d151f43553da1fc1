"""Wording that the messages of several rooms share."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean NAME?` with the known name nearest to `word`, or "" if none is near.

    Case does not count. A name that is the same behind its last dot comes first: the key may only
    be in the wrong section of the configuration.
    """
    # Imported here because a command without mistakes does not need it.
    from difflib import get_close_matches

    names: dict[str, str] = {}
    for name in known:
        names.setdefault(name.casefold(), name)
    wanted = word.casefold()
    key = wanted.rpartition(".")[2]
    same_key = [name for name in names if name.rpartition(".")[2] == key]
    nearest = same_key or get_close_matches(wanted, names, n=1)
    return f"; did you mean {names[nearest[0]]}?" if nearest else ""
