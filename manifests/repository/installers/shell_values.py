"""Which values the variables of a shell may have where a command of a script uses them. Pure: nothing is run.

A command that installs from a file which is not there fails, so that a variable in a path has one of the values for which
the path is there. Where the script itself says the value, it has that one.
"""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

#: What a shell or a pipeline fills in; what runs a program is not in it, since two runs may tell two things.
_HOLE = re.compile(r"\$\{\{.*?\}\}|\$\{[^}]*\}|\$[A-Za-z_][A-Za-z0-9_]*|\$[0-9@*]")
_MAKE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")
_NAME = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?")
#: What stands for a hole while a line is read: one character each, of those that no text has.
_FIRST, _LAST = 0xE000, 0xF8FF
MARKS = "\ue000-\uf8ff"
_MARK = re.compile(f"[{MARKS}]")
_LITERAL = re.compile(r"""(["']?)([A-Za-z0-9_./:@+-]*)\1(?=[\s;&|)]|$)""")
#: What gives a variable a value that is not written beside it.
_TAKEN = r"\b(?:read|getopts|mapfile|readarray|for|select|unset)\b[^\n;]*\b{0}\b|\b{0}\+="
#: Texts that set variables elsewhere.
_SOURCED = re.compile(r"(?m)(?:^|[;&|]|\bthen\b|\bdo\b)\s*(?:source|\.|eval)\s+\S")
#: Commands that one line may stand for.
_MANY = 60


#: Patterns that are looked for in one repository.
_PATTERNS = 400
#: The values of groups in each path that matches; ``None`` where a path may mean several things.
_Found = list[tuple[str, ...]] | None


@dataclass(frozen=True, slots=True)
class Tree:
    """The paths of a repository."""

    files: Collection[str] = ()
    folders: Collection[str] = ()
    #: What patterns were found to match, by them.
    known: dict[tuple[str, ...], _Found] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Marked:
    """A text with a mark in each hole's place. ``holes``: what stood there, by mark."""

    text: str
    holes: Mapping[str, str] = field(default_factory=dict)
    #: Is it a makefile, whose variables a command line may set?
    make: bool = False

    def values(self, mark: str, position: int) -> list[str] | None:
        """The literals that the text gives the variable before the position; ``None`` where others may reach it."""
        named = _NAME.fullmatch(self.holes.get(mark, ""))
        if named is None or self.make:
            return None
        if any(
            said.startswith(("${" + named[1] + "=", "${" + named[1] + ":="))
            for said in self.holes.values()
        ):
            return None
        return _assigned(self.text, named[1], position)


def marked(text: str, *, make: bool = False) -> Marked:
    """The text with its holes marked. ``make``: ``$(NAME)`` is a variable too, as it is in a makefile."""
    known: dict[str, str] = {}
    if _MARK.search(text):
        return Marked(_HOLE.sub("\x00", text))

    def mark(found: re.Match[str]) -> str:
        named = _NAME.fullmatch(found[0])
        said = "${" + named[1] + "}" if named else found[0]
        if len(known) > _LAST - _FIRST:
            return "\x00"
        return known.setdefault(said, chr(_FIRST + len(known)))

    if make:
        text = _MAKE.sub(r"${\1}", text)
    out = _HOLE.sub(mark, text)
    return Marked(out, {one: said for said, one in known.items()}, make)


def _assigned(text: str, name: str, position: int) -> list[str] | None:
    if re.search(_TAKEN.format(re.escape(name)), text) or _SOURCED.search(text):
        return None
    found = list(re.finditer(rf"(?<![\w$-]){re.escape(name)}=", text))
    values = [_LITERAL.match(text, one.end()) for one in found]
    first = next((n for n, one in enumerate(found) if _is_outermost(text, one)), None)
    if first is None or found[first].start() > position or None in values:
        return None
    said = [value[2] for value in values if value is not None]
    if _is_within(text, position):
        return list(dict.fromkeys(said))
    last = max(
        n for n, one in enumerate(found) if one.start() < position and _is_outermost(text, one)
    )
    return list(
        dict.fromkeys(v for n, v in enumerate(said) if n >= last and found[n].start() < position)
    )


def _is_outermost(text: str, found: re.Match[str]) -> bool:
    """Does an assignment stand alone on a line that always runs?"""
    start = text.rfind("\n", 0, found.start()) + 1
    before = text[start : found.start()]
    end = text.find("\n", found.end())
    rest = text[found.end() : end if end >= 0 else len(text)]
    alone = re.fullmatch(r"""\s*(["']?)[^\s"';&|]*\1\s*(?:;.*|#.*)?""", rest)
    return before in ("", "export ", "readonly ", "declare ") and alone is not None


def _is_within(text: str, position: int) -> bool:
    """Does a line stand within something: a function, a loop?"""
    start = text.rfind("\n", 0, position) + 1
    return text[start : start + 1] in (" ", "\t")


def resolved(
    words: Sequence[str], folders: Sequence[str], literal: Mapping[str, list[str]], tree: Tree,
    starts: Iterable[str],
) -> list[dict[str, str]] | None:  # fmt: skip
    """What each mark stands for, one mapping for each way in which all is there; ``None`` where that cannot be told.

    ``words``: files that have to be there; ``folders``: files or folders that have to; ``literal``: what marks are known
    to stand for; ``starts``: folders that paths are counted from.
    """
    wanted = list(dict.fromkeys(_MARK.findall("".join((*words, *folders)))))
    if not wanted:
        return [{}]
    known = [mark for mark in wanted if mark in literal]
    turns = itertools.product(*(literal[mark] for mark in known))
    out: list[dict[str, str]] = []
    for turn in itertools.islice(turns, _MANY + 1):
        said = dict(zip(known, turn, strict=True))
        files = [filled(word, said) for word in words]
        places = [filled(word, said) for word in folders]
        found = _joined(files, places, tree, tuple(starts))
        if found is None:
            return None
        out += [said | one for one in found]
    return out if out and len(out) <= _MANY else None


def filled(word: str, said: Mapping[str, str]) -> str:
    """The word with what its marks stand for."""
    return _MARK.sub(lambda found: said.get(found[0], found[0]), word)


def blanked(word: str, blank: str) -> str:
    """The word with one sign for each mark that is left."""
    return _MARK.sub(blank, word)


def holds_mark(word: str) -> bool:
    """Is anything left that is filled in?"""
    return _MARK.search(word) is not None


def _joined(
    files: Sequence[str], places: Sequence[str], tree: Tree, starts: tuple[str, ...]
) -> list[dict[str, str]] | None:
    joined: list[dict[str, str]] = [{}]
    for word, folders in (*((w, False) for w in files), *((w, True) for w in places)):
        if not holds_mark(word):
            continue
        found = _matching(word, tree, starts, folders=folders)
        if found is None:
            return None
        joined = [
            one | other
            for one in joined
            for other in found
            if all(one.get(mark, value) == value for mark, value in other.items())
        ]
        if not joined or len(joined) > _MANY * 10:
            return None
    return [dict(one) for one in dict.fromkeys(tuple(sorted(one.items())) for one in joined)]


def _matching(
    word: str, tree: Tree, starts: tuple[str, ...], *, folders: bool
) -> list[dict[str, str]] | None:
    """What the marks of a path stand for in each path that is there; ``None`` where a path may mean several things, or
    too many are asked for."""
    marks = list(dict.fromkeys(_MARK.findall(word)))
    written = dict.fromkeys(posixpath.normpath(posixpath.join(start, word)) for start in starts)
    bodies = {_body(one, marks): _MARK.split(one)[0] for one in written}
    key = ("folders" if folders else "files", *bodies)
    if key not in tree.known:
        if len(tree.known) >= _PATTERNS:
            return None
        candidates = itertools.chain(tree.files, tree.folders if folders else ())
        tree.known[key] = _found(bodies, candidates)
    found = tree.known[key]
    return None if found is None else [dict(zip(marks, one, strict=True)) for one in found]


def _found(bodies: Mapping[str, str], candidates: Iterable[str]) -> _Found:
    """``bodies``: patterns, with what stands before their first group."""
    patterns = [(re.compile(body), head) for body, head in bodies.items()]
    heads = tuple(bodies.values())
    found: dict[tuple[str, ...], None] = {}
    for path in candidates:
        if not path.startswith(heads):
            continue
        for pattern, head in patterns:
            one = pattern.fullmatch(path) if path.startswith(head) else None
            if one is None:
                continue
            if len(one.groups()) > 1 and _splits(pattern.pattern, path) != one.groups():
                return None
            found[one.groups()] = None
    return list(found)


def _body(word: str, marks: Sequence[str]) -> str:
    seen: set[str] = set()
    piece = ".+" if len(marks) == 1 else "[^/]+"
    out: list[str] = []
    for sign in word:
        if sign not in marks:
            out.append(re.escape(sign))
            continue
        group = f"h{marks.index(sign)}"
        out.append(f"(?P={group})" if sign in seen else f"(?P<{group}>{piece})")
        seen.add(sign)
    return "".join(out)


def _splits(pattern: str, path: str) -> tuple[str, ...]:
    shortest = re.fullmatch(pattern.replace("[^/]+)", "[^/]+?)"), path)
    assert shortest is not None
    return shortest.groups()


def literals(text: Marked, words: Iterable[str], position: int) -> Iterator[tuple[str, list[str]]]:
    """(mark, literals) of the marks in words whose values the text says before the position."""
    for mark in dict.fromkeys(_MARK.findall("".join(words))):
        values = text.values(mark, position)
        if values:
            yield mark, values
