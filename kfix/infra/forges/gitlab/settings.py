"""Settings of the connection to GitLab. Prefix ``KFIX_GITLAB_``."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from kfix.infra.settings import Settings


class GitLabConnection(Settings):
    """GitLab. Empty ``url``: not configured."""

    model_config = SettingsConfigDict(env_prefix="KFIX_GITLAB_")
    #: Address of GitLab.
    url: str = ""
    #: Project access token, role Developer, scope ``api``.
    token: SecretStr = SecretStr("")
    #: Deployment repositories as ``group/project``, searched in this order.
    projects: tuple[str, ...] = ()
    #: Branch that deployments follow; empty: each project's default branch.
    branch: str = ""
    timeout_s: float = Field(default=20.0, gt=0)


SETTINGS = GitLabConnection
