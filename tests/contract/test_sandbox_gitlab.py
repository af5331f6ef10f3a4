"""python-gitlab drives the sandbox's GitLab, which has a real git repository underneath."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gitlab
import pytest
import standardwebhooks
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.faults import Fault, Faults
from sandbox.gitlab import create_app
from sandbox.gitlab.state import DEVELOPER, MAINTAINER, GitLab, Hook, Project
from sandbox.serving import serve_in_thread

FILES = {
    "README.md": "# deployments\n",
    "apps/checkout/deploy.yaml": "a: 1\r\nb: é\n",
    "apps/checkout/service.yaml": "kind: Service\n",
    "apps/cart/deploy.yaml": "a: 2\n",
}


@dataclass
class House:
    state: GitLab
    project: Project
    faults: Faults
    url: str

    def client(self, token: str = "bot-token", **options: Any) -> gitlab.Gitlab:
        return gitlab.Gitlab(self.url, private_token=token, timeout=5, **options)

    def repo(self, token: str = "bot-token") -> Any:
        return self.client(token).projects.get("shop/deployments")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    state, faults = GitLab(tmp_path), Faults()
    bot = state.add_user("kfix-bot", "K-Fix", "bot-token", bot=True)
    ada = state.add_user("ada", "Ada", "ada-token")
    state.add_user("stranger", "Stranger", "stranger-token")
    project = state.add_project("shop/deployments", FILES, {ada: MAINTAINER, bot: DEVELOPER})
    with serve_in_thread(create_app(state, faults)) as url:
        state.url = url
        yield House(state, project, faults, url)


def change(repo: Any, branch: str, content: str = "a: 9\n", **more: Any) -> Any:
    return repo.commits.create(
        {
            "branch": branch,
            "start_branch": "main",
            "commit_message": "change",
            "actions": [
                {
                    "action": "update",
                    "file_path": "apps/cart/deploy.yaml",
                    "content": content,
                    **more,
                }
            ],
        }
    )


def open_mr(repo: Any, branch: str = "kfix/incident-inc-1", **more: Any) -> Any:
    change(repo, branch)
    return repo.mergerequests.create(
        {"source_branch": branch, "target_branch": "main", "title": "Fix", **more}
    )


def status_of(call: Any) -> tuple[int, Any]:
    with pytest.raises(gitlab.exceptions.GitlabError) as refused:
        call()
    return refused.value.response_code, refused.value.error_message


def test_a_bad_token_is_401_and_a_strangers_project_is_404(house: House) -> None:
    with pytest.raises(gitlab.exceptions.GitlabAuthenticationError):
        house.client("nobody").projects.list()
    assert status_of(lambda: house.repo("stranger-token"))[0] == 404


def test_the_tree_is_paged_and_recursive(house: House) -> None:
    repo = house.repo()
    names = [e["path"] for e in repo.repository_tree(recursive=True, per_page=2, iterator=True)]
    assert names == [
        "README.md",
        "apps",
        "apps/cart",
        "apps/cart/deploy.yaml",
        "apps/checkout",
        "apps/checkout/deploy.yaml",
        "apps/checkout/service.yaml",
    ]
    assert [e["name"] for e in repo.repository_tree(path="apps")] == ["cart", "checkout"]
    assert status_of(lambda: repo.repository_tree(path="nowhere"))[0] == 404
    assert status_of(lambda: repo.repository_tree(ref="no-such"))[0] == 404


def test_a_file_comes_byte_for_byte_with_the_ids_that_guard_it(house: House) -> None:
    repo = house.repo()
    found = repo.files.get("apps/checkout/deploy.yaml", ref="main")
    expected = FILES["apps/checkout/deploy.yaml"].encode()
    assert base64.b64decode(found.content) == expected == found.decode()
    assert repo.files.raw("apps/checkout/deploy.yaml", ref="main") == expected
    assert repo.repository_raw_blob(found.blob_id) == expected
    assert found.last_commit_id == repo.commits.list(ref_name="main", get_all=True)[0].id
    assert status_of(lambda: repo.files.get("apps/none.yaml", ref="main")) == (
        404,
        "404 File Not Found",
    )


def test_the_archive_holds_every_file_below_one_folder(house: House) -> None:
    with tarfile.open(fileobj=io.BytesIO(house.repo().repository_archive(sha="main"))) as archive:
        names = {m.name.split("/", 1)[1] for m in archive.getmembers() if m.isfile()}
    assert names == set(FILES)


def test_one_commit_makes_the_branch_and_changes_several_files(house: House) -> None:
    repo = house.repo()
    made = repo.commits.create(
        {
            "branch": "fix",
            "start_branch": "main",
            "commit_message": "two files\n\nwhy",
            "actions": [
                {"action": "update", "file_path": "apps/cart/deploy.yaml", "content": "a: 3\n"},
                {
                    "action": "create",
                    "file_path": "apps/cart/new.yaml",
                    "content": "YjogMQo=",
                    "encoding": "base64",
                },
                {"action": "delete", "file_path": "README.md"},
            ],
        }
    )
    assert made.title == "two files"
    diff = subprocess.run(
        ["git", "diff", "--numstat", "main", "fix"],
        cwd=house.project.repository.folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert diff == [
        "0",
        "1",
        "README.md",
        "1",
        "1",
        "apps/cart/deploy.yaml",
        "1",
        "0",
        "apps/cart/new.yaml",
    ]
    assert [
        c.id
        for c in repo.commits.list(
            query_parameters={"ref_name": "fix", "path": "apps/cart/new.yaml"}, get_all=True
        )
    ] == [made.id]
    assert {d["new_path"] for d in repo.repository_compare("main", "fix")["diffs"]} >= {"README.md"}
    assert repo.branches.get("fix").commit["id"] == made.id
    subprocess.run(
        ["git", "fsck", "--strict"],
        cwd=house.project.repository.folder,
        check=True,
        capture_output=True,
    )


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (
            {"action": "create", "file_path": "README.md", "content": "x"},
            "A file with this name already exists",
        ),
        (
            {"action": "update", "file_path": "none", "content": "x"},
            "A file with this name doesn't exist",
        ),
        (
            {"action": "create", "file_path": "../x", "content": "x"},
            "Path cannot include directory traversal",
        ),
        ({"action": "create", "file_path": ".git/config", "content": "x"}, "Invalid path"),
    ],
)
def test_a_refused_action_leaves_no_branch_behind(
    house: House, action: dict[str, str], said: str
) -> None:
    repo = house.repo()
    data = {"branch": "b", "start_branch": "main", "commit_message": "m", "actions": [action]}
    assert status_of(lambda: repo.commits.create(data)) == (400, said)
    assert [b.name for b in repo.branches.list(get_all=True)] == ["main"]


def test_an_existing_branch_cannot_be_started_again_and_main_is_protected(house: House) -> None:
    repo = house.repo()
    change(repo, "fix")
    code, said = status_of(lambda: change(repo, "fix"))
    assert code == 400
    assert said.startswith("A branch called 'fix' already exists")
    data = {
        "branch": "main",
        "commit_message": "m",
        "actions": [{"action": "update", "file_path": "README.md", "content": "x"}],
    }
    assert status_of(lambda: repo.commits.create(data)) == (
        403,
        "403 Forbidden - You are not allowed to push into this branch",
    )
    assert house.repo("ada-token").commits.create(data).title == "m"


def test_a_file_that_moved_on_refuses_the_commit_that_saw_it_before(house: House) -> None:
    repo, maintainer = house.repo(), house.repo("ada-token")
    seen = repo.files.get("apps/cart/deploy.yaml", ref="main").last_commit_id
    change(repo, "one", last_commit_id=seen)
    maintainer.commits.create(
        {
            "branch": "main",
            "commit_message": "m",
            "actions": [
                {"action": "update", "file_path": "apps/cart/deploy.yaml", "content": "a: 7\n"}
            ],
        }
    )
    code, said = status_of(lambda: change(repo, "two", last_commit_id=seen))
    assert (code, said) == (
        400,
        "The file has changed since you started editing it: apps/cart/deploy.yaml",
    )


def test_a_second_open_merge_request_of_a_branch_is_409_and_names_the_first(house: House) -> None:
    repo = house.repo()
    mr = open_mr(repo, labels="k-fix,env::prod", description="d")
    again = {"source_branch": mr.source_branch, "target_branch": "main", "title": "x"}
    with pytest.raises(gitlab.exceptions.GitlabCreateError) as conflict:
        repo.mergerequests.create(again)
    assert conflict.value.response_code == 409
    assert json.loads(conflict.value.response_body) == {
        "message": [f"Another open merge request already exists for this source branch: !{mr.iid}"]
    }
    mr.state_event = "close"
    mr.save()
    assert repo.mergerequests.create(again).iid == mr.iid + 1
    assert {label.name for label in repo.labels.list(get_all=True)} == {"k-fix", "env::prod"}


def test_eight_creations_at_once_make_one_merge_request(house: House) -> None:
    change(house.repo(), "race")
    codes: list[int] = []

    def create() -> None:
        try:
            house.repo().mergerequests.create(
                {"source_branch": "race", "target_branch": "main", "title": "x"}
            )
            codes.append(201)
        except gitlab.exceptions.GitlabCreateError as error:
            codes.append(error.response_code)

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [201] + [409] * 7


def test_merge_requests_are_found_by_branch_state_and_label_and_changed(house: House) -> None:
    repo = house.repo()
    mr = open_mr(repo, labels=["k-fix"], assignee_ids=[house.state.user_of("ada-token").id])  # type: ignore[union-attr]
    open_mr(repo, "other")
    listed = repo.mergerequests.list(state="opened", source_branch=mr.source_branch, get_all=True)
    assert [m.iid for m in listed] == [mr.iid]
    assert [m.iid for m in repo.mergerequests.list(labels=["k-fix"], get_all=True)] == [mr.iid]
    mr.title, mr.labels = "New", ["k-fix", "severity::high"]
    mr.save()
    note = mr.notes.create({"body": "hello"})
    again = repo.mergerequests.get(mr.iid)
    assert (again.title, again.labels, again.assignees[0]["username"]) == (
        "New",
        ["k-fix", "severity::high"],
        "ada",
    )
    assert [n.body for n in again.notes.list(get_all=True)] == ["hello"]
    note.body = "bye"
    note.save()
    assert again.notes.get(note.id).body == "bye"
    changed = again.changes()["changes"]
    assert [(c["new_path"], c["diff"]) for c in changed] == [
        ("apps/cart/deploy.yaml", "@@ -1 +1 @@\n-a: 2\n+a: 9\n")
    ]


def test_the_bot_cannot_merge_a_maintainer_can_and_git_has_the_merge(house: House) -> None:
    repo, maintainer = house.repo(), house.repo("ada-token")
    mr = open_mr(repo, remove_source_branch=True)
    with pytest.raises(gitlab.exceptions.GitlabAuthenticationError):
        mr.merge()
    with pytest.raises(gitlab.exceptions.GitlabAuthenticationError):
        mr.approve()
    theirs = maintainer.mergerequests.get(mr.iid)
    assert status_of(lambda: theirs.merge(sha="0" * 40))[0] == 409
    theirs.approve()
    theirs.merge(sha=mr.sha)
    merged = repo.mergerequests.get(mr.iid)
    assert (merged.state, merged.merged_by["username"]) == ("merged", "ada")
    assert merged.merge_commit_sha == repo.branches.get("main").commit["id"]
    assert repo.files.raw("apps/cart/deploy.yaml", ref="main") == b"a: 9\n"
    assert [b.name for b in repo.branches.list(get_all=True)] == ["main"]
    assert status_of(theirs.merge)[0] == 405


def test_a_merge_waits_for_mergeability_and_auto_merge_for_the_pipeline(house: House) -> None:
    house.state.mergeability_delay_s = 0.3
    mr = open_mr(house.repo("ada-token"))
    assert mr.detailed_merge_status == "checking"
    assert status_of(mr.merge)[0] == 405
    time.sleep(0.35)
    house.project.merge_requests[0].pipeline = "running"
    assert mr.merge(auto_merge=True)["state"] == "opened"
    assert house.project.merge_requests[0].auto_merge


def test_conflicting_changes_do_not_merge(house: House) -> None:
    repo = house.repo("ada-token")
    mr = open_mr(repo)
    repo.commits.create(
        {
            "branch": "main",
            "commit_message": "m",
            "actions": [
                {"action": "update", "file_path": "apps/cart/deploy.yaml", "content": "a: 0\n"}
            ],
        }
    )
    assert repo.mergerequests.get(mr.iid).has_conflicts
    assert status_of(mr.merge)[0] == 422


def test_quick_actions_in_descriptions_and_comments_are_obeyed(house: House) -> None:
    repo = house.repo()
    mr = open_mr(repo, description="hello\n/label ~hacked\n```\n/label ~quoted\n```")
    mr.notes.create({"body": "see\n/merge\n /close"})
    mr.notes.create({"body": "/close"})
    again = repo.mergerequests.get(mr.iid)
    assert again.description == "hello\n```\n/label ~quoted\n```"
    assert (again.labels, again.state) == (["hacked"], "closed")
    commands = [command for _, _, command in house.state.quick_actions]
    assert commands == ["/label ~hacked", "/merge", "/close"]


def test_users_members_and_limits(house: House) -> None:
    client = house.client()
    assert [u.username for u in client.users.list(username="ada", get_all=True)] == ["ada"]
    members = house.repo().members_all.list(get_all=True)
    assert {(m.username, m.access_level) for m in members} == {("ada", 40), ("kfix-bot", 30)}
    house.state.requests_per_minute = 1
    with pytest.raises(gitlab.exceptions.GitlabHttpError) as limited:
        house.client().http_get("/user", obey_rate_limit=False)
    assert limited.value.response_code == 429


def test_throttling_is_waited_out_by_the_client(house: House) -> None:
    house.faults.switch_on(Fault("gitlab", "rate_limited", seconds=1, times=1))
    assert house.repo().id == house.project.id
    assert house.faults.count("gitlab", "GET", "/projects/") == 2


class Receiver:
    """Takes GitLab's webhooks; answers ``status``."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.app = Starlette(routes=[Route("/hook", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        self.got.append((dict(request.headers), await request.body()))
        return Response(status_code=self.status)

    def wait(self, count: int) -> None:
        limit = time.monotonic() + 5
        while len(self.got) < count and time.monotonic() < limit:
            time.sleep(0.01)
        assert len(self.got) == count


def test_hooks_carry_token_signature_and_the_life_of_a_merge_request(house: House) -> None:
    secret = "whsec_" + base64.b64encode(b"k" * 32).decode()
    receiver = Receiver()
    with serve_in_thread(receiver.app) as url:
        house.repo("ada-token").hooks.create(
            {
                "url": f"{url}/hook",
                "token": "plain",
                "signing_token": secret,
                "merge_requests_events": True,
                "note_events": True,
            }
        )
        mr = open_mr(house.repo())
        receiver.wait(1)
        mr.notes.create({"body": "/kfix feedback good"})
        receiver.wait(2)
        house.repo("ada-token").mergerequests.get(mr.iid).merge()
        receiver.wait(3)
    bodies = [json.loads(body) for _, body in receiver.got]
    assert [b["object_kind"] for b in bodies] == ["merge_request", "note", "merge_request"]
    assert [b["object_attributes"].get("action") for b in bodies] == ["open", "create", "merge"]
    assert bodies[2]["object_attributes"]["state"] == "merged"
    assert bodies[2]["project"]["path_with_namespace"] == "shop/deployments"
    headers, body = receiver.got[0]
    assert headers["x-gitlab-token"] == "plain"
    assert headers["x-gitlab-event"] == "Merge Request Hook"
    assert headers["idempotency-key"] == headers["webhook-id"]
    standardwebhooks.Webhook(secret).verify(body, headers)


async def test_four_failures_switch_a_hook_off(tmp_path: Path) -> None:
    from sandbox.gitlab.hooks import announce, settle

    state, receiver = GitLab(tmp_path), Receiver(404)
    user = state.add_user("ada", "Ada", "t")
    project = state.add_project("g/p", FILES, {user: MAINTAINER})
    with serve_in_thread(receiver.app) as url:
        project.hooks.append(Hook(1, f"{url}/hook"))
        for _ in range(6):
            announce(state, project, "note", {})
            await settle(state)
            await asyncio.sleep(0)
    assert len(receiver.got) == 4
    assert [d.status for d in state.deliveries] == [404] * 4
