"""The whole way to a real Label Studio and back: nothing is shifted, nothing is there twice, whatever is killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from spacy_al.adapters.label_studio.pull import pull
from spacy_al.adapters.label_studio.push import push
from spacy_al.adapters.label_studio.server import Server, read_pushed, write_pushed
from spacy_al.config.project import open_project
from spacy_al.errors import AlError, AlWarning
from spacy_al.loop.answers import merged_answers
from spacy_al.loop.rounds import run
from spacy_al.oracle.gold_texts import read_gold_texts
from spacy_al.store.store import Store
from tests.helpers import web_tasks as made
from tests.helpers.chaos import ROOT, command, corpus, environment
from tests.helpers.label_studio_server import ADMIN, PASSWORD, LabelStudio
from tests.reporting.test_report_browser import browser

pytestmark = [
    pytest.mark.labelstudio,
    pytest.mark.skipif(
        "LABEL_STUDIO" not in os.environ,
        reason="LABEL_STUDIO does not name the executable of a Label Studio",
    ),
]
PEOPLE = (ADMIN, "bea@example.org", "cem@example.org")
# What an editor and a browser may count otherwise than Python
TEXTS = [
    "Take 😀 aspirin daily.",
    "👩🏽‍⚕️ says:\r\naspirin\r\n\r\n  and e\u0301clair 𝒳 ibuprofen.",
    "לחולה אין היסטוריה של aspirin 😀 מחלת קרוהן.",
    "  aspirin\tand   ibuprofen \u200d 🇩🇪 aspirin ",
    '<b> aspirin </b> & "quotes" $text {{x}} \u2028 s3:// ibuprofen',
    "No drug here 𐍈:\r\n\r\n  two\tthree   four",
]
DRUGS = ("aspirin", "ibuprofen")


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    running = LabelStudio(tmp_path_factory.mktemp("studio") / "data").start()
    yield running
    running.kill()


@pytest.fixture
def run_of(tmp_path):
    """A run whose first round waits for answers to these tasks."""

    def make(tasks, config="ner", **more):
        overrides = {"al.output": str(tmp_path / "al"), **more}
        for name in ("train", "dev", "pool", "test"):
            overrides.setdefault(f"paths.{name}", None)
        corpora = {"train": "seed", "dev": "dev", "pool": "pool"}
        overrides |= {f"paths.{k}": str(ROOT / "corpus" / f"{v}.spacy") for k, v in corpora.items()}
        project = open_project(ROOT / "configs" / f"{config}.cfg", overrides)
        made.make_run(project.database, tasks)
        return project

    return make


def drugs(text):
    """Every mention: start, end, label."""
    found = []
    for word in DRUGS:
        at = text.find(word)
        while at >= 0:
            found.append((at, at + len(word), "DRUG"))
            at = text.find(word, at + 1)
    return sorted(found)


def tasks_of(texts=TEXTS):
    """Suggested is the first drug alone."""
    for text in texts:
        doc = made.NLP.make_doc(text)
        spans = [doc.char_span(start, end) for start, end, _ in drugs(text)]
        assert all(spans), text
        yield made.task(doc, suggestions=[(s.start, s.end, "DRUG", 0.75) for s in spans[:1]])


def there(server, project):
    """The tasks of its project with their annotations, by the id of the question."""
    found, complete = server.tasks(read_pushed(project.output).project, [], whole=True)
    assert complete
    by_id = {task["data"]["_al_task"]: task for task in found}
    assert len(by_id) == len(found)
    return by_id


def regions(text, spans):
    return [
        {
            "from_name": "label",
            "to_name": "text",
            "type": "labels",
            "value": {"start": start, "end": end, "text": text[start:end], "labels": [label]},
        }
        for start, end, label in spans
    ]


def choices(*labels):
    value = {"choices": [*labels]}
    return [{"from_name": "label", "to_name": "text", "type": "choices", "value": value}]


def annotate(client, task, result, **more):
    body = {"result": result, "lead_time": 3.5, **more}
    return client.call("POST", f"/api/tasks/{task['id']}/annotations/", body)


def pull_of(project, server):
    with Store(project.database) as store:
        return dict(pull(store, project.output, server).counts)


def answers(project):
    """What counts: verdict and marks or categories, by question and annotator."""
    with Store(project.database) as store:
        return {
            (answer.task, answer.annotator): (
                answer.payload["answer"],
                [(s["start"], s["end"], s["label"]) for s in answer.payload.get("spans", ())]
                or answer.payload.get("accept", []),
            )
            for answer in store.answers()
        }


def test_three_people_and_any_unicode(studio, run_of):
    project = run_of(tasks_of())
    server = studio.client()
    assert push(project, server)["new"] == len(TEXTS)
    assert push(project, server)["new"] == 0
    tasks = there(server, project)
    for task in tasks.values():
        # as it was sent, and its suggestion with it
        text = task["data"]["text"]
        assert text in TEXTS
        for one in task["predictions"]:
            [value] = [result["value"] for result in one["result"]]
            assert text[value["start"] : value["end"]] == value["text"] == "aspirin"
            assert one["model_version"] == "round-000"
    expected = {}
    for who in PEOPLE:
        client = studio.client(who)
        for question, task in tasks.items():
            spans = drugs(task["data"]["text"])
            annotate(client, task, regions(task["data"]["text"], spans))
            expected[question, who] = ("accept", spans)
    assert pull_of(project, server) == {"stored": 3 * len(TEXTS)}
    assert answers(project) == expected
    # what was changed lately is read once more, and is there already
    assert pull_of(project, server) == pull_of(project, server) == {"already there": 3 * len(TEXTS)}
    assert answers(project) == expected
    with Store(project.database) as store:
        assert {answer.seconds for answer in store.answers()} == {3.5}
        assert store.read("SELECT count(*) FROM answers") == [(3 * len(TEXTS),)]
        merged = merged_answers(store, project)
    assert {
        doc.text: [(e.start_char, e.end_char, e.label_) for e in doc.ents] for doc in merged.docs
    } == {text: drugs(text) for text in TEXTS}


def test_second_thoughts(studio, run_of):
    project = run_of(tasks_of())
    server = studio.client()
    push(project, server)
    (first, one), (second, two), (_, three), *_ = there(server, project).items()
    aspirin = regions(one["data"]["text"], drugs(one["data"]["text"]))
    kept = annotate(server, one, [])
    annotate(server, two, [], was_cancelled=True)
    server.call("POST", f"/api/tasks/{three['id']}/drafts", {"result": [], "lead_time": 1})
    assert pull_of(project, server) == {"stored": 2}
    assert answers(project) == {(first, ADMIN): ("accept", []), (second, ADMIN): ("ignore", [])}
    # who changes an annotation corrects the answer, and back again
    for result, spans in ((aspirin, drugs(one["data"]["text"])), ([], []), (aspirin, None)):
        server.call("PATCH", f"/api/annotations/{kept['id']}/", {"result": result})
        assert pull_of(project, server)["stored"] == 1
        if spans is not None:
            assert answers(project)[first, ADMIN] == ("accept", spans)
    # a deleted one stays, a second one of the same person corrects the first
    server.call("DELETE", f"/api/annotations/{kept['id']}/")
    assert "stored" not in pull_of(project, server) and len(answers(project)) == 2
    annotate(server, one, [])
    assert pull_of(project, server)["stored"] == 1
    assert answers(project)[first, ADMIN] == ("accept", [])


def test_what_cannot_be_used_is_named_and_taken_once_it_is_put_right(studio, run_of):
    project = run_of(tasks_of())
    server = studio.client()
    push(project, server)
    (_, one), (_, two), (_, three), *_ = there(server, project).items()
    text = one["data"]["text"]
    wrong = annotate(server, one, regions(text, [(8, 15, "DRUG")]))
    annotate(server, two, regions(two["data"]["text"], [(0, 5, "PLACE")]))
    shifted = regions(three["data"]["text"], drugs(three["data"]["text"]))
    shifted[0]["value"]["start"] += 1
    annotate(server, three, shifted)
    with pytest.warns(AlWarning, match=r"W290.*3 of 3.*data\?task="):
        assert pull_of(project, server) == {"bad answer": 3}
    assert answers(project) == {}
    server.call("PATCH", f"/api/annotations/{wrong['id']}/", {"result": regions(text, drugs(text))})
    with pytest.warns(AlWarning, match="W290"):
        assert pull_of(project, server)["stored"] == 1


def test_every_kind_has_a_form(studio, run_of, tmp_path):
    server = studio.client()
    kinds = {
        "spancat": made.spans(),
        "tagger": made.tags(),
        "textcat": made.one_category(),
        "textcat_multilabel": made.many_categories(),
    }
    given: dict[str, Any] = {
        "spancat": [(0, 2, "CONDITION"), (3, 7, "DOSAGE"), (3, 7, "DRUG")],
        "tagger": [(0, 2, "DET"), (3, 7, "NOUN")],
        "textcat": ["oncology"],
        "textcat_multilabel": ["cardiology", "surgery"],
    }
    for name, task in kinds.items():
        project = run_of([task], name, **{"al.output": str(tmp_path / name)})
        assert push(project, server)["new"] == 1
        [(question, shown)] = there(server, project).items()
        [prediction] = shown["predictions"]
        suggested = [option["id"] for option in task.get("options", []) if option["score"] >= 0.5]
        assert len(prediction["result"]) == len(task.get("spans", ()) or suggested)
        said = given[name]
        result = choices(*said) if "textcat" in name else regions(task["text"], said)
        annotate(server, shown, result)
        assert pull_of(project, server) == {"stored": 1}
        assert answers(project)[question, ADMIN] == ("accept", said)


def test_a_question_about_a_part_says_so_and_only_that_is_decided(studio, run_of):
    project = run_of([made.partial()], **{"al.partial": {}})
    server = studio.client()
    push(project, server)
    [(question, shown)] = there(server, project).items()
    text = shown["data"]["text"]
    assert shown["data"]["al_asked"] == "Only about: “of prednisolone daily”"
    [suggested] = shown["predictions"][0]["result"]
    assert suggested["value"]["text"] == "prednisolone"
    form = server.call("GET", f"/api/projects/{read_pushed(project.output).project}/")
    assert "$al_asked" in form["label_config"]
    drug = text.index("prednisolone")
    said = [(drug, drug + len("prednisolone"), "DRUG")]
    annotate(server, shown, regions(text, said))
    assert pull_of(project, server) == {"stored": 1}
    assert answers(project)[question, ADMIN] == ("accept", said)
    with Store(project.database) as store:
        [doc] = merged_answers(store, project).docs
    # of the three words that were asked one is a drug and two are outside; of all others nothing is known
    assert [token.ent_iob_ for token in doc[9:12]] == ["O", "B", "O"]
    assert all(not token.ent_iob for token in (*doc[:9], *doc[12:]))


def test_a_new_round_adds_what_is_new(studio, run_of):
    project = run_of([made.entities(k) for k in range(3)])
    server = studio.client()
    push(project, server)
    number = read_pushed(project.output).project
    path = f"/api/projects/{number}"
    first = server.call("GET", path)
    assert first["model_version"] == "round-000"
    with Store(project.database) as store:
        store.open_round(1)
        more = [made.entities(k, labels=[*made.LABELS, "DATE"]) for k in range(2, 5)]
        asked = [("train", {**task, "meta": {**task["meta"], "round": 1}}) for task in more]
        store.advance(1, "wait", tasks=asked)
    assert push(project, server)["new"] == 3
    tasks = there(server, project)
    assert [question.split("-")[0] for question in tasks] == ["r000"] * 3 + ["r001"] * 3
    second = server.call("GET", path)
    assert second["parsed_label_config"]["label"]["labels"] == [*made.LABELS, "DATE"]
    assert second["model_version"] == "round-001"
    # what somebody has made of the form stays as long as it has the labels
    own = second["label_config"].replace("<Text", '<Header value="Mind the dose"/><Text')
    server.call("PATCH", path, {"label_config": own})
    assert push(project, server)["new"] == 0
    assert server.call("GET", path)["label_config"] == own
    server.call("PATCH", path, {"label_config": own.replace('<Label value="DATE"/>', "")})
    with pytest.raises(AlError, match=r"AL299.*DATE"):
        push(project, server)
    server.call("DELETE", path)
    with pytest.raises(AlError, match="AL294"):
        push(project, server)


def test_the_number_of_a_project_that_was_never_written_down(studio, run_of):
    project = run_of([made.entities(0)])
    server = studio.client()
    push(project, server)
    pushed = read_pushed(project.output)
    number, pushed.project, pushed.config = pushed.project, None, ""
    write_pushed(project.output, pushed)
    assert push(project, server)["new"] == 0
    assert read_pushed(project.output).project == number


def test_an_import_that_went_on_after_its_sender_was_killed(studio, run_of):
    project = run_of([made.entities(k) for k in range(3)])
    server = studio.client()
    push(project, server)
    number = read_pushed(project.output).project
    first, second, third = there(server, project).values()
    again = [{"data": task["data"]} for task in (first, second)]
    path = f"/api/projects/{number}/import"
    one, _ = server.call("POST", path, again, return_task_ids="true")["task_ids"]
    annotate(server, {"id": one}, [])
    assert push(project, server)["new"] == 0
    left = {task["id"] for task in there(server, project).values()}
    assert left == {one, second["id"], third["id"]}


def test_texts_that_would_spoil_the_project_stay_here(studio, run_of):
    project = run_of([made.entities(0), made.task("nul \0")])
    server = studio.client()
    with pytest.warns(AlWarning, match="W291.*1 texts"):
        assert push(project, server)["new"] == 1
    assert len(there(server, project)) == 1


def test_its_own_orders_are_ours(studio, run_of):
    scores = [0.3, 2.0, 0.0, 5.0]
    tasks = [made.entities(k) for k in range(4)]
    for task, score in zip(tasks, scores):
        task["meta"]["score"] = score
    project = run_of(tasks)
    server = studio.client()
    push(project, server)
    number = read_pushed(project.output).project

    def order():
        found = []
        for _ in tasks:
            task = server.call("GET", f"/api/projects/{number}/next")
            found.append(task["data"]["al_score"])
            given.append(annotate(server, task, [])["id"])
        return found

    given = []
    # as they were chosen
    assert order() == scores
    for one in given:
        server.call("DELETE", f"/api/annotations/{one}/")
    server.call("PATCH", f"/api/projects/{number}", {"sampling": "Uncertainty sampling"})
    assert order() == sorted(scores, reverse=True)


def test_both_kinds_of_token(studio):
    legacy = studio.client()
    personal = Server(studio.url, legacy.call("POST", "/api/token/", {})["token"])
    assert personal.call("GET", "/api/users/") == legacy.call("GET", "/api/users/")
    # after five minutes it is another one
    personal._access = "x.y.z"
    assert personal.call("GET", "/api/users/")
    for wrong in ("0" * 40, "a.b.c"):
        with pytest.raises(AlError, match=r"AL292.*401"):
            Server(studio.url, wrong).call("GET", "/api/users/")


class Dying(Server):
    """Kills the server while it works on the n-th request of a kind."""

    def __init__(self, studio, token, wanted, n):
        super().__init__(studio.url, token)
        self.studio, self.wanted, self.left = studio, wanted, n

    def call(self, method, path, body=None, **query):
        if self.wanted in path:
            self.left -= 1
            if not self.left:
                threading.Timer(0.05, self.studio.kill).start()
        return super().call(method, path, body, **query)


@pytest.mark.slow
def test_a_server_that_is_killed(studio, run_of):
    """In the middle of a push and of a pull; afterwards the same again does the rest."""
    project = run_of([made.entities(k) for k in range(130)])
    token = studio.tokens[ADMIN]
    for n in (1, 2):
        with pytest.raises(AlError, match=r"AL29[12]"):
            push(project, Dying(studio, token, "/import", n))
            push(project, studio.client())
        studio.start()
    server = studio.client()
    push(project, server)
    tasks = there(server, project)
    assert len(tasks) == 130 and all(len(task["predictions"]) == 1 for task in tasks.values())
    for task in tasks.values():
        annotate(server, task, regions(task["data"]["text"], [(0, 2, "DRUG")]))
    with pytest.raises(AlError, match=r"AL29[12]"):
        pull_of(project, Dying(studio, token, "/api/tasks", 2))
        # where it had ended before the server did
        pull_of(project, studio.client())
    studio.start()
    for _ in range(3):
        pull_of(project, studio.client())
    found = answers(project)
    assert found == {(question, ADMIN): ("accept", [(0, 2, "DRUG")]) for question in tasks}
    with Store(project.database) as store:
        assert store.read("SELECT count(*) FROM answers") == [(130,)]


@pytest.mark.slow
def test_a_command_that_is_killed(studio, run_of):
    """At several moments of a push and of a pull, as users run them."""
    project = run_of([made.entities(k) for k in range(120)])
    words = [sys.executable, "-m", "spacy_al", "VERB", str(project.config), "--url", studio.url]
    words += [
        word
        for name, value in project.overrides.items()
        if value is not None
        for word in (f"--{name}", value)
    ]
    keyed = {**environment(), "LABEL_STUDIO_API_KEY": studio.tokens[ADMIN]}

    def start(verb):
        words[3] = verb
        return subprocess.Popen(words, env=keyed, stderr=subprocess.PIPE, text=True)

    def kill_at(verb, has_begun):
        child = start(verb)
        while child.poll() is None and not has_begun():
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
        child.communicate()

    def finish(verb):
        child = start(verb)
        _, said = child.communicate()
        assert child.returncode == 0, said
        return said

    server = studio.client()
    kill_at("push", lambda: read_pushed(project.output))
    kill_at("push", lambda: (read_pushed(project.output) or project).__dict__.get("config"))
    finish("push")
    assert "0 new of 120" in finish("push")
    tasks = there(server, project)
    assert len(tasks) == 120
    for task in tasks.values():
        annotate(server, task, [])

    def stored():
        with Store(project.database) as store:
            return store.n_answers()

    kill_at("pull", lambda: stored() > 5)
    finish("pull")
    assert stored() == 120
    assert "already there" in finish("pull")
    with Store(project.database) as store:
        assert store.read("SELECT count(*) FROM answers") == [(120,)]


def wait_for(found, seconds=600):
    """What a function returns, once that is something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := found():
            return result
        time.sleep(0.3)
    raise AssertionError("It does not come")


def test_where_label_studio_may_not_call_it_is_looked_after(studio, run_of, monkeypatch):
    pytest.importorskip("fastapi")
    from spacy_al.web import label_studio as backend

    monkeypatch.setattr(backend, "OFTEN", 0.3)
    lines, went_on, server = [], threading.Event(), studio.client()
    project = replace(run_of(tasks_of()), show=lines.append)
    nowhere = "http://127.0.0.1:9/label-studio"
    courier = backend.Courier(project, server, nowhere, went_on.set)
    courier.start()
    try:
        # said once, however often it is tried
        wait_for(lambda: sum("ALW292" in line for line in lines) == 1)
        tasks = there(server, project)
        assert len(tasks) == len(TEXTS)
        for task in tasks.values():
            annotate(server, task, [])
        assert wait_for(lambda: len(answers(project)) == len(TEXTS)) and went_on.is_set()
        with Store(project.database) as store:
            store.open_round(1)
            task = made.entities(0)
            store.advance(
                1, "wait", tasks=[("train", {**task, "meta": {**task["meta"], "round": 1}})]
            )
        wait_for(lambda: len(there(server, project)) == len(TEXTS) + 1)
    finally:
        courier.stop()
    assert sum("ALW292" in line for line in lines) == 1


@pytest.mark.slow
def test_the_loop_goes_on_by_itself(studio, tmp_path):
    """The page's server and nothing else: each annotation calls it, a complete batch trains, and the next one is there."""
    pytest.importorskip("uvicorn")
    corpus(tmp_path)
    output, gold = tmp_path / "al", read_gold_texts(tmp_path / "pool_gold.spacy")
    how = ("annotate", "--label-studio", "--port", "0", "--no-open")
    token = studio.tokens[ADMIN]
    keyed = {"LABEL_STUDIO_URL": studio.url, "LABEL_STUDIO_API_KEY": token}
    words, server = command(tmp_path, output, verb=how), studio.client()

    def in_round(number):
        pushed = read_pushed(output)
        if not (pushed and pushed.project):
            return {}
        tasks, _ = server.tasks(pushed.project, [], whole=True)
        name = f"r{number:03}-"
        return {
            task["data"]["_al_task"]: task
            for task in tasks
            if task["data"]["_al_task"].startswith(name)
        }

    def answer(task):
        spans = [
            (ent.start_char, ent.end_char, ent.label_) for ent in gold[task["data"]["al_id"]].ents
        ]
        return annotate(server, task, regions(task["data"]["text"], spans))

    serving = subprocess.Popen(words, env={**environment(), **keyed}, start_new_session=True)
    try:
        first = wait_for(lambda: len(found := in_round(0)) >= 12 and found)
        number = read_pushed(output).project
        [backend] = wait_for(lambda: server.call("GET", "/api/ml/", project=number))
        assert backend["state"] == "CO" and backend["auth_method"] == "BASIC_AUTH"
        [hook] = server.call("GET", "/api/webhooks/", project=number)
        assert hook["url"] == f"{backend['url']}/webhook" and not hook["send_payload"]
        for task in first.values():
            answer(task)
        second = wait_for(lambda: len(found := in_round(1)) == 12 and found)
        assert all(
            task["predictions"][0]["model_version"] == "round-001" for task in second.values()
        )
        # a text that it did not choose is asked about when somebody looks at it
        text = "No sign of 😀 Crohn's disease under 40 mg of prednisolone."
        body = [{"data": {"text": text, "al_asked": "", "_al_task": "r001-own"}}]
        path = f"/api/projects/{number}/import"
        [added] = server.call("POST", path, body, return_task_ids="true")["task_ids"]
        [prediction] = server.call("GET", f"/api/tasks/{added}")["predictions"]
        assert prediction["model_version"] == "round-001" and 0 < prediction["score"] < 1
        for result in prediction["result"]:
            value = result["value"]
            assert text[value["start"] : value["end"]] == value["text"]
    finally:
        os.killpg(serving.pid, signal.SIGKILL)
        serving.wait()
    with Store(output / "al.db") as store:
        said = [(answer.task, answer.annotator) for answer in store.answers()]
    assert sorted(said) == sorted((question, ADMIN) for question in first)


def part_of(path, output, first, last):
    docs = [*DocBin().from_disk(path).get_docs(Vocab())][first:last]
    DocBin(docs=docs).to_disk(output)
    return str(output)


def said_by(gold, task, kind):
    """What gold says to a question, as Label Studio has it, and as the store is to have it."""
    if kind == "categories":
        right = [label for label, value in gold.cats.items() if value >= 0.5]
        return choices(*right), right
    starts, ends = ({token[key] for token in task["tokens"]} for key in ("start", "end"))
    found = [(ent.start_char, ent.end_char, ent.label_) for ent in gold.ents]
    # people mark what they are offered
    found = [
        one for one in found if one[0] in starts and one[1] in ends and one[2] in task["labels"]
    ]
    return regions(task["text"], found), found


# Of a tenth of them all three people say something
N_REAL = 80


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize("name", ["german_ler", "banking77"])
def test_real_texts(studio, tmp_path, realdata, name):
    """Chosen by a model, pushed with what it suggests, answered by three people at once, pulled three times, trained on."""
    if not (realdata / name).is_dir():
        pytest.skip(f"no {name} in {realdata}")
    config, lang = {"german_ler": ("ner", "de"), "banking77": ("textcat", "en")}[name]
    train, pool = realdata / name / "train.spacy", tmp_path / "pool.spacy"
    overrides = {
        "nlp.lang": lang,
        "al.output": str(tmp_path / "al"),
        "al.batch_size": N_REAL,
        "paths.train": part_of(train, tmp_path / "train.spacy", 0, 400),
        "paths.pool": part_of(train, pool, 400, 1000),
        "paths.dev": part_of(realdata / name / "dev.spacy", tmp_path / "dev.spacy", 0, 100),
        "paths.test": None,
        "training.max_steps": 120,
        "training.eval_frequency": 60,
    }
    if config == "ner":
        # enough to find something
        overrides |= {"training.max_steps": 400, "training.eval_frequency": 200}
        overrides["components.tok2vec.model.encode.width"] = 64
    project = open_project(ROOT / "configs" / f"{config}.cfg", overrides)
    assert run(project).state == "waiting"
    server, gold = studio.client(), read_gold_texts(pool)
    assert push(project, server)["new"] == N_REAL
    tasks = there(server, project)
    with Store(project.database) as store:
        asked = {stored.id: stored for stored in store.tasks()}
    assert tasks.keys() == asked.keys()
    n_suggested, expected, work = 0, {}, {who: [] for who in PEOPLE}
    for place, (question, task) in enumerate(tasks.items()):
        stored = asked[question]
        text = stored.task["text"]
        assert task["data"]["text"] == text
        [prediction] = task["predictions"]
        values = [one["value"] for one in prediction["result"]]
        n_suggested += len(values)
        if config == "ner":
            assert all(text[value["start"] : value["end"]] == value["text"] for value in values)
        result, right = said_by(gold[stored.item], stored.task, project.kind)
        # every tenth is asked of all three
        for who in PEOPLE if place % 10 == 0 else PEOPLE[place % 3 :][:1]:
            work[who].append((task, result))
            expected[question, who] = ("accept", right)
    assert n_suggested >= 20

    def annotate_all(who):
        client = studio.client(who)
        for task, result in work[who]:
            annotate(client, task, result)

    with ThreadPoolExecutor(len(PEOPLE)) as people:
        [*people.map(annotate_all, PEOPLE)]
    for _ in range(3):
        pull_of(project, server)
    assert answers(project) == expected and len(expected) == N_REAL * 6 // 5
    with Store(project.database) as store:
        assert store.read("SELECT count(*) FROM answers") == [(N_REAL * 6 // 5,)]
        merged = merged_answers(store, project)
    by_text = {
        asked[question].task["text"]: right for (question, _), (_, right) in expected.items()
    }
    assert len(merged.docs) == N_REAL
    for doc in merged.docs:
        own = [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
        right = [label for label, value in doc.cats.items() if value >= 0.5]
        assert by_text[doc.text] == (own if config == "ner" else right)
    assert run(project).round == 1
    [trained] = [*DocBin().from_disk(project.folder(1) / "train.spacy").get_docs(Vocab())][400:401]
    assert trained.text in by_text
    assert (project.folder(1) / "model-best").is_dir()
    # and what it chooses next is added to the same project
    assert push(project, server)["new"] == N_REAL
    assert len(there(server, project)) == 2 * N_REAL


WHERE = """(word) => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node; (node = walker.nextNode()); ) {
        const at = node.data.indexOf(word)
        if (at < 0 || !node.parentElement.closest("[class*=richtext]")) continue
        const range = document.createRange()
        range.setStart(node, at)
        range.setEnd(node, at + word.length)
        const box = range.getBoundingClientRect()
        return [box.left, box.right, (box.top + box.bottom) / 2]
    }
}"""


MARKS = "[class*=htx-highlight]"


def mark(page, text):
    """Drag from the first word of a text to its last, which may be on another line, with the third label chosen."""
    before = page.locator(MARKS).count()

    def is_there():
        return page.locator(MARKS).count() > before

    def drag():
        if is_there():
            return True
        # a page that is not ready yet has no text, or takes no key
        ends = [page.evaluate(WHERE, word) for word in (text.split()[0], text.split()[-1])]
        if None in ends:
            return False
        (left, _, y), (_, right, below) = ends
        page.keyboard.press("3")
        page.mouse.move(left + 0.5, y)
        page.mouse.down()
        page.mouse.move((left + right) / 2, below, steps=4)
        page.mouse.move(right - 0.3, below, steps=4)
        page.mouse.up()
        # marked twice it would be there twice, so a page that is slow to show it gets time
        deadline = time.monotonic() + 10
        while not is_there() and time.monotonic() < deadline:
            page.wait_for_timeout(100)
        return is_there()

    wait_for(drag)
    page.keyboard.press("Escape")


@pytest.mark.browser
def test_marked_by_mouse_in_its_own_page(studio, run_of, browser, tmp_path):
    """What counts offsets is the browser: after emoji, accents of two characters, Windows line ends, right to left."""
    project = run_of(tasks_of())
    server = studio.client()
    push(project, server)
    words = {
        0: ["daily", "😀"],
        1: ["ibuprofen", "👩🏽‍⚕️", "e\u0301clair"],
        2: ["היסטוריה", "😀"],
        3: ["ibuprofen"],
        5: ["here 𐍈:\r\n\r\n  two", "three   four"],
    }
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(300_000)
    page = context.new_page()
    page.goto(f"{studio.url}/user/login/")
    page.fill("input[name=email]", ADMIN)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_load_state("networkidle")
    expected = {}
    for number, (question, task) in enumerate(there(server, project).items()):
        text = task["data"]["text"]
        page.goto(f"{studio.url}/projects/{task['project']}/data?task={task['id']}")
        page.wait_for_selector("[class*=richtext__line]")
        page.get_by_role("button", name="Submit").first.wait_for()
        # the suggestion is there, and stays
        suggested = drugs(text)[:1]
        if suggested:
            page.wait_for_selector(MARKS)
        marks = [*suggested]
        for word in words.get(number, ()):
            mark(page, word)
            marks.append((text.index(word), text.index(word) + len(word), made.LABELS[2]))
        page.get_by_role("button", name="Submit").first.click()
        wait_for(lambda: server.call("GET", f"/api/tasks/{task['id']}/annotations/"))  # noqa: B023
        expected[question, ADMIN] = ("accept", sorted(marks))
    context.close()
    assert pull_of(project, server) == {"stored": len(TEXTS)}
    assert answers(project) == expected
