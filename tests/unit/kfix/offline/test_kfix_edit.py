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
from kfix.offline.edit import Workspace, answer_line, value_of_word

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
    (folder / "link.yaml").symlink_to("README.md")
    (folder / "values.yaml").write_text("image: {tag: '1.2'}\n")
    return folder


def run(*args: str, stdin: str | None = None) -> Any:
    app = typer.Typer()
    app.callback()(lambda: None)
    command.register(app)
    return CliRunner().invoke(app, list(args), input=stdin)


def test_an_edit_prints_a_diff_that_git_applies(repo: Path) -> None:
    done = run(
        "edit",
        "--repo",
        str(repo),
        "--object",
        "Deployment/shop/api",
        "--env",
        "prod",
        "--set",
        "spec.replicas=3",
        "--set",
        "spec.template.spec.containers[name=app].image=x:2",
        "--set",
        "spec.template.metadata.annotations['a.b/c']=2",
    )
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
    [
        [],
        ["--object", "Deployment/a/b"],
        ["--set", "a=1"],
        ["--file", "f", "--set", "novalue"],
        ["--object", "Deployment", "--set", "a=1"],
        ["--object", "Deployment/a/b", "--doc", "0", "--set", "a=1"],
        ["--file", __file__, "--set", "a..b=1"],
        ["--file", __file__, "--set", "a={b"],
    ],
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
    assert all(
        set(a) == {"id", "status", "file", "diff", "code", "reason", "note"} for a in answers
    )


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("0.5", 0.5),
        ("1.10", "1.10"),
        ("03", "03"),
        ("0x10", "0x10"),
        ("1e3", "1e3"),
        (".inf", ".inf"),
        ("true", True),
        ("True", "True"),
        ("yes", "yes"),
        ("null", None),
        ("", ""),
        ("500m", "500m"),
        ('"3"', "3"),
        ("[1, a]", [1, "a"]),
        ("{a: 1}", {"a": 1}),
        ("x: y", "x: y"),
        ("99999999999999999999", 99999999999999999999),
    ],
)
def test_a_word_is_a_number_only_if_it_is_written_back_the_same(word: str, value: object) -> None:
    found = value_of_word(word)
    assert (type(found), found) == (type(value), value)


def answers_of(*lines: bytes) -> list[dict[str, Any]]:
    workspace = Workspace()
    found = [answer_line(line, workspace, number=n) for n, line in enumerate(lines, 1)]
    return [json.loads(line) for line in found]


@pytest.mark.parametrize(
    ("line", "ident", "reason"),
    [
        (b"{broken", None, "line 1: not JSON"),
        (b"[]", None, "line 1: not an object"),
        (b"null", None, "line 1: not an object"),
        (b'{"id": "\xff"}', None, "line 1: not JSON"),
        (b'{"id": 1, "set": {"a": ' + b"[" * 500 + b"]" * 500 + b"}}", None, "deeper than 100"),
        (b'{"id": 2, "file": "f", "set": {"a": 99999999999999999999}}', 2, "64-bit"),
        (b'{"id": 3, "file": "f", "set": {"a": 1e999}}', None, "infinity"),
        (b'{"id": 4, "file": "f", "set": {}}', 4, "set: "),
        (b'{"id": 5, "file": "f", "set": ["a"]}', 5, "set: "),
        (b'{"id": 6, "file": "f"}', 6, "set: Field required"),
        (b'{"id": 7, "set": {"a": 1}}', 7, "neither file nor object"),
        (b'{"id": 8, "file": "f", "doc": true, "set": {"a": 1}}', 8, "doc: "),
        (b'{"id": 9, "file": "f", "doc": "0", "set": {"a": 1}}', 9, "doc: "),
        (b'{"id": 10, "repo": 1, "file": "f", "set": {"a": 1}}', 10, "repo: "),
        (b'{"id": 12, "object": "A/b/c", "doc": 0, "set": {"a": 1}}', 12, "without its file"),
        (b'{"id": 11, "object": "Deployment", "set": {"a": 1}}', 11, "not Kind/namespace/name"),
    ],
)
def test_a_line_that_is_no_wish_is_refused_with_its_reason(
    line: bytes, ident: object, reason: str
) -> None:
    (reply,) = answers_of(line)
    assert (reply["id"], reply["status"], reply["code"]) == (ident, "refused", "BAD_REQUEST")
    assert reason in reply["reason"]


def test_a_document_and_an_object_that_disagree_are_refused(repo: Path) -> None:
    wish = {"repo": str(repo), "file": "staging/api.yaml", "doc": 0, "set": {"spec.replicas": 3}}
    names = [
        "Deployment/shop/api",
        "Deployment/shop/prod-api",
        "Deployment/shop/web",
        "Service/shop/api",
    ]
    replies = answers_of(*(json.dumps({**wish, "object": name}).encode() for name in names))
    assert [r["code"] for r in replies] == ["", "", "NOT_FOUND", "NOT_FOUND"]


def test_a_file_behind_a_linked_folder_is_refused(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/v.yaml").write_text("a: 1\n")
    (repo / "linked").symlink_to(tmp_path / "elsewhere")
    done = run("edit", "--repo", str(repo), "--file", "linked/v.yaml", "--set", "a=2", "--write")
    assert (done.exit_code, done.stderr.partition(":")[0]) == (3, "UNSAFE_PATH")
    assert (tmp_path / "elsewhere/v.yaml").read_text() == "a: 1\n"


def test_a_file_alone_knows_its_neighbours_but_not_what_is_below(repo: Path) -> None:
    scaler = "kind: HorizontalPodAutoscaler\nmetadata: {name: s}\nspec:\n  scaleTargetRef: {kind: Deployment, name: api}\n"
    (repo / "below").mkdir()
    (repo / "below/hpa.yaml").write_text(scaler)
    (repo / "api.yaml").write_text(DEPLOYMENT)
    wish = ("edit", "--file", str(repo / "api.yaml"), "--set", "spec.replicas=3")
    assert run(*wish).exit_code == 0
    (repo / "hpa.yaml").write_text(scaler)
    assert run(*wish).stderr.startswith("HPA_OWNED: ")


def test_what_a_batch_wrote_is_what_its_next_line_sees(repo: Path) -> None:
    wishes = [
        {"repo": str(repo), "file": "values.yaml", "set": {"image.tag": tag}} for tag in ("2", "3")
    ]
    done = run("edit", "--batch", "-", "--write", stdin="\n".join(map(json.dumps, wishes)))
    assert "-image: {tag: '2'}" in json.loads(done.stdout.splitlines()[1])["diff"]
    assert (repo / "values.yaml").read_text() == "image: {tag: '3'}\n"


def test_a_file_that_cannot_be_written_is_refused_and_the_batch_goes_on(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    wish = {"repo": str(repo), "file": "values.yaml", "set": {"image.tag": "2"}}
    monkeypatch.setattr(Path, "write_bytes", full)
    done = run("edit", "--batch", "-", "--write", stdin="\n".join([json.dumps(wish)] * 2))
    assert [json.loads(line)["code"] for line in done.stdout.splitlines()] == ["NOT_WRITTEN"] * 2


def test_a_batch_that_cannot_be_read_is_wrong_usage(tmp_path: Path) -> None:
    done = run("edit", "--batch", str(tmp_path / "nothing.jsonl"))
    assert done.exit_code == 2
    assert "cannot read" in done.stderr


def test_locate_explains_its_way(repo: Path) -> None:
    done = run("locate", "Deployment/shop/api", "--repo", str(repo), "--env", "staging")
    assert done.exit_code == 0
    assert done.stdout == "staging/api.yaml document 0\n"
    assert "generated.yaml left out" in done.stderr
    assert "environment staging chooses 1 of 2" in done.stderr


def test_a_file_that_a_symlink_leads_to_is_another_one_too_and_refused(repo: Path) -> None:
    (repo / "also.yaml").symlink_to("prod/api.yaml")
    wanted = ("--object", "Deployment/shop/api", "--env", "prod", "--set", "spec.replicas=3")
    done = run("edit", "--repo", str(repo), *wanted)
    assert done.exit_code == 3
    assert "the symlink also.yaml" in done.stderr
