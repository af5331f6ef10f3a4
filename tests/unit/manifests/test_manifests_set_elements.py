"""Elements of generators as Argo CD combines them, and where each of their fields is said."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from manifests.repository.application_sets import expanded
from manifests.repository.index import build
from manifests.repository.installers import read_map
from manifests.repository.set_elements import Element, GeneratorSources, elements
from manifests.text.readings import Readings

FILES = {
    "config/prod.yaml": "env: prod\nsize: {count: 4}\n",
    "config/old.yaml": "env: old\n",
    "config/eu/dev.yaml": "- env: dev\n- env: qa\n",
}


def found(generator: str, *, go: bool = False) -> list[Element] | None:
    here = GeneratorSources(FILES, Readings(), frozenset(), frozenset(), "", go)
    return elements(yaml.safe_load(generator), ("spec", "generators", 0), here)


def fields(generator: str, *, go: bool = False) -> list[dict[str, str]] | None:
    listed = found(generator, go=go)
    if listed is None:
        return None
    return [{k: v for k, v in one.fields.items() if not k.startswith("path")} for one in listed]


LIST = "{list: {elements: [%s]}}"
MATRIX = "{matrix: {generators: [%s, %s]}}"
MERGE = "{merge: {mergeKeys: [k], generators: [%s, %s]}}"


@pytest.mark.parametrize(
    ("generator", "made"),
    [
        (MATRIX % (LIST % "{a: x}, {a: y}", LIST % "{b: z}"), [{"a": "x", "b": "z"}, {"a": "y", "b": "z"}]),
        (MATRIX % (LIST % "{a: x}", LIST % "{b: '{{a}}1'}"), [{"a": "x", "b": "x1"}]),
        (MATRIX % (LIST % "{a: x}", LIST % "{a: x, b: z}"), [{"a": "x", "b": "z"}]),
        (MATRIX % (LIST % "{a: x}", LIST % "{a: y}"), None),
        (MERGE % (LIST % "{k: '1', v: a}, {k: '2', v: b}", LIST % "{k: '2', v: c}, {k: '3', v: d}"),
         [{"k": "1", "v": "a"}, {"k": "2", "v": "c"}]),
        (MERGE % (LIST % "{k: '1'}, {k: '1'}", LIST % "{k: '1', v: c}"), None),
        (MERGE % (LIST % "{k: '1', v: a}", LIST % "{k: '1', v: ''}"), None),
        ("{git: {files: [{path: 'config/p*.yaml'}]}}", [{"env": "prod", "size.count": "4"}]),
        ("{git: {files: [{path: 'config/**'}, {path: config/old.yaml, exclude: true}]}}",
         [{"env": "dev"}, {"env": "qa"}, {"env": "prod", "size.count": "4"}]),
        # One of Argo CD's ways to read a star reaches config/eu/dev.yaml, the other does not.
        ("{git: {files: [{path: 'config/*.yaml'}]}}", None),
    ],
)  # fmt: skip
def test_elements_are_combined_as_argo_cd_does_or_not_at_all(
    generator: str, made: list[dict[str, str]] | None
) -> None:
    assert fields(generator) == made


def test_a_nested_merge_key_is_none_of_gos_templates() -> None:
    merge = MERGE.replace("[k]", "[a.k]") % (LIST % "{a: {k: x}}", LIST % "{a: {k: x}, b: y}")
    assert fields(merge, go=True) is None
    assert fields(merge) == [{"a.k": "x", "b": "y"}]


def test_each_field_is_known_by_its_place() -> None:
    listed = found(MATRIX % ("{git: {files: [{path: config/eu/dev.yaml}]}}", LIST % "{v: {w: x}}"))
    assert listed is not None
    said = listed[1].said
    assert (said["env"].file, said["env"].at) == ("config/eu/dev.yaml", (1, "env"))
    at = ("spec", "generators", 0, "matrix", "generators", 1, "list", "elements", 0, "v", "w")
    assert (said["v.w"].file, said["v.w"].at) == ("", at)
    assert "path" not in said


def test_a_prefix_is_that_of_the_path_alone() -> None:
    listed = found("{git: {pathParamPrefix: my, files: [{path: config/prod.yaml}]}}")
    assert listed is not None
    assert {"my.path", "my.path.basename", "env"} <= listed[0].fields.keys()


SET = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: api}
spec:
  goTemplate: true
  generators: [GENERATOR]
  templatePatch: |
    spec:
      project: default
      {{- if eq .env "prod" }}
      source: {helm: {values: "a: {{ .env }}"}}
      {{- end }}
  template: {metadata: {name: 'api-{{ .env }}'}, spec: {source: {path: a, helm: {releaseName: r}}}}
"""


def of_set(text: str) -> list[Any]:
    return [one["spec"]["source"] for one in expanded(yaml.safe_load(text), {}, Readings()).made]


def test_a_template_patch_is_laid_over_what_the_template_makes() -> None:
    text = SET.replace("GENERATOR", LIST % "{env: prod}, {env: dev}")
    helm = {"releaseName": "r", "values": "a: prod"}
    assert of_set(text) == [
        {"path": "a", "helm": helm},
        {"path": "a", "helm": {"releaseName": "r"}},
    ]
    assert of_set(text.replace("goTemplate: true", "goTemplate: false")) == []


def test_a_set_with_control_lines_in_its_texts_is_an_installer() -> None:
    index = build({"sets/api.yaml": SET.replace("GENERATOR", LIST % "{env: prod}"), "a/x.yaml": ""})
    assert [one.folder for one in read_map(index).installers] == ["a"]


def test_files_of_generators_that_cannot_be_followed_are_read_by_somebody() -> None:
    generator = MATRIX % ("{plugin: {}}", "{git: {files: [{path: 'config/{{a}}/*.json'}]}}")
    index = build({"sets/api.yaml": SET.replace("GENERATOR", generator)})
    (one,) = read_map(index).reaching("config/x/y.json")
    assert one.trouble
    assert not read_map(index).reaching("other/y.json")
