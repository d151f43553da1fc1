"""Every regular expression of feedhub, and texts made to cost each the most time."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import re._constants as sre  # type: ignore[import-not-found]
import re._parser as sre_parser  # type: ignore[import-not-found]
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import feedhub

FUNCTIONS = {"compile", "sub", "subn", "match", "fullmatch", "search", "split", "findall"}
FUNCTIONS |= {"finditer"}
ANCHORED = {"match", "fullmatch"}
# The first are the most likely ones.
MAX_ATTACKS = 400
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
_CATEGORIES = {
    sre.CATEGORY_DIGIT: "0",
    sre.CATEGORY_NOT_DIGIT: "a",
    sre.CATEGORY_SPACE: " \n",
    sre.CATEGORY_NOT_SPACE: "a",
    sre.CATEGORY_WORD: "a",
    sre.CATEGORY_NOT_WORD: "-",
}
# What a text goes on with where a pattern takes nearly everything.
_COMMON = "a0 \n\t\"'\\<>/-.!"


class Found(NamedTuple):
    """A pattern: where it is, and whether every use of it tries one index of a text alone."""

    place: str
    pattern: re.Pattern[Any]
    anchored: bool


def modules() -> list[ModuleType]:
    """Import and return every module of feedhub."""
    names = [name for _, name, _ in pkgutil.walk_packages(feedhub.__path__, "feedhub.")]
    return [importlib.import_module(name) for name in names if not name.endswith("__main__")]


def find_patterns() -> list[Found]:
    """Return the patterns of all modules, also those inside functions.

    The holes of a text with expressions in it are filled with `1`. Raises ValueError for one that
    this cannot work out.
    """
    loaded = modules()
    trees = {m.__name__: ast.parse(Path(m.__file__ or "").read_text("utf-8")) for m in loaded}
    found: dict[tuple[Any, int], tuple[str, re.Pattern[Any], set[str]]] = {}

    def add(place: str, pattern: re.Pattern[Any], methods: set[str]) -> None:
        key = (pattern.pattern, pattern.flags)
        found.setdefault(key, (place, pattern, set()))[2].update(methods)

    for module in loaded:
        used = methods_by_name(trees[module.__name__])
        for name, value in vars(module).items():
            for pattern, method in patterns_in(value):
                methods = used.get(name, set()) if pattern is value else {method}
                add(f"{module.__name__}.{name}", pattern, methods)
        for call in calls_in_functions(trees[module.__name__]):
            place = f"{module.__name__}:{call.lineno}"
            pattern = re.compile(evaluate(call.args[0], module), flags_of(call, module))
            method = call.func.attr  # type: ignore[attr-defined]
            add(place, pattern, {"" if method == "compile" else method})
    return [Found(place, p, methods <= ANCHORED) for place, p, methods in found.values() if methods]


def patterns_in(value: Any) -> Iterator[tuple[re.Pattern[Any], str]]:
    """Yield the patterns in a value of a module, and the name of the method if it is one."""
    if isinstance(value, re.Pattern):
        yield value, ""
    elif isinstance(getattr(value, "__self__", None), re.Pattern):
        yield value.__self__, value.__name__
    elif isinstance(value, dict):
        yield from patterns_in([*value.keys(), *value.values()])
    elif isinstance(value, tuple | list | set | frozenset):
        for item in value:
            yield from patterns_in(item)


def methods_by_name(tree: ast.AST) -> dict[str, set[str]]:
    """Return the attributes taken of each name; a name used in any other way has one that is ""."""
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    taken = {id(node.value): node.attr for node in attributes}
    used: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            used.setdefault(node.id, set()).add(taken.get(id(node), ""))
    return used


def calls_in_functions(tree: ast.AST) -> list[ast.Call]:
    """Return the calls of `re.compile` and the like inside functions."""
    bodies = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.Lambda))
    calls = {id(c): c for body in bodies for c in ast.walk(body) if isinstance(c, ast.Call)}
    return [
        call
        for call in calls.values()
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "re"
        and call.func.attr in FUNCTIONS
    ]


def evaluate(node: ast.expr, module: ModuleType) -> Any:
    """Return the value of an expression as a module sees it."""
    if isinstance(node, ast.JoinedStr):
        return "".join(
            evaluate(part, module) if isinstance(part, ast.Constant) else hole(part, module)
            for part in node.values
        )
    try:
        return eval(compile(ast.Expression(node), "", "eval"), vars(module))  # noqa: S307
    except NameError:
        raise ValueError(f"{module.__name__}:{node.lineno}: no constant pattern") from None


def hole(node: ast.expr, module: ModuleType) -> str:
    """Return what stands for an expression inside a text."""
    try:
        return str(evaluate(node.value, module))  # type: ignore[attr-defined]
    except ValueError:
        return "1"


def flags_of(call: ast.Call, module: ModuleType) -> int:
    """Return the flags that a call names."""
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    node = named.get("flags")
    if node is None and call.func.attr == "compile" and len(call.args) > 1:  # type: ignore[attr-defined]
        node = call.args[1]
    return int(evaluate(node, module)) if node else 0


def attacks(pattern: re.Pattern[Any]) -> list[tuple[str, str]]:
    """Return beginnings and what to repeat after each, from the pattern's own parts.

    Beginnings are what the pattern takes before each of its repeats, alternatives among them.
    Repeated is what the repeat takes, every beginning of a match (so the closing part is missing),
    and each character that the pattern knows.
    """
    tree = sre_parser.parse(pattern.pattern, pattern.flags)
    wholes = samples(tree)
    alphabet = "".join(dict.fromkeys("".join(letters(tree)) + _COMMON))[:40]
    pairs: dict[tuple[str, str], None] = {}
    for prefix, bodies in repeats(tree, ""):
        for body in (*bodies, *alphabet):
            pairs[prefix, body] = None
    for whole in wholes:
        for end in range(1, min(len(whole), 24) + 1):
            pairs["", whole[:end]] = None
            pairs["", whole[:end] + "x"] = None
    for letter in alphabet:
        pairs["", letter] = None
    return list(pairs)[:MAX_ATTACKS]


def text_of(pattern: re.Pattern[Any], attack: tuple[str, str], size: int) -> Any:
    """Return an attack of `size` characters, in the type that the pattern reads."""
    prefix, body = attack
    text = prefix + body * (size // len(body) + 1)
    text = text[:size] + "\0"
    return text if isinstance(pattern.pattern, str) else text.encode("latin-1", "replace")


def repeats(tree: Any, before: str) -> Iterator[tuple[str, list[str]]]:
    """Yield for each repeat of a tree what stands before it and what it takes once."""
    prefixes = [before]
    for op, value in tree:
        for prefix in prefixes:
            if op in _REPEATS:
                if value[1] > 1:
                    yield prefix, samples(value[2])
                yield from repeats(value[2], prefix)
            else:
                for inner in inners(op, value):
                    yield from repeats(inner, prefix)
        here = sample(op, value)
        prefixes = list(dict.fromkeys(p + s for p in prefixes for s in here))[:4]


def inners(op: Any, value: Any) -> list[Any]:
    """Return the trees inside an element that is no repeat."""
    if op is sre.BRANCH:
        return list(value[1])
    if op is sre.SUBPATTERN:
        return [value[3]]
    if op in (sre.ASSERT, sre.ASSERT_NOT):
        return [value[1]]
    if op is sre.ATOMIC_GROUP:
        return [value]
    return []


def samples(tree: Any) -> list[str]:
    """Return a few texts that a tree takes, at least one."""
    texts = [""]
    for op, value in tree:
        texts = list(dict.fromkeys(text + more for text in texts for more in sample(op, value)))[:6]
    return texts


def sample(op: Any, value: Any) -> list[str]:
    """Return a few texts that one element takes, at least one."""
    if op in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
        return list(characters(op, value))[:2] or ["a"]
    if op in _REPEATS:
        low, high, body = value
        once = [s * min(max(low, 1), 50) for s in samples(body)]
        return ["", *once] if low == 0 and high else once
    if op in (sre.BRANCH, sre.SUBPATTERN, sre.ATOMIC_GROUP):
        return [text for inner in inners(op, value) for text in samples(inner)[:2]][:40]
    return [""]


def characters(op: Any, value: Any) -> str:
    """Return some characters that an element of one character takes."""
    if op is sre.LITERAL:
        return chr(value)
    if op is sre.NOT_LITERAL:
        return "".join(c for c in "ab" if ord(c) != value)
    if op is sre.ANY:
        return "a"
    if op is not sre.IN:
        return ""
    items = [
        chr(v) if o is sre.LITERAL else chr(v[0]) if o is sre.RANGE else _CATEGORIES.get(v, "")
        for o, v in value
        if o is not sre.NEGATE
    ]
    listed = "".join(items)
    if value[0][0] is sre.NEGATE:
        return "".join(c for c in "a x" if c not in listed) or "\x7f"
    return listed


def letters(tree: Any) -> Iterator[str]:
    """Yield the characters that the elements of a tree know."""
    for op, value in tree:
        if op is sre.IN:
            yield "".join(chr(v) for o, v in value if o is sre.LITERAL)
        yield characters(op, value)
        for inner in [value[2]] if op in _REPEATS else inners(op, value):
            yield from letters(inner)
