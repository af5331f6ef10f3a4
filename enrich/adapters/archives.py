"""Archives of captured clusters, unpacked into a folder: only regular files, only inside, only so many bytes.

What is left out is named with its reason; an archive that ends early gives what it has. Nothing of a member but its name
and its bytes is taken over: no mode, no owner, no link.
"""

from __future__ import annotations

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from enrich.adapters.documents import MAX_FILE
from kfix.texts import say

#: Bytes of all files of an archive once unpacked. A must-gather of a large cluster has a few hundred MiB.
MAX_BYTES = 1024 * 1024 * 1024
#: Files of an archive.
MAX_FILES = 50_000
#: Reasons that are told one by one; the rest is counted.
_TOLD = 20
_TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_BLOCK = 1024 * 1024
_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)


def is_archive(path: Path) -> bool:
    """Does the file's name say that it is an archive that can be read?"""
    return path.name.lower().endswith((*_TARS, ".zip")) and path.is_file()


@dataclass(slots=True)
class _Unpacking:
    """What was unpacked so far. ``left_out``: why, by name."""

    into: Path
    size: int = 0
    files: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    more: int = 0

    def leave_out(self, name: str, why: str) -> None:
        if len(self.left_out) < _TOLD:
            self.left_out[name] = why
        else:
            self.more += 1

    @property
    def is_full(self) -> bool:
        return self.files >= MAX_FILES or self.size >= MAX_BYTES

    def put(self, name: str, content: IO[bytes]) -> None:
        """Writes one member. Raises what reading it raises."""
        place = _inside(name)
        if place is None:
            self.leave_out(name, say("enrich.archive.unsafe"))
            return
        file = self.into / place
        if file.exists():
            self.leave_out(name, say("enrich.archive.twice"))
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        most = min(MAX_FILE, MAX_BYTES - self.size)
        size = 0
        with file.open("wb") as out:
            while block := content.read(min(_BLOCK, most + 1 - size)):
                size += len(block)
                if size > most:
                    break
                out.write(block)
        self.size += min(size, most)
        self.files += 1
        if size > most:
            file.unlink()
            self.leave_out(name, say("enrich.unreadable.too_large_unpacked"))


def _inside(name: str) -> PurePosixPath | None:
    """The member's place below the folder; ``None`` for names that lead out of it or that no file should have."""
    path = PurePosixPath(name)
    parts = [part for part in path.parts if part != "."]
    unsafe = path.is_absolute() or ".." in parts or "\\" in name or not parts
    if unsafe or any(ord(char) < 32 for char in name) or len(name) > 1024:
        return None
    return PurePosixPath(*parts)


def unpack(archive: Path, into: Path) -> Mapping[str, str]:
    """Unpacks below ``into``, which is empty, and says what was left out and why, by name."""
    work = _Unpacking(into)
    try:
        if archive.name.lower().endswith(".zip"):
            _zip(archive, work)
        else:
            _tar(archive, work)
    except _BROKEN as failure:
        work.left_out[archive.name] = say("enrich.archive.broken", why=str(failure) or "?")
    if work.is_full:
        why = say("enrich.archive.too_much", files=MAX_FILES, mib=MAX_BYTES // 2**20)
        work.left_out[archive.name] = why
    if work.more:
        work.left_out["…"] = say("enrich.archive.more", n=work.more)
    return work.left_out


def _tar(archive: Path, work: _Unpacking) -> None:
    with tarfile.open(archive, "r|*") as opened:
        for member in opened:
            if work.is_full:
                return
            content = opened.extractfile(member) if member.isreg() else None
            if content is not None:
                work.put(member.name, content)
            elif not member.isdir():
                work.leave_out(member.name, say("enrich.archive.no_file"))


def _zip(archive: Path, work: _Unpacking) -> None:
    with zipfile.ZipFile(archive) as opened:
        for member in _members(opened, work):
            if work.is_full:
                return
            with opened.open(member) as content:
                work.put(member.filename, content)


def _members(opened: zipfile.ZipFile, work: _Unpacking) -> Iterator[zipfile.ZipInfo]:
    for member in opened.infolist():
        mode = member.external_attr >> 16
        if member.is_dir():
            continue
        if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            work.leave_out(member.filename, say("enrich.archive.no_file"))
        elif member.flag_bits & 1:
            work.leave_out(member.filename, say("enrich.archive.locked"))
        else:
            yield member


def top_of(folder: Path) -> Path:
    """The folder below which an archive's content begins: past folders that hold nothing but one other."""
    for _ in range(4):
        inside = list(folder.iterdir())
        if len(inside) != 1 or not inside[0].is_dir() or inside[0].name == "cluster":
            return folder
        folder = inside[0]
    return folder
