"""Reads a YAML file for editing: guards first, then nodes with positions, then a plain picture to compare with.

Nothing is walked before its events were counted: depth, aliases and size are bounded, so a bomb costs little.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml
from yaml import CSafeLoader, MappingNode, Node, ScalarNode, SequenceNode

from kfix.texts import say
from manifests.refused import NotEditable

#: Characters of one file. The largest hand-kept manifests (custom resource bundles) have about 3 million.
MAX_CHARS = 4_000_000
#: Nesting. A pod template with its affinity terms needs about 20.
MAX_DEPTH = 100
MAX_ALIASES = 1_000
#: Nodes of one document once aliases are written out.
MAX_NODES = 500_000

Leaf = tuple[str, str]
#: Key of a mapping entry: tag, text, and for another entry of the same key how many entries came before it.
Key = tuple[str, str, int]
Tree = Leaf | dict[Key, "Tree"] | list["Tree"]
STR = "tag:yaml.org,2002:str"
NULL = "tag:yaml.org,2002:null"
MERGE = "tag:yaml.org,2002:merge"
_TAB_INDENT = re.compile(r"(?m)^ *\t")


@dataclass(slots=True)
class Document:
    """One document of a file. ``aliased`` holds ids of nodes that an alias refers to."""

    index: int
    root: Node
    tree: Tree = field(default_factory=dict)
    aliased: set[int] = field(default_factory=set)
    duplicate: str = ""
    #: An unquoted ``{{ … }}``, which YAML takes for a mapping whose key is a mapping.
    templated: bool = False


def decode(content: bytes | str) -> str:
    """Text of a file. Raises NotEditable NOT_UTF8, TOO_BIG."""
    if len(content) > MAX_CHARS * (1 if isinstance(content, str) else 4):
        raise NotEditable(
            "TOO_BIG", say("manifests.file_has_more_than_characters", max_chars=MAX_CHARS)
        )
    if isinstance(content, str):
        return content
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotEditable("NOT_UTF8", say("manifests.byte_not_utf", start=error.start)) from None


def without_bom(text: str) -> tuple[str, str]:
    """(mark, rest). The parser drops a byte order mark and counts positions without it, so it is set aside."""
    return ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)


def read(body: str) -> list[Document]:
    """All documents of ``body`` (no byte order mark), numbered as ``yaml.safe_load_all`` yields them.

    Raises NotEditable: TOO_BIG, TAB_INDENT, TEMPLATED, INVALID_YAML.
    """
    if len(body) > MAX_CHARS:
        raise NotEditable(
            "TOO_BIG", say("manifests.file_has_more_than_characters", max_chars=MAX_CHARS)
        )
    try:
        if not is_shallow(body):
            scan(body)
        roots = list(yaml.compose_all(body, Loader=CSafeLoader))
    except yaml.YAMLError as error:
        raise _unreadable(body, error) from None
    documents = []
    for index, root in enumerate(roots):
        document = Document(index, root)
        document.tree = _Survey(document).tree(root, 0)
        documents.append(document)
    return documents


def is_shallow(body: str) -> bool:
    """Is the file so plain that no count of its events can pass the bounds? Spares most files a walk of their own.

    A block collection starts after nothing but blanks and ``- ? :`` on its line, and one column holds a mapping and a
    list at most; a flow collection needs a bracket, an alias a star. ``splitlines`` knows all line breaks of YAML 1.1.
    """
    brackets = body.count("{") + body.count("[")
    if brackets > MAX_DEPTH or body.count("*") > MAX_ALIASES:
        return False
    columns = max((len(line) - len(line.lstrip(" \t-?:")) for line in body.splitlines()), default=0)
    return 2 * (columns + 1) + brackets <= MAX_DEPTH


def scan(body: str) -> None:
    """Counts events. Raises NotEditable TOO_BIG."""
    depth = aliases = 0
    for event in yaml.parse(body, Loader=CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise NotEditable(
                    "TOO_BIG", say("manifests.nested_deeper_than_levels", max_depth=MAX_DEPTH)
                )
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
            if aliases > MAX_ALIASES:
                raise NotEditable(
                    "TOO_BIG", say("manifests.more_than_aliases", max_aliases=MAX_ALIASES)
                )


def _unreadable(body: str, error: yaml.YAMLError) -> NotEditable:
    mark = getattr(error, "problem_mark", None)
    place = say("manifests.at_line", line=mark.line + 1) if mark is not None else ""
    if "{{" in body:
        return NotEditable("TEMPLATED", say("manifests.template_not_yaml_stands", place=place))
    if _TAB_INDENT.search(body):
        return NotEditable("TAB_INDENT", say("manifests.tab_used_as_indentation", place=place))
    problem: str = getattr(error, "problem", None) or say("manifests.unreadable")
    return NotEditable("INVALID_YAML", say("manifests.invalid_yaml", problem=problem, place=place))


class _Survey:
    """One walk over a document: its picture, its aliased nodes, its first duplicate key."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.left = MAX_NODES

    def tree(self, node: Node, depth: int) -> Tree:
        self.left -= 1
        if self.left < 0 or depth > 2 * MAX_DEPTH:
            raise NotEditable(
                "TOO_BIG", say("manifests.aliases_make_larger_than_nodes", max_nodes=MAX_NODES)
            )
        if isinstance(node, ScalarNode):
            return (node.tag, "" if node.tag == NULL else node.value)
        if isinstance(node, SequenceNode):
            return [self.tree(child, depth + 1) for child in self._children(node)]
        assert isinstance(node, MappingNode)
        return self._mapping(node, depth)

    def _mapping(self, node: MappingNode, depth: int) -> Tree:
        out: dict[Key, Tree] = {}
        at = node.start_mark.index
        for key, value in node.value:
            name = self._key(key, depth)
            if isinstance(key, MappingNode) and key.flow_style:
                self.document.templated = True
            nth = len(out) if (*name, 0) in out else 0
            if nth and not self.document.duplicate:
                self.document.duplicate = name[1]
            if value.start_mark.index < max(at, key.end_mark.index):
                self.document.aliased.add(id(value))
            else:
                at = value.end_mark.index
            out[(*name, nth)] = self.tree(value, depth + 1)
        return out

    def _key(self, key: Node, depth: int) -> Leaf:
        if isinstance(key, ScalarNode):
            return (key.tag, key.value)
        return (key.tag, repr(self.tree(key, depth + 1)))

    def _children(self, node: SequenceNode) -> Iterator[Node]:
        at = node.start_mark.index
        for child in node.value:
            if child.start_mark.index < at:
                self.document.aliased.add(id(child))
            else:
                at = child.end_mark.index
            yield child
