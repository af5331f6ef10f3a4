"""A repository's archive is foreign data: what Git allows and a careful reader does not."""

from __future__ import annotations

import io
import tarfile

import pytest

from kfix.infra.forges.archives import ArchiveLimits, unpack
from schemas import errors


def archive(*members: tuple[str, bytes, bytes]) -> bytes:
    """``(path, type, content or link target)`` under one folder, as GitLab packs them."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for path, kind, content in members:
            info = tarfile.TarInfo(f"deployments-main-abc/{path}")
            info.type = kind
            if kind == tarfile.REGTYPE:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            else:
                info.linkname = content.decode()
                tar.addfile(info)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("path", "kind", "content"),
    [
        ("link.yaml", tarfile.SYMTYPE, b"/etc/passwd"),
        ("hard.yaml", tarfile.LNKTYPE, b"deployments-main-abc/a.yaml"),
        ("pipe.yaml", tarfile.FIFOTYPE, b""),
        ("device.yaml", tarfile.CHRTYPE, b""),
        ("../up.yaml", tarfile.REGTYPE, b"x: 1\n"),
        ("a/../../up.yaml", tarfile.REGTYPE, b"x: 1\n"),
        (".git/hooks.yaml", tarfile.REGTYPE, b"x: 1\n"),
        ("a/.GIT/x.yaml", tarfile.REGTYPE, b"x: 1\n"),
        ("large.yaml", tarfile.REGTYPE, b"#" * 2000),
    ],
)
def test_odd_members_are_skipped_with_a_reason(path: str, kind: bytes, content: bytes) -> None:
    packed = archive(("a.yaml", tarfile.REGTYPE, b"a: 1\n"), (path, kind, content))
    files, skipped, links = unpack(packed, ArchiveLimits(file_bytes=1000))
    assert files == {"a.yaml": b"a: 1\n"}
    assert skipped[path]
    assert links == ({path: content.decode()} if kind == tarfile.SYMTYPE else {})


def test_only_manifests_and_what_renders_with_them_are_kept() -> None:
    names = (
        "k/kustomization.yaml",
        "Kustomization",
        "v.json",
        "main.go",
        "image.png",
        ".gitlab/CODEOWNERS",
        "chart/templates/_helpers.tpl",
        "chart/charts/redis-1.0.0.tgz",
        "backup.tgz",
    )
    files, skipped, _ = unpack(
        archive(*((n, tarfile.REGTYPE, b"x") for n in names)), ArchiveLimits()
    )
    assert set(files) == {
        "k/kustomization.yaml",
        "Kustomization",
        "v.json",
        ".gitlab/CODEOWNERS",
        "chart/templates/_helpers.tpl",
        "chart/charts/redis-1.0.0.tgz",
    }
    assert skipped == {}


def test_a_large_companion_is_left_out() -> None:
    packed = archive(("chart/files/dump.sql", tarfile.REGTYPE, b"x" * 300_000))
    assert unpack(packed, ArchiveLimits())[0] == {}


@pytest.mark.parametrize(
    "caps",
    [ArchiveLimits(entries=2), ArchiveLimits(unpacked_bytes=50), ArchiveLimits(kept_bytes=50)],
    ids=["entries", "unpacked", "kept"],
)
def test_too_much_is_refused_as_a_whole(caps: ArchiveLimits) -> None:
    packed = archive(*((f"{n}.yaml", tarfile.REGTYPE, b"#" * 30) for n in range(5)))
    with pytest.raises(errors.Rejected):
        unpack(packed, caps)


@pytest.mark.parametrize(
    "packed",
    [b"", b"not an archive", archive(("a.yaml", tarfile.REGTYPE, bytes(range(256)) * 40))[:150]],
)
def test_a_broken_archive_is_asked_for_again(packed: bytes) -> None:
    with pytest.raises(errors.Unavailable):
        unpack(packed, ArchiveLimits())
