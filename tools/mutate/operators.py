"""The kinds of faults: most of Cosmic Ray's, and those that it lacks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.operators.provider import OperatorProvider
from parso.python import tree
from parso.tree import NodeOrLeaf

_THEIRS = (
    r"AddNot|Replace(TrueWithFalse|FalseWithTrue|AndWithOr|OrWithAnd)|NumberReplacer"
    r"|Replace(BreakWithContinue|ContinueWithBreak)|ZeroIterationForLoop"
    r"|ReplaceUnaryOperator_(Delete_Not|Delete_USub|USub_UAdd)"
    r"|ReplaceComparisonOperator_(Eq_NotEq|NotEq_Eq|Is_IsNot|IsNot_Is|Lt_LtE|LtE_Lt|Gt_GtE|GtE_Gt|Lt_GtE|GtE_Lt|Gt_LtE"
    r"|LtE_Gt)"
    r"|ReplaceBinaryOperator_(Add_Sub|Sub_Add|Mul_Div|Div_Mul|FloorDiv_Mul|Mod_Add|BitOr_BitAnd|BitAnd_BitOr|Sub_BitOr)"
)
_PAIRS = {"any": "all", "all": "any", "min": "max", "max": "min"}
_WORD = re.compile(r"""^["'][A-Za-z][\w./-]*["']$""")


class OtherBuiltin(Operator):  # type: ignore[misc]
    """``any`` becomes ``all`` and ``min`` becomes ``max``, and back."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[tuple[tuple[int, int], ...]]:
        """Names that are called or given away."""
        if isinstance(node, tree.Name) and node.value in _PAIRS and not _is_attribute(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node: tree.Name, index: int) -> tree.Name:
        """The other one."""
        return tree.Name(_PAIRS[node.value], node.start_pos, node.prefix)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Shown by Cosmic Ray's tests of operators."""
        return (Example("any(x)", "all(x)"), Example("min(x)", "max(x)"))


class OtherMembership(Operator):  # type: ignore[misc]
    """``in`` becomes ``not in``, and back."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[tuple[tuple[int, int], ...]]:
        """Comparisons of two sides."""
        if node.type == "comparison" and len(node.children) == 3:
            word = node.children[1]
            if word.get_code().split() in (["in"], ["not", "in"]):
                yield word.start_pos, word.end_pos

    def mutate(self, node: tree.PythonNode, index: int) -> tree.PythonNode:
        """The other one."""
        word = node.children[1]
        other = "in" if word.get_code().split() == ["not", "in"] else "not in"
        node.children[1] = tree.Operator(other, word.start_pos, " ")
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Shown by Cosmic Ray's tests of operators."""
        return (Example("a in b", "a not in b"), Example("a not in b", "a in b"))


class OtherWord(Operator):  # type: ignore[misc]
    """A string that is one word, such as the name of a field, becomes another."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[tuple[tuple[int, int], ...]]:
        """Plain strings of one word that are not a statement of their own."""
        if isinstance(node, tree.String) and _WORD.match(node.value):
            yield node.start_pos, node.end_pos

    def mutate(self, node: tree.String, index: int) -> tree.String:
        """The word with an ending that no field has."""
        quote = node.value[0]
        return tree.String(f"{node.value[:-1]}_x{quote}", node.start_pos, node.prefix)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Shown by Cosmic Ray's tests of operators."""
        return (Example('a["b"]', 'a["b_x"]'),)


class NothingReturned(Operator):  # type: ignore[misc]
    """A function that returns a value returns ``None``."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[tuple[tuple[int, int], ...]]:
        """Return statements with a value other than ``None``."""
        if node.type == "return_stmt" and node.children[1].get_code().strip() != "None":
            yield node.start_pos, node.end_pos

    def mutate(self, node: tree.ReturnStmt, index: int) -> tree.ReturnStmt:
        """The same statement without its value."""
        node.children[1] = tree.Keyword("None", node.children[1].start_pos, " ")
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Shown by Cosmic Ray's tests of operators."""
        return (Example("return x", "return None"),)


def _is_attribute(node: tree.Name) -> bool:
    before = node.get_previous_leaf()
    after = node.get_next_leaf()
    return (before is not None and before.value == ".") or (
        after is not None and after.value == "="
    )


_OURS = (OtherBuiltin, OtherMembership, OtherWord, NothingReturned)


def all_operators() -> dict[str, Operator]:
    """Operators by name."""
    theirs = OperatorProvider()
    chosen = {name: theirs[name]() for name in theirs if re.fullmatch(_THEIRS, name)}
    return chosen | {one.__name__: one() for one in _OURS}
