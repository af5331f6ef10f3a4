"""Small deployment repositories of every kind of installer, each with several of the settings that installers take."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support import render as sample

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
      - name: app
        image: registry.example/api:1
        resources:
          limits: {memory: 128Mi, cpu: 500m}  # small
"""
BARE = DEPLOYMENT.replace(", namespace: shop", "")
KUSTOMIZE = {
    "base/kustomization.yaml": "resources: [api.yaml, more]\n",
    "base/api.yaml": BARE,
    "base/more/kustomization.yaml": "resources: [settings.yaml]\n",
    "base/more/settings.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {LEVEL: info}\n"
    ),
    "overlays/prod/kustomization.yaml": (
        "namespace: shop\nresources: [../../base]\ncomponents: [../../parts/wide]\n"
        "replicas:\n- {name: api, count: 3}\n"
        "images:\n- {name: registry.example/api, newTag: '7'}\n"
        "patches:\n- path: memory.yaml\n"
        "- target: {kind: Deployment, name: api}\n"
        '  patch: |-\n    [{"op": "replace", "path": "/spec/template/spec/containers/0/resources/limits/cpu", "value": "1"}]\n'
        "configMapGenerator:\n- {name: more, literals: [A=b]}\n"
    ),
    "overlays/prod/memory.yaml": (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n"
        "      containers:\n      - name: app\n        resources: {limits: {memory: 256Mi}}\n"
    ),
    "overlays/dev/kustomization.yaml": "namespace: shop-dev\nresources: [../../base]\nnamePrefix: dev-\n",
    "parts/wide/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncommonLabels: {wide: 'yes'}\n",
}
CHART = sample.chart(values_prod="replicaCount: 4\nresources: {limits: {memory: 192Mi}}\n")
_ARGO = "apiVersion: argoproj.io/v1alpha1\n"
_APPLICATION = """\
kind: Application
metadata: {name: api-prod, namespace: argocd, labels: {env: production}}
spec:
  project: shop
  destination: {name: cluster-prod, server: '', namespace: shop}
"""
_SOURCE = "repoURL: https://git.example/shop/deploy.git"
_FLUX_SOURCE = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: deploy, namespace: flux-system}
spec: {url: 'https://git.example/shop/deploy.git', ref: {branch: main}}
"""

REPOSITORIES: Mapping[str, Mapping[str, str]] = {
    "plain files": {"prod/api.yaml": DEPLOYMENT, "dev/api.yaml": DEPLOYMENT, "README.md": "x\n"},
    "kustomize": KUSTOMIZE,
    "argo directory": {
        "argocd/prod.yaml": f"{_ARGO}{_APPLICATION}  source:\n    {_SOURCE}\n    path: k8s\n    targetRevision: HEAD\n"
        "    directory: {recurse: true, include: '*.yaml', exclude: 'old/*'}\n",
        "k8s/web/api.yaml": DEPLOYMENT,
        "k8s/old/api.yaml": DEPLOYMENT,
        "k8s/note.json": "{}",
    },
    "argo kustomize": KUSTOMIZE
    | {
        "argocd/prod.yaml": f"{_ARGO}{_APPLICATION}  source:\n    {_SOURCE}\n    path: overlays/prod\n"
        "    kustomize:\n      namePrefix: p-\n      images: ['registry.example/api:9']\n"
        "      commonLabels: {a: b}\n      replicas: [{name: api, count: 5}]\n",
    },
    "argo helm": CHART
    | {
        "argocd/prod.yaml": f"{_ARGO}{_APPLICATION}  sources:\n  - {{ref: v, {_SOURCE}}}\n  - {_SOURCE}\n"
        "    path: charts/api\n    helm:\n      releaseName: api\n      valueFiles: ['$v/charts/api/values-prod.yaml']\n"
        "      ignoreMissingValueFiles: true\n      valuesObject: {shared: {level: debug}}\n"
        "      parameters: [{name: worker.memory, value: 256Mi}]\n",
    },
    "argo set": CHART
    | {
        "argocd/set.yaml": f"{_ARGO}kind: ApplicationSet\nmetadata: {{name: all, namespace: argocd}}\nspec:\n"
        "  generators:\n  - list:\n      elements:\n      - {env: prod, cluster: eu}\n      - {env: dev, cluster: eu}\n"
        "  - matrix:\n      generators:\n      - git: {directories: [{path: 'charts/*'}]}\n      - clusters: {}\n"
        "  template:\n    metadata: {name: 'api-{{env}}'}\n    spec:\n"
        "      destination: {name: '{{cluster}}', namespace: shop}\n"
        f"      source:\n        {_SOURCE}\n        path: charts/api\n"
        "        helm: {releaseName: api, valueFiles: ['values-{{env}}.yaml']}\n",
    },
    "flux kustomization": KUSTOMIZE
    | {
        "clusters/production/source.yaml": _FLUX_SOURCE,
        "clusters/production/apps.yaml": (
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
            "metadata: {name: apps, namespace: flux-system}\nspec:\n  path: ./overlays/prod\n  targetNamespace: shop\n"
            "  sourceRef: {kind: GitRepository, name: deploy}\n  prune: true\n"
            "  images: [{name: registry.example/api, newTag: '8'}]\n"
            "  patches:\n  - target: {kind: Deployment}\n    patch: |-\n      - {op: replace, path: /spec/replicas, value: 6}\n"
            "  postBuild: {substitute: {A: b}}\n"
        ),
    },
    "flux release": CHART
    | {
        "clusters/production/source.yaml": _FLUX_SOURCE,
        "clusters/production/api.yaml": (
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: api, namespace: shop}\nspec:\n"
            "  releaseName: api\n  targetNamespace: shop\n  chart:\n    spec:\n      chart: ./charts/api\n"
            "      sourceRef: {kind: GitRepository, name: deploy, namespace: flux-system}\n"
            "      valuesFiles: [charts/api/values.yaml, charts/api/values-prod.yaml]\n"
            "  values:\n    replicaCount: 5\n    resources: {limits: {memory: 320Mi}}\n"
            "  valuesFrom:\n  - {kind: ConfigMap, name: api-values, valuesKey: values.yaml, optional: true}\n"
        ),
        "clusters/production/values.yaml": (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: api-values, namespace: shop}\n"
            "data:\n  values.yaml: |\n    shared: {level: warn}\n"
        ),
    },
    "fleet": CHART
    | {
        "charts/api/fleet.yaml": (
            "defaultNamespace: shop\nhelm:\n  releaseName: api\n  valuesFiles: [values.yaml]\n  values: {shared: {level: debug}}\n"
            "targetCustomizations:\n- name: prod\n  clusterSelector: {matchLabels: {env: production}}\n"
            "  clusterGroup: eu\n  helm: {values: {replicaCount: 7}, valuesFiles: [values-prod.yaml]}\n"
            "  yaml: {overlays: [prod]}\n- name: dev\n  namespace: shop-dev\n  helm: {chart: ./other}\n"
        ),
    },
    "fleet kustomize": KUSTOMIZE
    | {
        "fleet.yaml": (
            "namespace: shop\nkustomize: {dir: base}\ntargetCustomizations:\n"
            "- {name: dev, kustomize: {dir: overlays/dev}}\n- {name: prod, clusterName: eu-prod, kustomize: {dir: overlays/prod}}\n"
        ),
    },
    "helmfile": CHART
    | {
        "helmfile.yaml": (
            "missingFileHandler: Warn\nenvironments: {prod: {}, dev: {}}\n---\nreleases:\n- name: api\n  namespace: shop\n"
            "  chart: ./charts/api\n  values:\n  - 'charts/api/values-{{ .Environment.Name }}.yaml'\n  - replicaCount: 3\n"
            "- name: other\n  chart: stable/other\n  set: [{name: a, value: b}]\n"
        ),
    },
    "skaffold": KUSTOMIZE
    | {
        "skaffold.yaml": (
            "manifests:\n  rawYaml: ['base/*.yaml']\n  kustomize: {paths: [overlays/prod]}\ndeploy:\n  helm:\n    releases:\n"
            "    - {name: api, chartPath: charts/api, valuesFiles: [v.yaml], namespace: shop}\n"
        ),
        "v.yaml": "a: 1\n",
    },
    "pipeline": CHART
    | {
        ".gitlab-ci.yml": (
            "deploy:\n  script:\n  - cd charts\n  - helm upgrade --install api ./api -n shop -f api/values-prod.yaml --wait\n"
            "  - kubectl apply -n shop -R -f k8s/prod\n  - kubectl apply -k overlays/prod\n"
        ),
        "k8s/prod/worker.yaml": DEPLOYMENT.replace("name: api", "name: worker"),
    },
    "terraform and jsonnet": {
        "prod/main.tf": 'manifest = yamldecode(file("${path.module}/k8s/api.yaml"))\n',
        "prod/k8s/api.yaml": DEPLOYMENT,
        "cdk8s.yaml": "language: typescript\noutput: made\n",
        "made/web.yaml": DEPLOYMENT.replace("name: api", "name: web"),
    },
}

SCRIPTS = (
    "helm upgrade -i api charts/api -n shop -f a.yaml,b.yaml --set x=1",
    "helm install charts/api",
    "helm upgrade --namespace=shop api oci://r.example/api --version 1.2.3 --values=v/prod.yaml",
    "helm template api charts/api -f prod.yaml | kubectl apply -f -",
    "helm template api charts/api",
    "helm diff upgrade api charts/api",
    "helm list -n shop",
    "helm upgrade api charts/api --post-renderer ./p.sh",
    "helm upgrade",
    "kubectl apply -f k8s/",
    "kubectl apply -n shop -R -f k8s,more --context prod",
    "kubectl -n shop create -f - ",
    "kubectl get -f k8s/",
    "oc replace --filename=k8s/api.yaml",
    "kapp deploy -a api -f k8s/*.yaml",
    "kubectl apply -k overlays/$ENV",
    "kustomize build overlays/prod | kubectl apply -f -",
    "kustomize build --enable-helm overlays/prod > out.yaml",
    "kustomize build overlays/prod",
    "argocd app create api --path k8s/api --dest-namespace shop",
    "flux create kustomization api --path=./prod",
    "argocd app sync api",
    "ytt -f templates/ > k8s/api.yaml",
    "envsubst < k8s/api.yaml | kubectl apply -f -",
    "yq -i '.a = 1' k8s/api.yaml",
    "sed -i s/a/b/ k8s/api.yaml",
    "jsonnet main.jsonnet -o out/api.json",
    "cd deploy/prod\nhelm upgrade api ../charts/api -f values.yaml",
    "pushd a && kubectl apply -f b.yaml\ncd c\nkubectl apply -f d.yaml",
    "for env in dev prod; do\n kubectl apply -k overlays/${env}\ndone",
    "for f in k8s/*.yaml; do kubectl apply -f $f; done",
    "helm upgrade api \\\n  charts/api \\\n  -f values.yaml",
    "helm upgrade 'api charts/api",
    'kubectl apply -f "k8s/<region>/api.yaml"',
    "kubectl apply -f ../k8s/api.yaml",
    "helm upgrade api charts/api --kube-context prod -f 'values.yaml' # the last",
)
