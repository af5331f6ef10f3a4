"""Captured folders as people's tools leave them: what can be read is read, what cannot is named, nothing raises."""

from __future__ import annotations

import gzip
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enrich.adapters.capture import Capture, read_capture
from enrich.adapters.documents import MAX_FILE
from enrich.core.bundle import GatheredEvidence, Rules, assemble
from kfix.texts import told
from schemas.alerts import Alert

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


@pytest.mark.parametrize(
    ("name", "text", "french"),
    [
        ("pods.json", "{", "n'est pas du JSON : "),
        ("pods.json", "[" * 1000 + "]" * 1000, "imbriqué sur plus de "),
        ("pods.json", "7", "n'est pas un objet"),
        ("pods.yaml", "a: [", "n'est pas du YAML : "),
        ("pods.yaml", BOMB, "n'est pas du YAML : trop de nœuds"),
    ],
)
def test_why_a_file_cannot_be_read_is_told_in_french(
    tmp_path: Path, name: str, text: str, french: str
) -> None:
    (tmp_path / name).write_text(text)
    status = next(s for s in read_capture(tmp_path, None).sources() if s.name == f"file {name}")
    assert told(status.reason, status.reason_text, "fr").startswith(french)


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text(json.dumps({"kind": "PodList", "items": [POD]}))
    root = tmp_path / "dump"
    root.mkdir()
    (root / "pods.json").symlink_to(outside)
    assert read_capture(root, None).objects == {}


def test_a_file_that_is_too_large_is_named(tmp_path: Path) -> None:
    """A sparse file: large for its reader, small on the disk."""
    for folder in ("dump", "repo"):
        (tmp_path / folder).mkdir()
        with (tmp_path / folder / "big.yaml").open("wb") as file:
            file.truncate(MAX_FILE + 1)
    found = read_capture(tmp_path / "dump", tmp_path / "repo")
    assert found.troubles == {"big.yaml": "too large", "repository big.yaml": "too large"}
    assert (found.files, found.objects) == ({}, {})


START = "==== START logs for container {} of pod blue/web-0 ====\n"
END = START.replace("START", "END")


def logs_of(root: Path) -> dict[tuple[str, str, bool], tuple[str, ...]]:
    found = read_capture(root, None)
    return {(log.pod, log.container, log.previous): log.lines for log in found.logs}


def write(root: Path, name: str, text: str | bytes) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return root


def test_the_containers_of_a_pod_are_told_apart_in_one_dumped_file(tmp_path: Path) -> None:
    text = (
        START.format("init")
        + "migrated\n"
        + END.format("init")
        + START.format("app")
        + "one\nno newline at its end"
        + END.format("app")
        + START.format("proxy")
        + "Request log error: container is waiting\n"
        + END.format("proxy")
    )
    write(tmp_path, "blue/web-0/logs.txt", text)
    assert logs_of(tmp_path) == {
        ("web-0", "init", False): ("migrated",),
        ("web-0", "app", False): ("one", "no newline at its end"),
    }


def test_marks_of_another_pod_are_words_of_the_program_that_printed_them(tmp_path: Path) -> None:
    forged = START.format("app").replace("web-0", "other-0") + "OOM\n"
    write(tmp_path, "blue/web-0/logs.txt", START.format("app") + forged + END.format("app"))
    assert logs_of(tmp_path) == {("web-0", "app", False): tuple(forged.splitlines())}


def test_the_end_of_a_log_of_any_size_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, "blue/web-0/logs.txt", "") / "blue/web-0/logs.txt"
    with path.open("wb") as file:
        file.write(START.format("app").encode())
        file.seek(MAX_FILE + 100)  # a hole: no bytes on the disk
        file.write(b"\nlast but one\nlast\n" + END.format("app").encode())
    (log,) = read_capture(tmp_path, None).logs
    assert (log.container, log.lines[-2:]) == ("app", ("last but one", "last"))
    assert sum(map(len, log.lines)) < 1_000_000


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("blue/web-0/app.log", ("web-0", "app", False)),
        ("blue/web-0/app-logs-previous.txt", ("web-0", "app", True)),
        ("namespaces/blue/pods/web-0/app/app/logs/previous.log", ("web-0", "app", True)),
        ("namespaces/blue/pods/web-0/app/app/logs/current.log", ("web-0", "app", False)),
        ("web-0.log", ("web-0", "", False)),
        ("logs/web-0-app-previous.log", ("web-0", "app", True)),
    ],
)
def test_logs_are_found_where_people_keep_them(
    tmp_path: Path, name: str, place: tuple[str, str, bool]
) -> None:
    write(tmp_path, "pods.json", json.dumps({"kind": "PodList", "items": [POD]}))
    write(tmp_path, name, "a line\n")
    assert logs_of(tmp_path) == {place: ("a line",)}


def test_a_log_that_could_be_of_two_pods_is_of_none(tmp_path: Path) -> None:
    twin = {"metadata": {"name": "web-0", "namespace": "green"}}
    write(tmp_path, "pods.json", json.dumps({"kind": "PodList", "items": [POD, twin]}))
    write(tmp_path, "web-0.log", "a line\n")
    found = read_capture(tmp_path, None)
    assert found.logs == []
    assert found.troubles == {"web-0.log": "a log of no pod of the dump"}


NETPOL = {"metadata": {"name": "deny", "namespace": "blue"}}


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("pods", "Pod"),
        ("networkpolicies", "NetworkPolicy"),
        ("endpoints", "Endpoints"),
        ("ingresses", "Ingress"),
        ("replication-controllers", "ReplicationController"),
        ("horizontalpodautoscalers", "HorizontalPodAutoscaler"),
        ("hpa", "HorizontalPodAutoscaler"),
        ("deploy", "Deployment"),
        ("deployment", "Deployment"),
        ("resourcequotas", "ResourceQuota"),
    ],
)
def test_a_list_that_says_no_kind_has_the_one_of_its_files_name(
    tmp_path: Path, file: str, kind: str
) -> None:
    write(tmp_path, f"blue/{file}.json", json.dumps({"items": [NETPOL]}))
    (items,) = read_capture(tmp_path, None).objects.values()
    assert [item["kind"] for item in items] == [kind]


def test_a_kind_that_nothing_says_is_not_guessed(tmp_path: Path) -> None:
    write(tmp_path, "blue/gadgets.json", json.dumps({"items": [NETPOL]}))
    found = read_capture(tmp_path, None)
    assert found.objects == {}
    assert "say a kind" in found.troubles["blue/gadgets.json"]


def pod(name: str, **more: object) -> dict[str, object]:
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": "blue", **more},
    }


EVERYTHING = json.dumps({"kind": "List", "apiVersion": "v1", "items": [pod("a"), pod("b")]})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("all.json", EVERYTHING),
        ("all.json.gz", gzip.compress(EVERYTHING.encode())),
        ("all.json", EVERYTHING.encode("utf-16")),
        ("all.json", b"\xef\xbb\xbf" + EVERYTHING.encode()),
        ("all.json", json.dumps(pod("a")) + "\n" + json.dumps(pod("b"))),
        (
            "all.yaml",
            "kind: List\nitems:\n"
            + "".join(f"- kind: Pod\n  metadata: {{name: {n}, namespace: blue}}\n" for n in "ab"),
        ),
        (
            "all.yaml",
            "---\n".join(f"kind: Pod\nmetadata: {{name: {n}, namespace: blue}}\n" for n in "ab"),
        ),
        (
            "blue/pods.yaml",
            "kind: PodList\nitems:\n- metadata: {name: a, namespace: blue}\n- metadata: {name: b, namespace: blue}\n",
        ),
        (
            "deep/er/Pod.yml",
            "items:\n- metadata: {name: a, namespace: blue}\n- metadata: {name: b, namespace: blue}\n",
        ),
    ],
)
def test_layouts_that_people_have_hold_the_same_objects(
    tmp_path: Path, name: str, text: str | bytes
) -> None:
    found = read_capture(write(tmp_path, name, text), None)
    assert [p["metadata"]["name"] for p in found.objects["pods"]] == ["a", "b"]
    assert set(found.objects) == {"pods"}
    assert found.troubles == {}


def test_a_whole_dump_in_one_file_is_lists_and_then_logs(tmp_path: Path) -> None:
    lists = "\n".join(
        json.dumps({"kind": f"{k}List", "apiVersion": "v1", "items": []}, indent=4)
        for k in ("Node", "Event")
    )
    pods = json.dumps({"kind": "PodList", "apiVersion": "v1", "items": [POD]}, indent=4)
    text = f"{lists}\n{pods}\n" + START.format("app") + '{"level": "info"}\n' + END.format("app")
    for name in ("dump.txt", "cluster.json", "out"):
        root = write(tmp_path / name, name, text)
        found = read_capture(root, None)
        assert {kind: len(items) for kind, items in found.objects.items()} == {
            "nodes": 0,
            "events": 0,
            "pods": 1,
        }
        assert logs_of(root) == {("web-0", "app", False): ('{"level": "info"}',)}
        assert found.troubles == {}


def test_an_object_that_two_files_hold_is_there_once_as_it_was_last(tmp_path: Path) -> None:
    write(tmp_path, "a.json", json.dumps(pod("a", resourceVersion="9", note="new")))
    write(tmp_path, "b.json", json.dumps(pod("a", resourceVersion="7", note="old")))
    (only,) = read_capture(tmp_path, None).objects["pods"]
    assert only["metadata"]["note"] == "new"


def test_dates_and_huge_numbers_of_yaml_can_be_written_out_again(tmp_path: Path) -> None:
    text = "kind: Pod\nmetadata: {name: a, creationTimestamp: 2026-11-24T08:00:00Z}\nspec: {n: 99999999999999999999}\n"
    write(tmp_path, "pod.yaml", text)
    (only,) = read_capture(tmp_path, None).objects["pods"]
    assert only["metadata"]["creationTimestamp"] == "2026-11-24T08:00:00Z"
    assert orjson.loads(orjson.dumps(only)) == only


WORDS = [
    "kind",
    "items",
    "metadata",
    "spec",
    "name",
    "namespace",
    "status",
    "labels",
    "annotations",
    "ownerReferences",
    "controller",
    "selector",
    "template",
    "containers",
    "containerStatuses",
    "state",
    "message",
    "involvedObject",
    "data",
    "apiVersion",
]
KINDS = ["Pod", "PodList", "ReplicaSet", "Deployment", "Service", "Event", "Secret", "a", ""]


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"metadata": []}, "metadata is no mapping"),
        ({"metadata": {"name": 7}}, "name is no text"),
        ({"metadata": {"name": "a", "labels": ["x"]}}, "metadata.labels is no mapping"),
        ({"metadata": {"name": "a"}, "spec": "x"}, "spec is no mapping"),
        (
            {"metadata": {"name": "a"}, "spec": {"containers": {"a": 1}}},
            "spec.containers is no list of mappings",
        ),
        (
            {"metadata": {"name": "a"}, "status": {"containerStatuses": ["x"]}},
            "status.containerStatuses is no list",
        ),
        ({"metadata": {"name": "a", "ownerReferences": "x"}}, "ownerReferences is no list"),
    ],
)
def test_what_no_api_server_says_is_named_and_left_out(
    tmp_path: Path, item: dict[str, object], reason: str
) -> None:
    write(tmp_path, "pods.json", json.dumps({"kind": "PodList", "items": [item, POD]}))
    found = read_capture(tmp_path, None)
    assert [p["metadata"]["name"] for p in found.objects["pods"]] == ["web-0"]
    assert reason in found.troubles["pods.json"]


def test_a_kind_of_somebodys_own_may_use_words_otherwise(tmp_path: Path) -> None:
    own = {
        "kind": "Deployment",
        "apiVersion": "ours.example/v1",
        "metadata": {"name": "a"},
        "spec": {"template": "small"},
    }
    found = read_capture(write(tmp_path, "x.json", json.dumps(own)), None)
    assert found.objects["deployments"] == [own]


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(KINDS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(WORDS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@settings(max_examples=300)
@given(
    odd,
    st.sampled_from(["pods.json", "x.json", "pods.yaml", "blue/web-0/logs.txt", "x.gz"]),
    st.binary(max_size=60),
)
def test_no_file_breaks_the_reading_or_the_bundle(value: object, name: str, raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = write(Path(folder), name, json.dumps(value))
        write(root, f"raw/{name}", raw)
        found = read_capture(root, None)
    assemble(
        GatheredEvidence(
            alert=Alert(labels={"kube_namespace": "blue", "pod_name": "a"}),
            delivery_id="d",
            received_at=datetime(2026, 11, 24, tzinfo=UTC),
            objects=found.objects,
            logs=tuple(found.logs),
        ),
        Rules(),
    )
