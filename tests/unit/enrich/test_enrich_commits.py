"""What commits changed in a file, field by field, and what a workload reads besides its own manifest."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from enrich.core.commits import taken_away, written
from enrich.core.reads import read_by
from kfix.incident.forge.port import Commit, LostFile
from manifests.text.undoing import is_removal
from schemas.base import ObjectRef

AT = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
REF = ObjectRef(api_version="v1", kind="ConfigMap", namespace="shop", name="settings")
NOW = "kind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  MODE: slow\n"


def commit(diff: str, sha: str = "abc") -> Commit:
    return Commit(sha=sha, title="t", author="ada", at=AT, url="", diff=diff)


def fields(content: str, *diffs: str) -> list[Any]:
    found = written(REF, "a.yaml", content.encode(), [commit(d) for d in diffs])
    return [(change.detail or {}).get("fields") for change in found]


def test_each_commit_tells_the_fields_that_it_changed() -> None:
    newest = "@@ -3,3 +3,3 @@\n   name: settings\n data:\n-  MODE: fast\n+  MODE: slow\n"
    older = "@@ -4,3 +4,2 @@\n data:\n-  MODE: fst\n-  SIZE: '4'\n+  MODE: fast\n"
    told = fields(NOW, newest, older)
    assert told == [
        {"ConfigMap//settings": {"data.MODE": ["fast", "slow"]}},
        {"ConfigMap//settings": {"data.MODE": ["fst", "fast"], "data.SIZE": ["4", None]}},
    ]


def test_a_file_that_a_commit_made_had_no_fields_before() -> None:
    body = "".join(f"+{line}\n" for line in NOW.splitlines())
    (told,) = fields(NOW, f"@@ -0,0 +1,5 @@\n{body}")
    assert told["ConfigMap//settings"]["data"] == [None, {"MODE": "slow"}]


@pytest.mark.parametrize(
    "diff",
    [
        "",
        "Binary files differ",
        "@@ -5,1 +5,1 @@\n-  MODE: fast\n+  MODE: other\n",
        "@@ -5,9 +5,9 @@\n-  MODE: fast\n+  MODE: slow\n",
        "@@ -99,1 +99,1 @@\n-a\n+b\n",
    ],
    ids=["none", "binary", "another text", "cut off", "beyond the end"],
)
def test_a_diff_that_does_not_fit_tells_no_fields_and_none_of_older_commits(diff: str) -> None:
    fitting = "@@ -5,1 +5,1 @@\n-  MODE: fast\n+  MODE: slow\n"
    assert fields(NOW, diff, fitting) == [None, None]


def test_the_last_line_may_have_no_break() -> None:
    diff = "@@ -5,1 +5,1 @@\n-  MODE: fast\n\\ No newline at end of file\n+  MODE: slow\n"
    assert fields(NOW, diff) == [{"ConfigMap//settings": {"data.MODE": ["fast", "slow"]}}]


def test_nothing_of_a_secret_is_read_and_secrets_elsewhere_are_masked() -> None:
    secret = "kind: Secret\nmetadata:\n  name: s\nstringData:\n  a: was-hunter2\n"
    (told,) = fields(secret, "@@ -5,1 +5,1 @@\n-  a: old-hunter2\n+  a: was-hunter2\n")
    assert told is None
    plain = NOW.replace("MODE: slow", "DB_PASSWORD: was-hunter2")
    diff = "@@ -5,1 +5,1 @@\n-  DB_PASSWORD: old-hunter2\n+  DB_PASSWORD: was-hunter2\n"
    assert fields(plain, diff) == [None]


def test_a_commit_of_very_many_fields_takes_no_single_value_away() -> None:
    rows = [f"  K{n}: 'b'\n" for n in range(50)]
    content = NOW.partition("  MODE")[0] + "".join(rows)
    old = "".join(f"-{row.replace('b', 'a')}" for row in rows)
    diff = f"@@ -5,50 +5,50 @@\n{old}{''.join('+' + row for row in rows)}"
    assert fields(content, diff) == [None]


def test_a_workload_reads_configmaps_and_is_bound_by_what_selects_it() -> None:
    def named(kind: str, name: str, namespace: str = "shop", **spec: Any) -> dict[str, Any]:
        return {"kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}

    pod = {
        "containers": [
            {
                "name": "main",
                "envFrom": [{"configMapRef": {"name": "all"}}, {"secretRef": {"name": "hidden"}}],
                "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "one"}}}],
            }
        ],
        "volumes": [{"name": "v", "projected": {"sources": [{"configMap": {"name": "two"}}]}}],
    }
    template = {"metadata": {"labels": {"app": "web"}}, "spec": pod}
    mine, other = {"matchLabels": {"app": "web"}}, {"matchLabels": {"app": "db"}}
    objects = {
        "deployments": [named("Deployment", "web", template=template)],
        "services": [
            named("Service", "web", selector={"app": "web"}),
            named("Service", "db", selector={"app": "db"}),
        ],
        "networkpolicies": [
            named("NetworkPolicy", "deny", podSelector={}),
            named("NetworkPolicy", "mine", podSelector=mine),
            named("NetworkPolicy", "others", podSelector=other),
        ],
        "resourcequotas": [
            named("ResourceQuota", "room"),
            named("ResourceQuota", "far", namespace="far"),
        ],
    }
    subject = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="web")
    found = {f"{ref.kind}/{ref.name}" for ref in read_by(subject, objects)}
    assert found == {
        "ConfigMap/all",
        "ConfigMap/one",
        "ConfigMap/two",
        "Service/web",
        "NetworkPolicy/deny",
        "NetworkPolicy/mine",
        "ResourceQuota/room",
    }
    gone = subject.model_copy(update={"name": "gone"})
    assert read_by(gone, objects) == ()


# --- files that a commit took away

LOST = '# kept by team shop\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: settings}\ndata:\n  MODE: "slow"\n  app.conf: |\n    a = 1\n'


def removal(text: str, path: str = "k/settings.yaml", sha: str = "abc") -> LostFile:
    lines = text.splitlines()
    body = "".join(f"-{line}\n" for line in lines)
    return LostFile(path, commit(f"@@ -1,{len(lines)} +0,0 @@\n{body}", sha))


def test_a_configmap_whose_file_went_is_told_with_its_text_to_the_last_byte() -> None:
    newer = removal(LOST.replace("slow", "fast"), sha="newer")
    (told,) = taken_away([REF], [newer, removal(LOST)])
    assert (told.revision, told.object) == ("newer", REF)
    detail = told.detail or {}
    assert detail["path"] == "k/settings.yaml"
    assert detail["lost"]["text"] == LOST.replace("slow", "fast")
    assert detail["lost"]["object"]["data"] == {"MODE": "fast", "app.conf": "a = 1\n"}
    assert detail["fields"]["ConfigMap//settings"]["kind"] == ["ConfigMap", None]


@pytest.mark.parametrize(
    "text",
    [
        LOST.replace("name: settings", "name: settings, namespace: bank"),
        LOST.replace("name: settings", "name: others"),
        LOST.replace("kind: ConfigMap", "kind: Secret"),
        "a: [\n",
    ],
)
def test_what_was_another_object_or_none_tells_nothing(text: str) -> None:
    assert taken_away([REF], [removal(text)]) == []


@pytest.mark.parametrize(
    "text",
    [
        LOST + "---\nkind: Service\nmetadata: {name: web}\n",
        LOST.replace('"slow"', '"postgres://ada:hunter2hunter2@db:5432/shop"'),
        LOST.replace("slow", "\ufffd"),
        LOST.replace("a = 1", "a" * 40_000),
    ],
    ids=["beside another", "a secret in it", "no text", "too long"],
)
def test_a_text_that_is_not_whole_or_not_open_is_not_kept(text: str) -> None:
    for told in taken_away([REF], [removal(text)]):
        assert "lost" not in (told.detail or {})
        assert "hunter2" not in repr((told.detail or {}).get("fields"))


def test_a_file_that_only_lost_some_of_its_lines_is_not_lost() -> None:
    assert not is_removal("@@ -1,3 +1,2 @@\n a: 1\n-b: 2\n c: 3\n")
    assert is_removal("@@ -1,2 +0,0 @@\n-a: 1\n-b: 2\n")
    assert not is_removal("")
