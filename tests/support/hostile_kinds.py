"""The kinds of hostile repositories, as ``fixtures_hostile_repos`` describes them."""

from __future__ import annotations

from tests.support.hostile_repos import (
    IMAGE,
    PROD,
    TEMPLATE,
    VALUES,
    Ask,
    Deploy,
    K,
    Repo,
    application,
    build,
    built,
    chart,
    deployment,
    flux,
    overlays,
)

KUSTOMIZED = {"apps/api/kustomization.yaml": build("api.yaml"), "apps/api/api.yaml": deployment()}
THREE = ("dev", "staging", "prod")
API = "charts/api"


def _helm(env: str, *values: str, what: str = API, **more: object) -> Deploy:
    return Deploy(env, "helm", what, values=values, **more)  # type: ignore[arg-type]


def _values(env: str, files: str) -> str:
    return application(env, API, f"    helm: {{valueFiles: [{files}]}}\n")


def _at(revision: str, text: str) -> str:
    return text.replace("targetRevision: main", f"targetRevision: {revision}")


PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec: {template: {spec: {containers: [{name: api, resources: {limits: {memory: 512Mi}}}]}}}
"""
SET = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: api, namespace: argocd}
spec:
  generators:
  - GENERATOR
  template:
    metadata: {name: 'api-{{env}}'}
    spec:
      project: default
      destination: {name: '{{env}}-cluster', namespace: shop}
      source: {repoURL: https://git.example/shop/deploy.git, targetRevision: main, path: 'PATH'HELM}
"""


def _set(generator: str, path: str, helm: str = "") -> str:
    return SET.replace("GENERATOR", generator).replace("PATH", path).replace("HELM", helm)


LIST = "list: {elements: [{env: dev}, {env: prod}]}"
_ON_TOP = {"top/kustomization.yaml": build("../apps/api", more="namespace: shop\n")}
OVERRIDE = "patches: [{target: {kind: Deployment}, patch: '- {op: replace, path: /spec/template/spec/containers/0/resources/limits/memory, value: 1Gi}'}]\n"
MANY_ENVIRONMENTS = """\
environments:
  staging: {replicas: 2, memory: 256Mi}
  production: {replicas: 2, memory: 256Mi}
"""
PICKING = TEMPLATE.replace(
    "{{ .Values.replicaCount }}", "{{ (index .Values.environments .Values.env).replicas }}"
).replace(
    "{{- toYaml .Values.resources | nindent 12 }}",
    "limits: {memory: {{ (index .Values.environments .Values.env).memory }}}",
)

_BUNDLE = {
    "bundle/api.yaml": deployment(),
    "bundle/overlays/common/api.yaml": deployment(memory="300Mi"),
    "bundle/overlays/large/api.yaml": deployment(memory="1Gi"),
}

REPOS = [
    Repo(
        "one folder, Applications of three environments",
        KUSTOMIZED | {f"argocd/{env}/api.yaml": application(env, "apps/api") for env in THREE},
        [Deploy(env, "kustomize", "apps/api") for env in THREE],
        [Ask("dev", "refused"), Ask("prod", "refused")],
    ),
    Repo(
        "one folder of plain files, Applications of two environments",
        {"k8s/api.yaml": deployment()}
        | {f"argocd/{env}.yaml": application(env, "k8s") for env in ("dev", "prod")},
        [Deploy(env, "files", "k8s/api.yaml") for env in ("dev", "prod")],
        [Ask("dev", "refused"), Ask("prod", "refused")],
    ),
    Repo(
        "only staging's Application installs it",
        KUSTOMIZED | {"argocd/staging.yaml": application("staging", "apps/api")},
        [Deploy("staging", "kustomize", "apps/api")],
        [Ask("prod", "refused"), Ask("staging", "right")],
    ),
    Repo(
        "only staging's folder has it",
        {"envs/staging/api.yaml": deployment(), "envs/prod/web.yaml": deployment("web")},
        [
            Deploy("staging", "files", "envs/staging/api.yaml"),
            Deploy("prod", "files", "envs/prod/web.yaml"),
        ],
        [Ask("prod", "refused"), Ask("staging", "right")],
    ),
    Repo(
        "a namesake in another tree, told apart by where the trees go",
        {
            "team-a/api.yaml": deployment(),
            "team-a-app.yaml": application("prod", "team-a", name="a", namespace="team-a"),
            **chart("team-b/api"),
            "team-b-app.yaml": application("prod", "team-b/api", name="api", namespace="shop"),
        },
        [
            Deploy("other", "files", "team-a/api.yaml"),
            _helm("prod", what="team-b/api"),
        ],
        [Ask("prod", "either")],
    ),
    Repo(
        "a chart and an overlay make the same thing",
        chart()
        | {"kustomize/api.yaml": deployment(), "kustomize/kustomization.yaml": build("api.yaml")},
        [_helm("prod"), Deploy("other", "kustomize", "kustomize")],
        [Ask("prod", "refused")],
    ),
    Repo(
        "a base that every overlay has",
        overlays(*THREE),
        built(*THREE),
        [Ask("dev", "right"), Ask("prod", "right")],
    ),
    Repo(
        "a base that one overlay overrides, asked for that one",
        overlays(*THREE, more={"prod": OVERRIDE}),
        built(*THREE),
        [Ask("prod"), Ask("dev", "right")],
    ),
    Repo(
        "an override by a patch of all Deployments",
        KUSTOMIZED | {"apps/api/kustomization.yaml": build("api.yaml", more=OVERRIDE)},
        [Deploy("prod", "kustomize", "apps/api")],
        [Ask("prod")],
    ),
    Repo(
        "an override by a patch of a label",
        {
            "apps/api/api.yaml": deployment().replace(
                "{name: api}", "{name: api, labels: {tier: x}}", 1
            ),
            "apps/api/kustomization.yaml": build(
                "api.yaml", more=OVERRIDE.replace("kind: Deployment", "labelSelector: tier=x")
            ),
        },
        [Deploy("prod", "kustomize", "apps/api")],
        [Ask("prod")],
    ),
    Repo(
        "a replacement that copies the field from elsewhere",
        {
            "apps/api/api.yaml": deployment(),
            "apps/api/sizes.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: sizes}\ndata: {memory: 512Mi}\n",
            "apps/api/kustomization.yaml": build(
                "api.yaml",
                "sizes.yaml",
                more="replacements:\n- source: {kind: ConfigMap, name: sizes, fieldPath: data.memory}\n  targets:\n"
                "  - select: {kind: Deployment}\n    fieldPaths: ['spec.template.spec.containers.[name=api].resources.limits.memory']\n",
            ),
        },
        [Deploy("prod", "kustomize", "apps/api")],
        [
            Ask("prod", "refused"),
            Ask("prod", "refused", "data.memory", "777Mi", "ConfigMap/shop/sizes"),
        ],
    ),
    Repo(
        "a variable that carries one object's field into another",
        {
            "apps/api/api.yaml": deployment().replace(
                "image:", "args: [$(COUNT)]\n          image:"
            ),
            "apps/api/web.yaml": deployment("web"),
            "apps/api/kustomization.yaml": build(
                "api.yaml",
                "web.yaml",
                more="vars: [{name: COUNT, objref: {kind: Deployment, name: web, apiVersion: apps/v1}, fieldref: {fieldpath: spec.replicas}}]\n",
            ),
        },
        [Deploy("prod", "kustomize", "apps/api")],
        [Ask("prod", "refused", "spec.replicas", 5, "Deployment/shop/web"), Ask("prod", "right")],
    ),
    Repo(
        "a component that two environments use",
        overlays(
            *THREE,
            more=dict.fromkeys(("staging", "prod"), "components: [../../components/big]\n"),
        )
        | {
            "components/big/kustomization.yaml": K.replace("Kustomization", "Component").replace(
                "v1beta1", "v1alpha1"
            )
            + "patches: [{path: memory.yaml}]\n",
            "components/big/memory.yaml": PATCH,
        },
        built(*THREE),
        [Ask("prod"), Ask("staging"), Ask("dev", "right")],
    ),
    Repo(
        "an Application lays a patch over the folder",
        KUSTOMIZED
        | {
            "argocd/prod.yaml": application(
                "prod", "apps/api", "    kustomize:\n      " + OVERRIDE.replace("\n", "") + "\n"
            )
        },
        [
            Deploy(
                "prod",
                "kustomize",
                "top",
                adds={"top/kustomization.yaml": build("../apps/api")},
                lays="argocd/prod.yaml#spec.source.kustomize.patches",
            )
        ],
        [Ask("prod", "right"), Ask("prod", "right", "spec.replicas", 5)],
    ),
    Repo(
        "an Application sets the image",
        KUSTOMIZED
        | {
            "argocd/prod.yaml": application(
                "prod", "apps/api", "    kustomize: {images: ['registry.example/api:2.0.0']}\n"
            )
        },
        [
            Deploy(
                "prod",
                "kustomize",
                "top",
                adds={
                    "top/kustomization.yaml": build(
                        "../apps/api",
                        more="images: [{name: registry.example/api, newTag: 2.0.0}]\n",
                    )
                },
            )
        ],
        [Ask("prod", "refused", IMAGE, "registry.example/api:3.0.0"), Ask("prod", "right")],
    ),
    Repo(
        "an ApplicationSet installs one folder in each environment",
        KUSTOMIZED | {"argocd/set.yaml": _set(LIST, "apps/api")},
        [Deploy(env, "kustomize", "apps/api") for env in ("dev", "prod")],
        [Ask("dev", "refused"), Ask("prod", "refused")],
    ),
    Repo(
        "an ApplicationSet installs each overlay in its environment",
        overlays("dev", "prod") | {"argocd/set.yaml": _set(LIST, "overlays/{{env}}")},
        built("dev", "prod"),
        [Ask("dev", "right"), Ask("prod", "right")],
    ),
    Repo(
        "an ApplicationSet whose clusters only the cluster knows",
        KUSTOMIZED | {"argocd/set.yaml": _set("clusters: {}", "apps/api")},
        [Deploy(env, "kustomize", "apps/api") for env in ("dev", "prod")],
        [Ask("dev", "refused"), Ask("prod", "refused")],
    ),
    Repo(
        "an ApplicationSet installs a chart with a values file of each environment",
        chart()
        | {"envs/dev.yaml": PROD, "envs/prod.yaml": PROD}
        | {
            "argocd/set.yaml": _set(
                LIST, API, ", helm: {releaseName: api, valueFiles: ['../../envs/{{env}}.yaml']}"
            )
        },
        [_helm("dev", "envs/dev.yaml"), _helm("prod", "envs/prod.yaml")],
        [Ask("dev", "right"), Ask("prod", "right"), Ask("prod", "right", "spec.replicas", 5)],
    ),
    Repo(
        "an ApplicationSet over configuration files",
        KUSTOMIZED
        | {f"config/{env}.json": f'{{"env": "{env}"}}\n' for env in ("dev", "prod")}
        | {
            "argocd/set.yaml": _set(
                "git: {repoURL: x, revision: main, files: [{path: 'config/*.json'}]}", "apps/api"
            )
        },
        [Deploy(env, "kustomize", "apps/api") for env in ("dev", "prod")],
        [Ask("dev", "refused"), Ask("prod", "refused")],
    ),
    Repo(
        "an ApplicationSet of a matrix",
        KUSTOMIZED
        | {
            "argocd/set.yaml": _set(
                "matrix: {generators: [{list: {elements: [{env: dev}, {env: prod}]}}, {git: {repoURL: x, directories: [{path: 'apps/*'}]}}]}",
                "{{path}}",
            )
        },
        [Deploy(env, "kustomize", "apps/api") for env in ("dev", "prod")],
        [Ask("dev", "refused"), Ask("prod", "refused")],
    ),
    Repo(
        "two releases from one values file",
        chart()
        | {"envs/common.yaml": PROD}
        | {f"argocd/{env}.yaml": _values(env, "../../envs/common.yaml") for env in ("dev", "prod")},
        [_helm(env, "envs/common.yaml") for env in ("dev", "prod")],
        [Ask("dev", "refused"), Ask("prod", "refused")],
    ),
    Repo(
        "values by order: the last file wins, and does not set it",
        chart()
        | {
            "envs/common.yaml": PROD,
            "envs/dev.yaml": "replicaCount: 1\n",
            "envs/prod.yaml": "replicaCount: 4\n",
        }
        | {
            f"argocd/{env}.yaml": _values(env, f"../../envs/common.yaml, ../../envs/{env}.yaml")
            for env in ("dev", "prod")
        },
        [_helm(env, "envs/common.yaml", f"envs/{env}.yaml") for env in ("dev", "prod")],
        [Ask("dev", "right"), Ask("prod", "right"), Ask("prod", "right", "spec.replicas", 6)],
    ),
    Repo(
        "values by order: a later common file overrides the environment's",
        chart()
        | {"envs/common.yaml": PROD, "envs/dev.yaml": PROD, "envs/prod.yaml": PROD}
        | {
            f"argocd/{env}.yaml": _values(env, f"../../envs/{env}.yaml, ../../envs/common.yaml")
            for env in ("dev", "prod")
        },
        [_helm(env, f"envs/{env}.yaml", "envs/common.yaml") for env in ("dev", "prod")],
        [Ask("dev", "refused"), Ask("prod", "refused")],
    ),
    Repo(
        "values of another source by reference",
        chart()
        | {"envs/prod.yaml": PROD, "envs/dev.yaml": PROD}
        | {
            f"argocd/{env}.yaml": application(env, API).partition("  source:")[0]
            + "  sources:\n  - {repoURL: https://git.example/shop/deploy.git, path: charts/api, targetRevision: main, "
            f"helm: {{releaseName: api, valueFiles: [$here/envs/{env}.yaml]}}}}\n"
            "  - {repoURL: https://git.example/shop/deploy.git, ref: here, targetRevision: main}\n"
            for env in ("dev", "prod")
        },
        [_helm(env, f"envs/{env}.yaml") for env in ("dev", "prod")],
        [Ask("dev", "right"), Ask("prod", "right"), Ask("prod", "right", "spec.replicas", 6)],
    ),
    Repo(
        "entries of several environments in one values file",
        chart(values=VALUES + MANY_ENVIRONMENTS, template=PICKING)
        | {
            "charts/api/values-staging.yaml": "env: staging\n",
            "charts/api/values-production.yaml": "env: production\n",
        },
        [_helm(env, f"charts/api/values-{env}.yaml") for env in ("staging", "production")],
        [Ask("production"), Ask("staging"), Ask("production", "either", "spec.replicas", 6)],
    ),
    Repo(
        "an umbrella's subchart by file, installed twice",
        chart()
        | {
            f"regions/{region}/Chart.yaml": f"apiVersion: v2\nname: {region}\nversion: 0.1.0\n"
            "dependencies: [{name: api, version: 0.1.0, repository: 'file://../../charts/api'}]\n"
            for region in ("eu", "us")
        }
        | {
            "regions/eu/values.yaml": "api: {replicaCount: 3}\n",
            "regions/us/values.yaml": "api: {replicaCount: 5}\n",
        },
        [
            _helm(r, what=f"regions/{r}", release=r, copies={API: f"regions/{r}/charts/api"})
            for r in ("eu", "us")
        ],
        [
            Ask("eu", "right", "spec.replicas", 4, "Deployment/shop/eu"),
            Ask("eu", "either", object="Deployment/shop/eu"),
        ],
    ),
    Repo(
        "an umbrella whose global value reaches two subcharts",
        {
            "deploy/Chart.yaml": "apiVersion: v2\nname: deploy\nversion: 0.1.0\n",
            "deploy/values.yaml": "global: {memory: 256Mi}\n",
            "deploy/values-prod.yaml": "global: {memory: 512Mi}\n",
        }
        | {
            path: text
            for name in ("api", "web")
            for path, text in chart(
                f"deploy/charts/{name}",
                template=TEMPLATE.replace("name: {{ .Release.Name }}", f"name: {name}", 1).replace(
                    "{{- toYaml .Values.resources | nindent 12 }}",
                    "limits: {memory: {{ .Values.global.memory }}}",
                ),
            ).items()
        },
        [_helm("prod", "deploy/values-prod.yaml", what="deploy", release="deploy")],
        [Ask("prod", "refused"), Ask("prod", "either", "spec.replicas", 5)],
    ),
    Repo(
        "a library chart that two charts use",
        {
            path: text
            for name in ("api", "web")
            for path, text in chart(
                f"charts/{name}",
                template='{{ include "lib.deployment" . }}\n',
                more="dependencies: [{name: lib, version: 0.1.0, repository: 'file://../lib'}]\n",
            ).items()
        }
        | {
            "charts/lib/Chart.yaml": "apiVersion: v2\nname: lib\nversion: 0.1.0\ntype: library\n",
            "charts/lib/values.yaml": "{}\n",
            "charts/lib/templates/_deployment.tpl": '{{- define "lib.deployment" -}}\n'
            + TEMPLATE
            + "{{- end -}}\n",
        },
        [
            _helm(
                "prod",
                what=f"charts/{n}",
                release=n,
                copies={"charts/lib": f"charts/{n}/charts/lib"},
            )
            for n in ("api", "web")
        ],
        [Ask("prod", "right")],
    ),
    Repo(
        "a Flux Kustomization of each cluster for one folder, with its own variables",
        {
            "apps/api/kustomization.yaml": build("api.yaml"),
            "apps/api/api.yaml": deployment(namespace="shop"),
        }
        | {
            f"clusters/{env}/apps.yaml": flux(
                "./apps/api", f"  postBuild: {{substitute: {{env: {env}}}}}\n"
            )
            for env in ("dev", "prod")
        },
        [Deploy(env, "kustomize", "apps/api") for env in ("dev", "prod")],
        [Ask("dev", "refused"), Ask("prod", "refused")],
    ),
    Repo(
        "a Flux Kustomization that patches what it builds",
        KUSTOMIZED
        | {"clusters/prod/apps.yaml": flux("./apps/api", "  targetNamespace: shop\n  " + OVERRIDE)},
        [
            Deploy(
                "prod",
                "kustomize",
                "top",
                adds={"top/kustomization.yaml": build("../apps/api", more="namespace: shop\n")},
                lays="clusters/prod/apps.yaml#spec.patches",
            )
        ],
        [Ask("prod", "right"), Ask("prod", "right", "spec.replicas", 5)],
    ),
    Repo(
        "a Flux Kustomization for each overlay",
        overlays("dev", "prod")
        | {f"clusters/{env}/apps.yaml": flux(f"./overlays/{env}") for env in ("dev", "prod")},
        built("dev", "prod"),
        [Ask("dev", "right"), Ask("prod", "right")],
    ),
    Repo(
        "a Flux Kustomization for a folder of folders",
        {"apps/api/api.yaml": deployment(), "apps/web/web.yaml": deployment("web")}
        | {f"clusters/{env}/apps.yaml": flux("./apps") for env in ("dev", "prod")},
        [Deploy(env, "files", "apps/api/api.yaml apps/web/web.yaml") for env in ("dev", "prod")],
        [Ask("dev", "refused"), Ask("prod", "refused")],
    ),
    Repo(
        "a HelmRelease takes values from a ConfigMap that is asked for",
        {
            "apps/values.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: api-values, namespace: shop}\ndata: {count: '2'}\n",
            "apps/release.yaml": "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: api, namespace: shop}\n"
            "spec:\n  interval: 5m\n  chart: {spec: {chart: charts/api, sourceRef: {kind: GitRepository, name: flux-system}}}\n"
            "  valuesFrom: [{kind: ConfigMap, name: api-values, valuesKey: count, targetPath: replicaCount}]\n",
            **chart(),
        },
        [Deploy("prod", "files", "apps/values.yaml"), Deploy("other", "files", "apps/values.yaml")],
        [Ask("prod", "refused", "data.count", "3", "ConfigMap/shop/api-values")],
    ),
    Repo(
        "Fleet's targets of one chart",
        chart()
        | {
            "charts/api/fleet.yaml": "namespace: shop\nhelm: {releaseName: api}\ntargetCustomizations:\n"
            "- {name: dev, helm: {values: {replicaCount: 1}}}\n- {name: prod, helm: {values: {replicaCount: 4}}}\n"
        },
        [
            _helm(env, f"charts/api/fleet.yaml#targetCustomizations.{at}.helm.values")
            for at, env in enumerate(("dev", "prod"))
        ],
        [Ask("dev", "right"), Ask("prod", "right", "spec.replicas", 5), Ask("staging", "refused")],
    ),
    Repo(
        "Fleet's overlays replace files",
        {
            "bundle/fleet.yaml": "namespace: shop\ntargetCustomizations:\n- {name: prod, yaml: {overlays: [prod]}}\n",
            "bundle/api.yaml": deployment(),
            "bundle/overlays/prod/api.yaml": deployment(memory="1Gi"),
        },
        [
            Deploy("other", "files", "bundle/api.yaml"),
            Deploy("prod", "files", "bundle/overlays/prod/api.yaml"),
        ],
        [Ask("prod", "right"), Ask("dev", "refused")],
    ),
    Repo(
        "Fleet's overlays by targets that are called otherwise",
        _BUNDLE
        | {
            "bundle/fleet.yaml": "namespace: shop\ntargetCustomizations:\n"
            "- {name: production, clusterSelector: {matchLabels: {env: prod}}, yaml: {overlays: [common, large]}}\n"
            "- {name: staging, clusterSelector: {matchLabels: {env: staging}}, yaml: {overlays: [common]}}\n"
        },
        [
            Deploy("other", "files", "bundle/api.yaml"),
            Deploy("prod", "files", "bundle/overlays/large/api.yaml"),
            Deploy("staging", "files", "bundle/overlays/common/api.yaml"),
        ],
        [Ask("prod", "right"), Ask("staging", "right"), Ask("unknown", "refused")],
    ),
    Repo(
        "Fleet's overlay that two targets use",
        _BUNDLE
        | {
            "bundle/fleet.yaml": "namespace: shop\ntargetCustomizations:\n"
            "- {name: prod, clusterGroup: prod, yaml: {overlays: [large]}}\n"
            "- {name: staging, clusterGroup: staging, yaml: {overlays: [large]}}\n"
        },
        [Deploy(env, "files", "bundle/overlays/large/api.yaml") for env in ("prod", "staging")],
        [Ask("prod", "refused"), Ask("staging", "refused")],
    ),
    Repo(
        "Fleet's overlay with a patch",
        _BUNDLE
        | {
            "bundle/fleet.yaml": "namespace: shop\ntargetCustomizations:\n"
            "- {name: prod, clusterGroup: prod, yaml: {overlays: [prod]}}\n",
            "bundle/overlays/prod/api_patch.yaml": "spec: {replicas: 9}\n",
        },
        [Deploy("other", "files", "bundle/api.yaml")],
        [Ask("other", "refused"), Ask("prod", "refused", "spec.replicas", 5)],
    ),
    Repo(
        "Fleet's target for all that are left",
        {
            "bundle/fleet.yaml": "namespace: shop\ntargetCustomizations:\n"
            "- {name: prod, clusterGroup: prod, yaml: {overlays: [large]}}\n"
            "- {name: dev, clusterSelector: {}, yaml: {overlays: [small]}}\n"
            "- {name: test, clusterGroup: test, yaml: {overlays: [small]}}\n",
            "bundle/api.yaml": deployment(),
            "bundle/overlays/large/api.yaml": deployment(memory="1Gi"),
            "bundle/overlays/small/api.yaml": deployment(memory="64Mi"),
        },
        [
            Deploy("prod", "files", "bundle/overlays/large/api.yaml"),
            Deploy("dev", "files", "bundle/overlays/small/api.yaml"),
        ],
        [Ask("prod", "right"), Ask("dev", "right")],
    ),
    Repo(
        "Fleet's older target for all before a customization",
        chart()
        | {
            "charts/api/fleet.yaml": "namespace: shop\nhelm: {releaseName: api, values: {replicaCount: 2}}\n"
            "targets:\n- {name: default, clusterSelector: {}}\ntargetCustomizations:\n"
            "- {name: prod, clusterGroup: prod, helm: {values: {replicaCount: 4}}}\n",
        },
        [_helm("prod", "charts/api/fleet.yaml#targetCustomizations.0.helm.values")],
        [
            Ask("prod", "refused", "spec.replicas", 5),
            Ask("dev", "refused", "spec.replicas", 5),
            Ask("unknown", "refused", "spec.replicas", 5),
        ],
    ),
    Repo(
        "Fleet's targets that never match, or deploy nothing",
        chart()
        | {
            "charts/api/fleet.yaml": "namespace: shop\nhelm: {releaseName: api, valuesFiles: [prod.yaml]}\n"
            "targetCustomizations:\n"
            "- {name: dev, clusterGroup: dev, doNotDeploy: true}\n"
            "- {name: prod, clusterSelector: {}}\n"
            "- {name: old, clusterGroup: old}\n",
            "charts/api/prod.yaml": PROD,
        },
        [_helm("prod", "charts/api/prod.yaml")],
        [Ask("prod", "right")],
    ),
    Repo(
        "helmfile's environments with a common file",
        chart()
        | {
            "helmfile.yaml": "environments: {dev: {}, prod: {}}\n---\nreleases:\n- name: api\n  namespace: shop\n  chart: ./charts/api\n"
            "  values: [values/common.yaml, 'values/{{ .Environment.Name }}.yaml']\n",
            "values/common.yaml": PROD,
            "values/dev.yaml": "replicaCount: 1\n",
            "values/prod.yaml": "replicaCount: 4\n",
        },
        [_helm(env, "values/common.yaml", f"values/{env}.yaml") for env in ("dev", "prod")],
        [Ask("dev", "right"), Ask("prod", "right"), Ask("prod", "right", "spec.replicas", 6)],
    ),
    Repo(
        "helmfile's environment values, which nobody here fills in",
        chart()
        | {
            "helmfile.yaml": "environments: {dev: {values: [{count: 1}]}, prod: {values: [{count: 4}]}}\n---\nreleases:\n- name: api\n"
            "  namespace: shop\n  chart: ./charts/api\n  values: [{replicaCount: '{{ .Values.count }}'}]\n",
        },
        [
            _helm(e, "in.yaml", adds={"in.yaml": f"replicaCount: {n}\n"})
            for e, n in (("dev", 1), ("prod", 4))
        ],
        [Ask("prod", "refused"), Ask("dev", "refused", "spec.replicas", 3)],
    ),
    Repo(
        "a pipeline names values files in an order of its own",
        chart()
        | {
            ".gitlab-ci.yml": "deploy-dev: {script: [helm upgrade -i api charts/api -n shop -f envs/dev.yaml -f envs/base.yaml]}\n"
            "deploy-prod: {script: [helm upgrade -i api charts/api -n shop -f envs/prod.yaml -f envs/base.yaml]}\n",
            "envs/dev.yaml": PROD,
            "envs/prod.yaml": PROD,
            "envs/base.yaml": "resources: {limits: {memory: 1Gi}}\n",
        },
        [_helm(env, f"envs/{env}.yaml", "envs/base.yaml") for env in ("dev", "prod")],
        [Ask("dev", "refused"), Ask("prod", "refused"), Ask("prod", "either", "spec.replicas", 5)],
    ),
    Repo(
        "a pipeline sets a value on its command line",
        chart()
        | {
            "deploy.sh": "helm upgrade --install api ./charts/api -n shop --set resources.limits.memory=1Gi\n"
        },
        [_helm("prod", "in.yaml", adds={"in.yaml": "resources: {limits: {memory: 1Gi}}\n"})],
        [Ask("prod", "refused")],
    ),
    Repo(
        "a script deploys one folder wherever it is told to",
        {
            "k8s/api.yaml": deployment(),
            "deploy.sh": "for e in dev prod; do kubectl --context $e apply -n shop -f k8s/; done\n",
            "rollout-prod.sh": "kubectl apply -n shop -f k8s/\n",
        },
        [Deploy(env, "files", "k8s/api.yaml") for env in ("dev", "prod")],
        [Ask("dev", "refused"), Ask("prod", "refused")],
    ),
    Repo(
        "a template of a shell",
        {
            "k8s/api.yaml": deployment(),
            "deploy.sh": "sed s/256Mi/$MEMORY/ k8s/api.yaml | kubectl apply -f -\n",
        },
        [Deploy("prod", "files", "k8s/api.yaml"), Deploy("dev", "files", "k8s/api.yaml")],
        [Ask("prod", "refused")],
    ),
    *(
        Repo(
            f"a file that {name} makes or takes",
            {"k8s/api.yaml": deployment(), name: text},
            [Deploy(env, "files", "k8s/api.yaml") for env in ("dev", "prod")],
            [Ask("prod", "refused"), Ask("dev", "refused")],
        )
        for name, text in (
            ("k8s/api.jsonnet", "{ 'api.yaml': std.manifestYamlDoc(import 'api.libsonnet') }\n"),
            ("jsonnet/main.jsonnet", "// jsonnet -m ../k8s\n{ '../k8s/api.yaml': {} }\n"),
            ("cdk8s.yaml", "language: typescript\napp: npx ts-node main.ts\noutput: k8s\n"),
            (
                "infra/main.tf",
                'resource "kubernetes_manifest" "api" {\n  manifest = yamldecode(file("${path.module}/../k8s/api.yaml"))\n}\n',
            ),
            ("Tiltfile", "k8s_yaml('k8s/api.yaml')\n"),
            ("hack/gen.py", "open('k8s/api.yaml', 'w').write(render())\n"),
            ("Makefile", "k8s/api.yaml: src\n\tytt -f src > k8s/api.yaml\n"),
        )
    ),
    Repo(
        "an app of apps installs one chart for two environments",
        chart()
        | {
            "apps/Chart.yaml": "apiVersion: v2\nname: apps\nversion: 0.1.0\n",
            "apps/values.yaml": "envs: [dev, prod]\n",
            "apps/templates/apps.yaml": "{{- range .Values.envs }}\n---\n"
            + application("{{ . }}", API, "    helm: {releaseName: api}\n", name="api-{{ . }}")
            + "{{- end }}\n",
        },
        [_helm("dev"), _helm("prod")],
        [Ask("dev", "refused"), Ask("prod", "refused")],
    ),
    Repo(
        "an app of apps in a Kustomization, whose overlay moves the Application",
        KUSTOMIZED
        | {
            "other/api/kustomization.yaml": build("api.yaml"),
            "other/api/api.yaml": deployment(),
            "argocd/base/kustomization.yaml": build("app.yaml"),
            "argocd/base/app.yaml": application("prod", "apps/api"),
            "argocd/prod/kustomization.yaml": build(
                "../base",
                more="patches: [{target: {kind: Application}, patch: '- {op: replace, path: /spec/source/path, value: other/api}'}]\n",
            ),
        },
        [Deploy("prod", "kustomize", "other/api"), Deploy("old", "kustomize", "apps/api")],
        [Ask("prod")],
    ),
    Repo(
        "an overlay that nobody names beside one that is named",
        overlays("prod")
        | {
            "argocd/prod.yaml": application("prod", "base"),
            "argocd/dev.yaml": application("dev", "overlays/prod"),
        },
        [Deploy("prod", "kustomize", "base"), Deploy("dev", "kustomize", "overlays/prod")],
        [Ask("prod", "refused"), Ask("dev")],
    ),
    Repo(
        "a name prefix makes another object of the same base",
        overlays("dev", "prod", more={"dev": "namePrefix: dev-\n"}),
        built("dev", "prod"),
        [Ask("prod", "right")],
    ),
    Repo(
        "an anchor's value in two containers",
        {
            "k8s/kustomization.yaml": build("api.yaml"),
            "k8s/api.yaml": deployment().replace("memory: 256Mi", "memory: &m 256Mi")
            + "        - name: side\n          image: side:1\n          resources: {limits: {memory: *m}}\n",
        },
        [Deploy("prod", "kustomize", "k8s")],
        [Ask("prod", "refused")],
    ),
    Repo(
        "a list of environments in one file of plain documents",
        {"all.yaml": "---\n".join(deployment(namespace=f"shop-{env}") for env in THREE)},
        [Deploy("all", "files", "all.yaml")],
        [Ask("all", "refused"), Ask("all", "right", object="Deployment/shop-prod/api")],
    ),
    Repo(
        "a chart of Applications that is kept elsewhere lists the folder for two environments",
        KUSTOMIZED
        | {
            f"argocd/{env}.yaml": application(env, "x", name=f"apps-{env}").partition("    path:")[
                0
            ]
            + "    chart: argocd-apps\n    targetRevision: 2.0.0\n    helm: {valuesObject: {applications: {api: {source: {path: apps/api}}}}}\n"
            for env in ("dev", "prod")
        },
        [Deploy(env, "kustomize", "apps/api") for env in ("dev", "prod")],
        [Ask("prod", "refused"), Ask("dev", "refused")],
    ),
    Repo(
        "a list of applications that a chart reads",
        KUSTOMIZED
        | {
            "clusters/all.yaml": "applications:\n- {name: api, path: apps/api, environments: [dev, prod]}\n"
        },
        [Deploy(env, "kustomize", "apps/api") for env in ("dev", "prod")],
        [Ask("prod", "refused"), Ask("dev", "refused")],
    ),
    Repo(
        "a HelmRelease whose values Flux's Kustomization patches",
        {
            "apps/kustomization.yaml": build("release.yaml"),
            "apps/release.yaml": "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: api, namespace: shop}\n"
            "spec:\n  interval: 5m\n  chart: {spec: {chart: charts/api, sourceRef: {kind: GitRepository, name: flux-system}}}\n"
            "  values: {replicaCount: 3}\n",
            "clusters/prod/apps.yaml": flux(
                "./apps",
                "  patches: [{target: {kind: HelmRelease}, patch: '- {op: replace, path: /spec/values, value: {replicaCount: 9}}'}]\n",
            ),
            **chart(),
        },
        [_helm("prod", "clusters/prod/apps.yaml#spec.patches.0.patch#0.value")],
        [Ask("prod", "right", "spec.replicas", 5)],
    ),
    Repo(
        "a HelmRelease of each environment, from one base",
        {
            "base/kustomization.yaml": build("release.yaml"),
            "base/release.yaml": "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: api, namespace: shop}\n"
            "spec:\n  interval: 5m\n  chart: {spec: {chart: charts/api, sourceRef: {kind: GitRepository, name: flux-system}}}\n"
            "  values: {replicaCount: 3}\n",
            **chart(),
        }
        | {f"apps/{env}/kustomization.yaml": build("../../base") for env in ("dev", "prod")}
        | {f"clusters/{env}/apps.yaml": flux(f"./apps/{env}") for env in ("dev", "prod")},
        [Deploy(env, "kustomize", f"apps/{env}") for env in ("dev", "prod")],
        [Ask("prod", "either", "spec.values.replicaCount", 5, "HelmRelease/shop/api")],
    ),
    Repo(
        "parameters that Argo CD keeps beside the folder",
        KUSTOMIZED
        | {
            "argocd/prod.yaml": application("prod", "apps/api"),
            "apps/api/.argocd-source-api.yaml": "kustomize: {images: ['registry.example/api:2.0.0']}\n",
        },
        [Deploy("prod", "kustomize", "apps/api"), Deploy("other", "kustomize", "apps/api")],
        [Ask("prod", "refused", IMAGE, "registry.example/api:3.0.0")],
    ),
    Repo(
        "Config Sync applies one folder in two clusters",
        {"k8s/api.yaml": deployment(namespace="shop")}
        | {
            f"sync/{env}.yaml": f"apiVersion: configsync.gke.io/v1beta1\nkind: RootSync\nmetadata: {{name: {env}}}\nspec: {{git: {{dir: k8s}}}}\n"
            for env in ("dev", "prod")
        },
        [Deploy(env, "files", "k8s/api.yaml") for env in ("dev", "prod")],
        [Ask("prod", "refused"), Ask("dev", "refused")],
    ),
    Repo(
        "an overlay whose own patch sets the field",
        overlays("dev", "prod", more={"prod": "patches: [{path: memory.yaml}]\n"})
        | {"overlays/prod/memory.yaml": PATCH},
        built("dev", "prod"),
        [Ask("prod", "right"), Ask("dev", "right")],
    ),
    Repo(
        "an overlay's images entry",
        overlays(
            "dev", "prod", more={"prod": "images: [{name: registry.example/api, newTag: 1.0.0}]\n"}
        ),
        built("dev", "prod"),
        [Ask("prod", "right", IMAGE, "registry.example/api:2.0.0")],
    ),
    Repo(
        "one images entry for two workloads",
        {
            "k8s/api.yaml": deployment(),
            "k8s/web.yaml": deployment("web").replace(
                "registry.example/web", "registry.example/api"
            ),
            "k8s/kustomization.yaml": build(
                "api.yaml",
                "web.yaml",
                more="images: [{name: registry.example/api, newTag: 1.0.0}]\n",
            ),
        },
        [Deploy("prod", "kustomize", "k8s")],
        [Ask("prod", "refused", IMAGE, "registry.example/api:2.0.0")],
    ),
    Repo(
        "a chart's values file that a common one follows on the command line of each environment",
        chart()
        | {
            "Makefile": "prod:\n\thelm upgrade --install api charts/api -n shop -f envs/prod.yaml\n"
            "dev:\n\thelm upgrade --install api charts/api -n shop -f envs/dev.yaml\n",
            "envs/prod.yaml": PROD,
            "envs/dev.yaml": PROD,
        },
        [_helm(env, f"envs/{env}.yaml") for env in ("dev", "prod")],
        [Ask("prod", "right"), Ask("dev", "right"), Ask("staging", "refused")],
    ),
    Repo(
        "a values file of the environment that a shell names",
        chart()
        | {
            "deploy.sh": "helm upgrade --install api charts/api -n shop -f envs/$ENV.yaml\n",
            "envs/prod.yaml": PROD,
            "envs/dev.yaml": PROD,
        },
        [_helm(env, f"envs/{env}.yaml") for env in ("dev", "prod")],
        [Ask("prod"), Ask("dev"), Ask("prod", "either", "spec.replicas", 5)],
    ),
    Repo(
        "an Application of a release branch",
        KUSTOMIZED | {"argocd/prod.yaml": _at("release", application("prod", "apps/api"))},
        [],
        [Ask("prod", "refused")],
    ),
    Repo(
        "overlays of which production's is deployed from a tag",
        overlays("dev", "prod", more={"prod": OVERRIDE, "dev": OVERRIDE})
        | {
            "argocd/dev.yaml": application("dev", "overlays/dev"),
            "argocd/prod.yaml": _at("v1.4.0", application("prod", "overlays/prod")),
        },
        built("dev"),
        [Ask("prod", "refused"), Ask("prod", "refused", "spec.replicas", 5)],
    ),
    Repo(
        "a chart that production has at a version, with values files here",
        chart()
        | {f"charts/api/values-{env}.yaml": PROD for env in ("dev", "prod")}
        | {
            "argocd/dev.yaml": _values("dev", "values-dev.yaml"),
            "argocd/prod.yaml": _at("1.x", _values("prod", "values-prod.yaml")),
        },
        [_helm("dev", f"{API}/values-dev.yaml")],
        [
            Ask("prod", "refused"),
            Ask("prod", "refused", "spec.replicas", 5),
            Ask("dev", "right"),
        ],
    ),
    Repo(
        "production's values lent by a source of another branch",
        chart()
        | {
            "envs/prod.yaml": PROD,
            "argocd/prod.yaml": application("prod", API).partition("  source:")[0]
            + "  sources:\n  - {repoURL: https://git.example/shop/deploy.git, path: charts/api, "
            "targetRevision: main, helm: {valueFiles: [$here/envs/prod.yaml]}}\n"
            "  - {repoURL: https://git.example/shop/deploy.git, ref: here, targetRevision: v2.0.0}\n",
        },
        [],
        [Ask("prod", "refused")],
    ),
    Repo(
        "Flux's folder from a tag",
        KUSTOMIZED
        | {
            "clusters/prod/apps.yaml": flux("./apps/api"),
            "clusters/prod/source.yaml": "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\n"
            "metadata: {name: flux-system, namespace: flux-system}\n"
            "spec: {url: 'https://git.example/shop/deploy.git', ref: {tag: v1.0.0}}\n",
        },
        [],
        [Ask("prod", "refused")],
    ),
    Repo(
        "a folder that another repository's Application has too",
        {"k8s/api.yaml": deployment(), "web/web.yaml": deployment("web")}
        | {"jobs/jobs.yaml": deployment("jobs")}
        | {
            "argocd/prod/api.yaml": application("prod", "k8s").replace("shop/deploy", "team/api"),
            "argocd/prod/web.yaml": application("prod", "web", name="web"),
            "argocd/prod/jobs.yaml": application("prod", "jobs", name="jobs"),
        },
        [Deploy("prod", "files", "web/web.yaml"), Deploy("prod", "files", "jobs/jobs.yaml")],
        [Ask("prod", "refused")],
    ),
    Repo(
        "files that the Application leaves out",
        {"k8s/api.yaml": deployment(), "k8s/old/web.yaml": deployment("web")}
        | {"k8s/jobs.yaml": deployment("jobs")}
        | {
            "argocd/prod.yaml": application(
                "prod", "k8s", "    directory: {exclude: '{api.yaml,*/test.yaml}'}\n"
            )
        },
        [Deploy("prod", "files", "k8s/jobs.yaml")],
        [
            Ask("prod", "refused"),
            Ask("prod", "refused", object="Deployment/shop/web"),
            Ask("prod", "right", object="Deployment/shop/jobs"),
        ],
    ),
]
