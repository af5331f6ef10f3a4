"""Where faults can be planted, and a sample of them that a seed determines."""

from __future__ import annotations

import ast
import hashlib
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.work_item import MutationSpec, WorkItem
from parso.tree import NodeOrLeaf

from tools.mutate.operators import all_operators

#: Words stand everywhere: one place in so many is as likely as one place of another kind.
_WORDS_PER_PLACE = 5


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: where it is planted, and the text of the line before and after."""

    item: WorkItem
    path: str
    line: int
    before: str
    after: str

    @property
    def id(self) -> str:
        """The same for the same fault in the same text of the module."""
        return str(self.item.job_id)

    @property
    def place(self) -> str:
        """Where it is: ``file:line``."""
        return f"{self.path}:{self.line}"


def sample(root: Path, paths: Sequence[str], *, count: int, seed: int) -> list[Fault]:
    """``count`` faults in as many places, fewer when there are not so many places."""
    chance = random.Random(seed)
    places: dict[tuple[str, tuple[int, int], bool], list[MutationSpec]] = defaultdict(list)
    for path in paths:
        for spec in _specs(path, (root / path).read_text()):
            places[path, spec.start_pos, spec.operator_name == "OtherWord"].append(spec)
    # Drawn with weights (Efraimidis and Spirakis): the least of exponential times comes first.
    order = sorted(
        places, key=lambda place: chance.expovariate(1 / _WORDS_PER_PLACE if place[2] else 1)
    )
    found: list[Fault] = []
    for place in order:
        if len(found) == count:
            break
        fault = _fault(root, chance.choice(places[place]))
        if fault is not None:
            found.append(fault)
    return found


def mutated(root: Path, spec: MutationSpec) -> str | None:
    """The module's text with the fault in it; ``None`` when it makes no difference."""
    text = (root / spec.module_path).read_text()
    return mutate_code(text, all_operators()[spec.operator_name], spec.occurrence)


def _fault(root: Path, spec: MutationSpec) -> Fault | None:
    path = str(spec.module_path)
    text = (root / path).read_text()
    changed = mutated(root, spec)
    if changed is None or not _compiles(changed):
        return None
    differing = [
        (number, one.strip(), two.strip())
        for number, (one, two) in enumerate(
            zip(text.splitlines(), changed.splitlines(), strict=False), 1
        )
        if one != two
    ]
    if not differing:
        return None
    key = f"{path}\0{spec.operator_name}\0{spec.occurrence}\0{text}"
    item = WorkItem.single(hashlib.sha256(key.encode()).hexdigest()[:32], spec)
    return Fault(item, path, *differing[0])


def _specs(path: str, text: str) -> Iterator[MutationSpec]:
    nodes = list(ast_nodes(get_ast(text)))
    silent = _silent(ast.parse(text))
    for name, operator in all_operators().items():
        positions = [
            (node, *found) for node in nodes for found in operator.mutation_positions(node)
        ]
        for occurrence, (node, start, end) in enumerate(positions):
            if name.startswith("ReplaceBinary") and not _computes(node):
                continue
            if not any(first <= start < last for first, last in silent):
                yield MutationSpec(Path(path), name, occurrence, start, end)


def _computes(node: NodeOrLeaf) -> bool:
    """Whether an operator stands between two values: not the star of a parameter or an argument."""
    kind = node.parent.type if node.parent is not None else ""
    return kind in ("arith_expr", "term", "expr", "and_expr", "shift_expr", "xor_expr", "power")


def _silent(module: ast.Module) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Ranges that do nothing when they run, or only tell: annotations, docstrings, lines of the log, durations."""
    found: list[ast.expr | ast.stmt] = []
    for node in ast.walk(module):
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
            found.append(node.annotation)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns:
            found.append(node.returns)
        elif (
            (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
            or (isinstance(node, ast.Expr) and ast.unparse(node).startswith("log."))
            or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
            or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__")
            or (isinstance(node, ast.Call) and ast.unparse(node.func) in ("dataclass", "TypeVar"))
        ):
            found.append(node)
    return [
        (
            (node.lineno, node.col_offset),
            (node.end_lineno or node.lineno, node.end_col_offset or 0),
        )
        for node in found
    ]


def _compiles(text: str) -> bool:
    try:
        compile(text, "mutated", "exec")
    except (SyntaxError, ValueError):
        return False
    return True
