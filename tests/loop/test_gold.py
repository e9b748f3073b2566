"""Gold questions: asked at a rate, like any other, counted for how good people are, and never learned from."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_al.cli.status import format_status
from spacy_al.config.project import open_project
from spacy_al.consensus.setting import Consensus
from spacy_al.errors import AlError, UsageError
from spacy_al.loop.answers import merged_answers
from spacy_al.loop.gold import gold_questions, n_gold
from spacy_al.loop.labels import change
from spacy_al.loop.questions import round_questions
from spacy_al.loop.rounds import run
from spacy_al.loop.status import status
from spacy_al.query.select import select
from spacy_al.store.desk import answered_tasks
from spacy_al.store.gold import gold_answers, without_gold
from spacy_al.store.privacy import batches, secret_seed
from spacy_al.store.reliability import judge_people
from spacy_al.store.settle import settle
from spacy_al.store.store import Store
from spacy_al.tasks.answer import YES_NO_ENTITIES
from spacy_al.tasks.records import question_id
from spacy_al.training.round_config import write_config
from spacy_al.training.trainer import train_here
from tests.helpers.chaos import OVERRIDES, ROOT
from tests.helpers.ward import ward
from tests.store.test_settle import LABELS, answer, crowd, marks, task

CONFIG = ROOT / "configs" / "ner.cfg"
NLP = spacy.blank("en")


DOCS = ward(60, 1, LABELS)


def write(path, docs):
    DocBin(docs=docs).to_disk(path)
    return str(path)


@pytest.fixture
def overrides(tmp_path):
    paths = {"train": None, "test": None, "dev": write(tmp_path / "dev.spacy", DOCS[:6])}
    paths["pool"] = write(tmp_path / "pool.spacy", [NLP(doc.text) for doc in DOCS[6:44]])
    gold = {"gold": write(tmp_path / "gold.spacy", DOCS[44:]), "gold_share": 0.25}
    own = {"al.output": str(tmp_path / "al"), "al.labels": LABELS, "al.consensus": gold}
    return {**{f"paths.{key}": value for key, value in paths.items()}, **OVERRIDES, **own}


def test_they_are_asked_at_their_rate_and_look_like_the_others(overrides):
    project = open_project(CONFIG, overrides)
    outcome = run(project)
    assert outcome.state == "waiting"
    with Store(project.database) as store:
        tasks, gold = list(store.tasks()), gold_answers(store)
        assert len(tasks) == 12 and len(gold) == 3 and {*gold} < {one.id for one in tasks}
        known = {doc.text: doc for doc in DOCS[44:]}
        for one in tasks:
            assert (one.id in gold) is (one.task["text"] in known)
        # nothing that the page gets tells which they are, not even what they have and others lack
        shapes = {json.dumps([sorted(one.task), sorted(one.task["meta"])]) for one in tasks}
        assert len(shapes) == 1 and {one.purpose for one in tasks} == {"train"}
        for name in ("strategy", "design", "component", "round"):
            assert len({json.dumps(one.task["meta"].get(name)) for one in tasks}) == 1
        propensities = {one.task["meta"]["propensity"] for one in tasks if one.id not in gold}
        assert {one.task["meta"]["propensity"] for one in tasks if one.id in gold} <= propensities
        assert not any("gold" in json.dumps(one.task) for one in tasks)
        assert [one.id for one in without_gold(store, tasks)] == [
            one.id for one in tasks if one.id not in gold
        ]
        # two rounds have twice as many between them, and gold that answers is not tested
        assert n_gold(store, project, 1) == 3
        assert n_gold(store, replace(project, oracle=project.settings.dev), 1) == 0
        expected = 0
        for number, one in enumerate(tasks):
            ents = known[one.task["text"]].ents if one.id in gold else ()
            said = [(span.start, span.end, span.label_) for span in ents][number % 2 :]
            expected += one.id in gold and len(said) == len(ents)
            payload = {"answer": "accept", **marks(*said)}
            store.add_answer(one.id, payload, id=f"ann{number}", annotator="ann")
        merged = merged_answers(store, project)
        assert {doc.text for doc in merged.docs} == {one.task["text"] for one in tasks} - {*known}
        assert len(answered_tasks(store)) == 9
    found = status(project)
    assert found["people"]["gold"]["ann"]["right"] == expected
    assert f"ann: {expected} of 3 gold questions right" in format_status(found)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a round whose model has learned a little."""
    folder = tmp_path_factory.mktemp("trained")
    corpus, dev = write(folder / "train.spacy", DOCS[6:20]), write(folder / "dev.spacy", DOCS[:6])
    training = {name: value for name, value in OVERRIDES.items() if not name.startswith("al.")}
    write_config(CONFIG, training, Path(corpus), Path(dev), folder, n_words=100)
    train_here(folder, 14)
    return folder


def ask(trained, overrides, output, **more):
    """What the first round asks with this model, the right answers to its gold, and the settings of its batch."""
    project = open_project(CONFIG, {**overrides, "al.output": str(output), **more})
    with Store(project.database) as store:
        store.open_round(0)
        store.advance(0, "train", metrics={"texts": 14})
        shutil.copytree(trained, project.folder(0))
        found = round_questions(store, project, 0, lambda folder: train_here(folder, 14) or 0.0)
        tasks = [task for purpose, task in found.tasks if purpose == "train"]
        gold = {*found.metrics["gold"]}
        is_gold = [question_id(0, task, "train") in gold for task in tasks]
        return tasks, is_gold, batches(store).get(0)


PRIVATE = {"@al_samplers": "spacy-al.private.v1", "epsilon": 2.0, "budget": 4.0}
EXPECTS = {"@al_samplers": "spacy-al.active_testing.v1"}
TOGETHER = {"@al_acquisitions": "spacy-al.bald.v1"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"al.committee": "seeds", "al.committee_size": 2, "al.acquisition": TOGETHER},
        {"al.sampler": PRIVATE},
        {"al.sampler": EXPECTS},
    ],
    ids=["model", "committee", "private", "active testing"],
)
def test_they_look_like_the_others_that_a_model_chose(trained, overrides, tmp_path, more):
    tasks, is_gold, spent = ask(trained, overrides, tmp_path / "al", **more)
    known = {doc.text for doc in DOCS[44:]}
    assert len(tasks) == 12 and sum(is_gold) == 3
    assert [task["text"] in known for task in tasks] == is_gold
    shapes = {json.dumps([sorted(task), sorted(task["meta"])]) for task in tasks}
    assert len(shapes) == 1
    for name in ("strategy", "design", "component", "round", "model", "explore"):
        assert len({json.dumps(task["meta"].get(name)) for task in tasks}) == 1, name
    for name in ("propensity", "eligible"):
        ours, others = (
            {t["meta"].get(name) for t, g in zip(tasks, is_gold) if g is own}
            for own in (True, False)
        )
        assert ours <= others
    if "al.sampler" not in more or more["al.sampler"] is not PRIVATE:
        assert spent is None
        return
    # as private as without gold: the pool's own batch is that of its seed, and no more is spent
    with Store(tmp_path / "al" / "al.db") as store:
        seed = secret_seed(store)
    assert spent["epsilon"] == 2.0 and len(spent["propensities"]) == 9
    assert not any("propensity" in task["meta"] for task in tasks)
    project = open_project(CONFIG, {**overrides, **more})
    settings = replace(project.settings, seed=seed)
    model = str(trained / "model-best")
    alone = select(project.settings.pool, n=9, model=model, settings=settings)
    assert [task["text"] for task in alone.tasks] == [
        task["text"] for task, own in zip(tasks, is_gold) if not own
    ]
    # the noise on gold is no noise of the pool's
    for own, is_secret in ((settings, False), (project.settings, True)):
        chosen = select(project.settings.consensus.gold, n=3, model=model, settings=own)
        texts = [task["text"] for task in chosen.tasks]
        assert (texts == [t["text"] for t, g in zip(tasks, is_gold) if g]) is is_secret


@pytest.mark.slow
def test_gold_that_is_in_the_pool_is_asked_once(trained, overrides, tmp_path):
    gold = {"gold": write(tmp_path / "both.spacy", DOCS[6:44]), "gold_share": 0.25}
    tasks, is_gold, _ = ask(trained, overrides, tmp_path / "al", **{"al.consensus": gold})
    assert len({task["text"] for task in tasks}) == len(tasks) == 12 and sum(is_gold) == 3


def test_what_cannot_be(overrides, tmp_path):
    for wrong in ({"gold": 3}, {"gold_share": 0.1}, {"gold": "x", "gold_share": 0.9}):
        with pytest.raises(UsageError, match="AL083"):
            open_project(CONFIG, {**overrides, "al.consensus": wrong})
    with pytest.raises(AlError, match="AL040"):
        open_project(CONFIG, {**overrides, "al.consensus": {"gold": str(tmp_path / "no.spacy")}})
    bare = {"gold": write(tmp_path / "bare.spacy", [NLP("nothing is said")]), "gold_share": 0.25}
    with pytest.raises(AlError, match="AL432"):
        run(open_project(CONFIG, {**overrides, "al.consensus": bare}))


def test_of_one_person_gold_alone_tells_how_good_they_are():
    tasks, answers = crowd()
    own = [one for one in answers if one.annotator == "cleo"]
    assert judge_people(tasks, own, LABELS)["skills"] == []
    gold = {one.id: marks((1, 2, "PERSON"), (3, 4, "DRUG")) | {"answer": "accept"} for one in tasks}
    found = judge_people(tasks, own, LABELS, gold)
    [row] = found["skills"]
    share = sum(len(one.payload["spans"]) for one in own) / (2 * len(own))
    # what nobody has marked is missed all the same
    assert row["finds"]["low"] < share < row["finds"]["high"]
    assert abs(row["finds"]["value"] - share) < 0.02 and row["shared"] >= 10
    assert found["gold"]["cleo"]["asked"] == len(tasks) and found["alpha"] is None


@pytest.mark.parametrize("kind", ["entities", "categories"])
def test_two_who_err_alike_are_found_out_by_gold(kind):
    """Without it the one who is right is outvoted; and nothing is settled about gold itself."""
    tasks = [task(f"Doctor Brown gave aspirin {k}", kind) for k in range(60)]
    good, bad = (marks((1, 2, "PERSON")), marks((1, 2, "DRUG")))
    if kind == "categories":
        good, bad = {"accept": ["PERSON"]}, {"accept": ["DRUG"]}
    answers = [
        answer(one, who, good if who == "cleo" else bad, 3 * k + j + 1)
        for k, one in enumerate(tasks)
        for j, who in enumerate(("ann", "bob", "cleo"))
    ]
    gold = {one.id: {**good, "answer": "accept"} for one in tasks[:25]}
    for method in ("dawid_skene", *(["mace"] if kind == "categories" else [])):
        settled = settle(tasks, answers, Consensus(method), kind, LABELS, gold)
        assert {*settled.texts} <= {one.item for one in tasks[25:]}
        said = {mark[2] for one in settled.texts.values() for mark in one.accepted}
        assert said == {"PERSON"} and len(settled.texts) == 35
        before = settle(tasks, answers, Consensus(method), kind, LABELS)
        assert "DRUG" in {mark[2] for one in before.texts.values() for mark in one.accepted}


ADDED = {
    # the answer of the person; whether it is judged, and right
    "the label that came later": ([(1, 2, "PERSON"), (5, 6, "LATER")], True, True),
    "only what was known": ([(1, 2, "PERSON")], True, True),
    "in place of what is right": ([(1, 2, "LATER")], False, False),
    "instead of what is right": ([(5, 6, "LATER")], True, False),
}


@pytest.mark.parametrize("case", ADDED)
@pytest.mark.parametrize("kind", ["entities", "spans"])
def test_nobody_is_wrong_by_a_label_that_came_later(kind, case):
    said, judged, right = ADDED[case]
    # spans may overlap, so that one says nothing about another
    judged |= kind == "spans"
    names = [*LABELS, "LATER"]
    tasks = [task(f"Doctor Brown gave aspirin {k} today", kind, labels=names) for k in range(12)]
    gold = {"answer": "accept", **marks((1, 2, "PERSON")), "labels": LABELS}
    answers = [answer(one, "ann", marks(*said), k) for k, one in enumerate(tasks)]
    found = judge_people(tasks, answers, names, {one.id: gold for one in tasks})
    scores = {who: (one["asked"], one["right"]) for who, one in found["gold"].items()}
    assert scores == ({"ann": (12, 12 * right)} if judged else {})
    assert not any("LATER" in json.dumps(row) for row in found["skills"])


def test_a_category_that_came_later_says_nothing_of_those_that_were_known():
    names = [*LABELS, "LATER"]
    for exclusive, said, judged in (
        (True, ["LATER"], False),
        (True, ["DRUG"], True),
        (False, ["PERSON", "LATER"], True),
    ):
        tasks = [
            task(f"Brown gave {k}", "categories", labels=names, exclusive=exclusive)
            for k in range(12)
        ]
        gold = {"answer": "accept", "accept": ["PERSON"], "labels": LABELS}
        answers = [answer(one, "ann", {"accept": said}, k) for k, one in enumerate(tasks)]
        found = judge_people(tasks, answers, names, {one.id: gold for one in tasks})["gold"]
        right = 12 * ("PERSON" in said)
        assert [(one["asked"], one["right"]) for one in found.values()] == [(12, right)] * judged


@pytest.mark.parametrize("there", [False, True])
def test_a_label_that_the_gold_has_nowhere_is_not_decided_by_it(overrides, there):
    project = open_project(CONFIG, {**overrides, "al.labels": LABELS[1:]})
    if not there:
        kept = [doc.copy() for doc in DOCS[44:]]
        for doc in kept:
            doc.set_ents([ent for ent in doc.ents if ent.label_ != LABELS[0]])
        write(project.settings.consensus.gold, kept)
    run(project)
    with Store(project.database) as store:
        assert all(LABELS[0] not in one["labels"] for one in gold_answers(store).values())
    change(project, "add", [LABELS[0]])
    with Store(project.database) as store:
        store.open_round(1)
        pool = [one.task for one in store.tasks(0)][:3]
        batch = [{**one, "labels": store.labels().names} for one in pool]
        how = {"settings": project.settings, "asked": set(), "model": None}
        tasks, answers = gold_questions(store, project, 1, 3, batch, **how)
        assert tasks and all(LABELS[0] in one["labels"] for one in tasks)
        assert {LABELS[0] in one["labels"] for one in answers.values()} == {there}


def yes_no(text, start, end):
    """A question about one entity of a text, as `yes_no_tasks` makes it."""
    made = task(text, suggestions=[(start, end, LABELS[0], 0.5)], meta={"score": 0.5})
    question = {**made.task, "_view_id": YES_NO_ENTITIES, "asked": []}
    return replace(made, id=f"{made.id}-{start}", task=question)


def test_of_several_yes_or_no_to_one_text_each_is_judged_by_its_own():
    text = "Brown met Miller and Smith today"
    first, second, no = (yes_no(text, start, start + 1) for start in (0, 2, 4))
    mark = [marks((start, start + 1, LABELS[0])) for start in (0, 2, 4)]
    gold = {
        first.id: {"answer": "accept", **mark[0]},
        second.id: {"answer": "accept", **mark[1]},
        no.id: {"answer": "reject"},
    }
    yes = [answer(one, "ann", own, k) for k, (one, own) in enumerate(zip((first, second), mark))]
    wrong = [*yes, answer(no, "ann", mark[2], 3)]
    right = [*yes, answer(no, "ann", {"answer": "reject"}, 3)]
    for given, n in ((yes[:1], 1), (yes, 1), (right, 1), (wrong, 0)):
        found = judge_people([first, second, no], given, LABELS, gold)["gold"]["ann"]
        assert (found["asked"], found["right"]) == (1, n)


def test_of_a_part_only_the_words_that_were_asked_about_are_judged():
    one = task("Brown met Miller and Smith today")
    one = replace(one, task={**one.task, "asked": [0, 1]})
    gold = {one.id: {"answer": "accept", **marks((0, 1, LABELS[0]))}}
    for spans, n in (
        ([(0, 1, LABELS[0]), (2, 3, LABELS[0])], 1),
        ([(0, 1, LABELS[1]), (2, 3, LABELS[0])], 0),
        ([(2, 3, LABELS[0])], 0),
    ):
        found = judge_people([one], [answer(one, "ann", marks(*spans), 1)], LABELS, gold)["gold"]
        assert (found["ann"]["asked"], found["ann"]["right"]) == (1, n)


def test_a_category_that_the_gold_leaves_open_is_not_decided_by_it(tmp_path):
    texts = [f"Doctor {name} gave aspirin" for name in ("Brown", "Ek", "Berg", "Lind", "Dahl")]
    docs = [NLP(text) for text in texts]
    for doc in docs:
        doc.cats = {"A": 1.0, "B": 0.0}
    paths = {"train": None, "test": None, "dev": write(tmp_path / "dev.spacy", docs[:1])}
    paths["pool"] = write(tmp_path / "pool.spacy", [NLP(text) for text in texts[1:3]])
    settings = {f"paths.{key}": value for key, value in paths.items()}
    settings |= {"al.output": str(tmp_path / "al"), "al.labels": ["A", "B", "C"]}
    settings["al.consensus"] = {
        "gold": write(tmp_path / "gold.spacy", docs[3:]),
        "gold_share": 0.25,
    }
    project = open_project(ROOT / "configs" / "textcat_multilabel.cfg", settings)
    run(project)
    with Store(project.database) as store:
        answers = gold_answers(store)
    assert answers and all(one["labels"] == ["A", "B"] for one in answers.values())
