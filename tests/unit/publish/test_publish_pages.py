"""Templates: what they do not say otherwise of is inert, and they have no way around it."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import Environment, UndefinedError, nodes

import publish
from kfix.infra.forges.gitlab.dialect import DIALECT
from publish.core.pages import environment
from tests.support.gitlab_markdown import CONSTRUCTS, active

TEMPLATES = sorted((Path(publish.__file__).parent / "templates").glob("*.j2"))
#: Filters of Jinja's own that neither join nor change texts.
_HARMLESS = {"length", "list", "map", "selectattr", "rejectattr"}


def shown(template: str, value: object) -> str:
    return environment(DIALECT, "en").from_string(template).render(value=value)


@pytest.mark.parametrize("name", CONSTRUCTS)
@pytest.mark.parametrize(
    "template",
    [
        "{{ value }}",
        "A word: {{ value }}",
        "{% set kept %}{{ value }}{% endset %}{{ kept }}",
        "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(value) }}",
        "{{ value | sentence(500) }}",
        "{{ value | copied('') }}",
        "{{ [value | prose, value | code] | joined(' ') }}",
        "{{ value | number_name }}",
    ],
)
def test_a_value_that_a_template_says_nothing_of_is_only_read(name: str, template: str) -> None:
    assert active(shown(template, CONSTRUCTS[name])) == set()


def test_what_is_not_inert_is_not_joined() -> None:
    with pytest.raises(TypeError):
        shown("{{ [value] | joined(' ') }}", "**bold**")


def test_a_value_that_is_not_there_is_an_error_and_no_gap() -> None:
    with pytest.raises(UndefinedError):
        shown("{{ missing }}", "")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_put_no_texts_together_and_call_none_safe(path: Path) -> None:
    tree = Environment(autoescape=True).parse(path.read_text("utf-8"))
    ours = environment(DIALECT, "en").filters.keys() - Environment().filters.keys()
    filters = {found.name for found in tree.find_all(nodes.Filter)}
    assert filters <= ours | _HARMLESS
    assert not list(tree.find_all((nodes.Add, nodes.Mod, nodes.MarkSafe)))
    keys = [one for call in tree.find_all(nodes.Call) if _is_word(call) for one in call.args]
    within = [found for key in keys for found in key.find_all(nodes.Concat)]
    within += [key for key in keys if isinstance(key, nodes.Concat)]
    assert len(within) == len(list(tree.find_all(nodes.Concat)))


def _is_word(call: nodes.Call) -> bool:
    return isinstance(call.node, nodes.Name) and call.node.name == "word"
