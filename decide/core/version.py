"""Which rules decided: a digest of the files that the decision is made of.

It covers ``decide/core`` (rules, plans, taxonomy, ranking, confidence and its fitted numbers) and the playbooks that are
shipped. Not a house's own playbooks, the model's prompts, and the libraries below (``manifests``, ``schemas``): the
package's version tells those. Any change of a covered file changes it, a comment's too; line ends do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable

_COVERED = ("decide.core", "playbooks")
_SOURCES = (".py", ".yaml", ".yml")
_COMPILED = ".pyc"


def digest(contents: Iterable[tuple[str, bytes]]) -> str:
    """Twelve hexadecimal digits for named contents, whatever their order and line ends."""
    whole = sha256()
    for name, content in sorted(contents):
        text = content if name.endswith(_COMPILED) else content.replace(b"\r\n", b"\n")
        whole.update(f"{name}\0{sha256(text).hexdigest()}\n".encode())
    return whole.hexdigest()[:12]


def rules_version() -> str:
    """The digest of what is installed here, from a folder, a wheel or a zip.

    An installation of byte code alone has another one than its sources: it is told by the byte code.
    """
    return digest(found for package in _COVERED for found in _of_package(package))


def _of_package(package: str) -> Iterator[tuple[str, bytes]]:
    found = list(_below(files(package), package.replace(".", "/")))
    has_sources = any(entry.name.endswith(".py") for _, entry in found)
    wanted = _SOURCES if has_sources else (*_SOURCES, _COMPILED)
    return ((name, entry.read_bytes()) for name, entry in found if entry.name.endswith(wanted))


def _below(folder: Traversable, name: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        path = f"{name}/{entry.name}"
        if entry.is_file():
            yield path, entry
        elif entry.name != "__pycache__":
            yield from _below(entry, path)


#: Recorded with every decision. Files are read once per process.
RULES_VERSION = rules_version()
