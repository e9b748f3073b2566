"""Self-training: which whole texts a model labels itself, how often they are seen, and that they are nobody's answer."""

import json
import shutil
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy
import pytest
import spacy
from confection import Config
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.util import load_config
from spacy.vocab import Vocab

from spacy_al.config.project import open_project
from spacy_al.config.self_training import SelfTraining
from spacy_al.config.settings import Settings, overlaid
from spacy_al.errors import UsageError
from spacy_al.loop.rounds import run
from spacy_al.oracle.gold_texts import read_gold_texts
from spacy_al.simulation import SimulationPlan, simulate, simulation_facts
from spacy_al.simulation.partial import marks_of
from spacy_al.store.store import Store
from spacy_al.tasks.decision import SELF
from spacy_al.training.pseudo_batcher import is_self_labelled
from spacy_al.training.pseudo_texts import kind_of_text, label_whole, pseudo_label_texts
from spacy_al.training.pseudo_tokens import add_self_labels
from spacy_al.util import content_hash
from tests.helpers.chaos import LABELS, OVERRIDES, corpus

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs"
# Sure of much, so that small models are sure of something
EAGER = {"threshold": 0.05, "most": 0.5, "rate": 0.5}


# What the config says


@pytest.mark.parametrize(
    "block,message",
    [
        ({"threshold": 1.5}, "self_training.threshold.*1.5.*0 to 1"),
        ({"most": -1}, "self_training.most.*-1"),
        ({"rate": float("nan")}, "self_training.rate.*nan"),
        ({"after": 0.5}, "self_training.after.*whole number"),
        ({"margin": 1}, "self_training.margin.*no such setting.*threshold, most, rate, after"),
        (True, "self_training.*a block"),
    ],
)
def test_what_the_block_cannot_say(block, message):
    with pytest.raises(UsageError, match=f"AL083.*{message}"):
        overlaid(Settings(), {"self_training": block}, "here")


def test_what_the_block_says():
    assert Settings().self_training is None
    assert overlaid(Settings(), {"self_training": {}}, "here").self_training == SelfTraining()
    made = overlaid(Settings(), {"self_training": EAGER}, "here")
    assert made.self_training == SelfTraining(0.05, 0.5, 0.5)
    assert overlaid(made, {"self_training": None}, "here").self_training is None


# Which texts


class Sure:
    """As a scorer that is as sure of a text as a table says."""

    def __init__(self, labels, probs, *, calibrated=True):
        self.nlp, self.labels, self.probs = spacy.blank("en"), labels, probs
        self.calibrated, self.read = calibrated, 0

    def posteriors(self, docs):
        self.read += len(docs)
        return [SimpleNamespace(labels=self.labels, probs=self.probs[doc.text]) for doc in docs]


def test_the_surest_of_each_kind_are_taken_in_proportion_to_what_is_labelled(tmp_path):
    rng, vocab, labels = numpy.random.default_rng(0), Vocab(), ("A", "B", "C", "D")
    texts = [f"text {number}" for number in range(450)]
    probs = dict(zip(texts, rng.dirichlet([0.3, 0.2, 0.1, 0.1], size=len(texts))))
    DocBin(docs=[Doc(vocab, text.split()) for text in texts]).to_disk(tmp_path / "pool.spacy")
    # as stored, words without what follows them
    probs = {Doc(vocab, text.split()).text: row for text, row in probs.items()}
    labelled = []
    for label, count in zip(labels, (20, 9, 1, 0)):
        for number in range(count):
            doc = Doc(vocab, ["said", str(number)])
            doc.cats = {name: float(name == label) for name in labels}
            labelled.append(doc)
    leave_out = {content_hash(text) for text in [*probs][:100]}
    how = SelfTraining(threshold=0.8, most=0.5)
    given = {"kind": "categories", "leave_out": leave_out}
    scorer = Sure(labels, probs)
    found = pseudo_label_texts(scorer, tmp_path, labelled, how, **given)
    # of what is left out nothing is read
    assert scorer.read == 350
    expected = {}
    for text, row in probs.items():
        best = int(row.argmax())
        if content_hash(text) not in leave_out and row[best] >= 0.8:
            item = (round(float(row[best]), 6), content_hash(text))
            expected.setdefault(labels[best], []).append(item)
    # half of each kind; a half of one text is none, and there are more than enough
    rooms = {"A": 10, "B": 4, "C": 0, "D": 0}
    assert all(len(expected[label]) > room for label, room in rooms.items())
    wanted = [
        (item, label)
        for label in labels
        for item in sorted(expected[label])[-rooms[label] or 1000 :]
        if rooms[label]
    ]
    assert len(wanted) == 14
    assert found.marks == {name: [(0, 0, label)] for (_, name), label in wanted}
    assert found.wrong == pytest.approx(sum(1 - prob for (prob, _), _ in wanted))
    order = [-next(prob for (prob, other), _ in wanted if other == name) for name in found.marks]
    assert order == sorted(order)
    # a model whose probabilities nobody has checked is trusted with nothing
    unchecked = Sure(labels, probs, calibrated=False)
    assert (
        not pseudo_label_texts(unchecked, tmp_path, labelled, how, **given).marks
        and not unchecked.read
    )
    # what nobody has labelled is no measure
    bare = [Doc(vocab, ["said"])]
    for doc in bare:
        doc.cats = {"A": 1.0}
        doc.spans[SELF] = [doc[:]]
    assert not pseudo_label_texts(Sure(labels, probs), tmp_path, bare, how, **given).marks


def test_the_kind_of_a_text_is_its_rarest_label():
    totals = Counter(DRUG=10, DATE=3, PERSON=3)
    assert kind_of_text(["DRUG", "PERSON", "DRUG"], totals) == "PERSON"
    assert kind_of_text(["PERSON", "DATE"], totals) == "DATE"
    assert kind_of_text(["DRUG", "MONEY"], totals) == "MONEY"
    assert kind_of_text([], totals) == ""


def test_all_of_a_text_is_the_models():
    doc = Doc(Vocab(), ["Ann", "Lee", "sang"])
    label_whole(doc, [(0, 2, "PERSON")], kind="entities", labels=())
    assert [token.ent_iob_ for token in doc] == ["B", "I", "O"] and is_self_labelled(doc)
    assert marks_of(doc, "entities") == [(0, 2, "PERSON")]
    doc = Doc(Vocab(), ["Ann"])
    label_whole(doc, [(0, 0, "B")], kind="categories", labels=("A", "B"))
    assert doc.cats == {"A": 0, "B": 1} and is_self_labelled(doc)
    assert marks_of(doc, "categories") == [(0, 0, "B")]
    assert not is_self_labelled(Doc(Vocab())) and not is_self_labelled(Doc(Vocab(), ["Ann"]))


# How often they are seen


def test_of_texts_labelled_by_a_model_each_pass_sees_some():
    nlp, examples = spacy.blank("en"), []
    for number in range(40):
        doc = nlp(f"text {number}")
        if number % 2:
            add_self_labels(doc, [(0, 2, "")], kind="entities")
        examples.append(Example(nlp.make_doc(doc.text), doc))
    # half of a text is a person's
    part = nlp("text forty")
    add_self_labels(part, [(0, 1, "")], kind="entities")
    examples.append(Example(nlp.make_doc(part.text), part))
    inner = {"@batchers": "spacy.batch_by_sequence.v1", "size": 8, "get_length": None}
    block = {"@batchers": "spacy-al.batch_sampled.v1", "seed": 1, "batcher": inner}

    def passes(**more):
        batcher = spacy.registry.resolve({"batcher": {**block, **more}})["batcher"]
        batches = [list(batcher(examples)) for _ in range(30)]
        assert all(len(batch) == 8 for batched in batches for batch in batched[:-1])
        return [[eg.reference.text for batch in own for eg in batch] for own in batches]

    people = {eg.reference.text for eg in examples[:40:2]} | {"text forty"}
    found = passes(rate=0.25)
    assert all(people <= set(texts) for texts in found)
    seen = [len(set(texts) - people) for texts in found]
    # 600 draws: four standard deviations are 42
    assert abs(sum(seen) - 150) < 42 and len(set(map(tuple, map(sorted, found)))) > 20
    assert passes(rate=0.25) == found
    assert all(set(texts) == people for texts in passes(rate=0))
    assert all(len(texts) == 41 for texts in passes(rate=1))
    with pytest.raises(Exception, match="AL221"):
        passes(rate=1.5)


# Simulations and runs


SMALL = {name: value for name, value in OVERRIDES.items() if name.startswith("components.")}
STEPS = {"training.max_steps": 20, "training.eval_frequency": 20}
SECTIONS = {"sure": {"self_training": EAGER}}


def plan_of(folder, *strategies, name="ner", rounds=2, overrides=None, factory=None):
    gold, dev, test = (folder / f"{part}.spacy" for part in ("pool_gold", "dev", "test"))
    steps = {**STEPS, **({} if overrides is None else overrides)}
    taught = (steps, Settings(), name, factory or name)
    plan = (CONFIGS / f"{name}.cfg", gold, dev, test, strategies, (0,), 40, 10, rounds, *taught)
    return SimulationPlan(*plan, sections=SECTIONS)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder, vocab = tmp_path_factory.mktemp("small"), Vocab()
    for name, count in (("pool_gold", 100), ("dev", 20), ("test", 20)):
        docs = list(DocBin().from_disk(ROOT / "corpus" / f"{name}.spacy").get_docs(vocab))
        DocBin(docs=docs[:count]).to_disk(folder / f"{name}.spacy")
    return folder


def fixed(row):
    return {name: value for name, value in row.items() if not name.startswith("seconds_")}


@pytest.mark.slow
def test_a_simulation_that_goes_on_gives_the_same_numbers(small, tmp_path):
    plan = plan_of(small, "sure", overrides=SMALL)
    rows = [*simulate(plan, tmp_path / "whole")]
    # what is kept of a round is all that the next one needs
    shutil.copytree(tmp_path / "whole", tmp_path / "again")
    results = tmp_path / "again" / "results.jsonl"
    results.write_text("".join(json.dumps(row) + "\n" for row in rows[:2]))
    again = [*simulate(plan, tmp_path / "again")]
    assert json.dumps([*map(fixed, again)]) == json.dumps([*map(fixed, rows)])
    gold = {content_hash(d.text): d for d in read_gold_texts(small / "pool_gold.spacy").values()}
    first, second, last = rows
    # 50 texts are labelled when the next model trains
    assert 0 < first["self_trained"] <= 25
    assert len(first["self_texts"]) == first["self_trained"] >= first["self_trained_wrong"]
    assert not first["self_texts"].keys() & {*first["batch"]}
    right = [
        {tuple(mark) for mark in marks} == {*marks_of(gold[name], "entities")}
        for name, marks in first["self_texts"].items()
    ]
    assert right.count(False) == first["self_trained_wrong"]
    # they cost nothing, and are counted nowhere else
    assert second["texts"] == second["trained_on"] == 50
    assert second["words"] - first["words"] == sum(len(gold[i]) for i in first["batch"])
    # made anew, of what nobody had been asked about by then
    assert not second["self_texts"].keys() & {*first["batch"], *second["batch"]}
    assert second["self_trained"] <= 30 and "self_texts" not in last
    (made,) = simulation_facts(plan, rows, {"labels": {}, "dropped": {}})["strategies"]
    assert 0 <= made["self_texts"]["wrong"] <= 1 and made["self_texts"]["texts"] > 0


@pytest.mark.slow
def test_a_component_that_is_sure_of_no_whole_text_is_refused(small, tmp_path):
    with pytest.raises(UsageError, match=r"AL280.*'spancat'.*ner, beam_ner, textcat, al_textcat\."):
        [*simulate(plan_of(small, "sure", name="ner", factory="spancat"), tmp_path)]


@pytest.mark.slow
def test_categories_train_on_what_the_model_is_sure_of(tmp_path):
    words = {"GOOD": ["fine", "great", "nice"], "BAD": ["awful", "poor", "sad"]}
    rng, vocab = numpy.random.default_rng(1), Vocab()
    for part, count in (("pool_gold", 120), ("dev", 20), ("test", 20)):
        docs = []
        for number in range(count):
            label = ("GOOD", "BAD")[number % 2]
            said = [str(word) for word in rng.choice(words[label], size=3)]
            docs.append(Doc(vocab, ["it", "is", *said, part, str(number)]))
            docs[-1].cats = {name: float(name == label) for name in words}
        DocBin(docs=docs).to_disk(tmp_path / f"{part}.spacy")
    plan = plan_of(tmp_path, "sure", name="textcat", rounds=1)
    rows = {row["round"]: row for row in simulate(plan, tmp_path / "out")}
    own = rows[0]["self_texts"]
    assert 0 < rows[0]["self_trained"] == len(own) <= 25
    # no more of one than half of those that people labelled as such
    assert max(Counter(marks[0][2] for marks in own.values()).values()) <= 0.5 * max(
        rows[1]["labels"].values()
    )
    # fewer than 50: of texts that differ in a word alone one is asked
    assert rows[1]["trained_on"] == 40 + len(rows[0]["batch"])
    assert rows[0]["self_trained_wrong"] == 0


@pytest.mark.slow
def test_a_run_marks_what_nobody_said_and_makes_it_anew(tmp_path):
    corpus(tmp_path)
    names = {"train": "seed", "dev": "dev", "pool": "pool_gold"}
    paths = {f"paths.{name}": str(tmp_path / f"{file}.spacy") for name, file in names.items()}
    how = {**OVERRIDES, **paths, **STEPS, "paths.test": None, "al.max_rounds": 1}
    how |= {"al.output": str(tmp_path / "al"), "al.labels": LABELS}
    config = tmp_path / "config.cfg"
    block = "\n[al.self_training]\n" + "".join(f"{key} = {value}\n" for key, value in EAGER.items())
    config.write_text((CONFIGS / "ner.cfg").read_text("utf8") + block, "utf8")
    project = open_project(config, how, oracle=tmp_path / "pool_gold.spacy")
    assert run(project).state == "stopped"
    with Store(project.database, create=False) as store:
        metrics, asked = store.metrics(), {task.item: task.round for task in store.tasks()}
    assert "self_trained" not in metrics[0]
    found = {}
    for number in range(2):
        stored = DocBin().from_disk(project.folder(number) / "train.spacy")
        docs = list(stored.get_docs(Vocab()))
        own = [doc for doc in docs if is_self_labelled(doc)]
        found[number] = {content_hash(doc.text) for doc in own}
        assert len(own) == metrics[number].get("self_trained", 0)
        # counted apart from what people labelled
        assert metrics[number]["texts"] == len(docs) - len(own) == 30 + 12 * number
        words = sum(len(doc) for doc in docs) - sum(len(doc) for doc in own)
        assert metrics[number]["words"] == metrics[number]["words_labelled"] == words
        # the round can be trained from its folder as it is
        made = load_config(project.folder(number) / "config.cfg")["training"]["batcher"]
        assert made["@batchers"] == "spacy-al.batch_sampled.v1" and made["rate"] == 0.5
        theirs = load_config(CONFIGS / "ner.cfg")["training"]["batcher"]
        assert Config(made["batcher"]) == Config(theirs)
    assert not found[0] and 0 < len(found[1]) <= 21
    # nothing that was asked before, and what was taken once can be asked later
    assert not any(asked.get(name, 9) < number for number in found for name in found[number])
    assert not {*read_gold_texts(tmp_path / "dev.spacy")} & found[1]
    answers = (project.folder(0) / "answers.jsonl").read_text("utf8")
    assert SELF not in answers and answers.count("\n") == 12
