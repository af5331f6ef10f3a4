"""Archives of captured clusters: what is inside is read, what leads out of them or is too much is named and left."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from enrich.adapters import archives
from enrich.adapters.archives import is_archive, top_of, unpack
from enrich.adapters.capture import read_capture
from enrich.core.foreign import foreign

POD = b"apiVersion: v1\nkind: Pod\nmetadata: {name: web-1, namespace: shop}\n"


def tar(file: Path, members: Iterable[tuple[str, bytes]], *links: str) -> Path:
    mode = "w:gz" if file.suffix in (".tgz", ".gz") else "w"
    with tarfile.open(file, mode) as made:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
        for name in links:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/hostname"
            made.addfile(member)
    return file


def names(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("name", ["c.tar", "c.tgz", "c.tar.gz", "c.zip"])
def test_the_files_inside_are_unpacked(tmp_path: Path, name: str) -> None:
    members = [("case/cluster/pods.yaml", POD), ("case/alert.json", b"{}")]
    file = tmp_path / name
    if name.endswith(".zip"):
        with zipfile.ZipFile(file, "w") as made:
            for inside, content in members:
                made.writestr(inside, content)
    else:
        tar(file, members)
    into = tmp_path / "into"
    into.mkdir()
    assert is_archive(file)
    assert unpack(file, into) == {}
    assert names(top_of(into)) == {"cluster/pods.yaml", "alert.json"}


@pytest.mark.parametrize(
    "name", ["../out.yaml", "/out.yaml", "a/../../out.yaml", "a\\out.yaml", "a\nb", "."]
)
def test_nothing_is_written_outside_of_the_folder(tmp_path: Path, name: str) -> None:
    into = tmp_path / "deep" / "into"
    into.mkdir(parents=True)
    left = unpack(tar(tmp_path / "c.tar", [(name, POD), ("pods.yaml", POD)]), into)
    assert names(tmp_path / "deep") == {"into/pods.yaml"}
    assert len(left) == 1


def test_links_are_left_and_named(tmp_path: Path) -> None:
    into = tmp_path / "into"
    into.mkdir()
    left = unpack(tar(tmp_path / "c.tgz", [("pods.yaml", POD)], "link.yaml"), into)
    assert names(into) == {"pods.yaml"}
    assert set(left) == {"link.yaml"}
    assert not (into / "link.yaml").is_symlink()


def test_a_bomb_is_stopped_at_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_BYTES", 4_000_000)
    into = tmp_path / "into"
    into.mkdir()
    bomb = tar(tmp_path / "c.tgz", [(f"{n}.json", b"0" * 1_500_000) for n in range(9)])
    left = unpack(bomb, into)
    assert sum(p.stat().st_size for p in into.rglob("*")) <= 4_000_000
    assert "c.tgz" in left


def test_more_files_than_a_cluster_has_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_FILES", 3)
    into = tmp_path / "into"
    into.mkdir()
    left = unpack(tar(tmp_path / "c.tar", [(f"{n}.yaml", POD) for n in range(9)]), into)
    assert len(names(into)) == 3
    assert "c.tar" in left


def test_a_cut_archive_gives_what_it_has(tmp_path: Path) -> None:
    whole = tar(tmp_path / "w.tar", [("a.yaml", POD), ("b.yaml", POD * 400)])
    cut = tmp_path / "c.tar"
    cut.write_bytes(whole.read_bytes()[:2_000])
    into = tmp_path / "into"
    into.mkdir()
    assert "c.tar" in unpack(cut, into)
    assert "a.yaml" in names(into)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut"])
@pytest.mark.parametrize("name", ["c.zip", "c.tar.gz"])
def test_what_only_says_that_it_is_an_archive_is_named(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    into = tmp_path / "into"
    into.mkdir()
    assert set(unpack(tmp_path / name, into)) == {name}


TABLE = "NAME      READY   STATUS    RESTARTS   AGE\nweb-1     1/1     Running   0          4d\n"
WIDE = "NAMESPACE   NAME    READY   STATUS\nshop   web-1   1/1   Running\n"
EVENTS = (
    "LAST SEEN   TYPE      REASON    OBJECT   MESSAGE\n5m   Warning   BackOff   pod/web-1   x\n"
)
DESCRIBED = "Name:             web-1\nNamespace:        shop\nPriority:         0\n"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (TABLE, "table"),
        (WIDE, "table"),
        (EVENTS, "table"),
        (DESCRIBED, "describe"),
        ("Error from server (Forbidden): events is forbidden\n", "Forbidden"),
        ("The connection to the server localhost:8080 was refused\n", "refused"),
    ],
)
@pytest.mark.parametrize("file", ["pods.txt", "pods.yaml", "pods.json", "pods"])
def test_what_people_print_is_named_with_what_to_give_instead(
    tmp_path: Path, file: str, text: str, word: str
) -> None:
    (tmp_path / file).write_text(text)
    (tmp_path / "ok.yaml").write_bytes(POD)
    capture = read_capture(tmp_path, None)
    assert word in capture.troubles[file]
    assert len(capture.objects["pods"]) == 1


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T10:00:00Z ERROR cannot connect\n",
        "Name: only a line of a program\n",
        "{}\n",
        "",
        "a: 1\nb: 2\n",
    ],
)
def test_ordinary_text_is_not_taken_for_a_table(text: str) -> None:
    assert foreign(text) == ""


def test_an_archive_inside_of_a_folder_and_files_of_other_kinds_are_named(tmp_path: Path) -> None:
    (tmp_path / "ok.yaml").write_bytes(POD)
    (tmp_path / "more.tar.gz").write_bytes(b"x")
    (tmp_path / "shot.png").write_bytes(b"x")
    troubles = read_capture(tmp_path, None).troubles
    assert set(troubles) == {"more.tar.gz", "shot.png"}


def test_a_must_gather_is_read(tmp_path: Path) -> None:
    root = "must-gather.local.1/quay-io-x/namespaces/shop"
    log = f"{root}/pods/web-1/app/app/logs"
    members = [
        (f"{root}/core/pods.yaml", b"apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: web-1, namespace: shop}\n"),
        (f"{root}/core/events.yaml", b"apiVersion: v1\nkind: EventList\nitems: []\n"),
        (f"{root}/apps/deployments.yaml", b"apiVersion: apps/v1\nkind: DeploymentList\nitems: []\n"),
        ("must-gather.local.1/quay-io-x/cluster-scoped-resources/core/nodes/n1.yaml", b"apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n"),
        (f"{log}/current.log", b"it runs\n"),
        (f"{log}/previous.log", b"it fell\n"),
        ("must-gather.local.1/timestamp", b"now\n"),
        ("must-gather.local.1/event-filter.html", b"<html>\n"),
    ]  # fmt: skip
    into = tmp_path / "into"
    into.mkdir()
    assert unpack(tar(tmp_path / "m.tar.gz", members), into) == {}
    capture = read_capture(top_of(into), None)
    assert {"pods", "events", "deployments", "nodes"} <= capture.objects.keys()
    assert {(one.pod, one.container, one.previous) for one in capture.logs} == {
        ("web-1", "app", False),
        ("web-1", "app", True),
    }
    assert capture.troubles == {}
