"""From a live object to the Helm value behind its field, with the real helm and a stand-in: only what a rendering shows is
edited.
"""

# ruff: noqa: F401, F811  (fixtures are imported by name)

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from kfix.infra.clients.renderers import Programs
from manifests.refused import EditRefused
from manifests.repository.rendering import (
    Files,
    HelmTemplate,
    NotRendered,
    Recipe,
    Renderer,
    RenderSession,
)
from manifests.text.readings import Readings
from schemas.base import ObjectRef
from schemas.plans import FieldChange
from tests.support.render import (
    API,
    APP,
    DEPLOYMENT,
    MEMORY,
    VALUES,
    accepted,
    chart,
    either,
    lines_of,
    proposed,
    raise_to,
    renderer,
)

MORE = raise_to(MEMORY, "128Mi", "256Mi")
PROD = "resources:\n  limits:\n    memory: 128Mi\n"


def test_the_value_behind_a_field_is_found_among_values_that_are_equal(either: Renderer) -> None:
    found = proposed(chart(), either, MORE)
    assert lines_of(found) == {
        "charts/api/values.yaml": [
            "-    memory: 128Mi   # small",
            "+    memory: 256Mi   # small",
        ]
    }
    rendered = accepted(found).proof.objects[API.key]
    (container,) = rendered["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"] == {"cpu": "500m", "memory": "256Mi"}
    assert rendered["metadata"]["namespace"] == "shop"


def test_the_release_name_is_found_from_the_objects_name(either: Renderer) -> None:
    worker = ObjectRef(kind="Deployment", namespace="shop", name="eu-worker")
    field = "spec.template.spec.containers[name=worker].resources.limits.memory"
    change = raise_to(field, "128Mi", "1Gi")
    found = proposed(chart("charts/worker"), either, change, ref=worker)
    assert lines_of(found) == {"charts/worker/values.yaml": ["-  memory: 128Mi", "+  memory: 1Gi"]}


def test_a_chart_is_not_taken_for_any_object_only_because_a_release_could_be_called_so(
    either: Renderer,
) -> None:
    other = ObjectRef(kind="Deployment", namespace="shop", name="billing")
    found = proposed(chart(), either, MORE, ref=other)
    assert isinstance(found, EditRefused)
    assert found.code in ("NOT_FOUND", "TEMPLATED")
    said = {"meta.helm.sh/release-name": "billing"}
    assert lines_of(proposed(chart(), either, MORE, ref=other, live=said))
    named = chart() | {"charts/api/values/billing.yaml": "replicaCount: 9\n"}
    assert list(lines_of(proposed(named, either, MORE, ref=other))) == [
        "charts/api/values/billing.yaml"
    ]


def test_the_environments_values_file_wins_when_it_sets_the_key(either: Renderer) -> None:
    files = chart(values_prod=PROD, values_staging=PROD)
    assert lines_of(proposed(files, either, MORE)) == {
        "charts/api/values-prod.yaml": ["-    memory: 128Mi", "+    memory: 256Mi"]
    }
    staging = lines_of(proposed(files, either, MORE, env="staging"))
    assert list(staging) == ["charts/api/values-staging.yaml"]


def test_a_key_of_the_shared_defaults_is_set_in_the_environments_file(either: Renderer) -> None:
    files = chart(values_prod="replicaCount: 4\n", values_staging="replicaCount: 1\n")
    assert lines_of(proposed(files, either, MORE)) == {
        "charts/api/values-prod.yaml": ["+resources:", "+  limits:", "+    memory: 256Mi"]
    }


def test_shared_defaults_are_not_changed_for_an_environment_without_a_file(
    either: Renderer,
) -> None:
    files = chart(values_staging="replicaCount: 1\n")
    found = proposed(files, either, MORE)
    assert isinstance(found, EditRefused)
    assert found.code == "AMBIGUOUS_DOC"
    assert "none of them is called production" in found.reason
    assert "charts/api/values-staging.yaml" in found.reason


def test_an_image_tag_is_changed_where_only_the_tag_is_a_value(either: Renderer) -> None:
    image = raise_to(APP + "image", "registry.example.com/api:2.0", "registry.example.com/api:2.1")
    assert lines_of(proposed(chart(), either, image)) == {
        "charts/api/values.yaml": ['-  tag: ""', '+  tag: "2.1"']
    }


def test_replicas_are_changed_as_a_number(either: Renderer) -> None:
    found = proposed(chart(), either, raise_to("spec.replicas", 2, 4))
    assert lines_of(found) == {"charts/api/values.yaml": ["-replicaCount: 2", "+replicaCount: 4"]}


def test_a_missing_entry_is_added_where_the_template_takes_it(either: Renderer) -> None:
    values = VALUES.replace(
        "resources:\n  limits:\n    cpu: 500m\n    memory: 128Mi   # small\n", "resources: {}\n"
    )
    files = chart() | {"charts/api/values.yaml": values}
    add = FieldChange(op="add", path=MEMORY, after="256Mi")
    lines = lines_of(proposed(files, either, add))
    assert "-resources: {}" in lines["charts/api/values.yaml"]
    assert any("256Mi" in line for line in lines["charts/api/values.yaml"])


def test_several_fields_of_one_plan_are_found_together(either: Renderer) -> None:
    both = FieldChange(
        path=APP + "resources.limits",
        before={"cpu": "500m", "memory": "128Mi"},
        after={"cpu": "1", "memory": "256Mi"},
    )
    lines = lines_of(proposed(chart(), either, both))
    assert len(lines["charts/api/values.yaml"]) == 4
    asked = FieldChange(
        op="add", path=APP + "resources.requests", after={"cpu": "1", "memory": "1Gi"}
    )
    files = chart(values_prod="replicaCount: 2\n")
    assert lines_of(proposed(files, either, asked)) == {
        "charts/api/values-prod.yaml": [
            "+resources:",
            "+  requests:",
            '+    cpu: "1"',
            "+    memory: 1Gi",
        ]
    }


def test_an_environment_variable_is_added_to_the_list_that_reaches_it(either: Renderer) -> None:
    add = FieldChange(op="add", path=APP + "env[name=MODE]", after={"value": "safe"})
    lines = lines_of(proposed(chart(), either, add))
    assert lines["charts/api/values.yaml"][0] == "-extraEnv: []"
    more = VALUES.replace("extraEnv: []", "extraEnv:\n- name: A\n  value: b")
    files = chart() | {"charts/api/values.yaml": more}
    assert lines_of(proposed(files, either, add)) == {
        "charts/api/values.yaml": ["+- name: MODE", "+  value: safe"]
    }
    change = raise_to(APP + "env[name=A].value", "b", "c")
    assert lines_of(proposed(files, either, change)) == {
        "charts/api/values.yaml": ["-  value: b", "+  value: c"]
    }


class Watched:
    """A renderer that remembers the charts it was asked for."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self.charts: set[str] = set()

    @contextmanager
    def open(self, files: Files, readings: Readings | None = None) -> Iterator[RenderSession]:
        with self._renderer.open(files, readings) as bench:
            self._bench = bench
            yield self

    def render(self, recipe: Recipe, changed: Mapping[str, str] | None = None) -> str:
        if isinstance(recipe, HelmTemplate):
            self.charts.add(recipe.chart)
        return self._bench.render(recipe, changed)

    def cached(self, name: str) -> bytes | None:
        return self._bench.cached(name)


def test_among_many_charts_only_those_that_speak_of_the_object_are_rendered(
    either: Renderer,
) -> None:
    files = {path: text for n in range(15) for path, text in chart(f"charts/other-{n}").items()}
    files |= {
        path: text.replace("name: api\n", f"name: other-{n}\n")
        for n in range(15)
        for path, text in {
            f"charts/other-{n}/Chart.yaml": files[f"charts/other-{n}/Chart.yaml"]
        }.items()
    }
    watched = Watched(either)
    assert list(lines_of(proposed(files | chart(), watched, MORE))) == ["charts/api/values.yaml"]
    assert watched.charts == {"charts/api"}


def test_a_password_that_is_new_in_each_rendering_is_not_taken_for_a_change(
    either: Renderer,
) -> None:
    secret = 'apiVersion: v1\nkind: Secret\nmetadata: {name: api}\nstringData: {p: "{{ randAlphaNum 20 }}"}\n'
    files = chart() | {"charts/api/templates/secret.yaml": secret}
    assert list(lines_of(proposed(files, either, MORE))) == ["charts/api/values.yaml"]
    shared = raise_to(APP + "env[name=LEVEL].value", "info", "debug")
    refused = proposed(files, either, shared)
    assert isinstance(refused, EditRefused)
    assert "worker" in refused.reason


def test_what_is_so_already_changes_nothing(either: Renderer) -> None:
    assert accepted(proposed(chart(), either, raise_to(MEMORY, "64Mi", "128Mi"))).edits == ()


@pytest.mark.parametrize(
    ("field", "code"),
    [
        (raise_to(APP + "env[name=LEVEL].value", "info", "debug"), "VALUE_FANOUT"),
        (raise_to(APP + "terminationMessagePath", "/dev/termination-log", "/x"), "TEMPLATED"),
        (raise_to(MEMORY, "64Mi", "256Mi"), "STALE"),
    ],
)
def test_what_a_value_cannot_say_alone_is_refused(
    either: Renderer, field: FieldChange, code: str
) -> None:
    found = proposed(chart(), either, field)
    assert isinstance(found, EditRefused)
    assert found.code == code


def test_replicas_under_a_rendered_autoscaler_are_refused_and_its_bounds_are_not(
    either: Renderer,
) -> None:
    scaled = VALUES.replace("  enabled: false\n", "  enabled: true\n  min: 2\n  max: 4\n")
    files = chart() | {"charts/api/values.yaml": scaled}
    refused = proposed(files, either, raise_to("spec.replicas", 2, 4))
    assert isinstance(refused, EditRefused)
    assert refused.code == "HPA_OWNED"
    scaler = ObjectRef(kind="HorizontalPodAutoscaler", namespace="shop", name="api")
    found = proposed(files, either, raise_to("spec.maxReplicas", 4, 8), ref=scaler)
    assert lines_of(found) == {"charts/api/values.yaml": ["-  max: 4", "+  max: 8"]}


def test_without_helm_a_charts_values_are_left_alone() -> None:
    found = proposed(chart(), Programs("", ""), MORE)
    assert isinstance(found, EditRefused)
    assert found.code == "NOT_RENDERED"


_REDIS = "dependencies: [{name: redis, version: 1.0.0, repository: 'https://charts.invalid'}]\n"


def test_a_chart_is_rendered_without_another_that_it_needs_from_elsewhere(either: Renderer) -> None:
    files = chart()
    files["charts/api/Chart.yaml"] += _REDIS
    assert list(lines_of(proposed(files, either, MORE))) == ["charts/api/values.yaml"]


def test_what_the_other_chart_sees_too_is_not_changed(either: Renderer) -> None:
    files = chart()
    files["charts/api/Chart.yaml"] += _REDIS
    files["charts/api/values.yaml"] += "global:\n  level: info\n"
    files["charts/api/templates/deployment.yaml"] = DEPLOYMENT.replace(
        ".Values.shared.level", ".Values.global.level"
    )
    level = raise_to(APP + "env[name=LEVEL].value", "info", "debug")
    found = proposed(files, either, level)
    assert isinstance(found, EditRefused)
    assert (found.code, "elsewhere" in found.reason) == ("NOT_RENDERED", True)


def test_a_value_of_the_other_chart_is_changed_by_its_name_and_stays_unproven(
    either: Renderer,
) -> None:
    files = chart()
    files["charts/api/Chart.yaml"] += _REDIS
    files["charts/api/values.yaml"] += (
        "redis:\n  master:\n    resources: {limits: {memory: 64Mi}}\n"
        "  replica:\n    resources: {limits: {memory: 64Mi}}\n"
    )
    redis = ObjectRef(kind="StatefulSet", namespace="shop", name="api-redis-master")
    field = "spec.template.spec.containers[name=redis].resources.limits.memory"
    done = accepted(proposed(files, either, raise_to(field, "64Mi", "1Gi"), ref=redis))
    assert (done.proof.verdict, [edit.added_lines for edit in done.edits]) == ("unknown", [1])
    assert "master:\n    resources: {limits: {memory: 1Gi}}" in done.edits[0].after
    other = redis.model_copy(update={"name": "api-redis-sentinel"})
    assert isinstance(
        proposed(files, either, raise_to(field, "64Mi", "1Gi"), ref=other), EditRefused
    )


@pytest.mark.render
def test_a_template_that_never_ends_is_stopped(renderer: Programs) -> None:
    files = {
        "c/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n",
        "c/templates/a.yaml": '{{ range until 100000000 }}{{ sha256sum "x" }}{{ end }}\n',
    }
    impatient = Programs("", renderer.helm, timeout_s=1.0)
    with (
        impatient.open(files) as bench,
        pytest.raises(NotRendered, match=r"longer than|no reason"),
    ):
        bench.render(HelmTemplate("c", "c"))


@pytest.mark.render
def test_a_search_that_takes_too_long_gives_up(renderer: Programs) -> None:
    hasty = Programs(renderer.kustomize, renderer.helm, plan_s=0.0)
    found = proposed(chart(), hasty, MORE)
    assert isinstance(found, EditRefused)
    assert found.code == "NOT_RENDERED"
    assert "for one plan" in found.reason


@pytest.mark.render
def test_a_rendering_that_never_stops_growing_is_stopped(renderer: Programs) -> None:
    files = {
        "c/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n",
        "c/templates/a.yaml": 'kind: X\ntext: {{ repeat 3000000 "x" }}\n',
    }
    small = Programs("", renderer.helm, timeout_s=20.0, output_bytes=1_000_000)
    with small.open(files) as bench, pytest.raises(NotRendered):
        bench.render(HelmTemplate("c", "c"))


@pytest.mark.render
def test_a_chart_sees_neither_the_environment_nor_files_outside(
    renderer: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KFIX_TEST_SECRET", "hunter2")
    files = {
        "c/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n",
        "c/templates/a.yaml": (
            'kind: X\nfile: {{ .Files.Get "../secret.txt" | quote }}\n'
            'address: {{ getHostByName "localhost" | quote }}\n'
        ),
        "secret.txt": "hunter2",
    }
    with renderer.open(files) as bench:
        text = bench.render(HelmTemplate("c", "c"))
    assert "hunter2" not in text
    assert 'address: ""' in text


@pytest.mark.render
def test_a_value_of_a_chart_inside_of_the_chart_is_set_above_it(renderer: Programs) -> None:
    inner = chart("charts/api/charts/cache")
    inner["charts/api/charts/cache/Chart.yaml"] = "apiVersion: v2\nname: cache\nversion: 1.0.0\n"
    inner["charts/api/charts/cache/templates/_helpers.tpl"] = (
        '{{- define "api.name" -}}{{ .Release.Name }}-cache{{- end }}\n'
    )
    outer = {
        "charts/api/Chart.yaml": "apiVersion: v2\nname: api\nversion: 1.0.0\n",
        "charts/api/values.yaml": "# nothing yet\nother: 1\n",
    }
    cache = ObjectRef(kind="Deployment", namespace="shop", name="api-cache")
    found = proposed(inner | outer, renderer, raise_to("spec.replicas", 2, 3), ref=cache)
    assert lines_of(found) == {"charts/api/values.yaml": ["+cache:", "+  replicaCount: 3"]}


def test_an_environments_values_outside_of_the_chart_are_its_too(either: Renderer) -> None:
    files = chart() | {
        "environments/prod/api.yaml": "replicaCount: 6\n",
        "environments/dev/api.yaml": "replicaCount: 1\n",
        "environments/prod/deployment.yaml": "kind: Deployment\nmetadata: {name: x}\n",
    }
    found = proposed(files, either, raise_to("spec.replicas", 6, 7))
    assert lines_of(found) == {
        "environments/prod/api.yaml": ["-replicaCount: 6", "+replicaCount: 7"]
    }


def test_a_repository_may_be_a_chart_itself(either: Renderer) -> None:
    files = {path.removeprefix("c/"): text for path, text in chart("c").items()}
    assert list(lines_of(proposed(files, either, MORE))) == ["values.yaml"]
    other = ObjectRef(kind="Deployment", namespace="shop", name="billing")
    assert isinstance(proposed(files, either, MORE, ref=other), EditRefused)
