"""Values of charts that are kept elsewhere: taken where only one is called like the field, else refused with what there is."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from manifests.proposal.propose import set_fields, set_with_proof
from manifests.refused import NotEditable
from manifests.repository.index import build
from manifests.repository.locate import Hints
from schemas.base import ObjectRef
from tests.support.stand_in_helm import StandIn

APP = "spec.template.spec.containers[name=app]."
MEMORY = APP + "resources.limits.memory"
RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: api, namespace: shop}
spec:
  chart: {spec: {chart: common, sourceRef: {kind: HelmRepository, name: charts}}}
"""


def release(values: str, more: str = "") -> dict[str, str]:
    """A HelmRelease with these values."""
    return {"apps/api.yaml": RELEASE + more + "  values:\n" + values}


def changed(
    files: Mapping[str, str],
    path: str,
    value: object = "777Mi",
    *,
    ref: str = "Deployment/shop/api",
) -> list[str]:
    """The lines that change, with their signs."""
    found = set_with_proof(build(files), ObjectRef.parse(ref), {path: value}, Hints(), StandIn())
    assert (found.proof.verdict, found.proof.elsewhere) == ("unknown", True)
    lines = [line for edit in found.edits for line in edit.diff.splitlines()[2:]]
    return [line for line in lines if line[:1] in "+-"]


TWO = """\
    controllers:
      main:
        containers:
          app: {resources: {limits: {memory: 1Gi}}}
          sidecar: {resources: {limits: {memory: 2Gi}}}
"""
ENV = "    env: {LEVEL: info}\n    redis: {env: {LEVEL: info}}\n"
LISTED = "    extraEnvVars:\n      - {name: LEVEL, value: info}\n"
IMAGE = "    image: {registry: r.example, repository: shop/api, tag: 1.0.0@sha256:00}\n"


@pytest.mark.parametrize(
    ("values", "path", "value", "wanted"),
    [
        (TWO, MEMORY, "777Mi", "          app: {resources: {limits: {memory: 777Mi}}}"),
        ("    resources: {limits: {memory: 1Gi}}\n", MEMORY, "2Gi", "    resources: {limits: {memory: 2Gi}}"),
        (
            "    containers:\n      app:\n        resources:\n          limits:\n            cpu: 10m\n",
            MEMORY,
            "2Gi",
            "            memory: 2Gi",
        ),
        (ENV, APP + "env[name=LEVEL].value", "debug", "    env: {LEVEL: debug}"),
        (LISTED, APP + "env[name=LEVEL].value", "debug", "      - {name: LEVEL, value: debug}"),
        (
            IMAGE,
            APP + "image",
            "r.example/shop/api:1.0.1",
            "    image: {registry: r.example, repository: shop/api, tag: 1.0.1}",
        ),
        ("    image: r.example/api:1.0.0\n", APP + "image", "r.example/api:2", "    image: r.example/api:2"),
        ("    deployment: {replicas: 2}\n", "spec.replicas", 3, "    deployment: {replicas: 3}"),
    ],
)  # fmt: skip
def test_the_one_value_that_is_called_like_the_field_is_changed(
    values: str, path: str, value: object, wanted: str
) -> None:
    lines = changed(release(values), path, value)
    assert "\n".join(line for line in lines if line[0] == "+") == f"+{wanted}"


@pytest.mark.parametrize(
    ("values", "path", "value"),
    [
        ("    redis: {resources: {limits: {memory: 1Gi}}}\n", MEMORY, "777Mi"),
        ("    app: {sidecar: {resources: {limits: {cpu: 10m}}}}\n", MEMORY, "777Mi"),
        ("    containers: {app: {resources: {limits: {}}}}\n", MEMORY, "777Mi"),
        (TWO + "    resources: {limits: {memory: 3Gi}}\n", MEMORY, "777Mi"),
        ("    server: {replicas: 2}\n    worker: {replicas: 2}\n", "spec.replicas", 3),
        ("    image: {repository: other/api, tag: 1.0.0}\n", APP + "image", "shop/api:1.0.1"),
        ("    image: {tag: 1.0.0}\n", APP + "image", "shop/api:1.0.1"),
        (ENV, APP + "env[name=OTHER].value", "debug"),
        ("    a: [{resources: {limits: {memory: 1Gi}}}]\n", MEMORY, "777Mi"),
    ],
)
def test_anything_else_is_refused(values: str, path: str, value: object) -> None:
    with pytest.raises(NotEditable) as refused:
        changed(release(values), path, value)
    assert refused.value.code == "NOT_RENDERED"


TYPED = """\
    controllers:
      main:
        type: deployment
        replicas: 2
        pod: {securityContext: {fsGroup: 4000}}
        containers:
          app: {resources: {limits: {memory: 1Gi}}}
      clean:
        cronjob: {schedule: "0 5 * * *"}
        containers:
          clean: {resources: {limits: {memory: 1Gi}}}
"""
CRON = "spec.jobTemplate." + APP


@pytest.mark.parametrize(
    ("ref", "path", "value"),
    [
        ("PersistentVolumeClaim/shop/api", "spec.resources.requests.storage", "10Gi"),
        ("Cluster/shop/api", "spec.resources.limits.memory", "2Gi"),
        ("Dragonfly/shop/api", "spec.replicas", 3),
        ("StatefulSet/shop/api", "spec.volumeClaimTemplates[0].spec.resources.requests.storage", "1Gi"),
        ("StatefulSet/shop/api", MEMORY, "2Gi"),
        ("StatefulSet/shop/api", "spec.replicas", 3),
        ("Deployment/shop/api", "spec.template.spec.resources.limits.memory", "2Gi"),
        ("Deployment/shop/api", MEMORY.replace("containers", "initContainers"), "2Gi"),
        ("Deployment/shop/api", MEMORY.replace("=app", "=proxy"), "2Gi"),
        ("CronJob/shop/api", CRON + "resources.limits.memory", "2Gi"),
        ("Job/shop/api", MEMORY, "2Gi"),
        ("Deployment/shop/api-clean", MEMORY.replace("=app", "=clean"), "2Gi"),
        ("Deployment/shop/api", APP + "resources.requests.memory", "1Gi"),
    ],
)  # fmt: skip
def test_a_value_is_no_field_of_another_kind_or_container(
    ref: str, path: str, value: object
) -> None:
    with pytest.raises(NotEditable) as refused:
        changed(release(TYPED), path, value, ref=ref)
    assert refused.value.code == "NOT_RENDERED"


@pytest.mark.parametrize(
    ("ref", "path", "value", "wanted"),
    [
        ("Deployment/shop/api", MEMORY, "2Gi", "app: {resources: {limits: {memory: 2Gi}}}"),
        ("Deployment/shop/api", "spec.replicas", 3, "replicas: 3"),
        ("Deployment/shop/api", "spec.template.spec.securityContext.fsGroup", 1, "pod: {securityContext: {fsGroup: 1}}"),
        ("CronJob/shop/api-clean", CRON.replace("=app", "=clean") + "resources.limits.memory", "2Gi", "clean: {resources: {limits: {memory: 2Gi}}}"),
    ],
)  # fmt: skip
def test_a_value_below_the_kind_and_the_container_of_the_field_is_changed(
    ref: str, path: str, value: object, wanted: str
) -> None:
    added = [line for line in changed(release(TYPED), path, value, ref=ref) if line[0] == "+"]
    assert [line[1:].strip() for line in added] == [wanted]


def test_values_without_a_container_are_of_the_main_one_and_nothing_new_is_made_of_them() -> None:
    files = release("    resources: {limits: {memory: 1Gi}}\n")
    assert changed(files, MEMORY.replace("=app", "=apid"))
    for path in (MEMORY.replace("=app", "=proxy"), APP + "resources.limits.cpu"):
        with pytest.raises(NotEditable):
            changed(files, path, "2")


def test_a_claim_that_a_component_declares_by_a_variable_is_said_with_its_file() -> None:
    claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: '${CLAIM:-${APP}}'}\n"
    files = release(TYPED) | {"components/claim.yaml": claim}
    with pytest.raises(NotEditable, match=r"components/claim\.yaml"):
        changed(
            files, "spec.resources.requests.storage", "10Gi", ref="PersistentVolumeClaim/shop/api"
        )


def test_a_part_of_a_chart_is_known_by_its_name() -> None:
    values = "    master: {replicas: 1}\n    slave: {replicas: 1}\n    replicas: 9\n"
    lines = changed(release(values), "spec.replicas", 3, ref="StatefulSet/shop/api-master")
    assert lines[-1] == "+    master: {replicas: 3}"
    with pytest.raises(NotEditable):
        changed(release(values), "spec.replicas", 3, ref="StatefulSet/shop/api-sentinel")


def test_values_that_a_secret_has_do_not_hide_those_that_win_over_them() -> None:
    values = "    resources: {limits: {memory: 1Gi}}\n"
    secret = "  valuesFrom: [{kind: Secret, name: hidden}]\n"
    assert changed(release(values, secret), MEMORY)
    with pytest.raises(NotEditable, match="Secret hidden"):
        changed(release("    other: 1\n", secret), MEMORY)


def test_what_a_post_renderer_may_change_is_refused() -> None:
    post = "  postRenderers: [{kustomize: {}}]\n"
    with pytest.raises(NotEditable, match="post-render"):
        changed(release("    resources: {limits: {memory: 1Gi}}\n", post), MEMORY)


@pytest.mark.parametrize(
    "ref", ["Deployment/other/api", "Deployment/shop/apis", "Deployment/shop/x"]
)
def test_an_object_that_no_release_is_called_after_is_refused(ref: str) -> None:
    with pytest.raises(NotEditable) as refused:
        changed(release("    resources: {limits: {memory: 1Gi}}\n"), MEMORY, ref=ref)
    assert refused.value.code == "NOT_FOUND"


def test_of_two_releases_the_one_whose_name_is_longer_makes_the_object() -> None:
    files = release("    replicas: 1\n")
    files["apps/worker.yaml"] = files["apps/api.yaml"].replace("name: api,", "name: api-worker,")
    found = set_fields(
        build(files),
        ObjectRef.parse("Deployment/shop/api-worker"),
        {"spec.replicas": 4},
        Hints(),
        StandIn(),
    )
    assert [edit.path for edit in found] == ["apps/worker.yaml"]


def test_the_same_release_for_two_environments_is_chosen_by_the_environment_or_refused() -> None:
    one = release("    replicas: 1\n")["apps/api.yaml"]
    index = build({"clusters/prod/api.yaml": one, "clusters/staging/api.yaml": one})
    ref, wish = ObjectRef.parse("Deployment/shop/api"), {"spec.replicas": 4}
    found = set_fields(index, ref, wish, Hints("production"), StandIn())
    assert [edit.path for edit in found] == ["clusters/prod/api.yaml"]
    with pytest.raises(NotEditable, match=r"clusters/prod.*clusters/staging"):
        set_fields(index, ref, wish, Hints(), StandIn())


INFLATING = """\
kind: Kustomization
namespace: shop
helmCharts:
  - {name: redis, repo: https://charts.example, version: 1.0.0, releaseName: cache, valuesFile: values.yaml}
"""
REDIS = {
    "apps/kustomization.yaml": INFLATING,
    "apps/values.yaml": "replica: {replicaCount: 3}\nmaster: {replicaCount: 1}\n",
}


def test_a_chart_that_kustomize_takes_from_elsewhere_is_changed_by_its_values_file() -> None:
    lines = changed(REDIS, "spec.replicas", 5, ref="StatefulSet/shop/cache-redis-replicas")
    assert lines == ["-replica: {replicaCount: 3}", "+replica: {replicaCount: 5}"]


@pytest.mark.parametrize(
    "more",
    [
        {"prod/kustomization.yaml": "resources: [../apps]\n", "dev/kustomization.yaml": "resources: [../apps]\n"},
        {"apps/kustomization.yaml": INFLATING + "configMapGenerator: [{name: v, files: [values.yaml]}]\n"},
    ],
)  # fmt: skip
def test_its_values_file_is_left_alone_where_it_reaches_anything_else(more: dict[str, str]) -> None:
    with pytest.raises(NotEditable):
        changed(REDIS | more, "spec.replicas", 5, ref="StatefulSet/shop/cache-redis-replicas")


@pytest.mark.parametrize(
    "more",
    [
        release("    replicas: 2\n    autoscaling: {enabled: true, maxReplicas: 5}\n"),
        release("    replicas: 2\n")
        | {
            "hpa.yaml": "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\n"
            "metadata: {name: api, namespace: shop}\n"
            "spec: {scaleTargetRef: {kind: Deployment, name: api}, maxReplicas: 5}\n"
        },
    ],
)
def test_replicas_that_an_autoscaler_owns_are_refused(more: dict[str, str]) -> None:
    with pytest.raises(NotEditable) as refused:
        changed(more, "spec.replicas", 4)
    assert refused.value.code == "HPA_OWNED"


PLAIN = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec: {replicas: 2, template: {spec: {containers: [{name: app, image: a:1}]}}}
"""


def test_a_file_beside_a_release_of_the_same_name_is_refused_unless_the_live_object_tells() -> None:
    files = release("    replicas: 2\n") | {"plain/api.yaml": PLAIN}
    index, ref = build(files), ObjectRef.parse("Deployment/shop/api")
    with pytest.raises(NotEditable, match=r"plain/api.yaml.*HelmRelease/shop/api") as refused:
        set_fields(index, ref, {"spec.replicas": 4}, Hints(), StandIn())
    assert refused.value.code == "AMBIGUOUS_DOC"
    applied = Hints(live={ref.key: {"team": "shop"}})
    found = set_fields(index, ref, {"spec.replicas": 4}, applied, StandIn())
    assert [edit.path for edit in found] == ["plain/api.yaml"]


def test_a_file_beside_a_release_of_another_environment_or_namespace_is_edited() -> None:
    other = release("    replicas: 2\n")["apps/api.yaml"]
    files = {"clusters/staging/api.yaml": other, "clusters/prod/api.yaml": PLAIN}
    ref, wish = ObjectRef.parse("Deployment/shop/api"), {"spec.replicas": 4}
    found = set_fields(build(files), ref, wish, Hints("prod"), StandIn())
    assert [edit.path for edit in found] == ["clusters/prod/api.yaml"]


@pytest.mark.parametrize("container", ["api", "app", "main"])
def test_a_container_called_like_its_workload_is_the_one_of_values_without_a_name(
    container: str,
) -> None:
    path = f"spec.template.spec.containers[name={container}].resources.limits.memory"
    files = release("    resources: {limits: {memory: 1Gi}}\n")
    assert changed(files, path, "2Gi")[1:] == ["+    resources: {limits: {memory: 2Gi}}"]
    with pytest.raises(NotEditable):
        changed(files, path.replace(f"={container}]", "=proxy]"), "2Gi")
