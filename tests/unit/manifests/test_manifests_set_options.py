"""What a command line of Helm sets is told where it can be, and lies over all values files."""

from __future__ import annotations

from typing import Any

import pytest

from manifests.repository.index import build
from manifests.repository.installers import commands, grown, set_options

CHART = {"charts/api/Chart.yaml": "apiVersion: v2\nname: api\nversion: 1.0.0\n"}
SET = {"tag": set_options.FILLED_IN}


def read(line: str) -> commands.InstallCommand:
    """The one command of a script with the line."""
    (found,) = commands.commands(build({**CHART, "deploy.sh": line}))
    return found


@pytest.mark.parametrize(
    ("options", "sets"),
    [
        ("", {}),
        ("--set image.tag=$TAG", {"image": SET}),
        ("--set=image.tag=${TAG:-latest}", {"image": SET}),
        ("--set api.imageTag=v-$(git rev-parse HEAD)", {"api": {"imageTag": SET["tag"]}}),
        ("--set a=1,b.c=true --set-string d=1", {"a": 1, "b": {"c": True}, "d": "1"}),
        ("--set a=01 --set b=1.5 --set c=null", {"a": "01", "b": "1.5", "c": None}),
        ("--set a.b=1 --set a.b=2 --set a.c=x", {"a": {"b": 2, "c": "x"}}),
    ],
)
def test_values_that_a_command_line_sets(options: str, sets: dict[str, Any]) -> None:
    found = read(f"helm upgrade api charts/api {options}\n")
    assert (dict(found.sets), found.trouble) == (sets, "")


@pytest.mark.parametrize(
    "options",
    [
        "--set replicaCount=$N",
        "--set $ALL",
        "--set kubeVersion=$V",
        "--set hosts[0]=a",
        "--set a={b,c}",
        "--set a\\\\.b=c",
        "--set a=1 --set a.b=2",
        "--set-file a=b",
        "--set-json a=1",
        "--post-renderer ./p.sh",
    ],
)
def test_values_that_cannot_be_told(options: str) -> None:
    found = read(f"helm upgrade api charts/api {options}\n")
    assert (dict(found.sets), found.trouble) == ({}, "its command line sets values")


def test_words_that_a_script_adds_belong_to_the_command() -> None:
    text = 'A="helm upgrade api charts/api"\nA+=" -f a.yaml"\nA+=\' -n shop\'\n$A\n'
    assert grown.joined(text).startswith('A="helm upgrade api charts/api -f a.yaml -n shop"\n')
    for more, told in (("--wait", True), ("-f b.yaml", False), ("--set a=b", False), ("$X", False)):
        found = read(f'A="helm upgrade api charts/api"\nif x; then\n  A+=" {more}"\nfi\n')
        assert (not found.trouble) == told
    other = 'A="helm upgrade api charts/api"\nB+=" -f b.yaml"\n'
    assert grown.joined(other) == other
