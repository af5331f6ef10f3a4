"""Settings to ports: where decide's composition is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib import resources

from sqlalchemy import Engine

from decide.adapters.ledger import SqlIncidentLedger, Windows
from decide.adapters.opinions import SqlBook
from decide.adapters.playbooks import load_playbooks
from decide.adapters.reasoning import Breaker, ModelReasoner, Patience
from decide.core.question import Prompt, parse_prompt
from decide.ports import Allowance, ChatModel, DecidePorts
from decide.settings import Decide
from kfix.infra.settings import AppSettings, load
from kfix.infra.store.engine import open_store


def load_prompt(language: str, version: str = "diagnose.v2") -> Prompt:
    """A shipped prompt in this language. Raises FileNotFoundError for another language or version."""
    name = f"{version}.{language}"
    text = resources.files("decide").joinpath("prompts", f"{name}.md").read_text("utf-8")
    return parse_prompt(text, name)


def _chat(settings: Decide) -> ChatModel | None:
    """The configured model; ``None`` without its key (or, for a server of one's own, its address)."""
    timeout_s = settings.model_timeout_s
    if settings.provider == "mistral" and (key := settings.mistral_api_key.get_secret_value()):
        from decide.adapters.mistral import MistralChat

        return MistralChat(
            api_key=key,
            url=settings.mistral_url,
            model=settings.mistral_model,
            timeout_s=timeout_s,
        )
    if settings.provider == "anthropic" and (key := settings.anthropic_api_key.get_secret_value()):
        from decide.adapters.anthropic import ClaudeChat

        return ClaudeChat(
            api_key=key,
            url=settings.anthropic_url,
            model=settings.anthropic_model,
            timeout_s=timeout_s,
        )
    key = settings.openai_api_key.get_secret_value()
    if settings.provider == "openai" and (key or settings.openai_url):
        from decide.adapters.openai import OpenAIChat

        return OpenAIChat(
            api_key=key,
            url=settings.openai_url,
            model=settings.openai_model,
            timeout_s=timeout_s,
            compatible=bool(settings.openai_url),
            shape=settings.openai_shape,
        )
    return None


def _reasoner(settings: Decide, engine: Engine) -> ModelReasoner | None:
    chat = _chat(settings) if settings.ask != "never" else None
    if chat is None:
        return None
    allowance = Allowance(
        calls_per_hour=settings.questions_per_hour,
        tokens_per_hour=settings.tokens_per_hour,
        calls_per_incident=settings.questions_per_incident,
        tokens_per_incident=settings.tokens_per_incident,
    )
    return ModelReasoner(
        chat,
        SqlBook(engine, allowance),
        patience=Patience(settings.opinion_timeout_s),
        breaker=Breaker(settings.breaker_failures, settings.breaker_rest_s),
    )


@asynccontextmanager
async def open_ports() -> AsyncIterator[DecidePorts]:
    """Opens the ledger and, with a key, the model. Raises BadPlaybooks when a playbook cannot be used."""
    app, settings = load(AppSettings), load(Decide)
    playbooks = load_playbooks(settings.playbooks_dir)
    engine = open_store(app.database_url.get_secret_value())
    windows = Windows(
        reopen=timedelta(minutes=settings.reopen_minutes),
        quiet=timedelta(hours=settings.quiet_hours),
        expiry=timedelta(days=settings.expiry_days),
    )
    reasoner = _reasoner(settings, engine)
    try:
        yield DecidePorts(
            SqlIncidentLedger(engine, windows),
            reasoner,
            load_prompt(app.language, settings.prompt),
            settings,
            app.language,
            playbooks,
        )
    finally:
        if reasoner is not None:
            await reasoner.close()
        engine.dispose()
