"""Label Studio without a server: its form, its offsets, and what an annotation says."""

import base64
import json
import shutil
import socket
import xml.etree.ElementTree as xml

import numpy
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import DocBin

from spacy_al.adapters.label_studio.annotations import moment, to_answer
from spacy_al.adapters.label_studio.pull import pull
from spacy_al.adapters.label_studio.server import (
    Pushed,
    Server,
    open_server,
    read_pushed,
    write_pushed,
)
from spacy_al.adapters.label_studio.tasks import (
    label_config,
    label_studio_task,
    sendable,
    to_label_studio,
)
from spacy_al.adapters.reading import Reading
from spacy_al.errors import AlError, AlWarning, UsageError
from spacy_al.query.scorer import Job, Scorer
from spacy_al.store.store import Store
from spacy_al.tasks.records import StoredTask
from spacy_al.tasks.task import make_task
from spacy_al.web.guard import MACHINE_LIMIT
from tests.helpers.ner_oracle import make_ner
from tests.helpers.web_tasks import entities, make_run, yes_no

NLP = spacy.blank("en")
META = {"score": numpy.float32(0.25), "rank": 1, "round": 3, "component": "ner"}
ENTITIES = {"component_kind": "entities", "labels": ["DRUG", "DOSE"], "view_id": "ner_manual"}
EMOJI = "Take 😀\r\n 👩🏽‍⚕️ aspirin e\u0301 לחולה 5 mg."


def task(text="Take aspirin 5 mg.", suggestions=(), **kw):
    settings = {**ENTITIES, "meta": META, **kw}
    return make_task(NLP.make_doc(text), suggestions=suggestions, **settings)


def stored(text=EMOJI, **kw):
    return StoredTask("r003-x", 3, "x", "train", 1, task(text, **kw))


def region(start, end, text=None, label="DRUG"):
    value = {"start": start, "end": end, "labels": [label]}
    return {"from_name": "label", "value": value if text is None else {**value, "text": text}}


def answer(asked, *regions, **more):
    annotation = {"updated_at": "2026-01-02T03:04:05.5Z", "lead_time": 7.5, "result": regions}
    return to_answer(asked, {"text": asked.task["text"]}, {**annotation, **more}, "ann")


def units(text, part):
    """Where a part of a text is, as JavaScript counts."""
    start = len(text[: text.index(part)].encode("utf-16-le")) // 2
    return start, start + len(part.encode("utf-16-le")) // 2


# out


def test_counts_code_points():
    """Label Studio's page splits text into code points, so an emoji before a span moves it by one, as here."""
    made = task("Take 😀\r\n aspirin", [(3, 4, "DRUG", 0.75), (0, 1, "DOSE", 0.5)])
    out = to_label_studio(made)
    assert out["data"]["text"] == made["text"] and out["data"]["al_rank"] == 1
    [prediction] = out["predictions"]
    assert prediction["model_version"] == "spacy-al"
    result = prediction["result"][1]
    assert result.pop("id").endswith("-1")
    assert result == {
        "from_name": "label",
        "to_name": "text",
        "type": "labels",
        "value": {"start": 9, "end": 16, "text": "aspirin", "labels": ["DRUG"]},
        "score": 0.75,
    }
    assert out["meta"]["_task_hash"] == made["_task_hash"]


def test_what_is_to_be_asked_first_has_the_lowest_score():
    """Label Studio takes it for the model's confidence."""
    found = [
        to_label_studio(task(meta={**META, "score": score}))["predictions"][0]["score"]
        for score in (0.0, 0.5, 7.0)
    ]
    assert found == [1.0, 1 / 1.5, 1 / 8]
    assert "score" not in to_label_studio(task(meta={}))["predictions"][0]


def test_choices():
    kw = {"component_kind": "categories", "labels": ["A", "B", "C"], "view_id": "choice"}
    scores = [("A", 0.5), ("B", 0.6), ("C", 0.1)]
    for exclusive, expected in ((True, ["B"]), (False, ["A", "B"])):
        [prediction] = to_label_studio(task("x", scores, exclusive=exclusive, **kw))["predictions"]
        assert [item["value"]["choices"][0] for item in prediction["result"]] == expected
        assert {item["type"] for item in prediction["result"]} == {"choices"}
    assert to_label_studio(task("x", [], **kw))["predictions"][0]["result"] == []


def test_a_question_is_found_again():
    made = label_studio_task(stored(suggestions=[(0, 1, "DOSE", 0.5)]))
    assert made["data"]["_al_task"] == "r003-x" and made["data"]["al_asked"] == ""
    assert made["predictions"][0]["model_version"] == "round-003"
    part = label_studio_task(stored(asked=[0, 1]))
    assert part["data"]["al_asked"] == "Only about: “Take 😀”"


def test_without_a_model_nothing_is_said_to_be_suggested():
    assert label_studio_task(stored())["predictions"] == []
    [prediction] = label_studio_task(stored(meta={**META, "model": "model-best"}))["predictions"]
    assert prediction["result"] == []


def test_a_yes_or_no_is_refused_by_name():
    with pytest.raises(UsageError, match=r"AL295.*r000-y.*yes or no"):
        label_studio_task(StoredTask("r000-y", 0, "y", "train", 1, yes_no()))


@pytest.mark.parametrize("text", ["half \ud800", "nul \0"])
def test_texts_that_would_spoil_the_list(text):
    assert not sendable(text)
    assert sendable(EMOJI)


LABELS = [" lead", "q\"uo'te", "A,B", "😀", "line\nbreak\ttab", "<b>&amp;", "0", "x" * 300]


@pytest.mark.parametrize("kind", ["entities", "spans", "tags", "categories"])
def test_every_label_is_in_the_form_as_it_is(kind):
    form = xml.fromstring(label_config(kind, LABELS, partial=True))
    control, values = form[1], [child.get("value") for child in form[1]]
    assert values == LABELS and control.get("toName") == "text"
    assert control.tag == ("Choices" if kind == "categories" else "Labels")
    assert form[0].get("value") == "$al_asked" and form[2].get("valueType") == "text"
    assert control.get("choice") == ("single" if kind == "categories" else None)
    many = xml.fromstring(label_config("categories", LABELS, exclusive=False))
    assert many[0].get("choice") == "multiple" and many[0].get("required") == "false"


@pytest.mark.parametrize("label", ["$cost", "bell\x07", "half \ud800", "", " \n"])
def test_labels_that_it_cannot_hold(label):
    with pytest.raises(UsageError, match="AL296"):
        label_config("entities", ["DRUG", label])


# in


@pytest.mark.parametrize(
    "part", ["Take", "😀", "👩🏽‍⚕️", "aspirin", "e\u0301", "לחולה", "mg", "😀\r\n 👩🏽‍⚕️ aspirin"]
)
def test_a_region_is_where_its_text_is_however_it_was_counted(part):
    asked, start = stored(), EMOJI.index(part)
    expected = [{"start": start, "end": start + len(part), "label": "DRUG"}]
    assert answer(asked, region(start, start + len(part), part))["spans"] == expected
    first, last = units(EMOJI, part)
    assert answer(asked, region(first, last, part))["spans"] == expected


@pytest.mark.parametrize(
    "text, part, shown",
    [
        ("says 😀:\r\naspirin daily", "says 😀:\r\naspirin", "says 😀:\\n\\naspirin"),
        ("aa bb\n\ncc dd", "bb\n\ncc", "bb\\n\\ncc"),
        ("lone\rcr here", "lone\rcr here", "lone\\ncr here"),
        ("tab\there x", "tab\there x", "tab here x"),
        ("😀 aa    bb\tcc", "aa    bb\tcc", "aa bb cc"),
        ("  lead\n  in dent", "lead\n  in dent", "lead\\nin dent"),
        ("x\u00a0\u00a0y z", "x\u00a0\u00a0y z", "x\u00a0\u00a0y z"),
        ("C:\\new  dd", "C:\\new  dd", "C:\\new dd"),
    ],
)
def test_how_its_page_writes_line_ends_and_blanks(text, part, shown):
    """As it did, for these texts, marked by mouse; the places are right, and are believed if they are."""
    asked, start = stored(text), text.index(part)
    expected = [{"start": start, "end": start + len(part), "label": "DRUG"}]
    assert answer(asked, region(start, start + len(part), shown))["spans"] == expected
    for wrong in ((start + 1, start + len(part)), (start, start + len(part) - 1)):
        with pytest.raises(AlError, match="AL115"):
            answer(asked, region(*wrong, shown))


def test_a_blank_too_much_is_seen():
    for start, end in ((4, 12), (5, 13), (4, 13)):
        with pytest.raises(AlError, match="AL115"):
            answer(stored("Take aspirin daily"), region(start, end, "aspirin"))


def test_all_regions_of_an_annotation_are_counted_alike():
    """Each alone could be taken for either; together they can be one of the two."""
    text = "😀 aa b"
    asked = stored(text)
    spans = answer(asked, region(3, 4, "a"), region(6, 7, "b"))["spans"]
    assert [(span["start"], span["end"]) for span in spans] == [(2, 3), (5, 6)]
    spans = answer(asked, region(3, 4, "a"), region(5, 6, "b"))["spans"]
    assert [(span["start"], span["end"]) for span in spans] == [(3, 4), (5, 6)]


@pytest.mark.parametrize(
    "wrong",
    [
        region(16, 23, "aspirin"),
        region(-1, 4, "Take"),
        region(0, 400, EMOJI),
        region(4, 4, ""),
        region(None, 4, "Take"),
        region(14, 21),
        {"from_name": "label", "value": {"start": 0, "end": 4, "text": "Take", "labels": []}},
        {"from_name": "label", "value": {"start": 0, "end": 4, "text": "Take"}},
    ],
)
def test_what_cannot_be_checked_is_refused_and_never_shifted(wrong):
    with pytest.raises(AlError, match="AL115"):
        answer(stored(), region(0, 4, "Take"), wrong)


def test_without_its_text_a_place_is_believed_where_it_can_be_but_one():
    assert answer(stored(), region(0, 4))["spans"] == [{"start": 0, "end": 4, "label": "DRUG"}]


@pytest.mark.slow
@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30), st.data())
def test_any_text_there_and_back(text, data):
    doc = NLP.make_doc(text)
    bounds = st.tuples(st.integers(0, len(doc) - 1), st.integers(0, len(doc) - 1)).map(sorted)
    drawn = data.draw(st.sets(st.tuples(bounds.map(tuple), st.sampled_from("AB")), max_size=4))
    suggestions = [(first, last + 1, label, 0.5) for (first, last), label in drawn]
    kw = {"component_kind": "spans", "labels": ["A", "B"], "view_id": "spans_manual"}
    asked = stored(text, suggestions=suggestions, **kw)
    [prediction] = json.loads(json.dumps(to_label_studio(asked.task)))["predictions"]
    said = answer(asked, *prediction["result"])["spans"]
    keys = ("start", "end", "label")
    assert said == [{key: span[key] for key in keys} for span in asked.task["spans"]]


def test_verdicts_times_and_whose():
    said = answer(stored(), region(0, 4, "Take"))
    assert (said["answer"], said["_annotator_id"], said["_al_seconds"]) == ("accept", "ann", 7.5)
    assert said["_timestamp"] == moment("2026-01-02T03:04:05.500000+00:00") == 1767323045.5
    assert answer(stored(), was_cancelled=True)["answer"] == "ignore"
    assert answer(stored())["spans"] == []
    for odd in (-1, None, "7", float("nan"), float("inf")):
        assert answer(stored(), lead_time=odd)["_al_seconds"] is None


def test_choices_and_what_else_is_in_the_form():
    kw = {"component_kind": "categories", "labels": ["A", "B"], "view_id": "choice"}
    chosen = {"from_name": "label", "value": {"choices": ["B"]}}
    other = {"from_name": "note", "value": {"text": ["what a case"]}}
    assert answer(stored(**kw), other, chosen)["accept"] == ["B"]
    assert answer(stored(), other)["spans"] == []


CHOICE = {"component_kind": "categories", "labels": ["A", "B"], "view_id": "choice"}
NAMED = region(0, 4, "Take")


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (None, "no list of results"),
        ({}, "no list of results"),
        ([{**NAMED, "from_name": "ner", "type": "labels"}], "but with 'ner'"),
        ([{**NAMED, "to_name": "title"}], "it marks 'title'"),
        ([{**NAMED, "type": "choices"}], "gives 'choices', and no labels"),
        ([{**NAMED, "value": {**NAMED["value"], "labels": "DRUG"}}], "and no labels"),
        ([{"type": "labels", "value": NAMED["value"]}], "of which control"),
    ],
)
def test_what_is_not_said_with_the_control_is_not_nothing(result, why):
    with pytest.raises(AlError, match=f"AL115.*{why}"):
        answer(stored(), result=result)


@pytest.mark.parametrize(
    ("value", "name", "why"),
    [
        ({"choices": ["A"], "start": 0, "end": 4, "text": "Take"}, "label", "about a region"),
        ({"choices": ["A"]}, "topic", "but with 'topic'"),
        ({"choices": "A"}, "label", "and no choices"),
    ],
)
def test_a_choice_of_something_else_is_not_none(value, name, why):
    with pytest.raises(AlError, match=f"AL115.*{why}"):
        answer(
            stored(exclusive=False, **CHOICE),
            {"from_name": name, "type": "choices", "value": value},
        )


def test_what_else_is_marked_is_counted():
    relation = {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right"}
    note = {"from_name": "note", "type": "textarea", "value": {"text": ["a case"]}}
    mine = {**NAMED, "from_name": "mine", "type": "labels"}
    reading = Reading("entities")
    annotation = {
        "updated_at": "2026-01-02T03:04:05Z",
        "result": [NAMED, relation, note, note, mine],
    }
    said = to_answer(stored(), {"text": EMOJI}, annotation, "ann", reading)
    assert said["spans"] == [{"start": 0, "end": 4, "label": "DRUG"}]
    assert reading.remarks() == ["Not read: 2 textarea note, 1 relation, 1 labels mine."]


def test_an_edited_text_answers_nothing():
    with pytest.raises(AlError, match=r"AL115.*not the one that was asked"):
        to_answer(stored(), {"text": "Take it."}, {"result": []}, "ann")


# what is kept, and which server


def test_where_it_was_pushed_is_kept_for_its_owner(tmp_path):
    assert read_pushed(tmp_path) is None
    pushed = Pushed("http://ls", project=7)
    write_pushed(tmp_path, pushed)
    assert read_pushed(tmp_path) == pushed
    path = tmp_path / "label-studio" / "project.json"
    assert path.stat().st_mode & 0o077 == 0
    for damaged in (
        "{",
        "[]",
        '{"url": 3}',
        '{"url": "x", "more": 1}',
        '{"url": "x", "project": "1"}',
    ):
        path.write_text(damaged)
        with pytest.raises(AlError, match="AL297"):
            read_pushed(tmp_path)


def test_which_server(tmp_path, monkeypatch):
    monkeypatch.delenv("LABEL_STUDIO_URL", raising=False)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "abc")
    for url in (None, "file:///etc/passwd", "localhost:8080"):
        with pytest.raises(UsageError, match="AL290"):
            open_server(tmp_path, url)
    assert open_server(tmp_path, "http://ls/").url == "http://ls"
    write_pushed(tmp_path, Pushed("http://there"))
    assert open_server(tmp_path).url == "http://there"
    monkeypatch.setenv("LABEL_STUDIO_URL", "http://elsewhere")
    with pytest.raises(UsageError, match=r"AL298.*http://there.*http://elsewhere"):
        open_server(tmp_path)
    monkeypatch.delenv("LABEL_STUDIO_API_KEY")
    with pytest.raises(UsageError, match="AL290"):
        open_server(tmp_path, "http://there")


def test_a_server_that_is_not_there():
    with pytest.raises(AlError, match="AL291"):
        Server("http://127.0.0.1:9", "key").call("GET", "/api/projects/")


class Elsewhere:
    """What a server says of one project, to see what becomes of it on another server or by hand."""

    url = "http://ls"

    def __init__(self, users, *tasks):
        self.users, self.found, self.asked = users, [*tasks], []

    def tasks(self, project, filters, *, whole):
        self.asked.append([*filters])
        return self.found, True

    def call(self, method, path):
        return [{"id": number, "email": name} for number, name in self.users.items()]


@pytest.fixture
def pulled(tmp_path):
    """A task of a project with an annotation, and what is counted and kept after a pull."""
    with Store(make_run(tmp_path / "al.db", [entities(0)])) as store:
        (asked,) = store.tasks()
        when = "2026-01-02T03:04:05.500000Z"

        def annotated(who, **data):
            one = {"id": 1, "completed_by": who, "updated_at": when, "was_cancelled": True}
            data = {"text": asked.task["text"], "_al_task": asked.id, **data}
            return {"id": 1, "data": data, "updated_at": when, "annotations": [one]}

        def pull_from(server):
            counts = dict(pull(store, tmp_path, server).counts)
            return counts, sorted(answer.annotator for answer in store.answers())

        yield annotated, pull_from


def test_the_same_number_on_another_server_is_another_person(pulled, tmp_path):
    annotated, pull_from = pulled
    server = Elsewhere({1: "ann"}, annotated(1))
    write_pushed(tmp_path, Pushed("http://ls", project=1))
    assert pull_from(server) == ({"stored": 1}, ["ann"])
    assert pull_from(server) == ({"already there": 1}, ["ann"])
    write_pushed(tmp_path, Pushed("http://other", project=1))
    other = Elsewhere({1: "bob"}, annotated(1))
    assert pull_from(other) == ({"stored": 1}, ["ann", "bob"])
    # and from there everything is read, whenever it was annotated
    assert server.asked[0] == other.asked[0] == [] != server.asked[1]


def test_answers_of_somebody_who_was_deleted_stay_theirs(pulled, tmp_path):
    annotated, pull_from = pulled
    write_pushed(tmp_path, Pushed("http://ls", project=1))
    assert pull_from(Elsewhere({1: "ann"}, annotated(1))) == ({"stored": 1}, ["ann"])
    assert pull_from(Elsewhere({}, annotated(None))) == ({"already there": 1}, ["ann"])


def test_a_task_that_somebody_added_by_hand(pulled, tmp_path):
    annotated, pull_from = pulled
    write_pushed(tmp_path, Pushed("http://ls", project=1))
    for name in ([], {"a": 1}, None, 3, "r000-x"):
        with pytest.warns(AlWarning, match="W290"):
            assert pull_from(Elsewhere({1: "ann"}, annotated(1, _al_task=name))) == (
                {"unknown task": 1},
                [],
            )


# what it calls: the webhook and the ML backend

SECRET = "label-studio:secret"


class Woken:
    def __init__(self):
        self.times = 0

    def wake(self):
        self.times += 1


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "model-best"
    make_ner(updates=3).to_disk(folder)
    return folder


@pytest.fixture
def backend(tmp_path):
    """Requests to the server in this process, what they wake, and the project: without a model as yet."""
    pytest.importorskip("fastapi")
    from spacy_al.config.project import Project
    from spacy_al.config.settings import Settings
    from spacy_al.web.app import Desk, make_app
    from spacy_al.web.guard import guarded
    from spacy_al.web.label_studio import add_backend
    from spacy_al.web.suggester import Suggester
    from tests.web.test_app import Client

    made = Settings(output=tmp_path / "al", pool=tmp_path / "pool.spacy", factory="ner")
    DocBin(docs=[NLP.make_doc("aspirin")]).to_disk(made.pool)
    project = Project(tmp_path / "ner.cfg", {}, made)
    database = make_run(project.database, [entities(0)])
    app, woken = make_app(Desk(database, "notes")), Woken()
    add_backend(app, woken, Suggester(project))
    secret = base64.b64encode(SECRET.encode()).decode()
    page = guarded(app, hosts={"127.0.0.1"}, tokens=None, nobody="ann", machine=secret)
    return Client(page), woken, project


def call(client, method, name, **how):
    return client.request(method, f"/label-studio/{name}", auth=tuple(SECRET.split(":")), **how)


def teach(project, model, number=0):
    folder = project.folder(number) / "model-best"
    shutil.copytree(model, folder)
    with Store(project.database) as store:
        store.open_round(number)
        store.advance(number, "wait", model={"hash": "x", "path": folder})


def predict(client, *texts, **data):
    tasks = [{"id": 1, "data": {"text": text, **data}, "annotations": []} for text in texts]
    answer = call(client, "POST", "predict", json={"tasks": tasks, "project": "1.2", "params": {}})
    assert answer.status_code == 200
    return answer.json()["results"]


def test_label_studio_shows_a_secret_on_this_machine_as_well(backend):
    client, woken, _ = backend
    for path in ("health", "setup", "predict", "train", "webhook", "versions", "nothing", ""):
        for auth in (None, ("label-studio", "wrong"), ("", "")):
            method = "GET" if path in ("health", "versions") else "POST"
            how = {"json": {}} if method == "POST" else {}
            answer = client.request(method, f"/label-studio/{path}", auth=auth, **how)
            assert answer.status_code in (401, 429)
    bearer = {"authorization": f"Bearer {base64.b64encode(SECRET.encode()).decode()}"}
    assert client.get("/label-studio/health", headers=bearer).status_code in (401, 429)
    assert not woken.times
    # others who are wrong do not keep it out
    assert call(client, "GET", "health").json()["status"] == "UP"
    foreign = {"host": "evil.example"}
    assert call(client, "GET", "health", headers=foreign).status_code == 403
    foreign = {"origin": "http://evil.example"}
    assert call(client, "POST", "webhook", json={}, headers=foreign).status_code == 403


def test_its_contract(backend, model):
    client, woken, project = backend
    assert call(client, "POST", "setup", json={"hostname": "x"}).json() == {"model_version": ""}
    assert call(client, "GET", "versions").json()["versions"] == []
    assert predict(client, "aspirin gave him") == []
    teach(project, model)
    assert call(client, "POST", "setup", json={}).json() == {"model_version": "round-000"}
    assert call(client, "GET", "versions").json()["versions"] == ["round-000"]
    for name in ("webhook", "train"):
        assert call(client, "POST", name, json={"action": "START_TRAINING"}).json() == {}
    assert woken.times == 2


@pytest.mark.slow
def test_suggestions_are_those_of_the_newest_model(backend, model):
    client, _, project = backend
    teach(project, model)
    texts = ["😀 aspirin gave Smith two mg in Paris.", "two mg", "aspirin gave Dr Smith two"]
    found = predict(client, *texts)
    scores = Scorer(Job(str(project.folder(0) / "model-best"))).score(
        [NLP.make_doc(text) for text in texts]
    )
    assert [one["score"] for one in found] == pytest.approx([1 / (1 + s) for s in scores])
    values = [(r["value"], text) for one, text in zip(found, texts) for r in one["result"]]
    assert values and all(v["text"] == text[v["start"] : v["end"]] for v, text in values)
    teach(project, model, 1)
    assert predict(client, "two mg")[0]["model_version"] == "round-001"
    # whoever answers about a part is shown nothing of the rest
    assert predict(client, *texts, al_asked="Only about: “two mg”")[0]["result"] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["file:///etc/passwd", "/etc/passwd", "http://127.0.0.1:9/x", "", "  ", None, 7, ["a"]]
)
def test_a_text_is_a_text(backend, model, text):
    """And what is none has nothing suggested."""
    client, _, project = backend
    teach(project, model)
    [one] = predict(client, text)
    assert one["model_version"] == "round-000"
    for result in one["result"]:
        assert result["value"]["text"] in text


def test_addresses_that_it_sends_are_not_visited(backend, model):
    client, _, project = backend
    teach(project, model)
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0.2)
        address = f"http://127.0.0.1:{trap.getsockname()[1]}"
        told = {"hostname": address, "schema": f"<View><Text value='{address}'/></View>"}
        told |= {"access_token": "x", "extra_params": {"url": address}, "label_config": address}
        for name in ("setup", "train", "webhook"):
            assert call(client, "POST", name, json=told).status_code == 200
        task = {"data": {"text": f"{address}/text", "url": address}, "storage": address}
        assert call(client, "POST", "predict", json={"tasks": [task], **told}).status_code == 200
        with pytest.raises(TimeoutError):
            trap.accept()


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"tasks": 3}',
        b'{"tasks": [{}]}',
        b'{"tasks": [{"data": []}]}',
        b"[" * 100_000,
        b'{"tasks": [{"data": {"text": "half \\ud800"}}]}',
        b'{"tasks": [{"data": {"text": NaN}}]}',
        b'{"tasks": [' + b'{"data":{}},' * 10_001 + b'{"data":{}}]}',
    ],
)
def test_bodies_that_it_cannot_use(backend, model, body):
    client, _, project = backend
    teach(project, model)
    json_ = {"content-type": "application/json"}
    answer = call(client, "POST", "predict", content=body, headers=json_)
    assert answer.status_code in (200, 400, 422) and "Traceback" not in answer.text
    assert "/" not in answer.json().get("error", "")
    big = b" " * (MACHINE_LIMIT + 1)
    assert call(client, "POST", "predict", content=big, headers=json_).status_code == 413
