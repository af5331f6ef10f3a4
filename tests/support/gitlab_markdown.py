"""What GitLab Flavored Markdown makes active, by construct, and a judge that finds it in a text.

The judge renders with a Markdown renderer that is not ours, and then looks at the text outside of code as GitLab's filters
do, and at the source for what GitLab's parser adds to CommonMark. Source: docs.gitlab.com/user/markdown,
docs.gitlab.com/user/project/quick_actions.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from markdown_it import MarkdownIt

#: Construct to an example of it.
CONSTRUCTS = {
    "inline addition": "{+ added +}",
    "inline addition in brackets": "[+ added +]",
    "inline deletion": "{- gone -}",
    "inline deletion in brackets": "[- gone -]",
    "inline addition, tight": "a{+b+}c",
    "contents": "[TOC]",
    "contents in double brackets": "[[_TOC_]]",
    "contents in double brackets, without marks": "[[TOC]]",
    "math in dollars": "$E=mc^2$",
    "math in double dollars": "$$E=mc^2$$",
    "math in dollars and ticks": "$`E=mc^2`$",
    "math in a fence": "```math\nE=mc^2\n```",
    "footnote": "[^1]",
    "footnote's text": "[^1]: x",
    "emoji": ":tada:",
    "task": "- [ ] do",
    "done task": "* [x] done",
    "issue": "#123",
    "issue of a project": "group/project#123",
    "issue by tracker key": "OPS-12",
    "merge request": "!123",
    "merge request of a project": "group/project!123",
    "user": "@ada",
    "all": "@all",
    "label": "~bug",
    "quoted label": '~"needs work"',
    "scoped label": "~a::b",
    "milestone": "%v1.0",
    "quoted milestone": '%"next one"',
    "epic": "&12",
    "snippet": "$12",
    "iteration": '*iteration:"x"',
    "commit": "9ba12248d3a5",
    "commits": "9ba12248...b19a04f5",
    "whole commit": "9ba12248d3a59ba12248d3a59ba12248d3a59ba1",
    "vulnerability": "[vulnerability:123]",
    "issue by name": "[issue:123]",
    "epic by name": "[epic:123]",
    "contact": "[contact:ada@example.com]",
    "feature flag": "[feature_flag:123]",
    "cadence": '[cadence:"x"]',
    "work item": "[work_item:123]",
    "wiki page by name": "[wiki_page:home]",
    "alert": "^alert#123",
    "wiki link": "[[home]]",
    "wiki link with a name": "[[name|home]]",
    "placeholder": "%{project_path}",
    "include": "::include{file=x.md}",
    "front matter": "---\ntitle: x\n---",
    "front matter in TOML": "+++\ntitle = 1\n+++",
    "front matter in JSON": ";;;\n{}\n;;;",
    "diagram": "```mermaid\ngraph TD\n```",
    "PlantUML": "```plantuml\na -> b\n```",
    "query": "```glql\nassignee = currentUser()\n```",
    "table from JSON": "```json:table\n{}\n```",
    "suggestion": "```suggestion\nx\n```",
    "fence of tildes": "~~~mermaid\ngraph\n~~~",
    "description list": "term\n: text",
    "abbreviation": "*[HTML]: x",
    "note": "> [!note]",
    "quote over lines": ">>>\nx\n>>>",
    "quick action": "/close",
    "quick action on a later line": "x\n/merge",
    "link": "[x](https://e.example)",
    "link by reference": "[x]: https://e.example",
    "bare address": "https://e.example/a",
    "other scheme": "ssh://e.example/a",
    "www": "www.e.example",
    "mail": "ada@e.example",
    "image": "![x](https://e.example/x.png)",
    "video": "![x](https://e.example/x.mp4)",
    "audio": "![x](x.mp3)",
    "element": "<b>x</b>",
    "comment": "<!-- x -->",
    "colour chip": "`#ff0000`",
    "emphasis": "*x*",
    "strong": "__x__",
    "strike": "~~x~~",
    "highlight": "==x==",
    "superscript": "a^b^",
    "heading": "# x",
    "table": "| a | b |\n|---|---|\n| c | d |",
}
_FILTERS = {
    "reference": r"""(?<!\w)[@#!~%&$][\w"{]|\w[@#!&$~%]\d|\w@\w|\^alert#|\*iteration:""",
    "named reference": r"\[(?:\w+):[^\]\s]",
    "commit": r"(?i)(?<![0-9a-z])(?=\d*[a-f])[0-9a-f]{7,40}(?![0-9a-z])",
    "tracker key": r"\b[A-Z][A-Z0-9_]+-\d",
    "inline diff": r"[{\[][+-].*?[+-][}\]]",
    "contents": r"\[TOC\]|\[\[_?TOC_?\]\]",
    "footnote": r"\[\^",
    "task": r"\[[ xX~]\]",
    "wiki link": r"\[\[",
    "placeholder": r"%\{",
    "emoji": r":[a-z0-9_+-]+:",
    "address": r"(?i)\w:/|\bwww\.\w|\w@\w|mailto:\w",
    "note": r"\[!",
    "mark": r"==\S|\+\+\S|\^\w",
    "include": r"::include",
}
#: Looked for in the source, outside of code: what GitLab's parser knows and CommonMark does not.
_SOURCE = {
    "math": r"(?<!\\)\$",
    "front matter": r"\A(?:---|\+\+\+|;;;)",
    "quote over lines": r"(?m)^>>>",
    "description list": r"(?m)^: ",
    "abbreviation": r"(?m)^\*\[",
    "definition": r"(?m)^\s*\[[^\]]+\]:",
    "quick action": r"(?m)^\s*/\w",
}
_FENCES = frozenset(
    {"math", "mermaid", "plantuml", "glql", "json:table", "suggestion", "kroki", "graphviz"}
)
_COLOUR = re.compile(r"(?i)#[0-9a-f]{3,8}|(?:rgb|hsl)a?\([^)]*\)")
#: Between two pieces of text that do not touch.
_BORDER = "\n"
#: Elements that a line of outside text may become part of.
_PLAIN = frozenset({"p", "code", "pre"})


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.text: list[str] = []
        self.code: list[str] = []
        self._within = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.text.append(_BORDER)
        if tag not in _PLAIN:
            self.found.add(f"<{tag}>")
        language = str(dict(attrs).get("class", "")).removeprefix("language-")
        if language in _FENCES:
            self.found.add(f"fence {language}")
        self._within += tag in ("code", "pre")

    def handle_endtag(self, tag: str) -> None:
        self.text.append(_BORDER)
        self._within -= tag in ("code", "pre")

    def handle_comment(self, data: str) -> None:
        self.found.add("<!-- -->")

    def handle_data(self, data: str) -> None:
        (self.code if self._within else self.text).append(data)


def active(markdown: str) -> set[str]:
    """What GitLab acts on in a text, by name; empty for a text that is only read."""
    page = _Page()
    renderer = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    page.feed(renderer.render(markdown))
    page.close()
    text = "".join(page.text)
    found = page.found | {name for name, rule in _FILTERS.items() if re.search(rule, text)}
    found |= {"colour" for code in page.code if _COLOUR.fullmatch(code)}
    # What follows code does not begin its line.
    bare = re.sub(r"(?s)(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "`", markdown)
    return found | {name for name, rule in _SOURCE.items() if re.search(rule, bare)}


def active_in_title(text: str) -> set[str]:
    """The same for a title, where there is no Markdown but the filters work."""
    found = {name for name, rule in _FILTERS.items() if re.search(rule, text)}
    return found | ({"quick action"} if re.match(r"\s*/\w", text) else set())
