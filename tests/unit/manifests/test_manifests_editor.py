"""Golden edits: each trap of YAML that makes a naive editor change too much, and each reason to refuse."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from manifests import NotEditable, amend, patch
from manifests.objects import paths
from manifests.text.diffs import unified
from manifests.text.editor import Delete, Edit, Insert, Replace

P = paths.parse


@pytest.mark.parametrize(
    ("before", "edits", "after"),
    [
        pytest.param(
            "\ufeffa: 1\nb: 2\n",
            [Replace(0, P("b"), 2, 3)],
            "\ufeffa: 1\nb: 3\n",
            id="byte order mark",
        ),
        pytest.param(
            "r:\n  cpu:\n  mem: 1\n",
            [Replace(0, P("r.cpu"), None, "777m")],
            "r:\n  cpu: 777m\n  mem: 1\n",
            id="implicit null",
        ),
        pytest.param(
            "r:\n  cpu:   # soon\n",
            [Replace(0, P("r.cpu"), None, "777m")],
            "r:\n  cpu: 777m   # soon\n",
            id="implicit null before a comment",
        ),
        pytest.param(
            "m: &mem 128Mi\n", [Replace(0, P("m"), "128Mi", "1Gi")], "m: &mem 1Gi\n", id="anchor"
        ),
        pytest.param("m: !!str 1\n", [Replace(0, P("m"), "1", "2")], "m: !!str 2\n", id="tag"),
        pytest.param(
            "a:\n  b: 1\n\n# about d\nd: 2\n",
            [Insert(0, P("a"), "c", 5)],
            "a:\n  b: 1\n  c: 5\n\n# about d\nd: 2\n",
            id="the end mark of a block runs on",
        ),
        pytest.param(
            "n: '😀é'\nb: 1\n",
            [Replace(0, P("b"), 1, 2)],
            "n: '😀é'\nb: 2\n",
            id="characters, not bytes",
        ),
        pytest.param(
            "# head\r\n---\r\na: 1 \r\n\r\nb: 'x'",
            [Replace(0, P("a"), 1, 2), Insert(0, (), "c", "w")],
            "# head\r\n---\r\na: 2 \r\n\r\nb: 'x'\r\nc: w",
            id="CRLF, header, trailing blank, no final line break",
        ),
        pytest.param(
            'c: "1"\n', [Replace(0, P("c"), "1", "2")], 'c: "2"\n', id="quoted stays quoted"
        ),
        pytest.param(
            "c: '1'\n", [Replace(0, P("c"), "1", "it's")], "c: 'it''s'\n", id="single quotes"
        ),
        pytest.param(
            "c: x\n", [Replace(0, P("c"), "x", "on")], 'c: "on"\n', id="on is no text in 1.1"
        ),
        pytest.param(
            "c: x\n", [Replace(0, P("c"), "x", "1e3")], 'c: "1e3"\n', id="1e3 is no text in 1.2"
        ),
        pytest.param("c: x\n", [Replace(0, P("c"), "x", "0o17")], 'c: "0o17"\n', id="0o17"),
        pytest.param(
            "c: x\n", [Replace(0, P("c"), "x", "12:30:00")], 'c: "12:30:00"\n', id="base 60"
        ),
        pytest.param(
            "c: x\n", [Replace(0, P("c"), "x", "1_000")], 'c: "1_000"\n', id="underscores"
        ),
        pytest.param(
            "c: x\n", [Replace(0, P("c"), "x", "a: b")], 'c: "a: b"\n', id="would be a mapping"
        ),
        pytest.param(
            "c: x\n", [Replace(0, P("c"), "x", "a\nb")], 'c: "a\\nb"\n', id="line break escaped"
        ),
        pytest.param(
            "c: [a, b]\n", [Replace(0, P("c[1]"), "b", "x,y")], 'c: [a, "x,y"]\n', id="in flow"
        ),
        pytest.param("c: 017\n", [Replace(0, P("c"), 15, 16)], "c: 16\n", id="octal of 1.1"),
        pytest.param(
            "l:\n- name: a\n  r: {}  # none\n- name: b\n",
            [Insert(0, P("l[name=a].r"), "limits", {"cpu": "1"})],
            'l:\n- name: a\n  r:  # none\n    limits:\n      cpu: "1"\n- name: b\n',
            id="an empty flow mapping becomes a block",
        ),
        pytest.param(
            "r: {cpu: 1}\n",
            [Insert(0, P("r"), "mem", "1Gi")],
            "r: {cpu: 1, mem: 1Gi}\n",
            id="flow entry",
        ),
        pytest.param(
            '{\n  "a": {\n    "b": 1\n  }\n}\n',
            [Insert(0, P("a"), "c", "x")],
            '{\n  "a": {\n    "b": 1,\n    "c": "x"\n  }\n}\n',
            id="JSON",
        ),
        pytest.param(
            "e:\n  - name: A\n    value: x\n\nz: 1\n",
            [Insert(0, P("e"), 1, {"name": "B", "value": "5"})],
            'e:\n  - name: A\n    value: x\n  - name: B\n    value: "5"\n\nz: 1\n',
            id="list item at the end",
        ),
        pytest.param(
            "e:\n- a\n- c\n", [Insert(0, P("e"), 1, "b")], "e:\n- a\n- b\n- c\n", id="in between"
        ),
        pytest.param("e:\n- a\n", [Insert(0, P("e"), 0, "0x")], "e:\n- 0x\n- a\n", id="first"),
        pytest.param(
            "e:\n- a\n- z\n",
            [Insert(0, P("e"), 0, "q"), Insert(0, P("e"), 0, "z")],
            "e:\n- q\n- z\n- a\n- z\n",
            id="two, the second like an item that is no part of them",
        ),
        pytest.param(
            "x: |\n  keep\n  me\n\ny: 1\n",
            [Insert(0, (), "z", 1, after="x")],
            "x: |\n  keep\n  me\nz: 1\n\ny: 1\n",
            id="after a block scalar",
        ),
        pytest.param(
            "a: 1\nb: 2  # x\nc: 3\n", [Delete(0, P("b"), 2)], "a: 1\nc: 3\n", id="delete"
        ),
        pytest.param(
            "a:\n  b: 1\nc: 3\n",
            [Delete(0, P("a.b"), 1)],
            "a: {}\nc: 3\n",
            id="delete the only one",
        ),
        pytest.param("a: 1\nb: 2", [Delete(0, P("b"), 2)], "a: 1", id="delete the last line"),
        pytest.param(
            "l:\n- n: 1\n  m: 2\n",
            [Delete(0, P("l[0].n"), 1)],
            "l:\n- m: 2\n",
            id="delete beside a dash",
        ),
        pytest.param(
            "a: 1\n---\n---\n# only a comment\na: 2\n...\n",
            [Replace(2, P("a"), 2, 3)],
            "a: 1\n---\n---\n# only a comment\na: 3\n...\n",
            id="documents count as parsers count them",
        ),
        pytest.param(
            "a: x  # why\nb: 1\n",
            [Replace(0, P("a"), "x", {"c": [1]})],
            "a:  # why\n  c:\n    - 1\nb: 1\n",
            id="a mapping for a word",
        ),
        pytest.param(
            "a:  # why\n  # and how\n  c: 1\n  d: 2\nb: 1\n",
            [Replace(0, P("a"), {"c": 1, "d": 2}, None)],
            "a: null  # why\n  # and how\nb: 1\n",
            id="a word for a mapping",
        ),
        pytest.param(
            "a:\n- 1\n- 2\nb: 1\n",
            [Replace(0, P("a"), [1, 2], {"c": 1})],
            "a:\n  c: 1\nb: 1\n",
            id="a mapping for a list",
        ),
        pytest.param(
            "l: [a, {b: 1,\n  c: 2}, d]\n",
            [Replace(0, P("l[1]"), {"b": 1, "c": 2}, ["x", {}])],
            "l: [a, [x, {}], d]\n",
            id="another shape in flow",
        ),
        pytest.param(
            "data:\n  f: |\n    a=1\n    # b\n\n      c\n    d=${X}\nz: 1\n",
            [
                Replace(
                    0, P("data.f"), "a=1\n# b\n\n  c\nd=${X}\n", "a=2\n# b\n\n  c\n\te\nd=${X}\n"
                )
            ],
            "data:\n  f: |\n    a=2\n    # b\n\n      c\n    \te\n    d=${X}\nz: 1\n",
            id="lines of a literal",
        ),
        pytest.param(
            "f: |-  # stripped\r\n  a\r\n  b",
            [Replace(0, P("f"), "a\nb", "c")],
            "f: |-  # stripped\r\n  c",
            id="a stripped literal at the end of a file",
        ),
        pytest.param(
            "l:\n-\n  a: 1\n-\n  a: 2\n",
            [Insert(0, P("l[0]"), "b", 1), Delete(0, P("l[1]"), {"a": 2})],
            "l:\n-\n  a: 1\n  b: 1\n",
            id="dashes on lines of their own",
        ),
        pytest.param(
            "a: 1\t# tab\nb:\t2\n",
            [Replace(0, P("a"), 1, 2), Replace(0, P("b"), 2, 3)],
            "a: 2\t# tab\nb:\t3\n",
            id="tabs between words",
        ),
        pytest.param(
            'on: 1\n"yes": 2\n80: x\n',
            [
                Replace(0, P("on"), 1, 2),
                Replace(0, P("yes"), 2, 3),
                Replace(0, P("['80']"), "x", "w"),
            ],
            'on: 2\n"yes": 3\n80: w\n',
            id="keys that are no words",
        ),
        pytest.param(
            '{"a": 1, "b": null}\n',
            [Replace(0, P("a"), 1, "x"), Replace(0, P("b"), None, "\x1b")],
            '{"a": "x", "b": "\\u001b"}\n',
            id="words of JSON",
        ),
        pytest.param(
            "\ufeffa: 1\nb: 2\n",
            [Replace(0, P("a"), 1, 2)],
            "\ufeffa: 2\nb: 2\n",
            id="beside the byte order mark",
        ),
    ],
)
def test_only_the_intended_bytes_change(before: str, edits: list[Edit], after: str) -> None:
    assert patch(before, edits) == after


@pytest.mark.parametrize(
    ("text", "edit", "code"),
    [
        ("a: &x 1\nb: *x\n", Replace(0, P("b"), 1, 2), "ALIASED"),
        ("q: &q {x: 1}\na:\n  <<: *q\n", Replace(0, P("a.x"), 1, 2), "ALIASED"),
        ("l: [&x {n: 1}, *x]\n", Replace(0, P("l[1].n"), 1, 2), "ALIASED"),
        ("a: &x 1\nb: *x\n", Replace(0, P("a"), 1, 2), "ANCHOR_FANOUT"),
        ("q: &q\n  x: 1\na: *q\n", Replace(0, P("q.x"), 1, 2), "ANCHOR_FANOUT"),
        ("a:\n  v: &x 1\nb: *x\n", Delete(0, P("a"), {"v": 1}), "ANCHOR_FANOUT"),
        ('t: "{{ .Values.tag }}"\n', Replace(0, P("t"), "{{ .Values.tag }}", "1"), "TEMPLATED"),
        ("t: ${TAG}\n", Replace(0, P("t"), "${TAG}", "1"), "TEMPLATED"),
        (
            "t: 1\n# {{- if .Values.x }}\nu: 2\n# {{- end }}\n",
            Replace(0, P("t"), 1, 2),
            "TEMPLATED",
        ),
        ("t: {{ .Values.tag }}\nu: 1\n", Replace(0, P("u"), 1, 2), "TEMPLATED"),
        ("t: |\n  x\n", Replace(0, P("t"), "x\n", "y"), "BLOCK_SCALAR"),
        ("t: one\n  two\n", Replace(0, P("t"), "one two", "y"), "BLOCK_SCALAR"),
        ("t: |\n  x\n", Replace(0, P("t"), "x\n", " y\n"), "BLOCK_SCALAR"),
        ("t: |+\n  x\n\n", Replace(0, P("t"), "x\n\n", "y\n\n"), "BLOCK_SCALAR"),
        ("t: |2\n  x\n", Replace(0, P("t"), "x\n", "y\n"), "BLOCK_SCALAR"),
        ("t: >\n  x\n", Replace(0, P("t"), "x\n", "y\n"), "BLOCK_SCALAR"),
        ("t: |\n  x\n", Replace(0, P("t"), "x\n", {"a": 1}), "BLOCK_SCALAR"),
        ("t: |\n  {{ x }}\n  y\n", Replace(0, P("t"), "{{ x }}\ny\n", "y\n"), "TEMPLATED"),
        ("t: |\n  x\nz: |\n  y", Insert(0, (), "w", 1), "NOT_MINIMAL"),
        ("l:\n- a: 1\n", Replace(0, P("l[0]"), {"a": 1}, 2), "UNSUPPORTED"),
        ("a:\n  v: &x 1\nb: *x\n", Replace(0, P("a"), {"v": 1}, 2), "ANCHOR_FANOUT"),
        ("a: !t {v: 1}\n", Replace(0, P("a"), {"v": 1}, 2), "UNSUPPORTED"),
        ("a: 1\n", Replace(0, (), {"a": 1}, 2), "UNSUPPORTED"),
        ("a: 1\nb: 2\na: 3\n", Replace(0, P("b"), 2, 3), "DUPLICATE_KEY"),
        ("# Code generated by x. DO NOT EDIT.\na: 1\n", Replace(0, P("a"), 1, 2), "GENERATED"),
        ("# Source: shop/templates/d.yaml\na: 1\n", Replace(0, P("a"), 1, 2), "GENERATED"),
        (
            "metadata: {labels: {helm.sh/chart: x-1, app.kubernetes.io/managed-by: Helm}}\na: 1\n",
            Replace(0, P("a"), 1, 2),
            "GENERATED",
        ),
        (
            "a: ENC[AES256_GCM,data:x]\n",
            Replace(0, P("a"), "ENC[AES256_GCM,data:x]", "y"),
            "ENCRYPTED",
        ),
        ("a: 1\nsops:\n  mac: x\n", Replace(0, P("a"), 1, 2), "ENCRYPTED"),
        ("kind: SealedSecret\na: 1\n", Replace(0, P("a"), 1, 2), "ENCRYPTED"),
        ("# kfix: ignore\na: 1\n", Replace(0, P("a"), 1, 2), "IGNORED"),
        ("l:\n- name: a\n- name: a\n", Replace(0, P("l[name=a].name"), "a", "b"), "AMBIGUOUS_DOC"),
        ("a: 1\n", Replace(0, P("a"), 2, 3), "STALE"),
        ("a: 1\n", Replace(0, P("a"), "1", "3"), "STALE"),
        ("a: 1\n", Replace(0, P("a"), True, False), "STALE"),
        ("a: {b: 1}\n", Insert(0, P("a"), "b", 2), "STALE"),
        ("a:\n\tb: 1\n", Replace(0, P("a.b"), 1, 2), "TAB_INDENT"),
        ("a: [1\n", Replace(0, P("a"), 1, 2), "INVALID_YAML"),
        ("a: 1\n", Replace(0, P("b"), 1, 2), "NOT_FOUND"),
        ("a: 1\n", Replace(1, P("a"), 1, 2), "NOT_FOUND"),
        (
            "a:\n  b: 1\n  # why\n  c: 2\n",
            Replace(0, P("a"), {"b": 1, "c": 2}, 2),
            "UNSUPPORTED",
        ),
    ],
)
def test_what_cannot_be_changed_alone_is_refused(text: str, edit: Edit, code: str) -> None:
    with pytest.raises(NotEditable) as refused:
        patch(text, [edit])
    assert refused.value.code == code
    assert refused.value.reason


def test_a_diff_shows_the_first_line_with_its_byte_order_mark() -> None:
    done = amend("\ufeffa: 1\nb: 2\n", [Replace(0, P("a"), 1, 2)])
    assert unified("f", done.before, done.changes).splitlines()[3:5] == [
        "-\ufeffa: 1",
        "+\ufeffa: 2",
    ]


def test_a_byte_order_mark_stays_when_the_first_line_goes() -> None:
    done = amend("\ufeffa: 1\nb: 2\nc: 3\n", [Delete(0, P("a"), 1)])
    assert done.text == "\ufeffb: 2\nc: 3\n"
    assert (done.added, done.removed) == (1, 2)


def test_anchors_that_nobody_uses_may_be_edited_around() -> None:
    assert patch("q: &q\n  x: 1\n", [Replace(0, P("q.x"), 1, 2)]) == "q: &q\n  x: 2\n"


def test_a_merge_key_may_be_overridden_beside_it() -> None:
    text = "q: &q {x: 1}\na:\n  <<: *q\n"
    assert patch(text, [Insert(0, P("a"), "w", 2)]) == text + "  w: 2\n"


def test_prometheus_templates_in_other_values_do_not_matter() -> None:
    text = 'a: 1\nannotation: "{{ $labels.pod }} is slow"\n'
    assert patch(text, [Replace(0, P("a"), 1, 2)]) == text.replace("a: 1", "a: 2")


def test_several_edits_are_resolved_on_the_first_text() -> None:
    text = "a: 1\nl: [x, y, z]\nb: 2\n"
    edits = [Delete(0, P("l[0]"), "x"), Replace(0, P("l[2]"), "z", "w"), Replace(0, P("b"), 2, 22)]
    assert patch(text, edits) == "a: 1\nl: [y, w]\nb: 22\n"


def test_two_edits_of_the_same_text_are_refused() -> None:
    with pytest.raises(NotEditable, match="same text"):
        patch("a: 1\n", [Replace(0, P("a"), 1, 2), Replace(0, P("a"), 1, 3)])


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("final", [True, False])
def test_git_applies_the_diff_and_counts_the_same_lines(
    tmp_path: Path, newline: str, final: bool
) -> None:
    text = newline.join(["a:", "  b: 1", *[f"k{n}: {n}" for n in range(40)], "z:", "  y: 1"])
    text += newline if final else ""
    edits: list[Edit] = [
        Replace(0, P("a.b"), 1, 2),
        Insert(0, P("z"), "x", {"w": "1"}),
        Delete(0, P("k20"), 20),
    ]
    done = amend(text, edits)
    file = tmp_path / "f.yaml"
    file.write_bytes(text.encode())
    git = ["git", "-C", str(tmp_path), "-c", "core.autocrlf=false"]
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    diff = unified("f.yaml", text, done.changes)
    stat = subprocess.run(
        [*git, "apply", "--numstat", "-"], input=diff.encode(), capture_output=True, check=True
    )
    subprocess.run([*git, "apply", "-"], input=diff.encode(), check=True)
    assert file.read_bytes() == done.text.encode()
    assert stat.stdout.decode().split()[:2] == [str(done.added), str(done.removed)]
