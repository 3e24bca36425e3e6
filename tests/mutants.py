"""``python -m tests.mutants``: change one operator of the judge at a time, and see that a quick test fails.

Each mutant runs in a process forked from one that has the libraries loaded but nothing of the house, so that it costs
its tests and no imports. A mutant that every test survives is printed with its line; some are equal to the original
(a draw more, a rounding threshold), and those are listed in ``EQUAL`` with the reason.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib.abc
import importlib.machinery
import io
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
JUDGED_BY = {
    "research/verdict.py": ["tests/test_verdict.py"],
    "research/study/judge.py": ["tests/study/test_judge.py"],
    "research/diagnostics/timing.py": ["tests/diagnostics/test_timing.py", "tests/study/test_judge.py"],
    "research/diagnostics/long_run.py": ["tests/diagnostics/test_long_run.py", "tests/diagnostics/test_timing.py"],
    "research/diagnostics/rotation.py": ["tests/diagnostics/test_rotation.py"],
    "research/diagnostics/outlook.py": ["tests/diagnostics/test_outlook.py"],
    "research/engine/exposure.py": ["tests/engine/test_exposure.py"],
    "research/study/candidates.py": ["tests/study/test_composition.py"],
    "research/study/claims.py": ["tests/study/test_composition.py"],
}
COMPARISONS = {
    ast.LtE: ast.Lt, ast.Lt: ast.LtE, ast.GtE: ast.Gt, ast.Gt: ast.GtE, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
ARITHMETIC = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult}
EQUAL = {
    "value * sign  ->  value / sign": "the sign is 1 or -1",
    "found(least) >= power - 0.001  ->  found(least) > power - 0.001": "no effect is found in just so many cases",
    "isfinite(estimate.error) and isfinite(critical_value)  ->  isfinite(estimate.error) or isfinite(critical_value)": (
        "NaN goes through all that follows"
    ),
    "pairs <= 0  ->  pairs < 0": "no two autocorrelations add up to just 0",
    "abs(float(numbers[0])) > STILL  ->  abs(float(numbers[0])) >= STILL": "rounding, on either side",
    "float(mean @ mean) > 0  ->  float(mean @ mean) >= 0": "weights that differ have a spread",
    "squares > 0 and float(mean @ mean) > 0  ->  squares > 0 or float(mean @ mean) > 0": "as is said above",
    "float(centred @ centred) > n * STILL ** 2  ->  float(centred @ centred) >= n * STILL ** 2": "rounding",
    "squares > 0  ->  squares >= 0": "as is said above",
    "STILL ** 2  ->  STILL * 2": "rounding",
    "-float(stdtrit(nu, tail))  ->  +float(stdtrit(nu, tail))": "the cosines of all claims change their sign together",
    "others >= observed - slack  ->  others > observed - slack": "there is slack",
    "rotated >= seen[claims]  ->  rotated > seen[claims]": "no rotation gives just the t that was seen",
    "found(most) > power  ->  found(most) >= power": "nor in these",
    "found(middle) < power  ->  found(middle) <= power": "nor in these",
    "allowed.size > n_shifts  ->  allowed.size >= n_shifts": "a draw of all, sorted, is all",
    "np.nanmin(held) < 0  ->  np.nanmin(held) <= 0": "what is only not short is walked, and never lost",
    "np.nanmax(held) > 1  ->  np.nanmax(held) >= 1": "nor what does not borrow",
    "shifts.size * self.wanted.size  ->  shifts.size / self.wanted.size": "how many threads, not what they find",
    "(-self.active if self.short else self.active) > STILL  ->  "
    "(-self.active if self.short else self.active) >= STILL": "rounding, on either side",
    "float(self.gross.std()) > STILL  ->  float(self.gross.std()) >= STILL": "rounding, on either side",
    "power - 0.001  ->  power + 0.001": "halving comes to the least, if that is found already",
    "tried > 1  ->  tried >= 1": "of one try none is further",
    "n < 3  ->  n <= 3": "of three values the memory is 1 by either branch",
    "missed > 0  ->  missed >= 0": "what is never missed is always reached, by either branch",
    "_spent < _LOADING  ->  _spent <= _LOADING": "when the compiler comes, not what it finds",
    "_WALKED * self.wanted.size  ->  _WALKED / self.wanted.size": "as is said above",
    "sqrt(row.n_periods) * ratios * (-1, 1)  ->  sqrt(row.n_periods) * ratios / (-1, 1)": "the sign is 1 or -1",
    "late.gross.std() > 0  ->  late.gross.std() >= 0": "a delayed account that times nothing has no other",
}
SWAPPED = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True)
class Mutant:
    """One changed operator."""

    file: str
    line: int
    what: str
    source: str


def mutants_of(file: str) -> Iterator[Mutant]:
    """Every mutant of one file, in its order."""
    text = (ROOT / file).read_text(encoding="utf-8")
    count = len(list(_places(ast.parse(text))))
    for number in range(count):
        tree = ast.parse(text)
        line, what = list(_places(tree))[number]()
        yield Mutant(file, line, what, ast.unparse(tree))


def _places(tree: ast.AST) -> Iterator[object]:
    """What changes the tree in place, one for each operator, and says where and what it did."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
            yield _operator(node, node.ops, COMPARISONS)
        elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC and not _is_type(node):
            yield _attribute(node, "op", ARITHMETIC[type(node.op)]())
        elif isinstance(node, ast.BoolOp):
            yield _attribute(node, "op", ast.And() if isinstance(node.op, ast.Or) else ast.Or())
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
            yield _attribute(node, "op", ast.UAdd())
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SWAPPED:
            yield _attribute(node.func, "id", SWAPPED[node.func.id])


def _operator(node: ast.Compare, ops: list[ast.cmpop], table: dict[type, type]) -> object:
    def change() -> tuple[int, str]:
        before = ast.unparse(node)
        ops[0] = table[type(ops[0])]()
        return node.lineno, f"{before}  ->  {ast.unparse(node)}"

    return change


def _attribute(node: ast.AST, name: str, value: object) -> object:
    def change() -> tuple[int, str]:
        before = ast.unparse(node)
        setattr(node, name, value)
        return node.lineno, f"{before}  ->  {ast.unparse(node)}"

    return change


def _is_type(node: ast.BinOp) -> bool:
    return isinstance(node.op, ast.BitOr)


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Loads the mutant in place of its module."""

    def __init__(self, mutant: Mutant) -> None:
        self.name = mutant.file.removesuffix(".py").replace("/", ".")
        self.mutant = mutant

    def find_spec(self, name: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        """Only for the one module."""
        if name != self.name:
            return None
        return importlib.machinery.ModuleSpec(name, self, origin=str(ROOT / self.mutant.file))

    def get_filename(self, name: str) -> str:
        """Where the original stands."""
        return str(ROOT / self.mutant.file)

    def get_data(self, path: str) -> bytes:
        """The changed source."""
        return self.mutant.source.encode()


def survives(mutant: Mutant) -> bool:
    """Whether every quick test passes with it."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    code = 1
    try:
        import pytest

        sys.meta_path.insert(0, _Changed(mutant))
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *JUDGED_BY[mutant.file]])
    finally:
        os._exit(int(code))


def drawn(files: Sequence[str], at_most: int | None, seed: int) -> list[Mutant]:
    """Mutants of some files, all or so many drawn, without those that are equal to the original."""
    found = [mutant for file in files for mutant in mutants_of(file) if mutant.what not in EQUAL]
    if at_most is None or at_most >= len(found):
        return found
    chosen = np.sort(np.random.default_rng(seed).choice(len(found), at_most, replace=False))
    return [found[number] for number in chosen]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the survivors; 1 if there is any."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("files", nargs="*", default=list(JUDGED_BY), help="default: all of the judge")
    parser.add_argument("--at-most", type=int, help="so many drawn")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    assert not any(name.startswith("research.") for name in sys.modules), "the house must not be loaded yet"
    for library in ("scipy.fft", "scipy.special", "scipy.stats", "pandas", "numba", "hypothesis", "pytest"):
        importlib.import_module(library)
    tried, survivors = drawn(options.files, options.at_most, options.seed), 0
    for mutant in tried:
        if survives(mutant):
            survivors += 1
            sys.stdout.write(f"{mutant.file}:{mutant.line}: {mutant.what}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(tried)} mutants, {survivors} survive\n")
    return int(bool(survivors))


if __name__ == "__main__":
    raise SystemExit(main())
