"""Files of a run: the same answers give the same bytes, and what went out comes back."""

import json
from itertools import count

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_al.adapters.prodigy import import_answers
from spacy_al.cli import app
from spacy_al.errors import AlError
from spacy_al.store.export import ANSWERS, TASKS, export_answers, export_jsonl, export_tasks
from spacy_al.store.store import Store
from spacy_al.tasks.task import make_task, read_tasks

NLP = spacy.blank("en")
NUMBERS = count()
TEXTS = ["Ada took 5 mg aspirin.", "Nothing 😀 here.", "Bob took ibuprofen."]
DRUG = {"token_start": 4, "token_end": 4, "label": "DRUG"}


def task(text, number=0, suggestions=()):
    return make_task(
        NLP.make_doc(text),
        suggestions=suggestions,
        component_kind="entities",
        labels=["DRUG", "\ud800"],
        meta={"round": number, "propensity": 1e-12},
        view_id="ner_manual",
    )


def make(path):
    """A run of two rounds that asks about three texts, one of them for a development set."""
    store = Store(path)
    store.open_round(0)
    first = task(TEXTS[0], suggestions=[(0, 1, "DRUG", 0.2)])
    store.advance(0, "wait", tasks=[("train", first), ("dev", task(TEXTS[1]))])
    store.open_round(1)
    store.advance(1, "wait", tasks=[("train", task(TEXTS[2], 1))])
    return store


@pytest.fixture
def store(tmp_path):
    with make(tmp_path / "al.db") as store:
        yield store


def ids(store):
    return {stored.task["text"]: stored.id for stored in store.tasks()}


def answer(store, given):
    names = ids(store)
    for text, annotator, payload in given:
        name = str(next(NUMBERS))
        store.add_answer(names[text], payload, id=name, annotator=annotator, seconds=1 / 3)


GIVEN = [
    (TEXTS[0], "ada", {"answer": "accept", "spans": [DRUG], "asked": [4, 3]}),
    (TEXTS[0], "Bob 😀", {"answer": "reject"}),
    (TEXTS[1], "ada", {"answer": "ignore"}),
    (TEXTS[2], "ada", {"answer": "accept", "labels": ["\ud800"]}),
]


def test_the_same_answers_give_the_same_bytes(store, tmp_path):
    answer(store, GIVEN)
    with make(tmp_path / "other.db") as other:
        wrong = (TEXTS[0], "ada", {"answer": "accept"})  # corrected later
        answer(other, [wrong, *reversed(GIVEN)])
        for folder, one in (("a", store), ("b", other)):
            assert export_jsonl(one, tmp_path / folder) == {TASKS: 3, ANSWERS: 4}
            export_tasks(one, 0, tmp_path / folder / "one")
    for name in (TASKS, ANSWERS, "one"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
        assert (tmp_path / "a" / name).read_bytes().isascii()


def test_tasks_are_prodigys(store, tmp_path):
    assert export_tasks(store, 0, tmp_path / "tasks.jsonl") == 2
    asked = [{**stored.task, "_al_task": stored.id} for stored in store.tasks(0)]
    found = list(read_tasks(tmp_path / "tasks.jsonl"))
    assert found == asked and found[1]["meta"]["propensity"] == 1e-12
    assert [line["text"] for line in found] == TEXTS[:2]


def test_answers_say_what_was_answered_and_nothing_of_when(store, tmp_path):
    answer(store, GIVEN)
    assert export_answers(store, 0, tmp_path / "answers.jsonl") == 3
    lines = (tmp_path / "answers.jsonl").read_text().splitlines()
    ignored, rejected, accepted = map(json.loads, lines)
    assert (ignored["answer"], ignored["text"]) == ("ignore", TEXTS[1])
    assert (rejected["answer"], rejected["_annotator_id"]) == ("reject", "Bob 😀")
    assert rejected["spans"] == []
    assert accepted["spans"] == [{"start": 14, "end": 21, **DRUG}]
    assert accepted["asked"] == [3, 4] and accepted["_al_seconds"] == 1 / 3
    assert list(accepted) == sorted(accepted)
    times = [str(int(answer.at)) for answer in store.answers()]
    assert not any(time in line for time in times for line in lines)


def test_an_export_that_fails_leaves_the_old_one(store, tmp_path, monkeypatch):
    path = tmp_path / "answers.jsonl"
    answer(store, GIVEN[:1])
    export_answers(store, None, path)
    before = path.read_bytes()
    answer(store, GIVEN[1:])
    monkeypatch.setattr("spacy_al.util.os.fsync", _full)
    with pytest.raises(AlError, match="AL047"):
        export_answers(store, None, path)
    assert path.read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def _full(_):
    raise OSError(28, "No space left on device")


# Import


def state(store):
    return [
        (answer.task, answer.annotator, answer.payload, answer.seconds)
        for answer in store.answers()
    ]


def test_what_went_out_comes_back(store, tmp_path):
    answer(store, GIVEN)
    path = tmp_path / "answers.jsonl"
    export_answers(store, None, path)
    with make(tmp_path / "other.db") as other:
        assert import_answers(other, path).counts == {"stored": 4}
        assert state(other) == state(store)
        export_answers(other, None, tmp_path / "again.jsonl")
        assert (tmp_path / "again.jsonl").read_bytes() == path.read_bytes()
        assert import_answers(other, path).counts == {"already there": 4}
        assert other._connection.execute("SELECT count(*) FROM answers").fetchone() == (4,)


def write(path, *lines):
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


def test_prodigys_own_file(store, tmp_path):
    """As db-out writes it: keys of its own, spans with more than the label, perhaps tokens of another tokeniser."""
    asked = task(TEXTS[0])
    span = {
        "start": 14,
        "end": 21,
        "token_start": 5,
        "token_end": 5,
        "label": "DRUG",
        "source": "x",
    }
    answered = {**asked, "spans": [span], "answer": "accept", "_timestamp": 1, "_is_binary": False}
    # one more than the task has before the span
    places = [(0, 3), (4, 8), (9, 10), (11, 12), (12, 13), (14, 21), (21, 22)]
    answered["tokens"] = [
        {"id": i, "start": a, "end": b, "text": TEXTS[0][a:b]} for i, (a, b) in enumerate(places)
    ]
    path = write(
        tmp_path / "out.jsonl",
        {**answered, "_session_id": "notes-ada", "_annotator_id": "notes-ada"},
        {**answered, "_session_id": "notes-bob"},
        answered,
    )
    assert import_answers(store, path).counts == {"stored": 3}
    name = ids(store)[TEXTS[0]]
    found = {answer.annotator: answer for answer in store.answers()}
    assert set(found) == {"notes-ada", "notes-bob", "prodigy"}
    assert {answer.task for answer in found.values()} == {name}
    assert found["prodigy"].payload == {
        "answer": "accept",
        "spans": [{"start": 14, "end": 21, **DRUG}],
    }


def test_a_correction_is_imported(store, tmp_path):
    answered = {**task(TEXTS[0]), "answer": "accept", "spans": []}
    import_answers(store, write(tmp_path / "1.jsonl", answered))
    import_answers(store, write(tmp_path / "2.jsonl", {**answered, "answer": "reject"}))
    assert [answer.payload["answer"] for answer in store.answers()] == ["reject"]


def test_the_review_of_a_text_is_told_from_its_first_question(store, tmp_path):
    store.advance(0, "wait", tasks=[("review", task(TEXTS[0]))])
    name = ids(store)[TEXTS[1]]
    names = {stored.purpose: stored.id for stored in store.tasks(0)}
    for stored in store.tasks(0):
        store.add_answer(stored.id, {"answer": "accept"}, id=stored.id, annotator="ada")
    export_answers(store, 0, tmp_path / "answers.jsonl")
    with make(tmp_path / "other.db") as other:
        other.advance(0, "wait", tasks=[("review", task(TEXTS[0]))])
        import_answers(other, tmp_path / "answers.jsonl")
        assert {answer.task for answer in other.answers()} == {*names.values(), name}


def test_a_review_of_an_earlier_round_is_answered_by_a_file(store, tmp_path):
    """The question is the earlier round's, word for word, and stands in the round that noticed the contradiction."""
    (first,) = [stored for stored in store.tasks(0) if stored.purpose == "train"]
    store.advance(1, "wait", tasks=[("review", {**first.task, "review": []})])
    path = tmp_path / "tasks.jsonl"
    export_tasks(store, 1, path)
    lines = [json.loads(line) for line in path.read_text("utf8").splitlines()]
    (asked,) = [line for line in lines if line["text"] == TEXTS[0]]
    path.write_text(json.dumps({**asked, "answer": "accept", "spans": []}) + "\n", "utf8")
    assert import_answers(store, path).counts == {"stored": 1}
    assert [one.task for one in store.answers()] == [f"r001-{first.item}-review"]
    assert import_answers(store, path).counts == {"already there": 1}


BAD = [
    ("no task", b"{not json}"),
    ("no task", b"[]"),
    ("no task", b'"text"'),
    ("no task", b'{"text": 3, "answer": "accept"}'),
    ("no task", b'{"text": "a", "meta": {"round": []}, "answer": "accept"}'),
    ("no task", b"[" * 100_000),
    ("no task", b'{"text": "\xff"}'),
    ("unknown task", {**task(TEXTS[0], number=1), "answer": "accept"}),
    ("unknown task", {"text": TEXTS[0], "answer": "accept"}),
    ("unknown task", {**task("Something else"), "answer": "accept"}),
    ("unanswered", task(TEXTS[0])),
    ("bad answer", {**task(TEXTS[0]), "answer": "yes"}),
    ("bad answer", {**task(TEXTS[0]), "answer": "accept", "spans": 3}),
    ("bad answer", {**task(TEXTS[0]), "answer": "accept", "spans": [3]}),
    ("bad answer", {**task(TEXTS[0]), "answer": "accept", "spans": [{"start": 1, "end": 3}]}),
    ("bad answer", {**task(TEXTS[0]), "answer": "accept", "spans": [{**DRUG, "label": "CITY"}]}),
    ("bad answer", {**task(TEXTS[0]), "answer": "accept", "_annotator_id": ["ada"]}),
    ("bad answer", {**task(TEXTS[0]), "answer": "accept", "_al_seconds": -1}),
]


@pytest.mark.parametrize("why, line", BAD, ids=range(len(BAD)))
def test_what_cannot_be_taken_is_counted_and_the_rest_is_taken(store, tmp_path, why, line):
    good = json.dumps({**task(TEXTS[2], 1), "answer": "accept"}).encode()
    line = line if isinstance(line, bytes) else json.dumps(line).encode()
    (tmp_path / "out.jsonl").write_bytes(b"\n".join([line, b"", good]))
    found = import_answers(store, tmp_path / "out.jsonl")
    assert found.counts == {why: 1, "stored": 1}
    assert found.first.startswith("out.jsonl:1: ") or why == "unanswered"
    assert [answer.task for answer in store.answers()] == [ids(store)[TEXTS[2]]]


@pytest.mark.parametrize(
    "name, format, said",
    [
        ("none.jsonl", "prodigy", "AL040"),
        ("none", "brat", "AL040"),
        ("none.spacy", "prodigy", "AL040"),
        (".", "prodigy", "AL122.*is a folder.*has folders: brat"),
        (".", "conll", "AL122"),
        ("some.jsonl", "brat", "AL122.*is a file"),
        ("train.spacy", "prodigy", r"AL122.*a corpus.*paths\.train"),
    ],
)
def test_a_file_that_cannot_be_read(store, tmp_path, name, format, said):
    (tmp_path / "some.jsonl").touch()
    (tmp_path / "train.spacy").touch()
    with pytest.raises(AlError, match=said):
        import_answers(store, tmp_path / name, format=format)


# The commands

CONFIG = """
[paths]
train = {train}
dev = {train}

[nlp]
lang = "en"
pipeline = ["ner"]

[components]

[components.ner]
factory = "ner"

[al]
output = "{output}"
labels = ["DRUG"]

[al.pool]
path = {train}
"""


@pytest.fixture
def project(tmp_path):
    train = tmp_path / "train.spacy"
    doc = NLP.make_doc("Cid took paracetamol.")
    doc.set_ents([doc.char_span(9, 20, "DRUG")])
    DocBin(docs=[doc]).to_disk(train)
    config = tmp_path / "config.cfg"
    config.write_text(CONFIG.format(train=json.dumps(str(train)), output=tmp_path / "al"))
    make(tmp_path / "al" / "al.db").__exit__()
    return config


def run(*words):
    return CliRunner().invoke(app, list(map(str, words)))


def test_import_command(project, tmp_path):
    good = {**task(TEXTS[0]), "answer": "accept", "spans": []}
    path = write(tmp_path / "out.jsonl", good, {**good, "text": "Something else"})
    done = run("import", project, path)
    assert done.exit_code == 0, done.output
    assert "ALW110" in done.output and "out.jsonl:2" in done.output
    assert "✔ 2 read: 1 stored, 1 left out (1 unknown task)\n" in done.output
    done = run("import", project, write(path, good))
    assert done.exit_code == 0 and "1 already there" in done.output
    assert run("import", project, write(path, good), "--quiet").output == ""
    done = run("import", project, write(path, {**good, "text": "Something else"}))
    assert done.exit_code == 1 and "AL119" in done.output and "out.jsonl:1" in done.output
    done = run("import", project, write(path))
    assert done.exit_code == 1 and "it is empty" in done.output


@pytest.mark.parametrize("verb", ["import", "export"])
def test_commands_without_a_run(project, tmp_path, verb):
    words = [tmp_path / "x.jsonl"] if verb == "import" else ["-o", tmp_path / "out"]
    done = run(verb, project, *words, "--al.output", tmp_path / "none")
    assert done.exit_code == 1 and "AL110" in done.output
    assert not (tmp_path / "none").exists()


def test_export_command(project, tmp_path):
    with Store(tmp_path / "al" / "al.db") as store:
        answer(store, [*GIVEN[:1], (TEXTS[1], "ada", {"answer": "accept"})])
    done = run("export", project, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["answers.jsonl", "dev.spacy", "tasks.jsonl", "train.spacy"]
    train, dev = (
        list(DocBin().from_disk(tmp_path / "out" / name).get_docs(Vocab()))
        for name in ("train.spacy", "dev.spacy")
    )
    entities = [[(ent.text, ent.label_) for ent in doc.ents] for doc in train]
    assert entities == [[("paracetamol", "DRUG")], [("aspirin", "DRUG")]]
    assert [doc.text for doc in dev] == [TEXTS[1]]
    first = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    run("export", project, "-o", tmp_path / "again")
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()} == first
