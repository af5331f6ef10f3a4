"""Patches of an overlay's own, with the real kustomize: which of several takes a field, and what none of them can say."""

# ruff: noqa: F401, F811  (fixtures are imported by name)

from __future__ import annotations

import pytest

from kfix.infra.clients.renderers import Programs
from manifests.refused import NotEditable
from tests.contract.test_render_values import changed
from tests.support.hostile_repos import MEMORY
from tests.support.render import renderer

pytestmark = pytest.mark.render

_HEAD = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\nspec:\n"
_APP = "  template:\n    spec:\n      containers:\n      - name: app\n"
_BASE = (
    f"{_HEAD}  replicas: 2\n  selector: {{matchLabels: {{app: api}}}}\n"
    "  template:\n    metadata: {labels: {app: api}}\n    spec:\n      containers:\n      - name: app\n"
    "        image: registry.example/api:1.0\n"
)
_COMPONENT = (
    "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{path: wide.yaml}]\n"
)
_OVERLAY = "resources: [../../base]\ncomponents: [../../parts]\npatches:\n- path: limits.yaml\n- path: replicas.yaml\n- path: image.yaml\n"
SEVERAL = {
    "base/kustomization.yaml": "namespace: shop\nresources: [api.yaml]\n",
    "base/api.yaml": _BASE,
    "parts/kustomization.yaml": _COMPONENT,
    "parts/wide.yaml": f"{_HEAD}{_APP}        livenessProbe: {{httpGet: {{path: /health, port: 80}}}}\n",
} | {
    f"envs/{env}/{name}": text
    for env in ("prod", "staging")
    for name, text in {
        "kustomization.yaml": _OVERLAY,
        "limits.yaml": f"{_HEAD}{_APP}        resources:\n          limits:\n            cpu: 500m\n",
        "replicas.yaml": f"{_HEAD}  replicas: 3\n",
        "image.yaml": f"{_HEAD}{_APP}        image: registry.example/api:2.0\n",
    }.items()
}
CONTAINER = "spec.template.spec.containers[name=app]"


@pytest.mark.parametrize(
    ("path", "value", "lines"),
    [
        ("spec.replicas", 5, ["envs/prod/replicas.yaml", "-  replicas: 3", "+  replicas: 5"]),
        (
            f"{CONTAINER}.resources.limits.memory",
            "1Gi",
            ["envs/prod/limits.yaml", "+            memory: 1Gi"],
        ),
        (
            f"{CONTAINER}.imagePullPolicy",
            "Always",
            ["envs/prod/image.yaml", "+        imagePullPolicy: Always"],
        ),
        (
            f"{CONTAINER}.livenessProbe.httpGet.path",
            "/live",
            [
                "envs/prod/image.yaml",
                "+        livenessProbe:",
                "+          httpGet:",
                "+            path: /live",
            ],
        ),
    ],
)
def test_of_several_patches_the_nearest_takes_the_field_else_the_last(
    renderer: Programs, path: str, value: object, lines: list[str]
) -> None:
    assert changed(SEVERAL, renderer, path, value, env="prod") == lines


_SERVICE = (
    "apiVersion: v1\nkind: Service\nmetadata: {name: api}\nspec:\n  selector: {app: api}\n"
    "  ports:\n  - {name: admin, port: 9000}\n  - {name: http, port: 80}\n"
)
_TYPE = "apiVersion: v1\nkind: Service\nmetadata: {name: api}\nspec: {type: NodePort}\n"
_RELEASE = (
    "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: api}\nspec:\n"
    "  values:\n    hosts:\n    - api.local\n"
)


def _overlays(base: str, **own: str) -> dict[str, str]:
    """One object in a base, with the files of both environments' overlays."""
    files = {
        "base/kustomization.yaml": "namespace: shop\nresources: [it.yaml]\n",
        "base/it.yaml": base,
    }
    return files | {
        f"envs/{env}/{name.replace('_', '.')}": text
        for env in ("prod", "staging")
        for name, text in own.items()
    }


_LISTED = [
    "envs/prod/api-service-patch.yaml",
    "+- op: replace",
    "+  path: /spec/ports/1/port",
    "+  value: 8080",
    "envs/prod/kustomization.yaml",
    "+- path: api-service-patch.yaml",
    "+  target:",
    "+    kind: Service",
    "+    name: api",
]


@pytest.mark.parametrize("path", ["spec.ports[name=http].port", "spec.ports[1].port"])
@pytest.mark.parametrize("own", ["", "patches:\n- path: type.yaml\n"])
def test_what_a_merge_patch_names_an_item_by_changes_at_its_place(
    renderer: Programs, path: str, own: str
) -> None:
    files = _overlays(
        _SERVICE,
        kustomization_yaml=f"namePrefix: eu-\nresources:\n- ../../base\n{own}",
        **({"type_yaml": _TYPE} if own else {}),
    )
    lines = changed(files, renderer, path, 8080, env="prod", ref="Service/shop/eu-api")
    listed = [line.replace("api-service", "eu-api-service") for line in _LISTED]
    assert sorted(lines) == sorted(listed if own else [*listed, "+patches:"])


def test_a_place_in_a_list_that_the_patch_has_whole_changes_there(renderer: Programs) -> None:
    files = _overlays(
        _RELEASE,
        kustomization_yaml="resources: [../../base]\npatches: [{path: values.yaml}]\n",
        values_yaml=_RELEASE.replace("local", "example"),
    )
    path, ref = "spec.values.hosts[0]", "HelmRelease/shop/api"
    assert changed(files, renderer, path, "api.test", env="prod", ref=ref) == [
        "envs/prod/values.yaml",
        "-    - api.example",
        "+    - api.test",
    ]


def test_a_place_that_another_patch_moves_is_refused(renderer: Programs) -> None:
    files = _overlays(
        _SERVICE,
        kustomization_yaml="resources: [../../base]\npatches: [{path: more.yaml}]\n",
        more_yaml="apiVersion: v1\nkind: Service\nmetadata: {name: api}\n"
        "spec: {ports: [{name: first, port: 1}]}\n",
    )
    with pytest.raises(NotEditable):
        changed(
            files, renderer, "spec.ports[name=http].port", 8080, env="prod", ref="Service/shop/api"
        )


def _flux(env: str, source: str) -> str:
    return (
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
        "metadata: {name: configs, namespace: flux-system}\nspec:\n"
        f"  sourceRef: {{kind: {source}, name: flux-system}}\n  path: ./base\n  patches:\n"
        "  - patch: |\n      - op: replace\n        path: /spec/type\n"
        f"        value: {'LoadBalancer' if env == 'prod' else 'NodePort'}\n"
        "    target: {kind: Service, name: api}\n"
    )


@pytest.mark.parametrize(
    ("source", "above"), [("GitRepository", ""), ("ExternalArtifact", "infrastructure/")]
)
def test_a_deployers_json_patch_of_the_object_takes_another_operation(
    renderer: Programs, source: str, above: str
) -> None:
    files = {f"{above}{path}": text for path, text in _overlays(_SERVICE).items()} | {
        f"clusters/{env}/configs.yaml": _flux(env, source) for env in ("prod", "staging")
    }
    path, ref = "spec.ports[name=http].port", "Service/shop/api"
    assert changed(files, renderer, path, 8080, env="prod", ref=ref) == [
        "clusters/prod/configs.yaml",
        "+      - op: replace",
        "+        path: /spec/ports/1/port",
        "+        value: 8080",
    ]


def test_of_two_folders_that_an_artifacts_path_may_mean_none_is_taken(renderer: Programs) -> None:
    files = {
        f"{above}/{path}": text
        for above in ("one", "two")
        for path, text in _overlays(_SERVICE).items()
    } | {f"clusters/{env}/configs.yaml": _flux(env, "ExternalArtifact") for env in ("prod", "dev")}
    with pytest.raises(NotEditable):
        changed(
            files, renderer, "spec.ports[name=http].port", 8080, env="prod", ref="Service/shop/api"
        )


_MOVED = "resources: [../../manifests/dev]\nnamePrefix: {0}-\n"


def test_a_base_called_like_another_environment_is_of_those_that_build_it(
    renderer: Programs,
) -> None:
    files = {
        "manifests/dev/kustomization.yaml": "resources: [api.yaml]\n",
        "manifests/dev/api.yaml": _BASE,
        "clusters/staging/kustomization.yaml": _MOVED.format("staging"),
        "clusters/prod/kustomization.yaml": _MOVED.format("prod")
        + "replicas: [{name: api, count: 5}]\n",
    }
    ref = "Deployment/shop/prod-api"
    assert changed(files, renderer, "spec.replicas", 6, env="prod", ref=ref) == [
        "clusters/prod/kustomization.yaml",
        "-replicas: [{name: api, count: 5}]",
        "+replicas: [{name: api, count: 6}]",
    ]
    lines = changed(files, renderer, f"{CONTAINER}.image", "api:2", env="prod", ref=ref)
    assert {line for line in lines if line[:1] not in "+-"} == {
        "clusters/prod/kustomization.yaml",
        "clusters/prod/prod-api-deployment-patch.yaml",
    }


def test_a_base_of_another_environment_is_not_what_an_unnamed_folder_builds(
    renderer: Programs,
) -> None:
    files = {
        "manifests/dev/kustomization.yaml": "resources: [api.yaml]\n",
        "manifests/dev/api.yaml": _BASE,
        "deploy/here/kustomization.yaml": _MOVED.format("here"),
    }
    with pytest.raises(NotEditable):
        changed(files, renderer, "spec.replicas", 6, env="prod", ref="Deployment/shop/here-api")


def _over(own: str, base: str) -> dict[str, str]:
    files = _overlays(_BASE, kustomization_yaml=f"resources: [../../base]\n{own}")
    return files | {"base/kustomization.yaml": f"namespace: shop\nresources: [it.yaml]\n{base}"}


_IMAGES = "images:\n- {name: registry.example/api, newTag: '1.5'}\n"


@pytest.mark.parametrize(
    ("path", "value", "base", "own", "lines"),
    [
        (
            f"{CONTAINER}.image",
            "registry.example/api:1.6",
            _IMAGES,
            "images:\n- name: other\n  newTag: 1.0.0\n",
            ["+- name: registry.example/api", '+  newTag: "1.6"'],
        ),
        (
            f"{CONTAINER}.image",
            "mirror.example/api@sha256:" + "1" * 64,
            _IMAGES,
            "",
            [
                "+images:",
                "+  - name: registry.example/api",
                "+    newName: mirror.example/api",
                "+    digest: sha256:" + "1" * 64,
            ],
        ),
        (
            "spec.replicas",
            7,
            "replicas:\n- {name: api, count: 3}\n",
            "",
            ["+replicas:", "+  - name: api", "+    count: 7"],
        ),
    ],
)
def test_an_overlays_own_entry_wins_over_the_bases(
    renderer: Programs, path: str, value: object, base: str, own: str, lines: list[str]
) -> None:
    found = changed(_over(own, base), renderer, path, value, env="prod")
    assert found == ["envs/prod/kustomization.yaml", *lines]


def test_an_entry_that_would_change_another_object_too_is_refused(renderer: Programs) -> None:
    files = _over("", _IMAGES)
    files["base/kustomization.yaml"] = files["base/kustomization.yaml"].replace(
        "[it.yaml]", "[it.yaml, other.yaml]"
    )
    files["base/other.yaml"] = _BASE.replace("name: api", "name: other")
    with pytest.raises(NotEditable):
        changed(files, renderer, f"{CONTAINER}.image", "registry.example/api:1.6", env="prod")
