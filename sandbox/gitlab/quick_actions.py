"""GitLab's quick actions: commands at the start of a line in descriptions and comments, which GitLab obeys.

A client that lets outside text through unharmed gets it executed here too, and ``GitLab.quick_actions`` tells.
Source: docs.gitlab.com/user/project/quick_actions.
"""

from __future__ import annotations

import re

from sandbox.gitlab.state import GitLab, MergeRequest, User

_COMMANDS = (
    "approve|assign|assign_reviewer|cc|close|draft|estimate|label|lock|merge|milestone|ready|reassign|rebase|"
    "relabel|remove_milestone|reopen|request_changes|spend|submit_review|target_branch|title|unapprove|unassign|"
    "unlabel|unlock"
)
_LINE = re.compile(rf"^/(?P<name>{_COMMANDS})(?:[ \t]+(?P<argument>.*))?$", re.IGNORECASE)
_FENCE = re.compile(r"^\s{0,3}(```|~~~)")


def obey(gitlab: GitLab, mr: MergeRequest, author: User, text: str) -> str:
    """Executes the commands and returns the text without them. Lines inside fenced code are text."""
    kept: list[str] = []
    fenced = False
    for line in text.split("\n"):
        fenced ^= _FENCE.match(line) is not None
        command = None if fenced else _LINE.match(line.rstrip("\r"))
        if command is None:
            kept.append(line)
            continue
        name, argument = command["name"].lower(), (command["argument"] or "").strip()
        gitlab.quick_actions.append((mr.iid, author.username, f"/{name} {argument}".rstrip()))
        _apply(mr, name, argument)
    return "\n".join(kept)


def _apply(mr: MergeRequest, name: str, argument: str) -> None:
    """Those that change what the API shows; the others are kept on record alone."""
    labels = [label.strip('"') for label in re.findall(r'~("[^"]+"|\S+)', argument)]
    if name == "close" and mr.state == "opened":
        mr.state = "closed"
    elif name == "label":
        mr.labels += [label for label in labels if label not in mr.labels]
    elif name == "unlabel":
        mr.labels = [label for label in mr.labels if labels and label not in labels]
    elif name == "title" and argument:
        mr.title = argument
    elif name == "draft" and not mr.draft:
        mr.title = f"Draft: {mr.title}"
