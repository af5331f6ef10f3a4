"""The history of a case's own checkout is evidence, and nothing that the checkout names is run."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from kfix.offline.commits import commits_of, has_history, lost_files
from kfix.offline.diagnose import case_of, diagnose_case
from manifests.text.undoing import undone
from tests.support.decide.clusters import Cluster


def git(folder: Path, *words: str) -> None:
    own = ("-c", "user.name=ada", "-c", "user.email=ada@example.com")
    subprocess.run(["git", *own, *words], cwd=folder, check=True, capture_output=True)


def checkout(folder: Path, *texts: str, name: str = "app.yaml") -> Path:
    """A checkout whose file had these texts, one commit each."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    for n, text in enumerate(texts):
        (folder / name).write_text(text)
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", f"step {n}", "--date=2026-05-04T11:00:00Z")
    return folder


def test_commits_are_told_newest_first_with_their_diffs(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "repo", "a: 1\n", "a: 2\n", "a: 3\n")
    found = commits_of(folder, "app.yaml", 2)
    assert [one.title for one in found] == ["step 2", "step 1"]
    assert "-a: 2\n+a: 3\n" in found[0].diff
    assert commits_of(folder, "other.yaml", 2) == []


def test_a_folder_inside_of_another_checkout_has_no_history_of_its_own(tmp_path: Path) -> None:
    outer = checkout(tmp_path / "outer", "a: 1\n")
    inner = outer / "inner"
    inner.mkdir()
    (inner / ".git").write_text(f"gitdir: {outer / '.git'}\n")
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / ".git").symlink_to(outer / ".git")
    for folder in (inner, linked, tmp_path):
        assert not has_history(folder)
        assert commits_of(folder, "app.yaml", 2) == []


def test_no_program_that_the_checkout_names_is_run(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "repo", "a: 1\n", "a: 2\n")
    mark = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    program.chmod(0o755)
    for key in (
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "diff.external",
        "diff.own.textconv",
        "diff.own.command",
        "gpg.program",
        "filter.own.smudge",
        "filter.own.clean",
        "pager.log",
    ):
        git(folder, "config", key, str(program))
    git(folder, "config", "log.showSignature", "true")
    git(folder, "config", "remote.origin.promisor", "true")
    git(folder, "config", "remote.origin.url", f"ext::{program}")
    (folder / ".gitattributes").write_text("*.yaml diff=own filter=own\n")
    (folder / ".git" / "info" / "attributes").write_text("*.yaml diff=own filter=own\n")
    mark.unlink(missing_ok=True)  # git itself ran it while it was told
    assert len(commits_of(folder, "app.yaml", 5)) == 2
    assert not mark.exists()


def test_a_history_that_is_broken_is_none(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "repo", "a: 1\n", "a: 2\n")
    (folder / ".git" / "HEAD").write_text("ref: refs/heads/gone\n")
    assert commits_of(folder, "app.yaml", 5) == []


@pytest.mark.parametrize("dated", ["before", "dirty"])
def test_a_case_with_a_checkout_is_answered_by_what_was_committed(
    tmp_path: Path, dated: str
) -> None:
    cluster = Cluster(seed=57)
    sizes = {"requests": {"memory": "128Mi"}, "limits": {"memory": "128Mi"}}
    app = cluster.app(resources=sizes)
    cluster.crashed(app, 137, reason="OOMKilled")
    case = tmp_path / "case"
    (case / "cluster").mkdir(parents=True)
    for plural, items in cluster.objects.items():
        for item in items:
            item.setdefault("kind", {"replicasets": "ReplicaSet"}.get(plural, "ServiceAccount"))
        body = {"kind": "List", "items": items}
        (case / "cluster" / f"{plural}.json").write_text(json.dumps(body))
    labels = [f"kube_namespace:{cluster.namespace}", f"kube_deployment:{app}"]
    alert = {"title": "Pods are killed", "transition": "Triggered", "tags": ",".join(labels)}
    (case / "alert.json").write_text(json.dumps(alert | {"date": 4102444800000}))
    live = cluster.get("deployments", app)
    now = json.dumps({k: live[k] for k in ("apiVersion", "kind", "metadata", "spec")}, indent=1)
    repo = checkout(case / "repo", now.replace("128Mi", "640Mi"), now, name=f"{app}.yaml")
    if dated == "dirty":
        (repo / f"{app}.yaml").write_text(now.replace("128Mi", "96Mi"))
    answer = diagnose_case(case_of(case))
    first = answer["recommended_action"]
    assert ("640Mi" in json.dumps(first)) is (dated == "before")


def test_files_that_commits_took_away_are_told_to_the_last_byte(tmp_path: Path) -> None:
    text = "kind: ConfigMap\r\n# no newline at its end: é"
    folder = checkout(tmp_path / "repo", "a: 1\n", "a: 2\n")
    for name, content in (("k/lost.yaml", text), ("k/note.txt", "x\n"), ("k/kept.yaml", "b: 1\n")):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content.encode())
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "more")
    git(folder, "rm", "-q", "k/lost.yaml", "k/note.txt")
    git(folder, "mv", "k/kept.yaml", "k/moved.yaml")
    git(folder, "commit", "-qm", "less")
    found = {one.path: one.commit for one in lost_files(folder, 5)}
    assert set(found) == {"k/lost.yaml", "k/kept.yaml"}
    assert undone("", found["k/lost.yaml"].diff) == text
    assert found["k/lost.yaml"].title == "less"
    assert lost_files(tmp_path, 5) == []


def test_a_configmap_whose_file_was_taken_away_comes_back_as_it_was(tmp_path: Path) -> None:
    cluster = Cluster(seed=57)
    app = cluster.app()
    cluster.container(app)["envFrom"] = [{"configMapRef": {"name": "settings"}}]
    cluster.waiting(app, "CreateContainerConfigError", 'configmap "settings" not found')
    case = tmp_path / "case"
    (case / "cluster").mkdir(parents=True)
    for plural, items in cluster.objects.items():
        for item in items:
            item.setdefault("kind", {"replicasets": "ReplicaSet"}.get(plural, "ServiceAccount"))
        (case / "cluster" / f"{plural}.json").write_text(
            json.dumps({"kind": "List", "items": items})
        )
    alert = {
        "title": "Pods are not ready",
        "tags": f"kube_namespace:{cluster.namespace},kube_deployment:{app}",
    }
    (case / "alert.json").write_text(json.dumps(alert))
    lost = '# settings of the shop\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  MODE: "slow"  # see the wiki\n'
    declared = json.dumps(cluster.get("deployments", app), indent=1)
    folder = checkout(case / "repo", declared)
    (folder / "settings.yaml").write_text(lost)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "settings", "--date=2026-05-04T11:10:00Z")
    git(folder, "rm", "-q", "settings.yaml")
    git(folder, "commit", "-qm", "tidy up", "--date=2026-05-04T11:20:00Z")
    result = diagnose_case(case_of(case))
    assert result["status"] == "solution_proposed"
    assert result["recommended_action"]["repairs"]["verdict"] == "pass"
    added = [line[1:] for line in result["diff"].splitlines() if line.startswith("+")]
    assert "\n".join(added[1:]) + "\n" == lost
