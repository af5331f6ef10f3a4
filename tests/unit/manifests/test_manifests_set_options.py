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
        "--set $ALL",
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


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("url: {{ .Values.url }}", True),
        ("url: {{- .Values.url | quote -}}\nroot: {{ $.Values.url | squote }}", True),
        ("other: {{ .Values.urls }}\nmore: {{ .Values.a.url }}", True),
        ("{{ if .Values.url }}a: 1{{ end }}", False),
        ("url: {{ .Values.url | default 1 }}", False),
        ("{{ with .Values }}a: 1{{ end }}", False),
        ("{{ toYaml .Values }}", False),
        ("url: {{ tpl .Values.other . }}", False),
        ("url: {{ .Values.url.host }}", True),
    ],
)
def test_any_text_does_for_a_value_that_templates_only_write_down(
    template: str, told: bool
) -> None:
    files = {**CHART, "charts/api/templates/a.yaml": template}
    line = "helm upgrade api charts/api --set url=$URL\n"
    (found,) = commands.commands(build({**files, "deploy.sh": line}))
    sets = {"url": set_options.FILLED_IN} if told else {}
    assert (dict(found.sets), not found.trouble) == (sets, told)


def test_a_chart_with_dependencies_or_unknown_tells_nothing_of_a_text() -> None:
    whole = {"charts/api/Chart.yaml": CHART["charts/api/Chart.yaml"] + "dependencies: []\n"}
    for files, chart in ((whole, "charts/api"), (CHART, "elsewhere/api")):
        line = f"helm upgrade api {chart} --set url=$URL\n"
        (found,) = commands.commands(build({**files, "deploy.sh": line}))
        assert (dict(found.sets), bool(found.trouble)) == ({}, True)
