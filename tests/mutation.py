"""Change the code in one place after the other and see whether a test fails.

`python -m tests.mutation MODULE…` runs the tests that `TESTS` names for each module, once for each
change, and prints those that no test noticed. It changes tables and default values too, which tools
that change only the inside of functions leave alone. Nothing is written: each change lives in the
memory of one process, where the module is compiled from it.
"""

from __future__ import annotations

import argparse
import ast
import importlib.abc
import importlib.util
import io
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from copy import deepcopy
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent
#: The modules on which the two promises stand, and the tests of each, the quickest first.
TESTS = {
    "sources.gate": "test_gate",
    "sources.gate_neighbours": "test_gate_neighbours",
    "sources.reading": "test_gate test_reading test_gate_neighbours test_publishing",
    "sources.flags": "test_gate test_reading test_gate_neighbours test_publishing",
    "sources.frontmatter": "test_frontmatter",
    "sources.files": "test_sources_files test_fast_paths test_absence",
    "document": "test_negotiation test_formats test_render",
    "document.preconditions": "test_preconditions",
    "document.negotiation": "test_negotiation",
    "catalog.sync": "test_catalog test_site_changes test_identity test_ledger test_custom",
    "catalog.articles": "test_catalog test_absence test_claims",
    "sources.bodies": "test_bodies test_bodies_rows test_markdown_suites",
}
# An endless loop is a difference too. So much CPU time, and time, has one run of the tests.
CPU_SECONDS, SECONDS = 60, 900
_OPPOSITES: dict[type, Any] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}


class Change(NamedTuple):
    """A change: the line, what it does, and the whole module with it."""

    line: int
    words: str
    tree: ast.Module


def changes(source: str) -> Iterator[Change]:
    """Yield every change of a module, one at a time."""
    tree = ast.parse(source)
    ignored = {id(node) for node in _ignored(tree)}
    nodes = [node for node in ast.walk(tree) if id(node) not in ignored]
    indices = {id(node): index for index, node in enumerate(ast.walk(tree))}
    for node in nodes:
        for number, words in enumerate(_kinds(node)):
            copy = deepcopy(tree)
            target = list(ast.walk(copy))[indices[id(node)]]
            _apply(target, number)
            placed = node.target if isinstance(node, ast.comprehension) else node
            yield Change(getattr(placed, "lineno", 0), words, ast.fix_missing_locations(copy))


def _ignored(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield what changes nothing that runs: docstrings, annotations, imports, texts of errors."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            for argument in (*node.args.args, *node.args.kwonlyargs):
                yield from ast.walk(argument)
            yield from ast.walk(node.returns) if node.returns else ()
        elif isinstance(node, ast.AnnAssign):
            yield from ast.walk(node.annotation)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield from ast.walk(node)
        elif isinstance(node, ast.Assign | ast.AugAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            names = {name.id for name in ast.walk(target) if isinstance(name, ast.Name)}
            if names & {"message", "__all__", "Accept"}:
                yield from ast.walk(node)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ast.walk(node)


def _kinds(node: ast.AST) -> list[str]:
    """Return in words what can be changed at a node."""
    if isinstance(node, ast.Compare | ast.BoolOp | ast.BinOp | ast.AugAssign):
        operator = node.ops[0] if isinstance(node, ast.Compare) else node.op
        other = _OPPOSITES.get(type(operator))
        return [f"{type(operator).__name__} -> {other.__name__}"] if other else []
    if isinstance(node, ast.If | ast.IfExp | ast.While | ast.comprehension):
        test = node.test if not isinstance(node, ast.comprehension) else None
        return (
            [f"not ({ast.unparse(test)[:50]})"]
            if test
            else ["no filter"] * bool(getattr(node, "ifs", None))
        )
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return [f"without not: {ast.unparse(node)[:50]}"]
    if isinstance(node, ast.Constant):
        return _constant_kinds(node)
    if isinstance(node, ast.Return) and node.value and not _is_none(node.value):
        return [f"return None: {ast.unparse(node.value)[:50]}"]
    if isinstance(node, ast.Expr | ast.Continue | ast.Break | ast.Raise):
        return [f"pass: {ast.unparse(node)[:60]}"]
    return []


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _constant_kinds(node: ast.Constant) -> list[str]:
    if isinstance(node.value, bool):
        return [f"{node.value} -> {not node.value}"]
    if isinstance(node.value, int | float):
        return [f"{node.value} + 1", f"{node.value} - 1"]
    if isinstance(node.value, str) and len(node.value) < 60:
        return [f"{node.value!r} -> another"]
    return []


def _apply(node: ast.AST, number: int) -> None:
    """Carry out a change at a node, in place."""
    if isinstance(node, ast.Compare):
        node.ops[0] = _OPPOSITES[type(node.ops[0])]()
    elif isinstance(node, ast.BoolOp | ast.BinOp | ast.AugAssign):
        node.op = _OPPOSITES[type(node.op)]()
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        node.test = ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.comprehension):
        node.ifs = []
    elif isinstance(node, ast.UnaryOp):
        node.op, node.operand = ast.Not(), ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            node.value = not node.value
        elif isinstance(node.value, int | float):
            node.value += 1 if number == 0 else -1
        elif isinstance(node.value, str):
            node.value += "~"
    elif isinstance(node, ast.Return):
        node.value = ast.Constant(None)
    else:
        # A statement becomes another of no effect, whatever its class was.
        vars(node).update(test=ast.Constant(True), msg=None)
        node.__class__ = ast.Assert


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a changed tree."""

    def __init__(self, name: str, file: Path, tree: ast.Module) -> None:
        self._name, self._file, self._tree = name, file, tree

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        """Return how to import the module, if it is the changed one."""
        if name != self._name:
            return None
        places = [str(self._file.parent)] if self._file.name == "__init__.py" else None
        return importlib.util.spec_from_file_location(
            name, self._file, loader=self, submodule_search_locations=places
        )

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed code."""
        exec(compile(self._tree, str(self._file), "exec"), vars(module))  # noqa: S102


def is_noticed(name: str, file: Path, tree: ast.Module, tests: list[str]) -> bool:
    """Return whether a test fails, or does not end, with a change."""
    child = os.fork()
    if not child:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        code = 1
        try:
            with open(os.devnull, "w") as nowhere:  # noqa: PTH123
                os.dup2(nowhere.fileno(), 1)
                os.dup2(nowhere.fileno(), 2)
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
                sys.meta_path.insert(0, Changed(name, file, tree))
                code = run_tests(tests)
        finally:
            os._exit(code)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status != 0
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def run_tests(tests: list[str]) -> int:
    """Run tests until one fails; return pytest's code."""
    import pytest

    plugins = ["-p", "no:cacheprovider", "-p", "no:cov", "-p", "no:xdist", "-p", "no:randomly"]
    return int(pytest.main(["-x", "-q", *plugins, "--tb=no", "-W", "ignore", *tests]))


def main() -> int:
    """Print what no test noticed, and the share that tests did; return 1 below the wanted one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", default=sorted(TESTS), metavar="MODULE")
    parser.add_argument("--sample", type=int, default=0, help="so many changes of each, at random")
    parser.add_argument("--least", type=float, default=0.9, help="share that must be noticed")
    arguments = parser.parse_args()
    os.environ["HYPOTHESIS_PROFILE"] = "ci"
    # Loaded once, so that each run is only as slow as its tests; nothing of feedhub is.
    for name in ("pytest", "hypothesis.strategies", "yaml", "lxml.etree", "feedparser", "brotli"):
        importlib.import_module(name)
    bad = False
    for module in arguments.modules:
        path = ROOT / "src/feedhub" / module.replace(".", "/")
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        tests = [str(ROOT / f"tests/{name}.py") for name in TESTS[module].split()]
        source = file.read_text("utf-8")
        if is_noticed(f"feedhub.{module}", file, ast.parse(source), tests):
            print(f"{module}: the tests fail, or take too long, without any change")
            return 2
        every = list(changes(source))
        if arguments.sample and len(every) > arguments.sample:
            every = random.Random(1).sample(every, arguments.sample)
        missed = 0
        for change in sorted(every, key=lambda change: change.line):
            if not is_noticed(f"feedhub.{module}", file, change.tree, tests):
                missed += 1
                print(f"{file.relative_to(ROOT)}:{change.line}: {change.words}", flush=True)
        share = 1 - missed / len(every) if every else 1.0
        print(f"{module}: {len(every) - missed} of {len(every)} noticed, {share:.1%}", flush=True)
        bad |= share < arguments.least
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
