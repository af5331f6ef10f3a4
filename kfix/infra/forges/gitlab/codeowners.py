"""Who owns a file, as GitLab reads a CODEOWNERS file. Pure.

Sections with default owners and optional ones, exclusions, users, groups, roles and addresses. In each section the last
pattern that matches counts; the owners of all sections come together.
Source: docs.gitlab.com/user/project/codeowners/reference (sections, paths, owners, exclusions).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from kfix.incident.globs import matches

#: Where GitLab looks, in this order; the first file that is there counts.
PLACES = ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
#: Lines that are read. GitLab takes files of up to 100,000 bytes.
_LINES = 5_000
_SECTION = re.compile(r"(?P<optional>\^)?\[(?P<name>[^\[\]]+)\](?:\[\d*\])?(?P<owners>(?:\s.*)?)$")
_SPLIT = re.compile(r"(?<!\\)\s+")
#: A role, a user or a group with its path, or an address.
_OWNER = re.compile(
    r"(?<![\w@.+-])(@@[a-z]+|@[A-Za-z0-9_][\w.-]*(?:/[A-Za-z0-9_][\w.-]*)*|[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+)"
)


@dataclass(slots=True)
class _Section:
    defaults: tuple[str, ...] = ()
    #: Pattern and owners in the order of the file; ``None``: files that nobody of this section owns.
    entries: list[tuple[str, tuple[str, ...] | None]] = field(default_factory=list)

    def owners(self, path: str) -> tuple[str, ...]:
        """What the last pattern that matches says; an exclusion counts wherever it stands."""
        found: tuple[str, ...] = ()
        for pattern, owners in self.entries:
            if not matches(pattern, path):
                continue
            if owners is None:
                return ()
            found = owners
        return found


@dataclass(frozen=True, slots=True)
class CodeOwners:
    """A file that has been read."""

    sections: tuple[_Section, ...]

    def of(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Owners of the files as the file writes them (``@ada``, ``@team/sre``, ``@@maintainer``, an address), each once."""
        found = (
            owner for path in paths for section in self.sections for owner in section.owners(path)
        )
        return tuple(dict.fromkeys(found))


def read(content: bytes) -> CodeOwners:
    """A file's bytes, as many as GitLab reads."""
    return parse(content[:100_000].decode(errors="replace"))


def parse(text: str) -> CodeOwners:
    """Reads a file. Lines that make no sense are passed over, as GitLab does."""
    sections: dict[str, _Section] = {"": _Section()}
    current = sections[""]
    for raw in text.splitlines()[:_LINES]:
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        header = _SECTION.match(line)
        if header:
            # Sections of one name are one; names differ by more than case.
            current = sections.setdefault(header["name"].strip().lower(), _Section())
            current.defaults = _owners(header["owners"]) or current.defaults
            continue
        pattern, _, rest = _SPLIT.sub("\n", line, count=1).partition("\n")
        if pattern.startswith("!"):
            current.entries.append((_normal(pattern[1:]), None))
        elif pattern:
            current.entries.append((_normal(pattern), _owners(rest) or current.defaults))
    return CodeOwners(tuple(sections.values()))


def _owners(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_OWNER.findall(text)))


def _normal(pattern: str) -> str:
    """A pattern without a slash at its start matches in every folder; one with a slash at its end, all below."""
    pattern = re.sub(r"^\\#", "#", pattern)
    pattern = re.sub(r"\\\s", " ", pattern)
    if pattern == "*":
        return "/**/*"
    if not pattern.startswith("/"):
        pattern = f"/**/{pattern}"
    if pattern.endswith("/"):
        return pattern + "**/*"
    # Only between slashes do two stars reach into folders.
    return pattern[:-2] + "*" if pattern.endswith("/**") else pattern
