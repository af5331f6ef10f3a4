"""The printed commands, run by a shell with a stand-in for kubectl: they write a folder that is read back."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from enrich.adapters.capture import read_capture
from enrich.adapters.kubernetes import wishes_for
from tests.support.capture import kfix

#: Answers as kubectl would: Lists whose kind is List, a line for each container, logs; add-ons are not served.
_STAND_IN = """#!{python}
import json, sys
words = sys.argv[1:]
with open({log!r}, "a") as log:
    log.write(json.dumps(words) + "\\n")
if words[0] == "logs":
    print("before" if "--previous" in words else "now", end="")
elif any(w.startswith("go-template=") for w in words):
    print("shop api-1 app 0")
    print("shop cart-1 cart 3")
    print("shop ../../../escaped x 9")
elif "." in words[1] and "leases" not in words[1]:
    sys.exit("error: the server doesn't have a resource type \\"" + words[1] + "\\"")
elif words[1] == "ingresses" or "leases" in words[1]:
    print("W1130 09:20:01.000000 1 warnings.go:70] old", file=sys.stderr)
    sys.exit("Error from server (Forbidden): " + words[1] + " is forbidden")
else:
    kinds = {{"pods": "Pod", "deployments": "Deployment"}}
    where = words[words.index("--namespace") + 1] if "--namespace" in words else "shop"
    items = []
    if words[1] in kinds and "--selector" not in words:
        place = {{"name": "cart-1", "namespace": where}}
        items = [{{"apiVersion": "v1", "kind": kinds[words[1]], "metadata": place}}]
    print(json.dumps({{"apiVersion": "v1", "kind": "List", "items": items}}))
"""


def run(script: str, folder: Path) -> list[list[str]]:
    """Runs the script where the stand-in is the only kubectl; the words of each call."""
    import json

    tools, log = folder / "bin", folder / "calls"
    tools.mkdir()
    stand_in = tools / "kubectl"
    stand_in.write_text(_STAND_IN.format(python=sys.executable, log=str(log)))
    stand_in.chmod(0o755)
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["sh"], input=script.encode(), cwd=folder, env={"PATH": path}, timeout=120, check=False
    )
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_the_script_writes_what_the_command_itself_would(tmp_path: Path) -> None:
    out = tmp_path / "my $(touch pwned) 'case'; x"
    printed = kfix("capture", "--namespace", "shop", "--out", out, "--print-kubectl").stdout
    assert not out.exists(), "printing runs nothing"
    calls = run(printed, tmp_path)
    assert {call[0] for call in calls} == {"get", "logs"}
    asked = {call[1] for call in calls if call[0] == "get"}
    assert asked == {wish.resource for wish in wishes_for(("shop",))}
    assert not (tmp_path / "pwned").exists()
    assert not list(tmp_path.rglob("*escaped*"))
    found = read_capture(out / "cluster", None)
    logs = {(log.pod, log.container, log.previous): log.lines[0] for log in found.logs}
    assert logs == {
        ("cart-1", "cart", True): "before",
        ("cart-1", "cart", False): "now",
        ("api-1", "app", False): "now",
    }
    assert [o["metadata"]["name"] for o in found.objects["pods"]] == ["cart-1"]
    assert found.objects["services"] == []
    assert "httproutes" not in found.objects
    assert sorted(found.troubles) == [
        "kube-system/components-leases-1.json", "shop/ingresses.json", "shop/leases.json",
    ], "a kind that was not read is named"  # fmt: skip
    assert "(Forbidden): ingresses is forbidden" in found.troubles["shop/ingresses.json"]
    assert not list(out.rglob("*.err"))


def test_the_script_says_where_the_alert_and_the_repository_go(tmp_path: Path) -> None:
    printed = kfix("capture", "--namespace", "shop", "--out", "a\nb", "--print-kubectl").stdout
    told = [line for line in printed.splitlines() if line.startswith("#")]
    assert any("alert.json" in line and "repo/" in line for line in told)


@pytest.mark.parametrize("name", ["events.json", "events.yaml"])
def test_an_empty_file_is_a_list_that_was_not_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / name).write_text("\n")
    found = read_capture(tmp_path, None)
    assert "events" not in found.objects
    assert "run it again" in found.troubles[f"shop/{name}"]


def test_of_all_namespaces_each_list_is_asked_for_once(tmp_path: Path) -> None:
    printed = kfix("capture", "--out", tmp_path / "case", "--print-kubectl").stdout
    calls = [call for call in run(printed, tmp_path) if call[0] == "get"]
    lists = [call[1] for call in calls if call[-2:] == ["-o", "json"]]
    assert sorted(lists) == sorted({wish.resource for wish in wishes_for(())})
    assert all("--all-namespaces" in call for call in calls)
    assert "pods" in read_capture(tmp_path / "case" / "cluster", None).objects


def test_the_context_of_the_settings_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KFIX_KUBERNETES_CONTEXT", "a b; rm -rf /")
    printed = kfix("capture", "--namespace", "shop", "--out", tmp_path / "c", "--print-kubectl")
    line = next(line for line in printed.stdout.splitlines() if "get pods" in line)
    assert shlex.split(line)[:5] == ["kubectl", "--context", "a b; rm -rf /", "get", "pods"]


def test_the_alert_is_copied_by_the_script(tmp_path: Path) -> None:
    alert = tmp_path / "an alert.json"
    alert.write_text('{"id": "1", "title": "t", "tags": ["kube_namespace:shop"]}')
    words = ("capture", "--alert", alert, "--out", tmp_path / "case", "--print-kubectl")
    run(kfix(*words).stdout, tmp_path)
    assert (tmp_path / "case" / "alert.json").read_text() == alert.read_text()


@pytest.mark.parametrize(
    ("words", "tag", "context"),
    [
        ((), "kube_cluster_name:eks-us", "us"),
        (("--cluster", "EU"), "", "eu"),
        (("--cluster", "eks-us"), "service:api", "us"),
    ],
)
def test_of_several_clusters_the_alerts_or_the_named_one_is_read(
    tmp_path: Path, several: None, words: tuple[str, ...], tag: str, context: str
) -> None:
    printed = kfix(*_capture(tmp_path, tag, *words))
    line = next(line for line in printed.stdout.splitlines() if "get pods" in line)
    assert shlex.split(line)[:5] == ["kubectl", "--kubeconfig", "/dev/null", "--context", context]


@pytest.mark.parametrize(
    ("words", "tag"),
    [
        ((), ""),
        ((), "service:api"),
        ((), "kube_cluster_name:eu,kube_cluster_name:us"),
        ((), "kube_cluster_name:other"),
        (("--cluster", "other"), ""),
    ],
)
def test_where_it_is_not_told_which_of_several_is_meant_none_is_read(
    tmp_path: Path, several: None, words: tuple[str, ...], tag: str
) -> None:
    done = kfix(*_capture(tmp_path, tag, *words))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "eu, us" in done.stderr


@pytest.fixture
def several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two clusters in one kubeconfig."""
    file = tmp_path / "clusters.yaml"
    file.write_text(
        "- {name: eu, kubernetes: {kubeconfig: /dev/null, context: eu}}\n"
        "- {name: us, aliases: [eks-us], kubernetes: {kubeconfig: /dev/null, context: us}}\n"
    )
    monkeypatch.setenv("KFIX_CLUSTERS_FILE", str(file))


def _capture(folder: Path, tag: str, *words: str) -> tuple[str | Path, ...]:
    given: tuple[str | Path, ...] = ()
    if tag:
        alert = folder / "given.json"
        tags = json.dumps(["kube_namespace:shop", *tag.split(",")])
        alert.write_text(f'{{"id": "1", "title": "t", "tags": {tags}}}')
        given = ("--alert", alert)
    out = ("--out", folder / "case", "--print-kubectl")
    return ("capture", "--namespace", "shop", *words, *given, *out)
