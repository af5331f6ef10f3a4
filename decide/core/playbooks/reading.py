"""Playbook files as YAML with lines: one reading only, no anchors, no tags, no key twice. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

#: Characters of a file: the longest shipped one has 3,000.
_MOST = 64 * 1024


#: Nested mappings and lists; a playbook has five.
_DEEPEST = 20
_OPENS = (
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
_CLOSES = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)


@dataclass(frozen=True, slots=True)
class PlaybookSource:
    """A file's name, as people know it, and its text."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong with a file, and where; ``line`` from 1."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class BadPlaybooks(ValueError):
    """Files that cannot be used: every problem of every file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def read(source: PlaybookSource) -> tuple[yaml.Node, Any]:
    """The tree with its lines, and the document. Raises BadPlaybooks."""
    if len(source.text) > _MOST:
        raise BadPlaybooks([Problem(source.name, 1, f"more than {_MOST} characters")])
    try:
        _look_first(source)
        tree = yaml.compose(source.text, yaml.SafeLoader)
        document = yaml.safe_load(source.text)
    except BadPlaybooks:
        raise
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        text = getattr(error, "problem", None) or "no YAML"
        raise BadPlaybooks([Problem(source.name, line, str(text))]) from error
    except ValueError as error:  # a date that is none
        raise BadPlaybooks([Problem(source.name, 1, str(error))]) from error
    if not isinstance(tree, yaml.MappingNode) or not isinstance(document, dict):
        raise BadPlaybooks([Problem(source.name, 1, "not a mapping")])
    _twice(source, tree)
    return tree, document


def _look_first(source: PlaybookSource) -> None:
    """Refuses, token by token, what would cost more than it can be worth before it is built."""
    depth = 0
    for token in yaml.scan(source.text, yaml.SafeLoader):
        line = token.start_mark.line + 1
        if isinstance(token, yaml.AliasToken | yaml.AnchorToken | yaml.TagToken):
            raise BadPlaybooks([Problem(source.name, line, "no anchors, aliases or tags")])
        depth += isinstance(token, _OPENS) - isinstance(token, _CLOSES)
        if depth > _DEEPEST:
            raise BadPlaybooks([Problem(source.name, line, "nested too deep")])


def _twice(source: PlaybookSource, node: yaml.Node) -> None:
    """YAML's last of two equal keys wins silently: here it is a mistake."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _twice(source, item)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if str(key.value) in seen:
                raise BadPlaybooks(
                    [Problem(source.name, key.start_mark.line + 1, f"{key.value} twice")]
                )
            seen.add(str(key.value))
            _twice(source, value)


def line_of(tree: yaml.Node, where: Sequence[int | str]) -> tuple[int, yaml.Node]:
    """The line, from 1, of the deepest place on the way (of its key, where it has one), and what is there."""
    node, line = tree, tree.start_mark.line
    for step in where:
        below: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            key, below = next(((k, v) for k, v in node.value if k.value == step), (None, None))
            line = key.start_mark.line if key is not None else line
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            below = node.value[step] if step < len(node.value) else None
            line = below.start_mark.line if below is not None else line
        if below is None:
            break
        node = below
    return line + 1, node


def problem_at(
    source: PlaybookSource, tree: yaml.Node, where: Sequence[int | str], message: str
) -> Problem:
    """A problem with the part of a file that ``where`` leads to."""
    line, _ = line_of(tree, where)
    path = ".".join(str(step) for step in where if step != "[key]")
    return Problem(source.name, line, f"{path}: {message}" if path else message)
