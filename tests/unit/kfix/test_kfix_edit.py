"""`kfix edit` and `kfix locate` on folders."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from kfix.cli import edit as command

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  replicas: 2
  template:
    metadata:
      annotations:
        a.b/c: "1"
    spec:
      containers:
      - name: app
        image: x:1
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    (folder / "prod").mkdir(parents=True)
    (folder / "prod/api.yaml").write_bytes(
        b"# head\r\n" + DEPLOYMENT.replace("\n", "\r\n").encode()
    )
    (folder / "staging").mkdir()
    (folder / "staging/api.yaml").write_text(
        DEPLOYMENT + "---\nkind: Service\nmetadata: {name: api}\n"
    )
    (folder / "generated.yaml").write_text("# DO NOT EDIT\n" + DEPLOYMENT)
    (folder / "link.yaml").symlink_to("prod/api.yaml")
    (folder / "values.yaml").write_text("image: {tag: '1.2'}\n")
    return folder


def run(*args: str, stdin: str | None = None) -> Any:
    app = typer.Typer()
    command.register(app)
    return CliRunner().invoke(app, list(args), input=stdin)


def test_an_edit_prints_a_diff_that_git_applies(repo: Path) -> None:
    done = run(
        "edit", "--repo", str(repo), "--object", "Deployment/shop/api", "--env", "prod",
        "--set", "spec.replicas=3", "--set", "spec.template.spec.containers[name=app].image=x:2",
        "--set", "spec.template.metadata.annotations['a.b/c']=2",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    subprocess.run(["git", "init", "-q", str(repo)], check=True)
    subprocess.run(["git", "-C", str(repo), "apply", "-"], input=done.stdout_bytes, check=True)
    text = (repo / "prod/api.yaml").read_bytes().decode()
    expected = DEPLOYMENT.replace("replicas: 2", "replicas: 3").replace("x:1", "x:2")
    expected = expected.replace('c: "1"', 'c: "2"').replace("\n", "\r\n")
    assert text == "# head\r\n" + expected
    assert (repo / "staging/api.yaml").read_text().startswith(DEPLOYMENT)


def test_write_changes_the_file(repo: Path) -> None:
    done = run(
        "edit", "--repo", str(repo), "--file", "values.yaml", "--set", "image.tag=1.3", "--write"
    )
    assert done.exit_code == 0
    assert (repo / "values.yaml").read_text() == "image: {tag: '1.3'}\n"


def test_a_file_needs_no_repository(repo: Path) -> None:
    done = run("edit", "--file", str(repo / "values.yaml"), "--set", "image.tag=1.3")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("--- a/values.yaml\n+++ b/values.yaml\n")


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["--object", "Deployment/shop/api"], "AMBIGUOUS_DOC"),
        (["--object", "Deployment/shop/nothing"], "NOT_FOUND"),
        (["--file", "generated.yaml"], "GENERATED"),
        (["--file", "link.yaml"], "UNSAFE_PATH"),
        (["--file", "../repo/values.yaml"], "UNSAFE_PATH"),
        (["--file", "staging/api.yaml"], "AMBIGUOUS_DOC"),
        (["--file", "staging/api.yaml", "--doc", "7"], "NOT_FOUND"),
    ],
)
def test_a_refusal_ends_with_three_and_says_its_code(
    repo: Path, args: list[str], code: str
) -> None:
    done = run("edit", "--repo", str(repo), *args, "--set", "spec.replicas=3")
    assert done.exit_code == 3
    assert done.stderr.startswith(code + ":")
    assert done.stdout == ""


@pytest.mark.parametrize(
    "args",
    [[], ["--object", "Deployment/a/b"], ["--set", "a=1"], ["--file", "f", "--set", "novalue"]],
)
def test_wrong_usage_ends_with_two(args: list[str]) -> None:
    assert run("edit", *args).exit_code == 2


def test_a_batch_answers_every_line(repo: Path) -> None:
    wishes: list[Any] = [
        {
            "id": "a",
            "repo": str(repo),
            "file": "prod/api.yaml",
            "doc": 0,
            "object": "Deployment/shop/api",
            "set": {"spec.replicas": 5},
        },
        {
            "id": "b",
            "repo": str(repo),
            "file": "staging/api.yaml",
            "object": "Deployment/shop/api",
            "set": {"spec.replicas": 2},
        },
        {
            "id": "c",
            "repo": str(repo),
            "object": "Deployment/shop/api",
            "set": {"spec.replicas": 5},
        },
        {"id": "d", "repo": str(repo), "file": "generated.yaml", "set": {"spec.replicas": 5}},
        {"id": "e", "repo": str(repo), "file": "prod/api.yaml", "set": {"spec..x[": 5}},
        {"id": "f", "repo": str(repo / "nowhere"), "file": "x.yaml", "set": {"a": 5}},
        "not a wish",
    ]
    done = run(
        "edit", "--batch", "-", stdin="\n".join(json.dumps(w) for w in wishes) + "\n{broken\n"
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(a["id"], a["status"], a["code"]) for a in answers] == [
        ("a", "edited", ""),
        ("b", "unchanged", ""),
        ("c", "refused", "AMBIGUOUS_DOC"),
        ("d", "refused", "GENERATED"),
        ("e", "refused", "BAD_REQUEST"),
        ("f", "refused", "NOT_FOUND"),
        (None, "refused", "BAD_REQUEST"),
        (None, "refused", "BAD_REQUEST"),
    ]
    assert answers[0]["file"] == "prod/api.yaml"
    assert "+  replicas: 5\r\n" in answers[0]["diff"]
    assert all(set(a) == {"id", "status", "file", "diff", "code", "reason"} for a in answers)


def test_locate_explains_its_way(repo: Path) -> None:
    done = run("locate", "Deployment/shop/api", "--repo", str(repo), "--env", "staging")
    assert done.exit_code == 0
    assert done.stdout == "staging/api.yaml document 0\n"
    assert "generated.yaml left out" in done.stderr
    assert "environment staging chooses 1 of 2" in done.stderr
