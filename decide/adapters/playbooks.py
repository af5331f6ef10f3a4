"""Playbooks from files: the shipped ones, and those of a folder of one's own."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path

from decide.core.playbooks import BadPlaybooks, Playbooks, PlaybookSource, Problem, compile_all

_SUFFIXES = (".yaml", ".yml")


def shipped() -> list[PlaybookSource]:
    """The playbooks that come with K-Fix."""
    files = [f for f in resources.files("playbooks").iterdir() if f.name.endswith(_SUFFIXES)]
    return [
        PlaybookSource(f"playbooks/{f.name}", f.read_text("utf-8"))
        for f in sorted(files, key=lambda f: f.name)
    ]


def sources_of(folder: Path) -> list[PlaybookSource]:
    """The files of a folder, by name. Raises BadPlaybooks when it or one of them cannot be read."""
    try:
        files = sorted(f for f in folder.iterdir() if f.name.endswith(_SUFFIXES))
    except OSError as error:
        raise BadPlaybooks(
            [Problem(str(folder), 1, f"cannot be read: {error.strerror}")]
        ) from error
    return [source_of(file) for file in files]


def source_of(file: Path) -> PlaybookSource:
    """One file. Raises BadPlaybooks when it cannot be read."""
    try:
        return PlaybookSource(str(file), file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadPlaybooks([Problem(str(file), 1, f"cannot be read: {error}")]) from error


@cache
def load_playbooks(folder: str = "") -> Playbooks:
    """The playbooks in use, compiled once per process. Raises BadPlaybooks with every problem of every file."""
    own = sources_of(Path(folder)) if folder else []
    return compile_all([*shipped(), *own])
