"""Settings of GitLab's webhook."""

from __future__ import annotations

from pydantic_settings import SettingsConfigDict

from kfix.infra.settings import Settings, Tokens


class GitLabWebhook(Settings):
    """GitLab's webhook. Without a token everything in its name is refused."""

    model_config = SettingsConfigDict(env_prefix="KFIX_INGEST_GITLAB_")

    #: GitLab's plain secret tokens (``X-Gitlab-Token``).
    tokens: Tokens = ()
    #: GitLab's signing tokens, ``whsec_…`` (Standard Webhooks); better than plain ones: they sign the body.
    signing_tokens: Tokens = ()
    #: User name of K-Fix's own GitLab account: its comments and pushes are not events for us. Empty: not checked.
    bot: str = ""


SETTINGS = GitLabWebhook
