"""The whole sandbox in one event loop: every service on its own loopback port, the world ticking.

async with running() as sandbox:
    os.environ.update(sandbox.environment)
    await sandbox.world.break_(scenarios()["oom"])
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from starlette.types import ASGIApp

from sandbox import control, kubernetes, mistral, pinecone, registry, scenario, slack, teams
from sandbox import crowd as crowds
from sandbox import datadog as datadog_service
from sandbox import gitlab as gitlab_service
from sandbox import prometheus as prometheus_service
from sandbox.datadog.state import Datadog, Webhook
from sandbox.faults import Faults, WithFaults
from sandbox.gitlab.repository import Person
from sandbox.gitlab.state import DEVELOPER, MAINTAINER, GitLab, Project
from sandbox.prometheus import Alertmanager, Exposition, Prometheus, company_rules
from sandbox.scenario import CommitData, Replacement
from sandbox.serving import HOST, serve_all
from sandbox.world import Pace, World

#: Services in the order they start; ``control`` is the sandbox's own API.
SERVICES = (
    "datadog",
    "prometheus",
    "kubernetes",
    "gitlab",
    "registry",
    "slack",
    "teams",
    "mistral",
    "pinecone",
    "control",
)
TOKENS = {
    "kubernetes": "sandbox-kubernetes-token",
    "gitlab": "sandbox-gitlab-token",
    "gitlab_reviewer": "sandbox-gitlab-reviewer-token",
}
_DAY_S = 86_400.0
#: Seconds between two evaluations of Prometheus' rules; a real one takes 30 and more.
_EVALUATE_EVERY_S = 1.0


@dataclass(slots=True)
class Sandbox:
    """A running sandbox. ``urls`` maps each of ``SERVICES`` to its base address."""

    cluster: kubernetes.Cluster
    datadog: Datadog
    prometheus: Prometheus
    alertmanager: Alertmanager
    gitlab: GitLab
    project: Project
    world: World
    registry: registry.ImageRegistry
    slack: slack.Slack
    teams: teams.Teams
    mistral: mistral.Mistral
    pinecone: pinecone.Pinecone
    faults: Faults
    tokens: dict[str, str] = field(default_factory=lambda: dict(TOKENS))
    urls: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The ``KFIX_*`` variables that point the stages here. The model is left out: rules alone are the default."""
        return {
            "KFIX_DATADOG_URL": self.urls["datadog"],
            "KFIX_DATADOG_APP_URL": self.urls["datadog"],
            "KFIX_DATADOG_API_KEY": self.datadog.api_key,
            "KFIX_DATADOG_APP_KEY": self.datadog.app_key,
            "KFIX_PROMETHEUS_URL": self.urls["prometheus"],
            "KFIX_PROMETHEUS_TOKEN": self.prometheus.token,
            "KFIX_KUBERNETES_URL": self.urls["kubernetes"],
            "KFIX_KUBERNETES_TOKEN": self.tokens["kubernetes"],
            "KFIX_KUBERNETES_CLUSTER": self.cluster.name,
            "KFIX_GITLAB_URL": self.urls["gitlab"],
            "KFIX_GITLAB_TOKEN": self.tokens["gitlab"],
            "KFIX_GITLAB_PROJECTS": json.dumps([self.project.path]),
            "KFIX_IMAGES_URLS": json.dumps(
                {
                    image.partition("/")[0]: self.urls["registry"]
                    for image in self.world.company.images
                }
            ),
            "KFIX_PUBLISH_SLACK_WEBHOOK_URL": self.urls["slack"] + self.slack.webhook_path,
            "KFIX_PUBLISH_TEAMS_URL": self.urls["teams"] + self.teams.workflow_path,
        }

    @property
    def model_environment(self) -> dict[str, str]:
        """The variables that add the model as second opinion."""
        return {
            "KFIX_DECIDE_MISTRAL_URL": self.urls["mistral"],
            "KFIX_DECIDE_MISTRAL_API_KEY": self.mistral.api_key,
        }

    def connect(
        self,
        *,
        datadog_url: str = "",
        datadog_header: str = "X-KFix-Token",
        datadog_token: str = "",
        datadog_template: str = "",
        alertmanager_url: str = "",
        alertmanager_token: str = "",
        gitlab_url: str = "",
        gitlab_token: str = "",
        gitlab_signing_token: str = "",
    ) -> None:
        """Says where Datadog, Alertmanager and GitLab deliver, and with which secrets. An empty template is the native payload."""
        if datadog_url:
            headers = json.dumps({datadog_header: datadog_token}) if datadog_token else None
            hook = Webhook("kfix", datadog_url, datadog_template or None, headers)
            self.datadog.webhooks["kfix"] = hook
        if alertmanager_url:
            self.alertmanager.webhook_url = alertmanager_url
            self.alertmanager.token = alertmanager_token
        if gitlab_url:
            hook_ = control.hook_for(self, gitlab_url, gitlab_token, gitlab_signing_token)
            self.project.hooks[:] = [hook_]


def build(folder: Path, pace: Pace | None = None, *, crowd: int = 0) -> Sandbox:
    """The company with its history, not served yet. ``folder`` takes the git repository. Runs git.

    ``crowd``: so many services more, as ``sandbox.crowd`` names them.
    """
    company, now = crowds.company(crowd) if crowd else scenario.company(), time.time()
    cluster, datadog, gitlab = kubernetes.Cluster(company.cluster), Datadog(), GitLab(folder)
    members = {
        gitlab.add_user(
            p.username, p.name, TOKENS["gitlab_reviewer"] if p.role == "maintainer" else ""
        ): (MAINTAINER if p.role == "maintainer" else DEVELOPER)
        for p in company.people
    }
    members[gitlab.add_user("kfix-bot", "K-Fix", TOKENS["gitlab"], bot=True)] = DEVELOPER
    files = crowds.files(crowd) if crowd else scenario.repository_files()
    release = CommitData(
        author="linus",
        message="checkout: release 4.12.0",
        path="apps/checkout/deployment.yaml",
        replace=Replacement(old="checkout:4.11.2", new="checkout:4.12.0"),
    )
    files[release.path] = files[release.path].replace(release.replace.new, release.replace.old)
    founded, released = now - 60 * _DAY_S, now - 3 * _DAY_S
    stamp = datetime.fromtimestamp(founded, UTC).isoformat()
    project = gitlab.add_project(
        company.project, files, members, at=stamp, message="Move to prod-eu"
    )
    world = World(company, cluster, datadog, project, pace=pace)
    world.sync(at=founded)
    world.commit(release, Person("Linus Varga", "linus@sandbox.test"), released)
    world.sync(at=released)
    prometheus = Prometheus(
        Exposition(world.telemetry),
        company_rules(),
        external_labels={"cluster": company.cluster, "prometheus": "monitoring/k8s"},
    )
    return Sandbox(
        cluster,
        datadog,
        prometheus,
        Alertmanager(prometheus),
        gitlab,
        project,
        world,
        registry.stocked(company.images),
        slack.Slack(),
        teams.Teams(),
        mistral.Mistral(),
        pinecone.Pinecone(),
        Faults(),
    )


def _applications(sandbox: Sandbox) -> dict[str, ASGIApp]:
    faults = sandbox.faults
    api_server = kubernetes.create_app(sandbox.cluster, sandbox.tokens["kubernetes"])
    return {
        "datadog": datadog_service.create_app(sandbox.datadog, faults),
        "prometheus": prometheus_service.create_app(sandbox.prometheus, faults),
        "kubernetes": WithFaults(api_server, "kubernetes", faults),
        "gitlab": gitlab_service.create_app(sandbox.gitlab, faults),
        "registry": registry.create_app(sandbox.registry, faults),
        "slack": slack.create_app(sandbox.slack, faults),
        "teams": teams.create_app(sandbox.teams, faults),
        "mistral": mistral.create_app(sandbox.mistral, faults),
        "pinecone": pinecone.create_app(sandbox.pinecone, faults),
        "control": control.create_app(sandbox),
    }


@contextlib.asynccontextmanager
async def running(
    *,
    pace: Pace | None = None,
    ports: Mapping[str, int] | None = None,
    host: str = HOST,
    shown: str = HOST,
    crowd: int = 0,
) -> AsyncIterator[Sandbox]:
    """Serves everything until the block ends. ``ports`` by service; others take free ones. Raises CannotStart.

    ``host`` and ``shown`` as in ``serving.serve``: where to listen, and the name in the URLs. ``crowd`` as in ``build``.
    """
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="kfix-sandbox-"))
        sandbox = await asyncio.to_thread(build, Path(folder), pace, crowd=crowd)
        apps = {n: (app, (ports or {}).get(n, 0)) for n, app in _applications(sandbox).items()}
        sandbox.urls.update(
            await stack.enter_async_context(serve_all(apps, host=host, shown=shown))
        )
        sandbox.gitlab.url, sandbox.datadog.app_url = (
            sandbox.urls["gitlab"],
            sandbox.urls["datadog"],
        )
        sandbox.prometheus.url = sandbox.alertmanager.url = sandbox.urls["prometheus"]
        at_work = [
            asyncio.create_task(work) for work in (sandbox.world.run(), _evaluating(sandbox))
        ]
        try:
            yield sandbox
        finally:
            for task in at_work:
                task.cancel()
            await asyncio.gather(*at_work, return_exceptions=True)


async def _evaluating(sandbox: Sandbox) -> None:
    """Prometheus judges its rules again and again and tells Alertmanager, where that tells anybody, until cancelled."""
    while True:
        if sandbox.alertmanager.webhook_url:
            sandbox.prometheus.evaluate()
            await sandbox.alertmanager.notify()
        await asyncio.sleep(_EVALUATE_EVERY_S)
