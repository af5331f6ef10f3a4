"""`kfix capture`: what is kept of what came, how it is written, and that it is read back as it was."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from enrich.adapters.capture import read_capture
from enrich.core.unread import Unread, note_of, unread_in
from kfix.offline.capturing.reading import CaptureBounds, NothingRead, ReadCluster, read_cluster
from kfix.offline.capturing.writing import write_case
from schemas import errors
from schemas.alerts import Alert
from schemas.context import LogExcerpt
from tests.support.capture import kfix

Objects = list[dict[str, Any]]


class Silent:
    """Progress for nobody."""

    def begin(self, what: str, steps: int) -> None:
        return

    def step(self) -> None:
        return


class FakeCluster:
    """Answers by (kind, namespace); what is not told is an empty list. Remembers whose logs were asked for."""

    def __init__(self, answers: Mapping[tuple[str, str], Objects | Exception]) -> None:
        self._answers = answers
        self.logs: list[tuple[str, bool]] = []

    async def list(
        self, plural: str, namespace: str = "", *, labels: str = "", limit: int = 0
    ) -> Objects:
        answer = self._answers.get((plural, f"{namespace}?{labels}" if labels else namespace), [])
        if isinstance(answer, Exception):
            raise answer
        return answer[:limit] if limit else answer

    async def pod_log(
        self,
        namespace: str,
        pod: str,
        *,
        container: str = "",
        previous: bool = False,
        tail_lines: int = 200,
    ) -> str:
        self.logs.append((pod, previous))
        if pod == "locked":
            raise errors.Unauthorized("no right")
        return f"said by {pod}"


def item(kind: str, name: str, namespace: str = "", **more: Any) -> dict[str, Any]:
    place = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": "v1", "kind": kind, "metadata": place, **more}


def sick(name: str, namespace: str, restarts: int = 0) -> dict[str, Any]:
    status = {"name": "app", "restartCount": restarts, "ready": restarts == 0}
    return item("Pod", name, namespace, status={"containerStatuses": [status]})


async def read(
    answers: Mapping[tuple[str, str], Objects | Exception],
    *namespaces: str,
    alert: Alert | None = None,
    **bounds: Any,
) -> ReadCluster:
    there = [item("Namespace", name) for name in ("a", "b", "kube-system")]
    cluster = FakeCluster({("namespaces", ""): there, **answers})
    return await read_cluster(cluster, namespaces, CaptureBounds(**bounds), alert, Silent())


def names(found: ReadCluster) -> dict[str, str]:
    return {one.name: one.why for one in found.unread}


async def test_a_kind_that_one_namespace_refuses_is_left_out_of_all_where_absence_tells() -> None:
    forbidden = errors.Unauthorized("cannot list")
    found = await read(
        {
            ("configmaps", "a"): [item("ConfigMap", "c", "a")],
            ("configmaps", "b"): forbidden,
            ("pods", "a"): [sick("p", "a")],
            ("pods", "b"): forbidden,
        },
        "a",
        "b",
    )
    assert not [plural for _, plural in found.lists if plural == "configmaps"]
    assert [o["metadata"]["name"] for o in found.lists["a", "pods"]] == ["p"]
    assert names(found).keys() == {
        "kubernetes.configmaps of a",
        "kubernetes.configmaps of b",
        "kubernetes.pods of b",
    }


async def test_a_namespace_of_which_nothing_came_hides_nothing_of_another() -> None:
    class Closed(dict[tuple[str, str], Any]):
        def get(self, key: Any, default: Any = None) -> Any:
            return errors.Unauthorized("no") if key[1] == "b" else super().get(key, default)

    there = [item("Namespace", name) for name in "ab"]
    held = {("configmaps", "a"): [item("ConfigMap", "c", "a")], ("namespaces", ""): there}
    cluster = FakeCluster(Closed(held))
    found = await read_cluster(cluster, ("a", "b"), CaptureBounds(), None, Silent())
    assert found.lists["a", "configmaps"]
    assert {name.rpartition(" ")[2] for name in names(found)} == {"b"}
    assert not [place for place, _ in found.lists if place == "b"]


@pytest.mark.parametrize(("number", "whole"), [(2, True), (3, True), (4, False)])
async def test_a_list_past_its_bound_is_thinned_or_left_out_and_told(
    number: int, whole: bool
) -> None:
    found = await read(
        {
            ("configmaps", "a"): [item("ConfigMap", f"c{n}", "a") for n in range(number)],
            ("pods", "a"): [sick(f"p{n}", "a") for n in range(number)],
        },
        "a",
        objects=3,
    )
    assert len(found.lists["a", "pods"]) == min(3, number)
    assert (("a", "configmaps") in found.lists) == whole
    cut = {} if whole else dict.fromkeys(("kubernetes.pods of a", "kubernetes.configmaps of a"))
    assert names(found) == dict.fromkeys(cut, "refused")


async def test_the_clusters_components_stand_only_beside_the_namespaces_own() -> None:
    dns = ("pods", "kube-system?k8s-app=kube-dns")
    component = item("Pod", "coredns", "kube-system")
    found = await read({dns: [component], ("pods", "a"): [sick("p", "a")]}, "a")
    assert found.lists["kube-system", "pods"] == [component]
    found = await read({dns: [component], ("pods", "a"): errors.Unauthorized("no")}, "a")
    assert not [plural for _, plural in found.lists if plural == "pods"]


async def test_what_only_failed_for_a_moment_is_marked_as_unanswered() -> None:
    late = errors.TimedOut("late")
    found = await read({("pods", "a"): [sick("p", "a")], ("services", "a"): late}, "a")
    assert names(found) == {"kubernetes.services of a": "unanswered"}


async def test_the_alerts_own_logs_are_read_before_those_in_worse_trouble() -> None:
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "controller": True}
    calm = sick("db-0", "a")
    calm["metadata"]["ownerReferences"] = [owner]
    pods = [sick("worse", "a", restarts=9), calm]
    labels = {"kube_namespace": "a", "kube_stateful_set": "db"}
    alert = Alert(title="t", state="firing", labels=labels)
    found = await read({("pods", "a"): pods}, "a", alert=alert, logs=1)
    assert [log.pod for log in found.logs] == ["db-0"]
    found = await read({("pods", "a"): pods}, "a", logs=1)
    assert [(log.pod, log.previous) for log in found.logs] == [("worse", True)]
    assert "2 logs beyond the first 1" in found.unread[-1].reason


async def test_logs_that_may_not_be_read_are_told_once() -> None:
    pods = [sick("locked", "a", restarts=2), sick("open", "a")]
    found = await read({("pods", "a"): pods}, "a")
    (told,) = found.unread
    assert (told.name, "2 logs" in told.reason) == ("kubernetes.logs", True)
    assert [log.pod for log in found.logs] == ["open"]


async def test_nothing_at_all_is_no_capture() -> None:
    class Closed(FakeCluster):
        async def list(self, plural: str, namespace: str = "", **_: Any) -> Objects:
            raise errors.Unauthorized("who are you")

    with pytest.raises(NothingRead, match="who are you"):
        await read_cluster(Closed({}), ("a",), CaptureBounds(), None, Silent())


def excerpt(*lines: str, container: str = "app", previous: bool = False) -> LogExcerpt:
    return LogExcerpt(
        source="capture",
        namespace="a",
        pod="p.0",
        container=container,
        previous=previous,
        lines=lines,
    )


def test_logs_and_lists_are_read_back_as_they_were(tmp_path: Path) -> None:
    logs = [
        excerpt("one", "", "two ", ""),
        excerpt("before", previous=True),
        excerpt("of a name that says previous", container="app-previous"),
        excerpt("Request log error: said by the program", "and more", container="c3"),
        excerpt("==== END logs for container c4 of pod a/p.0 ====", "on", container="c4"),
    ]
    lists = {("a", "pods"): [sick("p.0", "a")], ("", "nodes"): [], ("a", "endpoints"): []}
    write_case(tmp_path / "case", ReadCluster(lists=lists, logs=logs))
    found = read_capture(tmp_path / "case" / "cluster", None)
    assert sorted(found.logs, key=lambda log: log.lines) == sorted(logs, key=lambda log: log.lines)
    assert found.objects == {"pods": [sick("p.0", "a")], "nodes": [], "endpoints": []}
    assert (found.troubles, found.unread) == ({}, [])


def test_a_program_that_prints_a_mark_makes_no_log_of_another_container(tmp_path: Path) -> None:
    forged = "==== START logs for container other of pod a/p.0 ===="
    lists = {("a", "pods"): [sick("p.0", "a")]}
    write_case(tmp_path / "case", ReadCluster(lists=lists, logs=[excerpt("x", forged, "y")]))
    (log,) = read_capture(tmp_path / "case" / "cluster", None).logs
    assert (log.container, log.lines) == ("app", ("x", " " + forged, "y"))


HOSTILE = (
    "..",
    ".",
    "../../x",
    "/etc/x",
    "a/b",
    "a\\b",
    "a\0b",
    "a\nb",
    "",
    "A",
    "-a",
    "a..b",
    "é",
)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("part", ["namespace", "pod", "container"])
def test_names_that_kubernetes_does_not_allow_are_no_part_of_a_path(
    tmp_path: Path, part: str, name: str
) -> None:
    log = excerpt("words").model_copy(update={part: name})
    lists = {(name if part == "namespace" else "a", "pods"): [sick("p", "a")]}
    unread = write_case(tmp_path / "x" / "case", ReadCluster(lists=lists, logs=[log]))
    assert [one.name for one in unread] == ["kubernetes.logs"]
    written = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    place = "" if part == "namespace" else "a/"
    root = "x/case/cluster/"
    assert written == {f"{root}capture.json", f"{root}{place}pods.json"}


def test_a_list_that_no_reader_would_take_is_told_instead_of_written(tmp_path: Path) -> None:
    lists = {("a", "pods"): [sick("p", "a")], ("a", "events"): []}
    unread = write_case(tmp_path / "case", ReadCluster(lists=lists), max_file=200)
    assert [(one.name, one.why) for one in unread] == [("kubernetes.pods of a", "refused")]
    found = read_capture(tmp_path / "case" / "cluster", None)
    assert (found.objects, found.unread) == ({"events": []}, list(unread))


def test_the_files_are_their_owners_alone(tmp_path: Path) -> None:
    read_ = ReadCluster(lists={("a", "pods"): [sick("p", "a")]}, logs=[excerpt("x")])
    write_case(tmp_path / "case", read_, {"title": "t"})
    modes = {stat.S_IMODE(p.stat().st_mode) & 0o077 for p in (tmp_path / "case").rglob("*")}
    assert modes == {0}


def test_a_note_says_what_was_not_read_and_other_objects_are_none() -> None:
    told = (Unread("kubernetes.pods of a", "late", "unanswered"), Unread("x", "y"))
    assert unread_in(note_of(told)) == told
    assert unread_in(item("ConfigMap", "c", "a")) is None
    assert unread_in([]) is None
    odd = {**note_of(()), "unread": [1, {"name": "n"}, {"name": "n", "reason": "r", "why": "?"}]}
    assert unread_in(odd) == (Unread("n", "r"),)
    assert unread_in({**note_of(()), "unread": 3}) == ()


def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "case").mkdir()
    (tmp_path / "case" / "mine").write_text("mine")
    done = kfix("capture", "--out", tmp_path / "case")
    assert (done.exit_code, "is not empty" in done.stderr) == (3, True)
    assert [path.name for path in (tmp_path / "case").iterdir()] == ["mine"]
    done = kfix("capture", "--out", tmp_path / "case" / "mine")
    assert (done.exit_code, "no folder" in done.stderr) == (3, True)


@pytest.mark.parametrize("name", ["../shop", "shop/x", "Shop", "", "a;b", "x" * 64])
def test_what_cannot_be_a_namespace_is_wrong_usage(tmp_path: Path, name: str) -> None:
    done = kfix("capture", f"--namespace={name}", "--out", tmp_path / "case")
    assert (done.exit_code, "no namespace can be called" in done.stderr) == (2, True)


@pytest.mark.parametrize("body", ["", "{", "[]", '{"tags": ["kube_namespace:../../x"], "id": "1"}'])
def test_an_alert_that_is_none_or_names_what_is_no_namespace_is_wrong_usage(
    tmp_path: Path, body: str
) -> None:
    alert = tmp_path / "given.json"
    alert.write_text(body)
    done = kfix("capture", "--alert", alert, "--out", tmp_path / "case")
    assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1), done.output
    assert not (tmp_path / "case").exists()


def test_without_a_cluster_the_settings_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("URL", "KUBECONFIG"):
        monkeypatch.setenv(f"KFIX_KUBERNETES_{name}", "")
    done = kfix("capture", "--out", tmp_path / "case")
    assert (done.exit_code, "KFIX_KUBERNETES_KUBECONFIG" in done.stderr) == (2, True)


def test_the_namespaces_of_an_alert_with_several_are_all_asked_for(tmp_path: Path) -> None:
    alert = tmp_path / "given.json"
    tags = ["kube_namespace:shop", "kube_namespace:pay"]
    alert.write_text(json.dumps({"id": "1", "title": "t", "tags": tags}))
    out = kfix("capture", "--alert", alert, "--out", tmp_path / "case", "--print-kubectl").stdout
    assert "get pods --namespace shop -o json" in out
    assert "get pods --namespace pay -o json" in out
