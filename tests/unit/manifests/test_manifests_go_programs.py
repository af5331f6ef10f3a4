"""Texts with conditions and loops are evaluated as Go's text/template does, or not at all."""

from __future__ import annotations

import pytest

from manifests.repository.go_programs import NotEvaluated, evaluated

FIELDS = {
    "env": "prod",
    "on": True,
    "off": False,
    "few": 3,
    "many": 536870912,
    "half": 0.5,
    "none": None,
    "files": ["a.yaml", "b.yaml"],
    "values": {"replicas": 3, "image": {"tag": "1.2"}},
}


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("plain", "plain"),
        ("{{ .env }}-{{.few}}-{{ .on }}", "prod-3-true"),
        ("a\n  {{- if .on }}\nb\n{{- end }}\n", "a\nb\n"),
        ("{{ if .off }}a{{ else if eq .env `prod` }}b{{ else }}c{{ end }}", "b"),
        ("{{ if .on }}a{{ else if eq .env `prod` }}b{{ else }}c{{ end }}", "a"),
        ("{{ if not .missing }}a{{ end }}{{ if .missing }}b{{ end }}", "a"),
        ("{{ if ne .env `dev` }}{{ if .off }}x{{ end }}y{{ end }}", "y"),
        ("{{ range .files }}[{{ . }}]{{ end }}", "[a.yaml][b.yaml]"),
        ("{{ range $i, $f := .files }}{{ $i }}{{ $f }}{{ $.env }} {{ end }}", "0a.yamlprod 1b.yamlprod "),
        ("{{ if .off }}{{ range .unknown }}x{{ end }}{{ end }}z", "z"),
        ("v:\n{{ .values | toYaml | indent 2 }}", "v:\n  image:\n    tag: '1.2'\n  replicas: 3"),
        ('{{ .missing | default "x" | upper }}{{ .env | quote }}', 'X"prod"'),
        ('{{ .env | replace "o" "0" | trimPrefix "p" }}', "r0d"),
        ("{{/* a word */}}x", "x"),
        ('{{ if hasKey . "env" }}a{{ end }}{{ if hasKey .values "none" }}b{{ end }}', "a"),
        ('{{ if and .on .env }}a{{ end }}{{ if or .off .missing }}b{{ end }}', "a"),
        ('{{ index .files 1 }}{{ index .values "image" "tag" }}', "b.yaml1.2"),
        ('{{ if hasPrefix "pr" .env }}a{{ end }}{{ if contains "x" .env }}b{{ end }}', "a"),
    ],
)  # fmt: skip
def test_a_text_is_evaluated(text: str, made: str) -> None:
    assert evaluated(text, FIELDS) == made


@pytest.mark.parametrize(
    "text",
    [
        "{{ .missing }}",
        "{{ .missing.deep }}",
        "{{ .none }}",
        "{{ .many }}",
        "{{ .half }}",
        "{{ .files }}",
        "{{ semverCompare .env }}",
        "{{ if eq .few 3 }}x{{ end }}",
        "{{ index .files 2 }}",
        '{{ index .values "gone" }}',
        "{{ if xor .on .off }}x{{ end }}",
        "{{ if .on }}x",
        "{{ end }}",
        "{{ if .on }}a{{ else with .off }}b{{ end }}",
        "{{ with .values }}x{{ end }}",
        "{{ $x := .env }}{{ $x }}",
        "{{ (.env) }}",
        "{{ .env | }}",
        "{{ range .values }}x{{ end }}",
        "{{ .on | upper }}",
        "{{ $other }}",
    ],
)
def test_what_is_not_known_or_differs_in_go_is_not_evaluated(text: str) -> None:
    with pytest.raises(NotEvaluated):
        evaluated(text, FIELDS)


@pytest.mark.parametrize("text", ["{{ if .missing }}x{{ end }}", '{{ .missing | default "x" }}'])
def test_a_missing_field_is_an_error_where_the_set_says_so(text: str) -> None:
    assert evaluated(text, FIELDS) in ("", "x")
    with pytest.raises(NotEvaluated):
        evaluated(text, FIELDS, strict=True)
