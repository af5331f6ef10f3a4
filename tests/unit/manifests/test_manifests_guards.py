"""Hostile files and trees: refused quickly, with a code, before anything is walked."""

from __future__ import annotations

import pytest

from manifests import NotEditable, patch
from manifests.repository import tree
from manifests.text import read
from manifests.text.editor import Replace


def bomb(levels: int = 9, width: int = 9) -> str:
    lines = ["a0: &a0 lol"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\nx: 1\n"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        pytest.param(bomb(), {"TOO_BIG"}, id="billion laughs"),
        pytest.param("x: 1\na: &a [*a]\n", {"TOO_BIG"}, id="an anchor inside itself"),
        pytest.param("x: 1\na: " + "[" * 100_000, {"TOO_BIG", "INVALID_YAML"}, id="deep flow"),
        pytest.param(
            "x: 1\na:\n" + "".join(" " * n + "- \n" for n in range(1, 3000)),
            {"TOO_BIG"},
            id="deep block",
        ),
        pytest.param("x: 1\na: &a 1\nl: [" + "*a," * 5000 + "]\n", {"TOO_BIG"}, id="many aliases"),
        pytest.param("x: 1\n" + "# filler\n" * 6_000_000, {"TOO_BIG"}, id="50 MB"),
    ],
)
def test_bombs_are_refused_before_they_are_built(text: str, codes: set[str]) -> None:
    with pytest.raises(NotEditable) as refused:
        patch(text, [Replace(0, ("x",), 1, 2)])
    assert refused.value.code in codes


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x: 1\n" + "\n" * 200_000, id="blank lines"),
        pytest.param("x: 1\n" + " " * 300_000 + "\n", id="a blank line, a long one"),
        pytest.param("x: 1\nkind: A\na: '" + "{" * 200_000 + "'\n", id="open placeholders"),
        pytest.param("x: 1\n#" + "is generated was " * 20_000 + "\n", id="talk of generation"),
        pytest.param("x: 1\n" + "#" * 300_000 + "\n", id="hashes"),
        pytest.param("x: 1\n# kfix:" + " " * 300_000 + "\n", id="half a mark"),
    ],
)
def test_files_made_to_stall_a_search_are_edited_like_others(text: str) -> None:
    assert patch(text, [Replace(0, ("x",), 1, 2)]) == text.replace("x: 1", "x: 2")


def test_many_equal_keys_are_counted_once() -> None:
    with pytest.raises(NotEditable) as refused:
        patch("x: 1\n" + "a: 1\n" * 30_000, [Replace(0, ("x",), 1, 2)])
    assert refused.value.code == "DUPLICATE_KEY"


@pytest.mark.parametrize("content", [b"a: \xff\n", b"\xff\xfea\x00:\x00", "a: é".encode("latin-1")])
def test_bytes_that_are_no_utf8_are_refused(content: bytes) -> None:
    with pytest.raises(NotEditable) as refused:
        read.decode(content)
    assert refused.value.code == "NOT_UTF8"


@pytest.mark.parametrize(
    "path",
    [
        "../x.yaml",
        "a/../../x.yaml",
        "/etc/x.yaml",
        "a//x.yaml",
        "./x.yaml",
        ".git/config",
        "a/.GIT/x.yaml",
        "a/git~1/x.yaml",
        "a/.git./x.yaml",
        "a/.g\u200cit/x.yaml",
        "a\\x.yaml",
        "a/x\n.yaml",
        "a/\0.yaml",
        "",
    ],
)
def test_paths_that_leave_the_tree_or_touch_git_are_refused(path: str) -> None:
    with pytest.raises(NotEditable) as refused:
        tree.check_path(path)
    assert refused.value.code == "UNSAFE_PATH"


@pytest.mark.parametrize("mode", ["120000", "160000", "040000"])
def test_symlinks_submodules_and_folders_are_no_files(mode: str) -> None:
    with pytest.raises(NotEditable) as refused:
        tree.check_mode("a.yaml", mode)
    assert refused.value.code == "UNSAFE_PATH"


@pytest.mark.parametrize("other", ["Apps/x.yaml", "apps/X.yaml", "APPS/other.yaml"])
def test_names_that_differ_only_in_case_are_refused(other: str) -> None:
    with pytest.raises(NotEditable):
        tree.Spellings([other]).check_alone("apps/x.yaml")


def test_ordinary_neighbours_are_fine() -> None:
    tree.Spellings(["apps/x.yaml", "apps/y.yaml", "other/X.yaml"]).check_alone("apps/x.yaml")
