"""The API server's verdict: a dry-run of the edited document, and of a Pod made from its template.

A Deployment's dry-run shows neither quota nor LimitRange nor PodSecurity; the Pod's does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from kfix.infra.clients.boundary import guarded, same
from kfix.infra.clients.kubernetes import Conflict, Kubernetes, RejectedByServer
from kfix.texts import say
from manifests.objects.meta import annotations_of, labels_of, name_of, namespace_of
from manifests.objects.pods import TEMPLATED, template_of
from manifests.objects.shapes import mapping
from manifests.text.readings import Readings
from safety.core.documents import declared, is_whole
from safety.ports import BOUNDS
from schemas import errors
from schemas.base import Json
from schemas.plans import FieldChange, KubernetesChange
from schemas.validated import CheckResult, FileEdit


@guarded("Kubernetes")
class KubernetesChecks:
    """``safety.ports.Cluster`` on the API server. ``readings``: what was parsed of the edited files before."""

    def __init__(self, client: Kubernetes, readings: Readings | None = None) -> None:
        self._client = client
        self._readings = readings or Readings()

    async def bounds(self, namespaces: Sequence[str]) -> Mapping[str, Sequence[Json]]:
        """Quotas, limit ranges, autoscalers and budgets of the namespaces, by plural; each is there, if empty. Raises from ``schemas.errors``."""
        wanted = [(plural, namespace) for plural in BOUNDS for namespace in namespaces]
        answers = await asyncio.gather(*(self._client.list(*item) for item in wanted))
        found: dict[str, list[Json]] = {plural: [] for plural in BOUNDS}
        for (plural, _), items in zip(wanted, answers, strict=True):
            found[plural] += items
        return found

    async def dry_run(
        self,
        changes: Sequence[KubernetesChange],
        edits: Sequence[FileEdit],
        rendered: Mapping[str, Json],
    ) -> CheckResult:
        """Sends each changed object with ``dryRun=All``, and a Pod of its template; the first refusal is the verdict. Raises from ``schemas.errors`` when the server does not answer."""
        numbers: dict[str, str] = {}
        for change in changes:
            document, what = _document(change, edits, rendered, self._readings)
            try:
                answer = await self._answer(change, document)
                numbers[change.object.key] = what
                pod = pod_of(answer)
                if pod is not None:
                    await self._client.dry_run_create(pod)
                    numbers[change.object.key] = say("safety.server.with_pod", what=what)
            except (RejectedByServer, Conflict) as refused:
                reason = say("safety.about", object=change.object.key, why=str(refused))
                return CheckResult(
                    name="server_dry_run", verdict="fail", reason=reason, numbers=numbers
                )
            except errors.Unauthorized as failure:
                reason = say("safety.server.forbidden", why=str(failure))
                return CheckResult(
                    name="server_dry_run", verdict="unknown", reason=reason, numbers=numbers
                )
            except errors.NotFound:
                reason = say("safety.server.absent", object=change.object.key)
                return CheckResult(
                    name="server_dry_run", verdict="fail", reason=reason, numbers=numbers
                )
        return CheckResult(
            name="server_dry_run",
            verdict="pass",
            reason=say("safety.server.accepts"),
            numbers=numbers,
        )

    async def _answer(self, change: KubernetesChange, document: Json | None) -> Json:
        ref = change.object
        if change.action == "create":
            return (await self._client.dry_run_create(document or change.manifest)).object
        live = await self._client.find(ref)
        if document is not None:
            # An apply would create what is not there and call that a success.
            metadata = {"namespace": ref.namespace, **mapping(document, "metadata")}
            whole = {**document, "metadata": metadata}
            would = (await self._client.dry_run_patch(ref, whole, "apply")).object
        else:
            patch = json_patch(change.fields, live)
            would = (await self._client.dry_run_patch(ref, patch, "json")).object
        uid = mapping(live, "metadata").get("uid")
        same("Kubernetes", {"uid": uid}, mapping(would, "metadata"))
        return would


def _document(
    change: KubernetesChange,
    edits: Sequence[FileEdit],
    rendered: Mapping[str, Json],
    readings: Readings,
) -> tuple[Json | None, str]:
    """What is dry-run for a change, and what to call it."""
    item = rendered.get(change.object.key)
    if item is not None and is_whole(item):
        return item, say("safety.server.rendered")
    document = declared(edits, change, readings)
    return document, say("safety.server.edited") if document else say("safety.server.fields")


def json_patch(fields: Sequence[FieldChange], live: Json) -> list[dict[str, Any]]:
    """The fields as a JSON patch of the live object. Raises errors.Rejected when a path does not lead there."""
    from manifests.objects import changes, paths
    from manifests.text.comparing import fitted

    operations = []
    current = live
    for change in fitted(fields, live):
        pointer = ""
        node: Any = current
        path = paths.parse(change.path)
        for segment in path:
            at = paths.index_of(node, segment) if isinstance(segment, paths.Match) else segment
            pointer += "/" + str(at).replace("~", "~0").replace("/", "~1")
            node = paths.find(node, (at,), {})
        operation: dict[str, Any] = {"op": change.op, "path": pointer}
        if change.op != "remove":
            operation["value"] = change.after
        operations.append(operation)
        try:
            current = changes.apply([change], current)
        except (changes.Stale, paths.Missing) as failure:
            raise errors.Rejected(
                f"the live object is not what the plan saw: {failure}"
            ) from failure
    return operations


def pod_of(item: Json) -> Json | None:
    """A Pod as the workload's controller would make it; ``None`` for kinds without a template."""
    template = template_of(item) if item.get("kind") in TEMPLATED else None
    if not template:
        return None
    labels, annotations = labels_of(template), annotations_of(template)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": f"{name_of(item) or 'pod'}-",
            "namespace": namespace_of(item),
            "labels": labels,
            "annotations": annotations,
        },
        "spec": mapping(template, "spec"),
    }
