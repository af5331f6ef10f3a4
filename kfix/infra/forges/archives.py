"""Unpacks a repository's archive at one commit, within bounds."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass

from kfix.infra.clients.boundary import another
from manifests.refused import NotEditable
from manifests.repository import tree
from schemas import errors


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """How much of a repository is read. Beyond them reading stops with ``errors.Rejected``."""

    #: Bytes of one file that is kept; larger ones are skipped. The largest custom resource bundles have about 3 MB.
    file_bytes: int = 4 * 1024 * 1024
    #: Bytes of all kept files: bounds the memory of one snapshot.
    kept_bytes: int = 128 * 1024 * 1024
    #: Bytes of the packed archive.
    archive_bytes: int = 256 * 1024 * 1024
    #: Bytes of all files once unpacked, kept or not.
    unpacked_bytes: int = 1024 * 1024 * 1024
    entries: int = 100_000
    #: Snapshots held at once, least recently used out first.
    snapshots: int = 4


def unpack(
    packed: bytes, caps: ArchiveLimits, commit: str = "", forge: str = "the forge"
) -> tuple[dict[str, bytes], dict[str, str], dict[str, str]]:
    """(files, skipped, targets of symlinks) of a ``tar.gz`` archive as forges make it, with one folder around everything.

    ``commit``: the one that the archive must be of; its folder's name says so, and git writes it into the archive.
    Symlinks, unsafe names and files beyond the cap are skipped with the reason. Raises errors.Rejected beyond the
    caps of the whole, errors.Unavailable for a broken archive.
    """
    files: dict[str, bytes] = {}
    skipped: dict[str, str] = {}
    links: dict[str, str] = {}
    seen = kept = unpacked = 0
    try:
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r|gz") as archive:
            for member in archive:
                seen, unpacked = seen + 1, unpacked + max(0, member.size)
                if seen > caps.entries or unpacked > caps.unpacked_bytes or kept > caps.kept_bytes:
                    raise errors.Rejected("the repository is too large to read", reason="too_big")
                folder, _, path = member.name.partition("/")
                if commit not in folder and archive.pax_headers.get("comment") != commit:
                    raise another(forge, "commit")
                reason = _why_skipped(path, member, caps)
                if member.issym():
                    links[path] = member.linkname
                if reason:
                    skipped[path] = reason
                elif member.isfile() and (
                    tree.is_manifest(path) or tree.is_companion(path, member.size)
                ):
                    content = archive.extractfile(member)
                    files[path] = content.read() if content is not None else b""
                    kept += member.size
    except (tarfile.TarError, EOFError, OSError) as error:
        raise errors.Unavailable(f"a broken archive: {error}", reason="bad_archive") from error
    return files, skipped, links


def _why_skipped(path: str, member: tarfile.TarInfo, caps: ArchiveLimits) -> str:
    if not path or member.isdir():
        return ""
    try:
        tree.check_path(path)
        if member.issym() or member.islnk():
            tree.check_mode(path, "120000")
    except NotEditable as refused:
        return refused.reason
    if not member.isfile():
        return "not a plain file"
    if tree.is_manifest(path) and member.size > caps.file_bytes:
        return f"larger than {caps.file_bytes} bytes"
    return ""
