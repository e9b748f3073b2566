"""Texts to measure on: few at first, among the others, never trained on, and at any time a random sample of the pool."""

import json
import random
from collections import Counter
from dataclasses import replace

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin

from spacy_al.config.init import init
from spacy_al.config.project import open_project
from spacy_al.config.recency import Recency
from spacy_al.corpus.pool import strata_in
from spacy_al.errors import AlError, AlWarning, UsageError
from spacy_al.loop import measuring
from spacy_al.loop.measuring import FEW, kept_to_measure, measuring_texts, mixed, n_measuring
from spacy_al.loop.next_batch import asked_before
from spacy_al.loop.plan import first_hour
from spacy_al.loop.rounds import run
from spacy_al.loop.status import status
from spacy_al.query.random_order import random_order
from spacy_al.query.select import select
from spacy_al.store.store import Store
from spacy_al.util import content_hash
from tests.helpers.old_pipeline import write_docs


@given(st.integers(2, 200), st.integers(0, 300))
def test_they_grow_to_their_number_and_leave_something_to_learn_from(batch, dev_size):
    measured, asked = 0, 0
    for _ in range(400):
        n = n_measuring(measured, batch, dev_size)
        assert 0 <= n < batch
        measured, asked = measured + n, asked + batch
    assert measured == dev_size or dev_size > 400


def test_sixty_percent_of_the_first_answers_train():
    first = n_measuring(0, 40, 100)
    assert first == 16
    # of the next batch the first twenty, among which they stand evenly
    assert first + n_measuring(first, 40, 100) / 2 <= 0.4 * 60
    assert n_measuring(FEW, 40, 100) == 8


@given(st.integers(0, 40), st.integers(1, 60))
def test_they_stand_evenly_among_the_others(n, m):
    found = [purpose for purpose, _ in mixed([{}] * n, [{}] * m)]
    assert Counter(found) == Counter({"dev": n, "train": m} if n else {"train": m})
    for k in range(1, len(found) + 1):
        assert abs(found[:k].count("dev") - k * n / (n + m)) <= 1.5


def texts(numbers):
    """Texts that have next to nothing in common."""
    vocab = spacy.blank("en").vocab
    letters = "abcdefghijklmnopqrstuvwxyz"
    made = []
    for number in numbers:
        draw = random.Random(number)
        words = ["".join(draw.choices(letters, k=6)) for _ in range(8)]
        made.append(Doc(vocab, words=[*words, "."]))
    return made


@pytest.fixture
def project(tmp_path):
    """A run of 60 texts without any label."""
    DocBin(docs=texts(range(60))).to_disk(tmp_path / "pool.spacy")
    init(tmp_path / "my.cfg", labels=["X"])
    overrides = {
        "paths.pool": str(tmp_path / "pool.spacy"),
        "al.output": str(tmp_path / "run"),
    }
    return open_project(tmp_path / "my.cfg", overrides)


def asked_of(project):
    with Store(project.database) as store:
        return [(task.purpose, task.item) for task in store.tasks()]


def test_the_first_batch_asks_what_it_says(project):
    assert run(project).state == "waiting"
    asked = asked_of(project)
    assert Counter(purpose for purpose, _ in asked) == {"dev": 16, "train": 24}
    # in the file for people as in the store
    lines = (project.folder(0) / "tasks.jsonl").read_text("utf8").splitlines()
    strategies = [json.loads(line)["meta"]["strategy"] for line in lines]
    assert strategies[0] != strategies[1] and len(set(strategies[:5])) == 2


def test_a_batch_of_one_cannot_measure_and_teach(project):
    overrides = {**project.overrides, "al.batch_size": 1}
    with pytest.raises(UsageError, match=r"AL087.*batch_size is 1.*2 or more without paths.dev"):
        run(open_project(project.config, overrides))
    assert not asked_of(project)


def test_what_is_kept_to_measure_on_is_asked_by_nobody_else(project):
    run(project)
    with Store(project.database) as store:
        kept, asked = kept_to_measure(store), store.asked_ids()
    # two fifths of 60, with those that were asked
    assert len(kept) == 24 and len(kept - asked) == 8
    assert kept <= asked_before(project.settings, None)
    trained = {item for purpose, item in asked_of(project) if purpose == "train"}
    assert not trained & kept


def test_the_order_does_not_depend_on_what_else_is_in_the_pool(project, tmp_path):
    run(project)
    first = [item for purpose, item in asked_of(project) if purpose == "dev"]
    DocBin(docs=texts(reversed(range(75)))).to_disk(tmp_path / "more.spacy")
    overrides = {"paths.pool": str(tmp_path / "more.spacy"), "al.output": str(tmp_path / "other")}
    grown = open_project(project.config, overrides)
    run(grown)
    now = [item for purpose, item in asked_of(grown) if purpose == "dev"]
    # those that stay do so in their order; texts that are new may come between them
    assert [item for item in now if item in first] == [item for item in first if item in now]
    assert len({*now} & {*first}) >= 10


def test_their_propensities_are_those_of_draws_from_the_whole_pool(project):
    run(project)
    with Store(project.database) as store:
        dev = [task.task["meta"] for task in store.tasks(purpose="dev")]
    assert [one["propensity"] for one in dev] == pytest.approx([1 / (60 - k) for k in range(16)])


def asked_from(store, project, rounds):
    """The questions that measure in these rounds, each asked as soon as it is chosen."""
    found = []
    for number in rounds:
        store.open_round(number)
        tasks = measuring_texts(store, project, number).tasks
        store.advance(number, "done", tasks=[("dev", task) for task in tasks])
        found += tasks
    return found


def test_the_order_is_made_once_and_asked_in_parts(project, monkeypatch):
    passes = []
    monkeypatch.setattr(
        measuring, "random_order", lambda *a, **k: passes.append(1) or random_order(*a, **k)
    )
    with Store(project.database) as store:
        tasks = asked_from(store, project, range(3))
    assert len(passes) == 1
    # the same questions as if all were drawn at once, but for the round that asks
    whole = select(project.settings.pool, n=24, sampler="uniform", settings=project.settings)
    assert [(task["text"], task["meta"] | {"round": 0}) for task in tasks] == [
        (task["text"], task["meta"]) for task in whole.tasks
    ]
    assert [task["meta"]["round"] for task in tasks] == [0] * 16 + [1] * 8


def test_texts_that_are_new_in_the_pool_measure_as_those_before(project):
    pool = project.settings.pool
    with Store(project.database) as store:
        first = asked_from(store, project, [0])
        DocBin(docs=texts(range(150))).to_disk(pool)
        rest = asked_from(store, project, range(1, 5))
    asked = {task["text"] for task in first + rest}
    whole = select(pool, n=len(asked), sampler="uniform", settings=project.settings)
    # those that were asked are the first of the one order of the grown pool: a uniform sample of it
    assert len(asked) == 56 and asked == {task["text"] for task in whole.tasks}
    assert {task["text"] for task in first} < asked


def test_a_text_that_is_labelled_meanwhile_measures_no_more(project, tmp_path):
    with Store(project.database) as store:
        asked_from(store, project, [0])
        order = measuring._events(store)[-1]["ids"]
        labelled = [doc for doc in texts(range(60)) if content_hash(doc.text) == order[16]]
        train = tmp_path / "train.spacy"
        DocBin(docs=labelled).to_disk(train)
        own = replace(project, settings=replace(project.settings, train=train))
        tasks = asked_from(store, own, [1])
        assert order[16] not in {content_hash(task["text"]) for task in tasks}
        assert order[16] not in kept_to_measure(store)


def test_texts_that_have_become_too_old_measure_no_more(project):
    made = texts(range(120))
    for number, doc in enumerate(made):
        meta = {"date": f"2026-{1 + number // 10:02}-01"}
        doc.user_data["al_source"] = {"meta": meta}
    DocBin(docs=made, store_user_data=True).to_disk(project.settings.pool)
    old = {content_hash(doc.text) for doc in made[:60]}
    with Store(project.database) as store:
        assert old & {content_hash(task["text"]) for task in asked_from(store, project, [0])}
        settings = replace(project.settings, recency=Recency(since="2026-07-01"))
        tasks = asked_from(store, replace(project, settings=settings), [1])
        assert tasks and not old & {content_hash(task["text"]) for task in tasks}


def test_what_an_earlier_version_kept_is_read_and_made_anew(project):
    with Store(project.database) as store:
        store.log(measuring.EVENT, ids=["0" * 16])
        assert kept_to_measure(store) == {"0" * 16}
        assert len(asked_from(store, project, [0])) == 16
        assert len(kept_to_measure(store)) == 24


def with_wards(numbers, path, wards="AAAAAABBBC"):
    """A pool whose texts say which ward they are of, but for every tenth."""
    made = texts(numbers)
    for number, doc in zip(numbers, made):
        ward = wards[number % 10]
        doc.user_data["al_source"] = {"meta": {"of": {"ward": ward}} if ward != "C" else {}}
    DocBin(docs=made, store_user_data=True).to_disk(path)


def stratified(project, show=None):
    settings = replace(project.settings, dev_strata="of.ward")
    return replace(project, settings=settings, show=show or project.show)


def test_they_are_spread_over_the_values_of_a_field(project):
    with_wards(range(100), project.settings.pool)
    said = []
    own = stratified(project, said.append)
    with Store(project.database) as store:
        tasks = asked_from(store, own, range(3))
    assert said == [
        "ℹ The texts that measure are spread over 2 values of of.ward as the pool is; 10 texts of the pool have none, and are one more"
    ]
    wards = [task["meta"]["stratum"] for task in tasks]
    for n in (10, 16, 40):
        found = Counter(wards[:n])
        assert all(abs(found[ward] - n * share) <= 1.5 for ward, share in SHARES.items())
    # a draw from those of its ward that are left
    first = next(task["meta"] for task in tasks if task["meta"]["stratum"] == "B")
    assert first["propensity"] == pytest.approx(1 / 30) and first["eligible"] == 30
    assert first["design"] == "stratified" and first["strategy"] == "uniform · of.ward"
    assert [task["meta"]["rank"] for task in tasks] == list(range(1, 41))


SHARES = {"A": 0.6, "B": 0.3, None: 0.1}


def test_in_a_pool_that_grew_each_ward_goes_on_in_its_own_order(project):
    pool = project.settings.pool
    with_wards(range(100), pool)
    own = stratified(project)
    with Store(project.database) as store:
        tasks = asked_from(store, own, [0])
        # a ward that is new, and more of the others
        with_wards(range(300), pool, "AAABBBDDDC")
        tasks += asked_from(store, own, range(1, 7))
    assert len({task["text"] for task in tasks}) == len(tasks) == 72
    order = random_order(pool, own.settings, 300)
    wards = strata_in(pool, "of.ward")
    last = [content_hash(task["text"]) for task in tasks]
    for ward in ("A", "B", "D", None):
        in_order = [one for one in order.ids if wards[one] == ward]
        asked = [one for one in in_order if one in last]
        # those of a ward that were asked are the first of its random order: a uniform sample of it
        assert asked == in_order[: len(asked)] and len(asked) > 3


def test_without_the_field_nothing_is_spread(project):
    with pytest.raises(AlError, match=r"AL166.*of\.ward"), Store(project.database) as store:
        measuring_texts(store, stratified(project), 0)


def test_a_field_with_too_many_values_is_said(project):
    made = texts(range(60))
    for number, doc in enumerate(made):
        doc.user_data["al_source"] = {"meta": {"of": {"ward": number}}}
    DocBin(docs=made, store_user_data=True).to_disk(project.settings.pool)
    settings = replace(project.settings, dev_strata="of.ward", dev_size=20)
    with pytest.warns(AlWarning, match="ALW160.*60 different values.*20"):
        assert len({*random_order(project.settings.pool, settings, 20).ids}) == 20


def test_the_first_hour_is_said_before_the_first_question(project):
    shown = []
    run(open_project(project.config, project.overrides, show=shown.append))
    said = next(line for line in shown if "first hour" in line)
    assert "60 texts" in said and "20 to measure on and 40 to learn from" in said
    assert "The first model comes after 40 answers" in said
    assert status(project)["plan"] == said.removeprefix("ℹ ")


def test_a_pool_that_grew_is_said_and_asked(project, tmp_path):
    said = []
    path = str(tmp_path / "pool.spacy")
    own = open_project(project.config, project.overrides, show=said.append)
    run(own)
    DocBin(docs=texts(range(75))).to_disk(path)
    with Store(own.database) as store:
        answer = {"answer": "accept", "spans": []}
        for task in store.tasks():
            store.add_answer(task.id, answer, id=task.id, annotator="ann")
    # nothing can be trained on texts without any label, but the next ones are chosen
    run(own)
    assert "ℹ The pool has 15 texts more than in round 0: 75" in said
    with Store(own.database) as store:
        assert len({*store.asked_ids()}) > 60


@pytest.mark.slow
def test_later_rounds_measure_on_more_and_never_train_on_them(project, tmp_path):
    gold = write_docs(tmp_path / "gold.spacy", 1, ("DRUG",), 150)
    overrides = {"al.labels": ["DRUG"], "al.output": str(tmp_path / "run2"), "al.max_rounds": 3}
    overrides |= {"paths.pool": str(gold), "al.batch_size": 20}
    own = open_project(project.config, overrides, oracle=gold)
    run(own)
    asked = asked_of(own)
    dev = {item for purpose, item in asked if purpose == "dev"}
    assert not dev & {item for purpose, item in asked if purpose == "train"}
    rows = status(own)["rounds"]
    assert [row["asked"] for row in rows[:3]] == [20, 20, 20]
    measured = [row["dev_texts"] for row in rows if row["dev_texts"]]
    assert measured == [8, 16, 24]


def test_with_a_development_set_all_train(project, tmp_path):
    dev = write_docs(tmp_path / "dev.spacy", 2, ("X",), 5)
    overrides = {**project.overrides, "paths.dev": str(dev), "al.output": str(tmp_path / "run3")}
    own = open_project(project.config, overrides)
    run(own)
    assert {purpose for purpose, _ in asked_of(own)} == {"train"} and len(asked_of(own)) == 40
    with Store(own.database) as store:
        assert first_hour(store, own).measure == 0
