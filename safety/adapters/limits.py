"""The API server is asked so much at a time, whatever number of plans wait."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from safety.ports import ClusterDryRun
from schemas.base import Json
from schemas.plans import KubernetesChange
from schemas.validated import CheckResult, FileEdit


class LimitedCluster:
    """``safety.ports.Cluster`` that asks ``inner`` ``at_once`` questions at a time; the rest waits in line."""

    def __init__(self, inner: ClusterDryRun, *, at_once: int) -> None:
        self._inner = inner
        self._gate = asyncio.Semaphore(at_once)

    async def bounds(self, namespaces: Sequence[str]) -> Mapping[str, Sequence[Json]]:
        """As the inner one, a bounded number at a time."""
        async with self._gate:
            return await self._inner.bounds(namespaces)

    async def dry_run(
        self,
        changes: Sequence[KubernetesChange],
        edits: Sequence[FileEdit],
        rendered: Mapping[str, Json],
    ) -> CheckResult:
        """As the inner one, a bounded number at a time."""
        async with self._gate:
            return await self._inner.dry_run(changes, edits, rendered)
