"""The webhook: whoever has its token may say that something was answered, and nobody else."""

import pytest

from spacy_al.web.app import Desk, make_app
from spacy_al.web.guard import HOOK, TRIES, guarded
from spacy_al.web.hook import add_hook
from spacy_al.web.serve import HOOK_TOKEN
from tests.helpers.web_tasks import entities, make_run
from tests.web.test_app import Client
from tests.web.test_serve import annotate, check, served  # noqa: F401

TOKEN = "token-of-the-hook-0123456789"


class Woken:
    """Counts how often the steps are woken."""

    n = 0

    def wake(self):
        self.n += 1

    def state(self):
        return ""


def hooked(tmp_path, hook=TOKEN):
    steps = Woken()
    app = make_app(Desk(make_run(tmp_path / "al" / "al.db", [entities()]), "notes"))
    if hook:
        add_hook(app, steps)
    page = guarded(app, hosts={"127.0.0.1", "localhost"}, tokens=None, nobody="ann", hook=hook)
    return Client(page), steps


def bearer(token):
    return {"authorization": f"Bearer {token}"}


def test_the_token_wakes_the_loop(tmp_path):
    client, steps = hooked(tmp_path)
    done = client.post(HOOK, json={"anything": ["at", "all"]}, headers=bearer(TOKEN))
    assert done.status_code == 200 and done.json() == {"state": ""} and steps.n == 1


def test_nobody_else_does(tmp_path):
    client, steps = hooked(tmp_path)
    for headers in ({}, bearer("wrong"), bearer(""), {"authorization": f"Basic {TOKEN}"}):
        assert client.post(HOOK, json={}, headers=headers).status_code == 401
    # a page that is open in the same browser
    foreign = {**bearer(TOKEN), "origin": "http://evil.example"}
    assert client.post(HOOK, json={}, headers=foreign).status_code == 403
    assert client.get(HOOK, headers=bearer(TOKEN)).status_code == 405
    for _ in range(TRIES):
        last = client.post(HOOK, json={}, headers=bearer("guess")).status_code
    assert last == 429 and steps.n == 0
    # who has it gets through all the same
    assert client.post(HOOK, json={}, headers=bearer(TOKEN)).status_code == 200


def test_without_a_token_there_is_no_webhook(tmp_path):
    client, steps = hooked(tmp_path, None)
    assert client.post(HOOK, json={}, headers=bearer("")).status_code == 401
    assert client.post(HOOK, json={}).status_code == 401 and steps.n == 0


@pytest.mark.usefixtures("served")
def test_a_token_that_could_be_tried_out_is_refused(annotate, monkeypatch):  # noqa: F811
    monkeypatch.setenv(HOOK_TOKEN, "short")
    check(annotate(), "AL401", "has 5 characters", "at least 20", status=2)
    monkeypatch.setenv(HOOK_TOKEN, TOKEN)
    assert annotate().exit_code == 0
