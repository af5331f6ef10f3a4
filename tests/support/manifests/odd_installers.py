"""Small repositories whose installers come in odd shapes: optional fields missing, several entries in one file or list,
sources of other revisions and repositories, charts that are kept elsewhere.

Each is asked as those of `repositories.py` are, and again with one thing changed.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.manifests.repositories import BARE, DEPLOYMENT

_VALUES = "replicaCount: 2\nresources: {limits: {memory: 128Mi}}\n"
_TEMPLATE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicaCount }}
  template:
    spec:
      containers:
      - name: app
        image: registry.example/api:1
        resources: {limits: {memory: {{ .Values.resources.limits.memory }}}}
"""


def chart(folder: str, name: str = "api", **files: str) -> dict[str, str]:
    """A chart that makes one Deployment, called like its release; ``files``: values files by name without suffix."""
    made = {
        "Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: 1.0.0\n",
        "values.yaml": _VALUES,
        "templates/deployment.yaml": _TEMPLATE,
    }
    made |= {each.replace("_", "-") + ".yaml": content for each, content in files.items()}
    return {f"{folder}/{path}".lstrip("/"): content for path, content in made.items()}


_CHART = chart(
    "charts/api",
    values_prod="replicaCount: 4\n",
    values_dev="replicaCount: 1\nresources: {limits: {memory: 64Mi}}\n",
)
_BUILT = {
    "base/kustomization.yaml": "resources: [api.yaml]\n",
    "base/api.yaml": BARE,
    "overlays/prod/kustomization.yaml": "namespace: shop\nresources: [../../base]\nreplicas: [{name: api, count: 3}]\n",
    "overlays/dev/kustomization.yaml": "namespace: shop\nresources: [../../base]\nreplicas: [{name: api, count: 1}]\n",
}
_TWO = {"prod/api.yaml": DEPLOYMENT, "dev/api.yaml": DEPLOYMENT}
_URL = "https://git.example/shop/deploy.git"


def _application(
    source: str, *, name: str = "api-prod", destination: str = "{namespace: shop}", more: str = ""
) -> str:
    """``source``: the lines below ``spec``, indented by two."""
    return (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\n"
        f"metadata: {{name: {name}}}\nspec:\n  destination: {destination}\n{more}{source}"
    )


def _set(generators: str, template: str, *, more: str = "") -> str:
    return (
        "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: all}\n"
        f"spec:\n  generators:\n{generators}  template:\n    metadata: {{name: 'api-{{{{env}}}}'}}\n"
        f"    spec:\n      destination: {{namespace: shop}}\n{template}{more}"
    )


def _flux(name: str, spec: str, namespace: str = "flux-system") -> str:
    return (
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
        f"metadata: {{name: {name}, namespace: {namespace}}}\nspec: {{{spec}}}\n"
    )


def _source(name: str, spec: str, *, kind: str = "GitRepository", where: str = "") -> str:
    placed = f", namespace: {where}" if where else ""
    return (
        f"apiVersion: source.toolkit.fluxcd.io/v1\nkind: {kind}\n"
        f"metadata: {{name: {name}{placed}}}\nspec: {{{spec}}}\n"
    )


def _release(spec: str, *, name: str = "api", namespace: str = "shop") -> str:
    placed = f", namespace: {namespace}" if namespace else ""
    return (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n"
        f"metadata: {{name: {name}{placed}}}\nspec:\n{spec}"
    )


_KEPT = "  chart: {spec: {chart: api, sourceRef: {kind: HelmRepository, name: shop}}}\n"
_ARGO = {
    "odd argo sources without names": _TWO
    | {
        "apps/all.yaml": "---\n".join(
            (
                _application(
                    f"  source: {{repoURL: '{_URL}', path: ./prod/}}\n",
                    destination="{server: 'https://eu.example', namespace: shop}",
                    more="  project: production\n",
                ),
                _application("  source: {path: /dev}\n", name="api-dev", destination="{}"),
                _application("  source: {repoURL: 'https://git.example/a/b'}\n", name="nothing"),
                "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: empty}\n",
                "apiVersion: app.k8s.io/v1\nkind: Application\nmetadata: {name: other}\nspec: {source: {path: prod}}\n",
            )
        ),
    },
    "odd argo sources of the root": {
        "api.yaml": DEPLOYMENT,
        "more/api.yaml": DEPLOYMENT.replace("name: api", "name: web"),
        "apps/prod.yaml": _application(
            "  sources:\n  - {path: '.', directory: {exclude: '{more/*,apps/*}'}}\n"
        ),
        "apps/other.yaml": _application(
            "  source: {repoURL: 'https://git.example/team/other.git', path: '.'}\n", name="other"
        ),
    },
    "odd argo directories": {
        **{f"k8s/{name}": DEPLOYMENT for name in ("api.yaml", "old.yaml", "a1.yaml", "b,c.yaml")},
        "k8s/sub/api.yaml": DEPLOYMENT,
        **{
            f"apps/{at}.yaml": _application(
                f"  source: {{path: k8s, directory: {said}}}\n", name=f"a{at}"
            )
            for at, said in enumerate(
                (
                    "{include: '{api,old}.yaml'}",
                    "{include: '[!o]*.yaml', exclude: 'a?.yaml'}",
                    "{recurse: true, include: 'sub/*'}",
                    "{include: 'b\\,c.yaml'}",
                    "{include: '[ab'}",
                    "{include: 'a[0-9].yaml', recurse: false}",
                    "{include: '{api'}",
                    "{jsonnet: {tlas: [{name: a, value: b}]}}",
                )
            )
        },
    },
    "odd argo settings of kustomize": _BUILT
    | {
        "apps/prod.yaml": _application(
            "  source:\n    path: overlays/prod\n    kustomize:\n      namespace: shop\n      nameSuffix: ''\n"
            "      images: ['registry.example/api=mirror.example:5000/api:3', 'registry.example:5000/web', 'a@sha256:12',\n"
            "        'b=c', 'd:1']\n      version: v5\n      components: [../parts]\n"
        ),
        "apps/dev.yaml": _application(
            "  source: {path: overlays/dev, kustomize: {patches: [{patch: 'a: b'}], buildOptions: '--x', aaa: 1}}\n",
            name="api-dev",
        ),
        "overlays/parts/kustomization.yaml": "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\n",
    },
    "odd argo overrides": _BUILT
    | _CHART
    | {
        "apps/prod.yaml": _application("  source: {path: overlays/prod}\n"),
        "apps/dev.yaml": _application("  source: {path: overlays/dev}\n", name="api-dev"),
        "overlays/prod/.argocd-source-api-prod.yaml": "kustomize: {images: ['a:1']}\n",
        "overlays/dev/.argocd-source-other.yaml": "kustomize: {images: ['a:1']}\n",
        "apps/chart.yaml": _application("  source: {path: charts/api}\n", name="chart"),
        "charts/api/.argocd-source.yaml": "helm: {parameters: []}\n",
    },
    "odd argo plugins and hydrators": _TWO
    | {
        "apps/prod.yaml": _application(
            "  sourceHydrator:\n    drySource: {repoURL: 'https://git.example/shop/deploy', path: prod, targetRevision: HEAD}\n"
            "    syncSource: {targetBranch: env/prod, path: prod}\n"
        ),
        "apps/dev.yaml": _application(
            "  source: {path: dev, plugin: {name: cue}}\n", name="api-dev"
        ),
        "dev/more/a.yaml": DEPLOYMENT.replace("name: api", "name: web"),
    },
    "odd argo revisions": {
        **{f"k8s/{name}/api.yaml": DEPLOYMENT for name in "abcdefghi"},
        **{
            f"apps/{name}.yaml": _application(
                f"  source: {{repoURL: '{url}', path: k8s/{name}, targetRevision: '{revision}'}}\n",
                name=f"api-{name}",
            )
            for name, url, revision in (
                ("a", _URL, "release"),
                ("b", _URL, "v1.2.3"),
                ("c", _URL, "0123456789abcdef0123456789abcdef01234567"),
                ("d", _URL, ">=1.0"),
                ("e", "git@git.example:shop/deploy.git", "refs/heads/main"),
                ("f", "https://git.example/team/deploy.git", "HEAD"),
                ("g", "https://git.example/team/other.git", ""),
                ("h", "{{repo}}", "$BRANCH"),
                ("i", _URL, "refs/tags/x"),
            )
        },
    },
    "odd argo charts": _CHART
    | {
        "env/prod.yaml": "replicaCount: 5\n",
        "apps/prod.yaml": _application(
            "  source:\n    path: charts/api\n    helm:\n      releaseName: api\n"
            "      valueFiles: [values-prod.yaml, /env/prod.yaml, missing.yaml]\n"
            "      values: |\n        resources: {limits: {memory: 256Mi}}\n"
            "      parameters:\n      - {name: a.b, value: 'true'}\n      - {name: c, value: '12', forceString: true}\n"
            "      - {name: 'd[0]', value: x}\n      - {name: replicaCount, value: '6'}\n"
        ),
        "apps/dev.yaml": _application(
            "  source:\n    path: charts/api\n    helm:\n      fileParameters: [{name: a, path: values-dev.yaml}]\n"
            "      valueFiles: ['$none/values-dev.yaml']\n",
            name="api-dev",
        ),
    },
    "odd argo parameters": _CHART
    | {
        "apps/prod.yaml": _application(
            "  sources:\n  - path: charts/api\n    helm:\n      releaseName: api\n      ignoreMissingValueFiles: true\n"
            "      valueFiles: [values-prod.yaml, missing.yaml]\n      parameters: [{name: replicaCount, value: '6'}]\n"
        ),
        "apps/dev.yaml": _application(
            "  source: {path: charts/api, helm: {releaseName: api, valueFiles: [values-dev.yaml]}}\n",
            name="api-dev",
        ),
    },
    "odd argo charts of a Helm repository": {
        "values/prod.yaml": "replicaCount: 2\nresources: {limits: {memory: 128Mi}}\n",
        "values/dev.yaml": "replicaCount: 2\nresources: {limits: {memory: 128Mi}}\n",
        "k8s/api.yaml": DEPLOYMENT.replace("name: api", "name: web"),
        "apps/prod.yaml": _application(
            "  sources:\n  - {repoURL: 'https://charts.example', chart: api, targetRevision: 1.2.3, helm: {releaseName: api,\n"
            "      valueFiles: ['$v/values/prod.yaml'], valuesObject: {files: {path: k8s/api.yaml}, image: {tag: '1'}}}}\n"
            f"  - {{repoURL: '{_URL}', ref: v}}\n"
        ),
        "apps/dev.yaml": _application(
            "  source: {repoURL: 'https://charts.example', chart: api, helm: {releaseName: api, values: 'replicaCount: 1'}}\n",
            name="api-dev",
        ),
    },
    "odd argo sources of all sorts": {
        "k8s/prod/web.yaml": DEPLOYMENT.replace("name: api", "name: web"),
        "k8s/prod/api.yaml": DEPLOYMENT,
        "values/prod.yaml": "a: 1\n",
        "apps/prod.yaml": _application(
            "  sources:\n  - {repoURL: 'https://charts.example', chart: base, helm: {valueFiles: ['$v/values/prod.yaml'],\n"
            "      values: 'path: k8s/prod/web.yaml'}}\n  - {repoURL: 'https://charts.example', chart: more}\n"
            f"  - {{repoURL: '{_URL}', ref: v}}\n  - text\n  - {{path: k8s/prod}}\n  - {{path: gone}}\n"
        ),
    },
    "odd argo values of another revision": _CHART
    | {
        "apps/prod.yaml": _application(
            "  sources:\n  - {repoURL: 'https://git.example/team/config.git', targetRevision: v1.0.0, ref: v}\n"
            f"  - {{repoURL: '{_URL}', path: charts/api, helm: {{valueFiles: ['$v/values-prod.yaml', values-prod.yaml]}}}}\n"
        ),
        "apps/dev.yaml": _application(
            f"  source: {{repoURL: '{_URL}', path: charts/api, targetRevision: dev}}\n", name="api"
        ),
    },
    "odd argo set of files": _BUILT
    | {
        "clusters/eu/config.json": '{"env": "prod", "on": true, "deep": {"a": {"b": 1}}, "list": [1]}',
        "clusters/us/config.json": '[{"env": "dev", "on": false, "deep": {"a": {"b": 2}}}]',
        "set.yaml": _set(
            "  - git: {files: [{path: 'clusters/**/config.json'}]}\n",
            "      source: {path: 'overlays/{{env}}', kustomize: {nameSuffix: '{{deep.a.b}}', namespace: '{{path.basename}}'}}\n",
        ),
        "half.yaml": _set(
            "  - git: {files: [{path: 'clusters/*/config.json'}], pathParamPrefix: my}\n",
            "      source: {path: 'overlays/{{my.path}}'}\n",
        ),
    },
    "odd argo set of folders": _BUILT
    | {
        "set.yaml": _set(
            "  - git: {directories: [{path: 'overlays/*'}, {path: overlays/dev, exclude: true}]}\n"
            "  - git: {directories: [{path: 'base', exclude: true}]}\n",
            "      source: {path: '{{path}}', directory: {recurse: true}}\n"
            "      project: '{{path.basename}}-{{path[0]}}'\n",
        ).replace("{{env}}", "{{.path.basename}}"),
        "templates.yaml": _set(
            "  - list: {elements: [{env: prod}]}\n",
            "      source: {path: 'overlays/{{ if eq .env \"prod\" }}prod{{ else }}dev{{ end }}'}\n",
            more="  templatePatch: 'spec: {}'\n",
        ),
    },
    "odd argo set that cannot be followed": _CHART
    | {
        "set.yaml": _set(
            "  - merge: {generators: []}\n  - matrix: {generators: [{list: {elements: [{env: prod}]}}]}\n"
            "  - list: {elementsYaml: '[]'}\n  - clusters: {}\n",
            "      sources:\n      - {ref: v, repoURL: 'https://git.example/shop/deploy.git'}\n"
            "      - {path: 'charts/{{name}}', helm: {valueFiles: ['$v/charts/api/values-{{env}}.yaml', 'x/{{env}}.yaml']}}\n",
        ),
        "matrix.yaml": _set(
            "  - matrix:\n      generators:\n      - list: {elements: [{env: prod, file: values-prod}, {env: dev, file: values-dev}]}\n"
            "      - list: {elements: [{size: api}]}\n",
            "      source: {path: charts/api, helm: {releaseName: '{{size}}', valueFiles: ['{{file}}.yaml']}}\n",
        ),
    },
}
_MADE = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: api-prod}
spec:
  destination: {namespace: shop}
  source:
    path: charts/api
    helm:
      releaseName: api
      valueFiles: ["values-{{ .Values.env }}.yaml"]
      valuesObject: {resources: {limits: {memory: {{ .Values.memory }}}}}
"""
_PARENT = (
    "apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies:\n"
    "- {name: api, version: '*', repository: 'file://../api'}\n"
)
_BRINGING = {
    "charts of applications": _CHART
    | {
        "apps/Chart.yaml": "apiVersion: v2\nname: apps\nversion: 1.0.0\n",
        "apps/values.yaml": "env: prod\nmemory: 128Mi\n",
        "apps/templates/api.yaml": _MADE,
    },
    "charts of applications that cannot be rendered": _CHART
    | {
        "apps/Chart.yaml": "apiVersion: v2\nname: apps\nversion: 1.0.0\n",
        "apps/templates/api.yaml": _MADE + "# {{ none .Values }}\n",
    },
    "charts that bring others along": chart("charts/api")
    | {
        "charts/shop/Chart.yaml": _PARENT,
        "charts/shop/values.yaml": "api: {replicaCount: 3}\nother: 1\n",
        "charts/shop/values-prod.yaml": "api: {resources: {limits: {memory: 256Mi}}}\n",
        "apps/prod.yaml": _application(
            "  source: {path: charts/shop, helm: {releaseName: api, valueFiles: [values-prod.yaml]}}\n"
        ),
    },
    "charts that bring others along by another name": chart("charts/api")
    | {
        "charts/shop/Chart.yaml": _PARENT.replace("name: api, ", "name: api, alias: front, ")
        + "- {name: gone, repository: 'file://../gone'}\n- {name: far, repository: 'https://charts.example'}\n",
        "charts/shop/values.yaml": "front: {replicaCount: 3}\n",
        "charts/shop/charts/old/Chart.yaml": "apiVersion: v2\nname: old\n",
        "charts/shop/charts/old/values.yaml": "a: 1\n",
        "charts/shop/charts/old/more/values.yaml": "a: 2\n",
    },
    "charts that bring each other along": chart("charts/api")
    | chart("charts/web", name="web")
    | {
        "charts/api/Chart.yaml": "apiVersion: v2\nname: api\nversion: 1.0.0\ndependencies: [{name: web, repository: 'file://../web'}]\n",
        "charts/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies: [{name: api, repository: 'file://../api'}]\n",
    },
    "charts without values": {
        "charts/api/Chart.yaml": "apiVersion: v2\nname: api\nversion: 1.0.0\n",
        "charts/api/templates/deployment.yaml": _TEMPLATE,
        "charts/api/values-prod.yaml": _VALUES,
        "charts/api/env/dev.yaml": "[1]\n",
        "charts/api/env/test.yaml": "a: [\n",
    },
    "settings that releases read": {
        "base/kustomization.yaml": "resources: [api.yaml, settings.yaml]\n",
        "base/api.yaml": BARE,
        "base/settings.yaml": (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {LEVEL: info}\n"
        ),
        "overlays/prod/kustomization.yaml": "namespace: shop\nresources: [../../base]\n",
    }
    | {
        "clusters/prod/apps.yaml": _flux(
            "apps",
            "path: overlays/prod, postBuild: {substituteFrom: [{kind: ConfigMap, name: settings}]}",
        ),
        "clusters/prod/release.yaml": _release(
            f"{_KEPT}  valuesFrom: [{{kind: ConfigMap, name: settings}}]\n", name="web"
        ),
    },
    "release with generated values": _CHART
    | {
        "prod/kustomization.yaml": (
            "namespace: shop\nresources: [release.yaml]\nconfigMapGenerator:\n"
            "- {name: more, files: [values.yaml=more.yaml, other.yaml]}\n"
        ),
        "prod/release.yaml": _release(
            "  releaseName: api\n  chart: {spec: {chart: charts/api, sourceRef: {kind: GitRepository}}}\n"
            "  valuesFrom:\n  - {kind: ConfigMap, name: more}\n  - {kind: ConfigMap, name: more, valuesKey: other.yaml}\n"
        ),
        "prod/more.yaml": "replicaCount: 7\nresources: {limits: {memory: 256Mi}}\n",
        "prod/other.yaml": "replicaCount: 6\n",
    },
}
_FLUX = {
    "odd flux kustomizations without fields": _BUILT
    | {
        "clusters/prod/all.yaml": "---\n".join(
            (
                _flux("apps", "path: ./overlays/prod, prune: true"),
                _flux(
                    "dev", "path: overlays/dev, sourceRef: {kind: OCIRepository, name: x}", "team"
                ),
                _flux("root", "prune: true"),
                _flux("gone", "path: ./nowhere, kubeConfig: {secretRef: {name: staging-cluster}}"),
                _flux(
                    "values",
                    "path: ./base, postBuild: {substitute: {ENVIRONMENT: staging, other: prod}}",
                ),
                "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: none}\n",
            )
        ),
    },
    "odd flux path in an artifact": {
        "deploy/prod/apps/api.yaml": DEPLOYMENT,
        "deploy/dev/apps/api.yaml": DEPLOYMENT.replace("namespace: shop", "namespace: shop-dev"),
        "deploy/prod/apps/more/web.yaml": DEPLOYMENT.replace("name: api", "name: web"),
        "flux/apps.yaml": _flux("apps", "path: ./prod/apps, targetNamespace: shop"),
        "flux/all.yaml": _flux("all", "path: apps"),
    },
    "odd flux settings": _BUILT
    | {
        "clusters/prod/apps.yaml": _flux(
            "apps",
            "path: overlays/prod, namePrefix: p-, nameSuffix: -s, components: [../parts], targetNamespace: shop, "
            "patchesStrategicMerge: [{apiVersion: apps/v1, kind: Deployment, metadata: {name: api}, spec: {replicas: 6}}], "
            "patchesJson6902: [{target: {kind: Deployment, name: api}, patch: [{op: replace, path: /spec/paused, value: true}]}]",
        ),
        "overlays/parts/kustomization.yaml": "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\n",
        "clusters/dev/apps.yaml": _flux(
            "apps", "path: overlays/dev, images: [{name: a, newTag: dev}]"
        ),
    },
    "odd flux sources": {
        **{f"k8s/{name}/api.yaml": DEPLOYMENT for name in "abcdefgh"},
        "flux/apps.yaml": "---\n".join(
            _flux(
                f"apps-{name}",
                f"path: k8s/{name}, sourceRef: {{kind: GitRepository, name: {name}{more}}}",
            )
            for name, more in [
                *((n, "") for n in "abcde"),
                ("f", ", namespace: team"),
                ("g", ""),
                ("h", ""),
            ]
        ),
        "flux/sources.yaml": "---\n".join(
            (
                _source("a", f"url: '{_URL}', ref: {{tag: v1}}", where="flux-system"),
                _source("b", f"url: '{_URL}', ref: {{semver: '>=1'}}"),
                _source(
                    "c",
                    f"url: '{_URL}', ref: {{name: refs/heads/main, branch: other}}",
                    where="flux-system",
                ),
                _source(
                    "d", f"url: '{_URL}', ref: {{commit: 0123, branch: main}}", where="flux-system"
                ),
                _source("e", "url: 'ssh://git@git.example/team/other'", where="flux-system"),
                _source("f", f"url: '{_URL}', ref: {{branch: release}}", where="team"),
                _source("f", f"url: '{_URL}'", where="flux-system"),
                _source("h", "url: 'https://x.example/a/deploy.git'", where="flux-system"),
                _source("h", f"url: '{_URL}'", kind="OCIRepository", where="flux-system"),
            )
        ),
        "flux/more/sources.yaml": _source("a", f"url: '{_URL}'", where="flux-system"),
        "other/sources.yaml": _source(
            "g", f"url: '{_URL}', ref: {{branch: one}}", where="flux-system"
        ),
        "another/sources.yaml": _source(
            "g", f"url: '{_URL}', ref: {{branch: two}}", where="flux-system"
        ),
    },
    "odd release of a chart here": _CHART
    | {
        "prod/all.yaml": "---\n".join(
            (
                _release(
                    "  targetNamespace: shop\n  releaseName: api\n"
                    "  chart: {spec: {chart: charts/api, sourceRef: {kind: GitRepository, name: deploy}}}\n",
                ),
                _release(
                    "  chart: {spec: {chart: ./charts/api/, sourceRef: {kind: GitRepository}, valuesFiles: [./charts/api/values-dev.yaml]}}\n"
                    "  values: {}\n",
                    name="api-dev",
                    namespace="",
                ),
                _release(
                    "  chartRef: {kind: OCIRepository, name: api}\n  values: {replicaCount: 2}\n",
                    name="by-ref",
                ),
            )
        ),
    },
    "odd release whose values come from elsewhere": _CHART
    | {
        "prod/api.yaml": _release(
            "  chart: {spec: {chart: charts/api, sourceRef: {kind: GitRepository}}}\n"
            "  valuesFrom: [{kind: Secret, name: s}, {kind: ConfigMap, name: m, targetPath: a.b}]\n"
        ),
        "dev/api.yaml": _release(
            "  chart: {spec: {chart: charts/api, sourceRef: {kind: GitRepository}}}\n"
            "  postRenderers: [{kustomize: {patches: []}}]\n",
            name="web",
        ),
        "staging/kustomization.yaml": (
            "namespace: shop\nresources: [release.yaml]\nconfigMapGenerator:\n"
            "- {name: more, files: [values.yaml=more.yaml, other.yaml]}\n- {name: lone, files: [values.yaml]}\n"
        ),
        "staging/release.yaml": _release(
            "  chart: {spec: {chart: charts/api, sourceRef: {kind: GitRepository}}}\n"
            "  valuesFrom:\n  - {kind: ConfigMap, name: more}\n  - {kind: ConfigMap, name: more, valuesKey: other.yaml}\n",
            name="staged",
        ),
        "staging/more.yaml": "replicaCount: 7\n",
        "staging/other.yaml": "resources: {limits: {memory: 320Mi}}\n",
        "staging/values.yaml": "a: 1\n",
    },
    "odd release of a chart kept elsewhere": {
        "prod/api.yaml": _release(
            f"{_KEPT}  values:\n    replicaCount: 2\n    image: {{tag: '1'}}\n"
            "    resources: {limits: {memory: 128Mi, cpu: 500m}}\n"
        ),
        "dev/api.yaml": _release(f"{_KEPT}  values: {{replicaCount: 2}}\n", namespace="shop-dev"),
        "prod/other.yaml": _release(f"{_KEPT}  values: {{replicaCount: 2}}\n", name="other"),
    },
    "odd release of a chart kept elsewhere with parts": {
        "prod/api.yaml": _release(
            f"{_KEPT}  values:\n    prod: {{resources: {{limits: {{memory: 128Mi, cpu: 500m}}}}}}\n"
            "    dev: {resources: {limits: {memory: 128Mi}}}\n    worker: {deep: {resources: {limits: {cpu: 500m}}}}\n"
            "    replicas: 2\n    replicaCount: 5\n    list: [{replicas: 2}]\n"
        ),
    },
    "kept elsewhere, several namesakes": {
        "prod/api.yaml": _release(f"{_KEPT}  values: {{replicaCount: 2}}\n"),
        "dev/api.yaml": _release(f"{_KEPT}  values: {{replicaCount: 2}}\n"),
        "prod/more.yaml": _release(
            f"{_KEPT}  valuesFrom: [{{kind: Secret, name: s}}]\n  values: {{replicas: 3}}\n",
            name="more",
        ),
    },
    "kept elsewhere, of another environment": {
        "dev/api.yaml": _release(f"{_KEPT}  values: {{replicaCount: 2}}\n"),
    },
    "odd release with a secret beside its values": {
        "prod/api.yaml": _release(
            f"{_KEPT}  valuesFrom: [{{kind: Secret, name: s}}]\n  values: {{replicaCount: 4}}\n"
        ),
    },
}
_FLEET = {
    "fleet without targets": _TWO
    | {
        "prod/fleet.yaml": "defaultNamespace: shop\n",
        "dev/fleet.yml": "namespace: shop-dev\n",
        "empty/fleet.yaml": "",
        "broken/fleet.yaml": "a: [\n",
        "broken/api.yaml": DEPLOYMENT.replace("name: api", "name: web"),
        "prod/not-fleet.yaml": "namespace: other\n",
    },
    "fleet in several documents": _TWO
    | {
        "prod/fleet.yaml": "namespace: shop\n---\nnamespace: other\n",
        "dev/fleet.yaml": "---\ndefaultNamespace: shop-dev\nhelm: {valuesFiles: [v.yaml], values: {}}\n",
    },
    "fleet at the root": {
        "Chart.yaml": "apiVersion: v2\nname: api\nversion: 1.0.0\n",
        "values.yaml": _VALUES,
        "values-prod.yaml": "replicaCount: 4\n",
        "templates/deployment.yaml": _TEMPLATE,
        "fleet.yaml": (
            "namespace: shop\nhelm: {releaseName: api}\ntargetCustomizations:\n"
            "- {name: prod, helm: {valuesFiles: [values-prod.yaml]}}\n- {helm: {releaseName: dev}}\n"
        ),
    },
    "fleet with charts elsewhere": _CHART
    | {
        "a/fleet.yaml": (
            "helm: {chart: 'oci://r.example/api', releaseName: api, values: {replicaCount: 4}}\n"
            "targetCustomizations:\n- {name: prod, defaultNamespace: shop, helm: {chart: ../charts/api}}\n"
            "- {clusterName: dev-1, helm: {chart: ''}}\n"
        ),
        "b/fleet.yaml": "namespace: shop\nhelm: {chart: ../charts/api, valuesFrom: [{configMapKeyRef: {name: a}}]}\n",
        "c/fleet.yaml": (
            "namespace: shop\nhelm: {chart: ../charts/api, releaseName: api}\ntargetCustomizations:\n"
            "- {name: x, helm: {templateValues: {a: b}}}\n- {name: y, helm: {values: {a: '${ .ClusterName }'}}}\n"
        ),
    },
    "fleet of a Helm repository": {f"b/{path}": text for path, text in chart("api").items()}
    | {
        "b/fleet.yaml": (
            "namespace: shop\nhelm: {chart: api, releaseName: api}\ntargetCustomizations:\n"
            "- {name: prod, helm: {repo: 'https://charts.example', values: {replicaCount: 4}}}\n- {name: dev}\n"
        ),
    },
    "fleet of kustomizations": _BUILT
    | {
        "base/fleet.yaml": "namespace: shop\n",
        "overlays/fleet.yaml": (
            "defaultNamespace: shop\ntargetCustomizations:\n- {name: a, clusterGroup: prod, kustomize: {dir: ./prod}}\n"
            "- {name: b, clusterSelector: {matchLabels: {env: dev}}, namespace: shop-dev, kustomize: {dir: dev},\n"
            "  yaml: {overlays: [one, two]}}\n"
        ),
        "overlays/overlays/one/api.yaml": DEPLOYMENT.replace("name: api", "name: web"),
    },
}
_HELMFILE = {
    "helmfile without environments": _CHART
    | {
        "helmfile.yaml": (
            "releases:\n- {name: api, namespace: shop, chart: charts/api}\n- {name: api, namespace: shop, chart: ./charts/api,\n"
            "   values: [charts/api/values-prod.yaml, {replicaCount: 5}, missing.yaml]}\n- {chart: ./charts/none}\n- {}\n"
        ),
    },
    "helmfile that fills in": _CHART
    | {
        "deploy/helmfile.d/10-api.yaml": (
            "environments: {prod: {}, dev: {}}\nreleases:\n- name: api\n  namespace: shop\n  chart: ../../charts/{{ .Release.Name }}\n"
            "  values: ['../../charts/{{ .Release.Name }}/values-{{ .Environment.Name }}.yaml', '{{ .Release.Namespace }}.yaml']\n"
        ),
        "deploy/helmfile.d/shop.yaml": "resources: {limits: {memory: 256Mi}}\n",
        "deploy/helmfile.d/20-web.yaml.gotmpl": (
            "releases:\n{{ range .Values.all }}\n- name: web\n  chart: ../../charts/api\n  values: [values-{{ . }}.yaml]\n{{ end }}\n"
        ),
    },
    "helmfile that is not followed": _CHART
    | {
        "a/helmfile.yaml": "bases: [b.yaml]\nhelmDefaults: {wait: true}\nreleases:\n- {name: api, namespace: shop, chart: ../charts/api}\n",
        "b/helmfile.yml": (
            "missingFileHandler: Info\ncommonLabels: {a: b}\nenvironments:\n  prod: {values: [x]}\n---\nreleases:\n"
            "- {name: api, namespace: shop, chart: ../charts/api, values: [missing.yaml, '{{ .Values.x }}.yaml']}\n"
            "- {name: web, chart: ../charts/api, secrets: [s.yaml], values: [../charts/api/values-dev.yaml]}\n"
            "- {name: inline, chart: ../charts/api, values: [{replicaCount: 6}]}\n"
        ),
        "c/my-helmfile.yaml": "releases: [{name: none, chart: ../charts/api}]\n",
    },
    "helmfile of helmfiles": _CHART
    | chart("web")
    | {
        "deploy/helmfile.yaml": (
            "helmfiles:\n- ../apps/prod.yaml\n- {path: '../more/*/release.yaml', values: [{a: b}]}\n- ../folder\n"
            "- '../{{ .Environment.Name }}/x.yaml'\n- {selectors: []}\n- ./helmfile.yaml\nreleases: [{name: web, chart: ../web}]\n"
        ),
        "apps/prod.yaml": "releases: [{name: api, namespace: shop, chart: ../charts/api, values: [{replicaCount: 3}]}]\n",
        "apps/dev.yaml": "releases: [{name: none, namespace: shop, chart: ../charts/api}]\n",
        "more/eu/release.yaml": "releases: [{name: eu, chart: ../../web, values: [{replicaCount: 5}]}]\n",
        "folder/a.yml": "releases: [{name: a, chart: ../web}]\n",
        "folder/b.json": "{}\n",
        "dev/x.yaml": "releases: [{name: x, chart: oci://r.example/web}]\n",
    },
    "helmfile of a bare chart": chart("api", values_prod="replicaCount: 4\n")
    | {
        "helmfile.yaml": "releases: [{name: api, namespace: shop, chart: api, values: [api/values-prod.yaml]}]\n"
    },
    "helmfile of a chart elsewhere": {
        "helmfile-prod.yaml": "missingFileHandler: Error\nreleases:\n- {name: api, namespace: shop, chart: stable/api, values: [prod.yaml, {replicaCount: 4}]}\n",
        "prod.yaml": "replicaCount: 4\n",
    },
}
_PIPELINES = {
    **{path: text for path, text in _BUILT.items() if "/dev/" not in path},
    "ci/run.sh": (
        "pushd deploy\nfor env in dev prod; do\n  kustomize build ../overlays/$env | kubectl apply -n shop -f -\ndone\n"
        'for f in k8s/*; do kubectl apply -f "$f"; done\nkubectl apply -f k8s/prod/\nhelm upgrade api ../charts/api \\\n'
        "  -f ../charts/api/values-prod.yaml,missing.yaml --set a=b -n $NAMESPACE\n"
    ),
    ".github/workflows/go.yaml": (
        "on: push\njobs:\n  a:\n    steps:\n    - working-directory: k8s\n      run: kubectl apply -R -f dev -n shop\n"
        "    - run: helm upgrade --install $NAME charts/api -f charts/api/values-${{ env.X }}.yaml\n"
    ),
    "tests/e2e.sh": "kubectl apply -f k8s/prod\n",
    "Makefile": "deploy:\n\tkubectl apply -k overlays/prod\n\tkapp deploy -a x -f k8s/dev\n\targocd app create a --path k8s/prod\n",
    "k8s/prod/api.yaml": DEPLOYMENT,
    "k8s/dev/sub/api.yaml": DEPLOYMENT.replace("namespace: shop", "namespace: dev"),
}
_OTHERS = {
    "skaffold in several documents": _BUILT
    | _CHART
    | {
        "deploy/skaffold.yaml": (
            "apiVersion: skaffold/v4beta11\nmanifests:\n  rawYaml: [../prod/*.yaml, ../dev/a??.yaml]\n  kustomize: {paths: [../overlays/dev, ..]}\n"
            "---\ndeploy:\n  kubectl: {manifests: [../k8s/*]}\n  helm:\n    releases:\n    - {name: api, chartPath: ../charts/api,\n"
            "       valuesFiles: [../charts/api/values-prod.yaml]}\n    - {name: far, remoteChart: x/y}\n"
            "profiles:\n- name: prod\n  manifests: {kustomize: {paths: [../overlays/prod]}}\n"
        ),
        "skaffold-broken.yaml": "a: [\n",
        "prod/web.yaml": DEPLOYMENT.replace("name: api", "name: web"),
        "dev/api.yaml": DEPLOYMENT.replace("name: api", "name: work"),
        "k8s/note.yaml": "a: 1\n",
    },
    "others that apply folders": _TWO
    | {
        "sync.yaml": "---\n".join(
            (
                "apiVersion: configsync.gke.io/v1beta1\nkind: RootSync\nmetadata: {name: root}\nspec: {git: {dir: prod}}\n",
                "apiVersion: configsync.gke.io/v1beta1\nkind: RepoSync\nmetadata: {name: team}\nspec: {git: {dir: /dev/}}\n",
                "apiVersion: fleet.cattle.io/v1alpha1\nkind: GitRepo\nmetadata: {name: all}\nspec: {paths: [prod, more], targets: [{name: eu-prod}, {}]}\n",
                "apiVersion: kappctrl.k14s.io/v1alpha1\nkind: App\nmetadata: {name: kapp}\nspec: {fetch: [{git: {url: x, subPath: dev}}, {git: {url: y}}]}\n",
                "apiVersion: configsync.gke.io/v1beta1\nkind: RootSync\nmetadata: {name: none}\n",
            )
        ),
        "more/sub/web.yaml": DEPLOYMENT.replace("name: api", "name: web"),
    },
    "lists that name files": {
        "k8s/prod/api.yaml": DEPLOYMENT,
        "k8s/dev/api.yaml": DEPLOYMENT.replace("namespace: shop", "namespace: dev"),
        "k8s/dev/web.yaml": DEPLOYMENT.replace("name: api", "name: web"),
        "values.yaml": "apps:\n- name: a\n  path: ./k8s/prod\n- {name: b, src: 'k8s/dev/api.yaml'}\n- manifests:\n    k8s/dev/web.yaml\n",
        "near.yaml": "other: k8s/prod/api.yaml\npath: k8s/prod/none.yaml\n",
        "lists.json": '{"dir": "/k8s/dev/", "chart": "k8s/prod"}',
        "mkdocs.yml": "path: k8s/prod\n",
        ".github/labeler.yml": "path: k8s/prod/api.yaml\n",
        "release.yaml": _release(
            "  chart: {spec: {chart: k8s/prod, sourceRef: {kind: HelmRepository}}}\n  values: {path: k8s/dev}\n"
        ),
    },
    "programs that mention files": {
        "charts/api/Chart.yaml": "apiVersion: v2\nname: api\nversion: 1.0.0\n",
        "k8s/prod/api.yaml": DEPLOYMENT,
        "k8s/dev/api.yaml": DEPLOYMENT.replace("namespace: shop", "namespace: dev"),
        "k8s/test/api.yaml": DEPLOYMENT.replace("name: api", "name: web"),
        "tf/main.tf": 'a = file("${path.root}/k8s/prod/api.yaml")\nb = "../k8s/dev/*.yaml"\nc = "x/${var.a}/b"\n',
        "k8s/test/Tiltfile": "k8s_yaml('api.yaml')\nlocal('..')\nload('../../..')\n",
        "charts/api/files/run.py": 'open("k8s/prod/api.yaml")\n',
        "made/cdk8s.yaml": "language: go\n",
        "made/dist/api.yaml": DEPLOYMENT.replace("name: api", "name: made"),
        "apps/main.jsonnet": "local a = import 'k8s/test';\n",
        "short/a.ts": "const at = `${env}/a`;\nconst b = 'k8s';\n",
    },
    "pipelines in odd shapes": _PIPELINES,
    "pipelines beside a chart": _PIPELINES | _CHART,
    "kustomizations in odd shapes": {
        "base/kustomization.yml": "resources: [api.yaml]\n",
        "base/api.yaml": BARE,
        "prod-base/Kustomization": "namespace: shop\nbases: [../base]\npatchesStrategicMerge: [more.yaml]\n",
        "prod-base/more.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {replicas: 4}\n",
        "eu/prod/kustomization.yaml": (
            "resources: [../../prod-base]\npatchesJson6902:\n- target: {group: apps, version: v1, kind: Deployment, name: api}\n"
            "  path: patch.json\nimages: [{name: registry.example/api, newName: x, digest: 'sha256:1'}]\n"
        ),
        "eu/prod/patch.json": '[{"op": "replace", "path": "/spec/template/spec/containers/0/resources/limits/memory", "value": "256Mi"}]',
        "us/dev/kustomization.yaml": "namespace: shop\nresources: [../../base, ../gone]\ntransformers: [t.yaml]\n",
        "us/dev/t.yaml": "apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: p}\nprefix: x-\n",
        "bad/kustomization.yaml": "resources: [api.yaml\n",
        "bad/api.yaml": DEPLOYMENT.replace("name: api", "name: web"),
    },
    "many charts": chart("charts/api")
    | {
        f"charts/svc-{at}/{path}": content
        for at in range(13)
        for path, content in chart("", name=f"svc-{at}").items()
    }
    | {f"env/prod/svc-{at}-values.yaml": f"replicaCount: {at}\n" for at in (3, 7)}
    | {"env/prod/api-values.yaml": "replicaCount: 4\nresources: {limits: {memory: 256Mi}}\n"},
}
#: Those whose repository and branch are known, so that what other ones deploy is told apart for sure.
KNOWN = {
    f"known {name}": (_ARGO | _FLUX)[name]
    for name in (
        "odd argo sources of the root",
        "odd argo revisions",
        "odd argo values of another revision",
        "odd flux sources",
    )
}
ODD: Mapping[str, Mapping[str, str]] = (
    _ARGO | _FLUX | _BRINGING | _FLEET | _HELMFILE | _OTHERS | KNOWN
)
