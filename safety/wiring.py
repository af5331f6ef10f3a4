"""Settings to ports: where safety's composition is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import yaml

from kfix.clients import kubernetes
from kfix.settings import GitLabConnection, House, KubernetesConnection, load, own_cluster
from safety.adapters.schemas import PublishedSchemas
from safety.core.policy import Policy
from safety.examination import Examiner
from safety.ports import Cluster, Repository
from safety.settings import Safety
from schemas import errors


def read_policy(file: str) -> Policy:
    """The policy in ``file``, the defaults when empty. Raises errors.Permanent (reason ``bad_policy``)."""
    if not file:
        return Policy()
    try:
        document = yaml.safe_load(Path(file).read_text("utf-8"))
        return Policy.model_validate({} if document is None else document)
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as failure:
        raise errors.Permanent(
            f"the policy {file} cannot be read: {failure}", reason="bad_policy"
        ) from failure


def protecting(policy: Policy, environments: tuple[str, ...]) -> Policy:
    """The policy with the protected environments of the settings beside its own."""
    both = (*policy.protected_environments, *environments)
    return policy.model_copy(update={"protected_environments": both})


@asynccontextmanager
async def open_ports() -> AsyncIterator[Examiner]:
    """Opens repository and cluster as far as they are configured; without them production accepts nothing."""
    settings = load(Safety)
    async with AsyncExitStack() as stack:
        yield Examiner(
            repository=await _repository(stack, settings),
            cluster=await _cluster(stack, settings),
            schemas=PublishedSchemas(settings.kubernetes_version),
            policy=protecting(
                read_policy(settings.policy_file), load(House).protected_environments
            ),
            deadline_s=settings.deadline_s,
            ask_again=settings.ask_again,
            own=own_cluster(),
        )


async def _repository(stack: AsyncExitStack, settings: Safety) -> Repository | None:
    connection = load(GitLabConnection)
    if not connection.url or not connection.projects:
        return None
    from kfix.clients.gitlab import open_gitlab
    from kfix.clients.renderers import Rendering, installed
    from safety.adapters.gitlab import GitLabRepository

    client = await stack.enter_async_context(open_gitlab(connection))
    renderer = installed(load(Rendering))
    return GitLabRepository(
        client, projects=connection.projects, folders=settings.folders, renderer=renderer
    )


async def _cluster(stack: AsyncExitStack, settings: Safety) -> Cluster | None:
    connection = load(KubernetesConnection)
    if not kubernetes.configured(connection):
        return None
    from safety.adapters.kubernetes import KubernetesChecks
    from safety.adapters.limits import LimitedCluster

    client = await stack.enter_async_context(kubernetes.open_kubernetes(connection))
    return LimitedCluster(KubernetesChecks(client), at_once=settings.kubernetes_at_once)
