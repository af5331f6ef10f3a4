"""Settings to ports: where decide's composition is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from importlib import resources

from sqlalchemy import Engine

import kfix
from decide.adapters.ledger import SqlIncidentLedger, Windows
from decide.adapters.opinions import SqlBook
from decide.adapters.playbooks import load_playbooks
from decide.adapters.reasoning import Breaker, ModelReasoner, Patience
from decide.adapters.trials import SqlTrialBook
from decide.adapters.worlds import (
    MODEL,
    OUTCOMES,
    LedgerOfThen,
    TrialsOfThen,
    reasoner_of_then,
)
from decide.core.playbooks import Playbooks
from decide.core.question import Prompt, parse_prompt
from decide.core.version import RULES_VERSION
from decide.ports import Allowance, ChatModel, DecidePorts, IncidentLedger, Reasoner, TrialBook
from decide.settings import Decide
from kfix.engine.runtime.worlds import Past, Told
from kfix.infra.clusters import fleet
from kfix.infra.settings import AppSettings, Retention, load
from kfix.infra.store.engine import open_store
from schemas.base import Json
from schemas.plans import CandidatePlans


def load_prompt(language: str, version: str = "diagnose.v2") -> Prompt:
    """A shipped prompt in this language. Raises FileNotFoundError for another language or version."""
    name = f"{version}.{language}"
    text = resources.files("decide").joinpath("prompts", f"{name}.md").read_text("utf-8")
    return parse_prompt(text, name)


def _model(settings: Decide) -> str:
    """Who is asked, as ``provider/model``; empty where nobody is: never, or without its key (or its server's address)."""
    keys = {
        "mistral": (settings.mistral_api_key, settings.mistral_model),
        "anthropic": (settings.anthropic_api_key, settings.anthropic_model),
        "openai": (settings.openai_api_key, settings.openai_model),
    }
    key, model = keys[settings.provider]
    own_server = settings.provider == "openai" and settings.openai_url
    able = settings.ask != "never" and (key.get_secret_value() or own_server)
    return f"{settings.provider}/{model}" if able else ""


def _chat(settings: Decide) -> ChatModel | None:
    """The configured model."""
    if not _model(settings):
        return None
    timeout_s = settings.model_timeout_s
    if settings.provider == "mistral":
        from decide.adapters.mistral import MistralChat

        return MistralChat(
            api_key=settings.mistral_api_key.get_secret_value(),
            url=settings.mistral_url,
            model=settings.mistral_model,
            timeout_s=timeout_s,
        )
    if settings.provider == "anthropic":
        from decide.adapters.anthropic import ClaudeChat

        return ClaudeChat(
            api_key=settings.anthropic_api_key.get_secret_value(),
            url=settings.anthropic_url,
            model=settings.anthropic_model,
            timeout_s=timeout_s,
        )
    from decide.adapters.openai import OpenAIChat

    return OpenAIChat(
        api_key=settings.openai_api_key.get_secret_value(),
        url=settings.openai_url,
        model=settings.openai_model,
        timeout_s=timeout_s,
        compatible=bool(settings.openai_url),
        shape=settings.openai_shape,
    )


def _reasoner(settings: Decide, engine: Engine) -> ModelReasoner | None:
    chat = _chat(settings)
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


@dataclass(frozen=True, slots=True)
class _Rules:
    """What the settings say of deciding, without anybody who is asked."""

    settings: Decide
    language: str
    prompt: Prompt
    playbooks: Playbooks

    def basis(self) -> Mapping[str, Json]:
        """What is decided by, by name."""
        prompt = self.prompt
        asking = self.settings.model_dump(include={"ask", "unsure_below", "certain_from"})
        return {
            "kfix": kfix.__version__,
            "rules": RULES_VERSION,
            "playbooks": {
                one.playbook.id: _digest(one.playbook.model_dump_json())
                for one in self.playbooks.entries
            },
            MODEL: _model(self.settings),
            "prompt": f"{prompt.version} {_digest(prompt.system, prompt.user, prompt.repair)}",
            "asking": asking,
            "language": self.language,
            OUTCOMES: True,
        }

    def ports(
        self,
        ledger: IncidentLedger,
        trials: TrialBook,
        reasoner: Reasoner | None,
        basis: Mapping[str, Json],
    ) -> DecidePorts:
        """The ports of these rules."""
        return DecidePorts(
            ledger,
            trials,
            reasoner,
            self.prompt,
            self.settings,
            self.language,
            self.playbooks,
            basis,
        )


def _digest(*texts: str) -> str:
    return sha256("\0".join(texts).encode()).hexdigest()[:8]


def _rules() -> _Rules:
    """Raises BadPlaybooks when a playbook cannot be used."""
    app, settings = load(AppSettings), load(Decide)
    return _Rules(
        settings,
        app.language,
        load_prompt(app.language, settings.prompt),
        load_playbooks(settings.playbooks_dir),
    )


@asynccontextmanager
async def open_ports() -> AsyncIterator[DecidePorts]:
    """Opens the ledger and, with a key, the model. Raises BadPlaybooks when a playbook cannot be used."""
    rules = _rules()
    settings = rules.settings
    load(Retention).outlasts(settings.expiry_days, "KFIX_DECIDE_EXPIRY_DAYS")
    engine = open_store(load(AppSettings).database_url.get_secret_value())
    windows = Windows(
        reopen=timedelta(minutes=settings.reopen_minutes),
        quiet=timedelta(hours=settings.quiet_hours),
        expiry=timedelta(days=settings.expiry_days),
    )
    reasoner = _reasoner(settings, engine)
    try:
        trials = SqlTrialBook(engine, windows.expiry)
        ports = rules.ports(SqlIncidentLedger(engine, windows), trials, reasoner, rules.basis())
        yield replace(ports, fleet=fleet())
    finally:
        if reasoner is not None:
            await reasoner.close()
        engine.dispose()


def open_past(today: DecidePorts | None) -> Callable[[CandidatePlans], Past[DecidePorts]]:
    """Ports in the world of a decision; with ``today`` its model is asked, and only the incident is that of then.

    Raises BadPlaybooks when a playbook cannot be used; what it returns raises as ``Told`` does.
    """
    rules = _rules()
    basis = rules.basis()

    def of(decided: CandidatePlans) -> Past[DecidePorts]:
        told = Told(decided.world)
        reasoner = reasoner_of_then(told, rules.settings.ask, str(basis[MODEL]))
        answering = reasoner if today is None else today.reasoner
        ports = rules.ports(LedgerOfThen(told), TrialsOfThen(told), answering, basis)
        return Past(ports, told, basis)

    return of
