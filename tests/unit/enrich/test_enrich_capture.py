"""Captured folders as people's tools leave them: what can be read is read, what cannot is named, nothing raises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from enrich.adapters import capture
from enrich.adapters.capture import Capture, read_capture

POD = {"metadata": {"name": "web-0", "namespace": "blue"}}


def dump(root: Path, **files: str) -> Capture:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_json", ".json").replace("_yaml", ".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return read_capture(root, None)


def test_lists_of_kinds_give_their_items_their_kind(tmp_path: Path) -> None:
    pods = json.dumps({"kind": "PodList", "apiVersion": "v1", "items": [POD]})
    found = dump(tmp_path, blue__pods_json=pods)
    assert found.objects["pods"][0]["kind"] == "Pod"
    assert found.objects["pods"][0]["apiVersion"] == "v1"


def test_an_empty_list_counts_as_listed_and_a_missing_file_does_not(tmp_path: Path) -> None:
    found = dump(
        tmp_path, **{"blue__replication-controllers_json": '{"kind": "List", "items": []}'}
    )
    assert found.objects == {"replicationcontrollers": []}


def test_yaml_streams_single_objects_and_unknown_kinds_are_read(tmp_path: Path) -> None:
    text = "kind: Gadget\nmetadata: {name: a}\n---\nkind: NetworkPolicy\nmetadata: {name: b}\n"
    assert set(dump(tmp_path, blue__things_yaml=text).objects) == {"gadgets", "networkpolicies"}


def test_logs_stand_below_their_pod(tmp_path: Path) -> None:
    folder = tmp_path / "blue" / "web-0"
    folder.mkdir(parents=True)
    (folder / "logs.txt").write_text("one\ntwo\n")
    (folder / "logs-previous.txt").write_text("before\n")
    logs = {(log.pod, log.previous): log.lines for log in read_capture(tmp_path, None).logs}
    assert logs == {("web-0", False): ("one", "two"), ("web-0", True): ("before",)}


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("pods.json", "{", "no JSON"),
        ("pods.json", "[" * 1000 + "]" * 1000, "nested more than"),
        ("pods.json", "7", "no object"),
        ("pods.yaml", "a: [", "no YAML"),
        ("pods.yaml", BOMB, "aliases"),
        ("pods.yaml", "a: " + "[" * 5000 + "]" * 5000, "levels"),
        ("pods.yaml", "a: &a [*a]\n" + "b: 1\n" * 3, ""),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_the_others_are_read(
    tmp_path: Path, name: str, text: str, reason: str
) -> None:
    (tmp_path / name).write_text(text)
    found = dump(tmp_path, blue__services_json=json.dumps({"kind": "ServiceList", "items": [POD]}))
    assert found.objects["services"]
    if reason:
        assert reason in found.troubles[name]
        assert any(s.name == f"file {name}" and s.state == "degraded" for s in found.sources())


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text(json.dumps({"kind": "PodList", "items": [POD]}))
    root = tmp_path / "dump"
    root.mkdir()
    (root / "pods.json").symlink_to(outside)
    assert read_capture(root, None).objects == {}


def test_a_file_of_the_repository_that_is_too_large_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture, "_MAX_FILE", 10)
    (tmp_path / "big.yaml").write_text("kind: Pod\nmetadata: {name: a}\n")
    found = read_capture(None, tmp_path)
    assert found.troubles == {"repository big.yaml": "too large"}
    assert found.files == {}
