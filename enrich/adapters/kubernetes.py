"""The cluster as enrich sees it: one list a kind, however many objects, and the logs of the pods in trouble."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from enrich.adapters.sharing import Shared
from enrich.ports import Listing
from kfix.infra.clients.boundary import guarded
from kfix.infra.clients.kubernetes import Kubernetes
from manifests.objects.meta import name_of, namespace_of
from manifests.objects.pods import SORTS, statuses_of
from schemas import errors
from schemas.base import Json
from schemas.context import LogExcerpt

#: Listed in the alert's namespace.
NAMESPACED = (
    "pods",
    "deployments",
    "replicasets",
    "statefulsets",
    "daemonsets",
    "controllerrevisions",
    "jobs",
    "cronjobs",
    "services",
    "endpoints",
    "events",
    "horizontalpodautoscalers",
    "poddisruptionbudgets",
    "resourcequotas",
    "limitranges",
    "persistentvolumeclaims",
    "configmaps",
    "serviceaccounts",
    "ingresses",
    "networkpolicies",
    "roles",
    "rolebindings",
)
_LEASES = "leases.coordination.k8s.io"
_ROLLOUTS = "rollouts.argoproj.io"
#: Kinds of add-ons, listed in the alert's namespace. Most clusters lack some; a broken one hides nothing else.
ADDONS = (
    "httproutes.gateway.networking.k8s.io",
    "grpcroutes.gateway.networking.k8s.io",
    "gateways.gateway.networking.k8s.io",
    "referencegrants.gateway.networking.k8s.io",
    "resourceclaims.resource.k8s.io",
    "resourceclaimtemplates.resource.k8s.io",
    _LEASES,
    _ROLLOUTS,
    "virtualservices.networking.istio.io",
    "destinationrules.networking.istio.io",
    "authorizationpolicies.security.istio.io",
    "peerauthentications.security.istio.io",
    "certificates.cert-manager.io",
    "issuers.cert-manager.io",
    "verticalpodautoscalers.autoscaling.k8s.io",
)
#: Listed for the cluster.
CLUSTER = (
    "nodes",
    "namespaces",
    "persistentvolumes",
    "storageclasses",
    "priorityclasses",
    "ingressclasses",
)
#: Listed for the cluster where it serves them; nothing else hangs on one that does not come.
CLUSTER_ADDONS = (
    "volumeattachments.storage.k8s.io",
    "csinodes.storage.k8s.io",
    "gatewayclasses.gateway.networking.k8s.io",
    "deviceclasses.resource.k8s.io",
    "resourceslices.resource.k8s.io",
    "clusterissuers.cert-manager.io",
)
_SYSTEM = "kube-system"
#: The cluster's own components by their labels, as (kind, label selector): DNS, control plane (kubeadm's label), and
#: what runs once a node, by the labels of the network plugins' manifests.
_COMPONENTS = (
    ("deployments", "k8s-app=kube-dns"),
    ("pods", "k8s-app=kube-dns"),
    ("pods", "tier=control-plane"),
    (
        "pods",
        "k8s-app in (kube-proxy,calico-node,canal,cilium,aws-node,kindnet,kube-router,azure-cni)",
    ),
)
#: Objects of one list of components: one page. A list that is longer is left out whole, since a cut one would show
#: nodes without their pod.
_COMPONENTS_AT_MOST = 500
#: Objects of one kind that are looked through for a name, in pages of the client: ten of them.
_ACROSS_AT_MOST = 5_000
#: Requests under way at once: kind to the API server's priority and fairness.
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class WantedList:
    """One list to ask for. ``needed``: the cluster counts as away when this list does not come."""

    resource: str
    namespace: str = ""
    labels: str = ""
    limit: int = 0
    needed: bool = True

    @property
    def plural(self) -> str:
        """The key in ``KubernetesContext.objects``."""
        return self.resource.partition(".")[0]

    @property
    def only_beside(self) -> bool:
        """Whether it adds to a namespace's own list of the kind and says nothing without it."""
        return self.limit > 0


def wishes(namespace: str) -> tuple[WantedList, ...]:
    """The lists of one alert, as many for every alert of a namespace. Without a namespace only the cluster's."""
    cluster = (
        *(WantedList(kind) for kind in CLUSTER),
        *(WantedList(kind, needed=False) for kind in CLUSTER_ADDONS),
    )
    if not namespace:
        return cluster
    own = tuple(WantedList(kind, namespace) for kind in NAMESPACED)
    addons = tuple(WantedList(kind, namespace, needed=False) for kind in ADDONS)
    components = tuple(
        WantedList(kind, _SYSTEM, labels, _COMPONENTS_AT_MOST, needed=False)
        for kind, labels in _COMPONENTS
    )
    leaders = WantedList(_LEASES, _SYSTEM, limit=_COMPONENTS_AT_MOST, needed=False)
    beside = () if namespace == _SYSTEM else (*components, leaders)
    return (*own, *cluster, *addons, *beside)


def wishes_for(namespaces: Sequence[str]) -> tuple[WantedList, ...]:
    """The lists of several namespaces, each list once; without any namespace those of all namespaces together."""
    if not namespaces:
        everywhere = (wish for wish in wishes("*") if not wish.only_beside)
        return tuple(dict.fromkeys(replace(wish, namespace="") for wish in everywhere))
    each = dict.fromkeys(wish for namespace in namespaces for wish in wishes(namespace))
    return tuple(w for w in each if not (w.only_beside and _SYSTEM in namespaces))


@guarded("Kubernetes")
class KubernetesEvidence:
    """``enrich.ports.Cluster`` on the API server."""

    def __init__(
        self,
        client: Kubernetes,
        *,
        log_lines: int,
        log_containers: int,
        at_once: int = _AT_ONCE,
        keep_s: float = 0.0,
    ) -> None:
        self._client = client
        self._log_lines = log_lines
        self._log_containers = log_containers
        self._gate = asyncio.Semaphore(at_once)
        self._lists: Shared[WantedList, list[Json]] = Shared(self._list, keep_s=keep_s)
        self._since: float | None = None

    def since(self, at: datetime) -> KubernetesEvidence:
        """The same for an alert that came ``at``: lists that others asked for are not older than that."""
        view = copy.copy(self)
        view._since = at.timestamp()
        return view

    async def _list(self, wish: WantedList) -> list[Json]:
        async with self._gate:
            return await self._client.list(
                wish.resource, wish.namespace, labels=wish.labels, limit=wish.limit
            )

    async def objects(self, namespace: str) -> Listing:
        """A kind that the cluster does not serve is left out silently, one that may not be read by name.

        Raises what the first list raised when nothing can be read, or when a needed list fails for the moment.
        """
        since = time.time() if self._since is None else self._since
        wanted = wishes(namespace)
        asked = (self._lists.get(wish, since) for wish in wanted)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        return _sorted_out(list(zip(wanted, answers, strict=True)))

    async def across(self, kinds: Sequence[str], namespaces: Sequence[str] = ()) -> Listing:
        """At most 5,000 objects of each list; a list that has more is none. Raises errors.Retryable."""
        since = time.time() if self._since is None else self._since
        resources = {wish.plural: wish.resource for wish in wishes("*")}
        wanted = [
            WantedList(resources[kind], space, limit=_ACROSS_AT_MOST)
            for kind in kinds
            for space in namespaces or ("",)
        ]
        asked = (self._lists.get(wish, since) for wish in wanted)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        found: dict[str, list[Json]] = {}
        refused: list[str] = []
        for wish, answer in zip(wanted, answers, strict=True):
            if isinstance(answer, errors.NotFound):
                continue
            if isinstance(answer, errors.Permanent):
                refused.append(f"{wish.resource} ({answer.reason})")
            elif isinstance(answer, BaseException):
                raise answer
            elif len(answer) >= wish.limit:
                refused.append(f"{wish.resource} (>{wish.limit - 1:,})")
            else:
                found.setdefault(wish.plural, []).extend(answer)
        return Listing(found, tuple(dict.fromkeys(refused)))

    async def logs(self, pods: Sequence[Json]) -> list[LogExcerpt]:
        """Of at most as many containers in trouble as configured; one without a log is left out. Raises errors.Retryable."""
        wanted = list(containers_in_trouble(pods))[: self._log_containers]
        answers = await asyncio.gather(*(self._log(item) for item in wanted))
        return [excerpt for excerpt in answers if excerpt.lines]

    async def _log(self, item: WantedLog) -> LogExcerpt:
        try:
            async with self._gate:
                text = await self._client.pod_log(
                    item.namespace,
                    item.pod,
                    container=item.container,
                    previous=item.previous,
                    tail_lines=self._log_lines,
                )
        except errors.Permanent:
            text = ""  # the container has not started yet, or its previous run is gone
        return LogExcerpt(
            namespace=item.namespace,
            pod=item.pod,
            container=item.container,
            previous=item.previous,
            lines=tuple(text.splitlines()),
        )


def _sorted_out(answers: Sequence[tuple[WantedList, list[Json] | BaseException]]) -> Listing:
    found: dict[str, list[Json]] = {}
    refused: list[str] = []
    failures: list[BaseException] = []
    for wish, answer in answers:
        if isinstance(answer, BaseException):
            failures.append(answer)
            if not isinstance(answer, errors.KFixError):
                raise answer
            if wish.needed and not isinstance(answer, errors.Permanent):
                raise answer
            if not isinstance(answer, errors.NotFound):
                refused.append(f"{wish.resource} ({answer.reason})")
        elif not wish.only_beside:
            found[wish.plural] = answer
        elif wish.plural in found and len(answer) < wish.limit:
            # Only beside the namespace's own: these alone would say that the namespace has none.
            found[wish.plural] = [*found[wish.plural], *answer]
    if failures and not found:
        raise failures[0]
    return Listing(found, tuple(dict.fromkeys(refused)))


@dataclass(frozen=True, slots=True)
class WantedLog:
    """A container's log."""

    namespace: str
    pod: str
    container: str
    previous: bool


def containers_in_trouble(pods: Sequence[Json]) -> Iterator[WantedLog]:
    """Containers by need: those that restarted (their previous run first), those not ready, then the rest."""

    def trouble(pod: Json, status: Json) -> tuple[int, int, str]:
        restarts = int(status.get("restartCount") or 0)
        return (-restarts, int(bool(status.get("ready"))), name_of(pod))

    statuses = [
        (pod, status)
        for pod in pods
        for sort in SORTS
        for status in statuses_of(pod, sort)
        if sort == "containers" or not status.get("ready")
    ]
    for pod, status in sorted(statuses, key=lambda item: trouble(*item)):
        namespace, name = namespace_of(pod), name_of(pod)
        if int(status.get("restartCount") or 0) > 0:
            yield WantedLog(namespace, name, str(status.get("name", "")), previous=True)
        yield WantedLog(namespace, name, str(status.get("name", "")), previous=False)
