"""Whom a run tells what has happened: what is sent, by whom it is signed, and that nothing of the work waits for it for long."""

import hashlib
import hmac
import json
import time

import pytest

from spacy_al.config.notify import EVENTS, Notify
from spacy_al.config.project import open_project
from spacy_al.corpus.pool import pool_texts
from spacy_al.errors import AlWarning, UsageError
from spacy_al.loop import notify as module
from spacy_al.loop.notify import send
from spacy_al.loop.rounds import run
from spacy_al.store.store import Store
from tests.helpers.chaos import LABELS, OVERRIDES, ROOT, corpus
from tests.helpers.receiver import receiving

# Without labels to begin with, and without any in the answers, nothing is trained
QUICK = {"al.dev_size": 2, "al.batch_size": 4, "al.max_rounds": 2, "al.labels": LABELS}


@pytest.fixture
def receiver(monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 0.01)
    with receiving() as server:
        yield server


@pytest.fixture
def begin(tmp_path):
    corpus(tmp_path)

    def go(**block):
        lines = [f"{name} = {json.dumps(value)}" for name, value in block.items()]
        config = tmp_path / "my.cfg"
        text = (ROOT / "configs" / "ner.cfg").read_text("utf8")
        config.write_text("\n".join([text, "[al.notify]", *lines, ""]))
        paths = {"train": None, "dev": None, "test": None, "pool": tmp_path / "pool_gold.spacy"}
        own = {f"paths.{key}": str(value) if value else None for key, value in paths.items()}
        own |= {**OVERRIDES, "al.output": str(tmp_path / "al"), **QUICK}
        return open_project(config, own)

    return go


def answer(project):
    with Store(project.database) as store:
        for stored in store.unanswered():
            store.add_answer(stored.id, {"answer": "ignore"}, id=stored.id, annotator="ann")


def test_a_batch_that_is_ready_and_one_that_is_complete(begin, receiver, monkeypatch):
    monkeypatch.setenv("AL_SECRET", "a secret of ours")
    project = begin(url=receiver.url, secret="AL_SECRET")
    assert run(project).state == "waiting"
    assert receiver.events == ["ready"]
    # who asks again is not told again
    run(project)
    assert receiver.events == ["ready"]
    answer(project)
    run(project)
    assert receiver.events[:3] == ["ready", "complete", "ready"]
    answer(project)
    assert run(project).state == "stopped"
    assert receiver.events[-1] == "stopped" and "Stops" in receiver.messages[-1]["why"]
    first = receiver.messages[0]
    assert first["round"] == 0 and first["questions"] == 4 and first["config"] == "my.cfg"
    assert len({message["id"] for message in receiver.messages}) == len(receiver.got)
    path, headers, body = receiver.got[0]
    assert path == "/hook" and headers["x-spacy-al-event"] == "ready"
    expected = hmac.new(b"a secret of ours", body, hashlib.sha256).hexdigest()
    assert headers["x-spacy-al-signature"] == f"sha256={expected}"
    # nothing of the corpus
    said = " ".join(body.decode() for *_, body in receiver.got)
    assert not [text for text in pool_texts(project.settings.pool) if text[:20] in said]


def test_only_what_was_asked_for_is_told(begin, receiver):
    project = begin(url=receiver.url, on=["complete"])
    run(project)
    answer(project)
    run(project)
    assert receiver.events == ["complete"] and receiver.messages[0]["round"] == 0
    assert "x-spacy-al-signature" not in receiver.got[0][1]


def test_a_run_goes_on_whatever_becomes_of_its_message(begin, receiver):
    receiver.says = [500] * 3
    project = begin(url=receiver.url)
    with pytest.warns(AlWarning, match=r"ALW400.*'ready': it answers 500 \(3 tries\)"):
        assert run(project).state == "waiting"
    assert len(receiver.got) == 3 and len({one["id"] for one in receiver.messages}) == 1


MESSAGE = {"event": "ready", "id": "1"}


def test_what_is_tried_again(receiver):
    told = Notify(receiver.url)
    receiver.says = [503, 429]
    assert send(told, MESSAGE) == "" and len(receiver.got) == 3
    for status in (400, 401, 404, 410):
        receiver.got.clear()
        receiver.says = [status]
        assert send(told, MESSAGE) == f"it answers {status}" and len(receiver.got) == 1
    # an address that sends on is told, and not followed
    receiver.got.clear()
    receiver.says = [302]
    assert send(told, MESSAGE) == "it answers 302"
    assert [path for path, *_ in receiver.got] == ["/hook"]


def test_who_never_answers_is_not_waited_for(receiver):
    receiver.says = ["never"] * 2
    started = time.monotonic()
    assert "cannot be reached" in send(Notify(receiver.url, timeout=0.3, tries=2), MESSAGE)
    assert time.monotonic() - started < 5
    with receiving() as gone:
        url = gone.url
    why = send(Notify(f"{url}?token=abc", tries=1), MESSAGE)
    assert "cannot be reached" in why and "abc" not in why


def test_nothing_is_sent_unsigned_where_it_is_to_be_signed(receiver, monkeypatch):
    monkeypatch.delenv("AL_SECRET", raising=False)
    why = send(Notify(receiver.url, secret="AL_SECRET"), MESSAGE)
    assert "AL_SECRET is not set" in why and receiver.got == []


@pytest.mark.parametrize(
    "name, block",
    [
        ("al.notify.url", {}),
        ("al.notify.url", {"url": "example.org"}),
        ("al.notify.url", {"url": "file:///etc/passwd"}),
        ("al.notify.url", {"url": "http://"}),
        ("al.notify.url", {"url": "http://a:99999/"}),
        ("al.notify.on", {"url": "http://a", "on": "ready"}),
        ("al.notify.on", {"url": "http://a", "on": []}),
        ("al.notify.on", {"url": "http://a", "on": ["answered"]}),
        ("al.notify.secret", {"url": "http://a", "secret": 3}),
        ("al.notify.timeout", {"url": "http://a", "timeout": 0}),
        ("al.notify.timeout", {"url": "http://a", "timeout": 1000}),
        ("al.notify.tries", {"url": "http://a", "tries": True}),
        ("al.notify.tries", {"url": "http://a", "tries": 1.5}),
        ("al.notify.urls", {"url": "http://a", "urls": ["http://b"]}),
    ],
)
def test_what_the_block_cannot_say(begin, name, block):
    with pytest.raises(UsageError, match=rf"AL083.*{name}"):
        begin(**block)


def test_all_events_by_default(begin):
    assert begin(url="https://example.org/a?b=c").settings.notify.on == EVENTS
