"""Questions about parts of texts: what is asked, what is learned of it, what the model labels itself, what it costs."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_al import get_posteriors
from spacy_al.acquisition.partial import asked_tokens
from spacy_al.config.partial import Partial, check_factory
from spacy_al.config.project import open_project
from spacy_al.config.settings import Settings, overlaid
from spacy_al.errors import AlError, UsageError
from spacy_al.loop.rounds import run
from spacy_al.measures.learning_curve import compare
from spacy_al.oracle.annotator import make_oracle
from spacy_al.oracle.gold_texts import read_gold_texts
from spacy_al.posteriors.component import open_component
from spacy_al.query.questions import asked_of
from spacy_al.query.select import select
from spacy_al.simulation import SimulationPlan, simulate, simulation_facts
from spacy_al.simulation.partial import wrong_words
from spacy_al.store.store import Store
from spacy_al.tasks.answer import check
from spacy_al.tasks.decision import INCORRECT, SELF, annotation, decided_tokens, undecided
from spacy_al.tasks.merge import merge, write_round_corpus
from spacy_al.tasks.records import StoredAnswer, StoredTask
from spacy_al.tasks.task import make_task
from spacy_al.tasks.yes_no import yes_no_tasks
from spacy_al.training.pseudo_tokens import add_self_labels, self_labels
from spacy_al.util import content_hash
from tests.helpers.chaos import LABELS, OVERRIDES, corpus

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "configs" / "ner.cfg"


# Which tokens


def slowly(probs, spans, threshold, margin):
    """The same as `asked_tokens`, token by token."""
    greatest = [max(row) for row in probs]
    asked = set()
    for i, prob in enumerate(greatest):
        if prob < threshold or min(greatest) == prob >= threshold:
            asked |= {j for j in range(i - margin, i + margin + 1) if 0 <= j < len(probs)}
    for _ in spans:
        for start, end in spans:
            if asked & set(range(start, end)):
                asked |= set(range(start, end))
    return sorted(asked)


@given(st.data())
def test_what_is_asked_is_what_a_slow_reference_asks(data):
    n = data.draw(st.integers(1, 12))
    share = st.floats(0, 1)
    first = [data.draw(share) for _ in range(n)]
    probs = numpy.array([(p, 1 - p) for p in first])
    spans = []
    for _ in range(data.draw(st.integers(0, 4))):
        start = data.draw(st.integers(0, n - 1))
        spans.append((start, data.draw(st.integers(start + 1, n))))
    threshold, margin = data.draw(share), data.draw(st.integers(0, 3))
    starts, ends = zip(*spans) if spans else ((), ())
    found = asked_tokens(probs, starts, ends, threshold=threshold, margin=margin)
    assert found == slowly(probs.tolist(), spans, threshold, margin)
    assert found


def test_an_entity_is_asked_whole_and_so_is_what_it_touches():
    probs = numpy.array([[0.99, 0.01]] * 10)
    probs[2] = 0.5
    how = {"threshold": 0.9, "margin": 1}
    assert asked_tokens(probs, (), (), **how) == [1, 2, 3]
    assert asked_tokens(probs, [3], [6], **how) == [1, 2, 3, 4, 5]
    assert asked_tokens(probs, [3, 5], [6, 8], **how) == [1, 2, 3, 4, 5, 6, 7]
    assert asked_tokens(probs, [4], [6], **how) == [1, 2, 3]
    # sure of everything: the least certain token, with its neighbours
    assert asked_tokens(probs, (), (), threshold=0.2, margin=1) == [1, 2, 3]
    assert asked_tokens(numpy.zeros((0, 2)), (), (), **how) == []
    with pytest.raises(AlError, match="AL021"):
        asked_tokens(numpy.array([[2.0, -1.0]]), (), (), **how)


@pytest.mark.parametrize(
    "block,message",
    [
        ({"threshold": 1.5}, "threshold.*1.5.*0 to 1"),
        ({"threshold": float("nan")}, "threshold.*nan"),
        ({"margin": 0.5}, "margin.*whole number"),
        ({"margin": True}, "margin.*True"),
        ({"after": -1}, "after.*-1"),
        ({"yes_no": 1.5}, "yes_no.*whole number"),
        ({"rest": "guess"}, "rest.*missing, self"),
        ({"temperature": 0}, "temperature.*0"),
        ({"treshold": 0.5}, "treshold.*no such setting"),
        ("self", "a block"),
    ],
)
def test_what_the_block_cannot_say(block, message):
    with pytest.raises(UsageError, match=f"AL083.*{message}"):
        overlaid(Settings(), {"partial": block}, "here")


def test_what_the_block_says():
    assert Settings().partial is None
    assert overlaid(Settings(), {"partial": {}}, "here").partial == Partial()
    made = overlaid(Settings(), {"partial": {"rest": "self", "temperature": 2}}, "here").partial
    assert made == Partial(rest="self", temperature=2)


# A model that has seen little, so that it is sure of some things and not of others


ENCODER = {"@architectures": "spacy.HashEmbedCNN.v2", "pretrained_vectors": None, "width": 32}
ENCODER |= {
    "depth": 1,
    "embed_size": 500,
    "window_size": 1,
    "maxout_pieces": 2,
    "subword_features": True,
}
# At which so small a model is sure of something
SHARP = 0.3


def train(kind="ner", steps=80):
    gold = list(DocBin().from_disk(ROOT / "corpus" / "pool_gold.spacy").get_docs(Vocab()))
    nlp = spacy.blank("en")
    nlp.add_pipe(kind, config={"model": {"tok2vec": ENCODER}})
    docs = [nlp.make_doc(doc.text) for doc in gold[:150]]
    if kind == "tagger":
        for doc in gold:
            for token in doc:
                token.tag_ = "UP" if token.text[0].isupper() else "NUM" if token.like_num else "X"
    examples = [Example(doc, right) for doc, right in zip(docs, gold)]
    spacy.util.fix_random_seed(0)
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.01
    for step in range(steps):
        rows = [(step * 16 + i) % len(examples) for i in range(16)]
        nlp.update([examples[row] for row in rows], drop=0.1, sgd=optimizer)
    return nlp, gold


@pytest.fixture(scope="module")
def ner(tmp_path_factory):
    nlp, gold = train()
    path = tmp_path_factory.mktemp("ner") / "model"
    nlp.to_disk(path)
    DocBin(docs=gold[150:250]).to_disk(path.parent / "pool.spacy")
    return path, {content_hash(doc.text): doc for doc in gold[150:250]}


@pytest.fixture(scope="module")
def tagger(tmp_path_factory):
    nlp, gold = train("tagger", steps=6)
    path = tmp_path_factory.mktemp("tagger") / "model"
    nlp.to_disk(path)
    DocBin(docs=gold[150:200]).to_disk(path.parent / "pool.spacy")
    return path, {content_hash(doc.text): doc for doc in gold[150:200]}


def ask(model, n=20, number=0, **partial):
    path = model[0]
    settings = Settings(partial=Partial(**partial))
    pool = path.parent / "pool.spacy"
    return select(pool, n=n, model=str(path), settings=settings, round=number).tasks


@pytest.mark.slow
def test_the_question_is_about_what_the_model_is_not_sure_of(ner):
    tasks = ask(ner, temperature=SHARP)
    component = open_component(str(ner[0]))
    docs = [component.nlp.make_doc(task["text"]) for task in tasks]
    for task, posterior in zip(tasks, get_posteriors(component.nlp, docs, temperature=SHARP)):
        spans = [(s.start, s.end) for s in posterior.spans if s.prob >= 0.1]
        assert task["asked"] == slowly(posterior.token_probs.tolist(), spans, 0.9, 1)
        # suggestions elsewhere would come back as if a person had made them
        for span in task["spans"]:
            assert set(task["asked"]) & set(range(span["token_start"], span["token_end"] + 1))
        greedy = {(s.start, s.end - 1, s.label) for s in posterior.greedy}
        shown = {(s["token_start"], s["token_end"], s["label"]) for s in task["spans"]}
        # the page shows it quietly
        believed = {(s["token_start"], s["token_end"], s["label"]) for s in task["believed"]}
        assert believed == greedy - shown
        for start, end, _ in greedy - shown:
            assert not set(task["asked"]) & set(range(start, end + 1))
    sizes = [(len(task["asked"]), len(task["tokens"])) for task in tasks]
    assert sum(asked for asked, _ in sizes) < sum(n for _, n in sizes)
    # a flatter posterior is less sure, a lower threshold asks for less
    assert all(
        {*one["asked"]} <= {*other["asked"]}
        for one, other in zip(ask(ner, threshold=0.6, temperature=SHARP), tasks, strict=True)
    )
    flat = ask(ner, temperature=1.0)
    assert sum(len(t["asked"]) for t in flat) > sum(len(t["asked"]) for t in tasks)
    # the question is another one, and whole until the model is trusted
    whole = ask(ner, after=1)
    assert not any("asked" in task for task in whole)
    assert all("asked" in task for task in ask(ner, n=3, number=1, after=1))
    assert all(a["_task_hash"] != b["_task_hash"] for a, b in zip(tasks, whole))
    words = task["meta"]["asked"]
    assert task["tokens"][task["asked"][0]]["text"] in words


@pytest.mark.slow
def test_a_component_that_cannot_learn_from_parts_is_refused(tmp_path):
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("textcat")
    for label in ("A", "B"):
        pipe.add_label(label)
    nlp.initialize()
    component = SimpleNamespace(nlp=nlp, name="textcat", factory="textcat")
    with pytest.raises(UsageError, match=r"AL220.*'textcat'.*ner, beam_ner, tagger"):
        asked_of(component, [nlp.make_doc("a")], Partial())
    with pytest.raises(UsageError, match=r"AL281.*'tagger'.*ner, beam_ner"):
        check_factory("tagger", Partial(yes_no=1))
    check_factory("tagger", Partial())


def answered(tasks, gold, kind="entities"):
    """Each task answered from gold, merged: docs by id, and the words that were decided."""
    oracle, docs, decided = make_oracle(), {}, 0
    for number, task in enumerate(tasks):
        item = content_hash(task["text"])
        payload, _ = oracle(task, gold[item], kind=kind)
        said = check(task, payload)
        decided += len(decided_tokens(task, said))
        stored = StoredTask(str(number), 0, item, "train", number, task)
        merged = merge(
            [stored],
            [StoredAnswer(1, "a", str(number), "ann", said, 0.0, 0.0)],
            kind=kind,
            labels=task["labels"],
            vocab=Vocab(),
        )
        docs |= dict(zip([item], merged.docs))
    return docs, decided


def entities(doc):
    return {(ent.start, ent.end, ent.label_) for ent in doc.ents}


@pytest.mark.slow
def test_the_rest_is_labelled_where_the_model_is_sure(ner):
    tasks = ask(ner, n=40, temperature=SHARP)
    docs, decided = answered(tasks, ner[1])
    assert decided < sum(len(task["tokens"]) for task in tasks)
    component = open_component(str(ner[0]))
    before = {name: (entities(doc), undecided(doc, "entities")) for name, doc in docs.items()}
    marks, expected = self_labels(
        component, [*docs.values()], Partial(temperature=SHARP), kind="entities"
    )
    assert expected > 0
    n_entities = 0
    for (name, doc), own in zip(docs.items(), marks):
        ents, missing = before[name]
        accepted = [(e.start, e.end, e.label_) for e in doc.ents]
        outside = [t.i for t in doc if t.ent_iob_ == "O"]
        bare = [component.nlp.make_doc(doc.text)]
        rejected = [(s.start, s.end, s.label_) for s in doc.spans.get(INCORRECT, ())]
        (posterior,) = get_posteriors(component.nlp, bare, temperature=SHARP)
        posterior = posterior.condition(accepted, rejected, outside)
        covered = [i for start, end, _ in own for i in range(start, end)]
        assert len(covered) == len(set(covered)) and missing[covered].all()
        for start, end, label in own:
            if label:
                n_entities += 1
                assert posterior.prob(start, end, label) >= 0.9
            else:
                assert (posterior.token_probs[start:end, -1] >= 0.9).all()
        # what is left out is unsure
        for i in numpy.flatnonzero(missing):
            assert i in covered or posterior.token_probs[i, -1] < 0.9
        add_self_labels(doc, own, kind="entities")
        # answers stay, and each token has one label at most
        assert ents <= entities(doc)
        assert entities(doc) - ents == {mark for mark in own if mark[2]}
        left = [t.i for t in doc if not t.ent_iob]
        assert left == [i for i in numpy.flatnonzero(missing) if i not in covered]
        assert [(s.start, s.end, s.label_) for s in doc.spans.get(SELF, ())] == own
    assert n_entities
    # what people decided and what the model did are told apart where all of it trains
    path = ner[0].parent / "grown.spacy"
    merged = SimpleNamespace(docs=[*docs.values()], kind="entities", spans_key="sc")
    counts = write_round_corpus(None, merged, path, Vocab())
    stored = {content_hash(d.text): d for d in DocBin().from_disk(path).get_docs(Vocab())}
    assert all(entities(stored[name]) == entities(doc) for name, doc in docs.items())
    assert counts["words decided"] == sum((~missing).sum() for _, missing in before.values())


@pytest.mark.slow
def test_what_is_sure_and_wrong_is_known_where_the_gold_is(ner):
    gold = ner[1]
    doc = next(doc for doc in gold.values() if doc.ents)
    corpus = SimpleNamespace(plan=SimpleNamespace(kind="entities"), docs=gold)
    bare = Doc(Vocab(), [t.text for t in doc], [bool(t.whitespace_) for t in doc])
    ent = doc.ents[0]
    right = (ent.start, ent.end, ent.label_)
    assert wrong_words(corpus, bare, [right]) == 0
    assert wrong_words(corpus, bare, [(*right[:2], "OTHER")]) == len(ent)
    # an outside stretch is wrong where an entity is
    inside = sum(bool(t.ent_type_) for t in doc)
    assert wrong_words(corpus, bare, [(0, len(doc), "")]) == inside
    # one token too many makes all of it wrong
    if ent.end < len(doc):
        assert wrong_words(corpus, bare, [(ent.start, ent.end + 1, ent.label_)]) == len(ent) + 1


@pytest.mark.slow
def test_tags_are_asked_and_labelled_token_by_token(tagger):
    tasks = ask(tagger, n=20, threshold=0.7, margin=0)
    docs, decided = answered(tasks, tagger[1], "tags")
    assert decided == sum(len(task["asked"]) for task in tasks)
    component = open_component(str(tagger[0]))
    partial = Partial(threshold=0.7)
    marks, _ = self_labels(component, [*docs.values()], partial, kind="tags")
    assert any(marks)
    for task, (name, doc), own in zip(tasks, docs.items(), marks):
        gold = tagger[1][name]
        assert [t.i for t in doc if t.tag_] == task["asked"]
        assert all(doc[i].tag_ == gold[i].tag_ for i in task["asked"])
        probs = get_posteriors(component.nlp, [component.nlp.make_doc(doc.text)])[0].token_probs
        sure = probs.max(axis=1) >= 0.7
        assert [start for start, _, _ in own] == [
            i for i in numpy.flatnonzero(sure) if i not in task["asked"]
        ]
        add_self_labels(doc, own, kind="tags")
        assert all(doc[start].tag_ == label for start, _, label in own)


# An entity at the border of what was asked


def border(asked, ents, **more):
    doc = Doc(Vocab(), words=["Ann", "Lee", "Ray", "met", "Bob", "Roy", "there"])
    labels = ["PERSON"]
    task = make_task(
        doc,
        suggestions=[],
        component_kind="entities",
        labels=labels,
        meta={},
        view_id="ner_manual",
        asked=asked,
    )
    doc.ents = [Span(doc, start, end, label="PERSON") for start, end in ents]
    return {**task, **more}, doc


def test_an_entity_that_goes_on_beyond_what_was_asked_is_decided_whole():
    task, doc = border([2, 3], [(0, 3), (4, 6)])
    docs, decided = answered([task], {content_hash(doc.text): doc})
    (found,) = docs.values()
    # the first is labelled to its beginning, the second was not asked about
    assert [t.ent_iob_ or "?" for t in found] == ["B", "I", "I", "O", "?", "?", "?"]
    assert decided == 4
    assert task["meta"]["asked"] == "“Ray met”"
    # the answer of the person does not name the other
    payload, _ = make_oracle()(task, doc, kind="entities")
    assert [span["token_end"] for span in payload["spans"]] == [2]


def test_an_annotator_who_errs_errs_in_what_was_asked():
    task, doc = border([3], [])
    oracle = make_oracle(spurious=1.0)
    for seed in range(20):
        payload, _ = oracle(task, doc, kind="entities", seed=seed)
        for span in payload["spans"]:
            assert span["token_start"] <= 3 <= span["token_end"]


def test_what_was_rejected_stays_where_the_rest_is_missing():
    candidates = [
        {"token_start": 3, "token_end": 4, "label": "PERSON", "score": 0.3},
        {"token_start": 5, "token_end": 6, "label": "PERSON", "score": 0.3},
    ]
    task, doc = border([2, 3], [], candidates=candidates)
    docs, _ = answered([task], {content_hash(doc.text): doc})
    (found,) = docs.values()
    # one reaches into what is not known, the other is not asked about
    assert [(s.start, s.end) for s in found.spans[INCORRECT]] == [(3, 5)]


# Costs


def test_words_decided_are_a_cost_of_their_own():
    def row(strategy, number, words, score, **more):
        return {
            "strategy": strategy,
            "seed": 0,
            "round": number,
            "words": words,
            "score": score,
            **more,
        }

    rows = [row("random", i, 100 * i + 100, 0.1 * i) for i in range(3)]
    rows += [row("part", i, 100 * i + 100, 0.1 * i, words_decided=50 * i + 100) for i in range(3)]
    shown = {r["strategy"]: r for r in compare(rows, full={"score": 0.2, "words": 1000})}
    assert shown["part"]["savings"] == 0
    decided = compare(rows, "words_decided", full={"score": 0.2, "words": 1000})
    part = next(r for r in decided if r["strategy"] == "part")
    # 200 words for 300
    assert part["savings"] == pytest.approx(1 / 3)
    assert part["share_to_90"] == pytest.approx((100 + 90) / 1000)


# Simulations and runs


STRATEGIES = {
    "part": {"partial": {"threshold": 0.5}},
    "self": {"partial": {"rest": "self", "temperature": 0.3}},
    # texts without an entity to doubt come last
    "one": {"partial": {"yes_no": 3}, "sampler": {"@al_samplers": "spacy-al.top_k.v1"}},
}
SMALL = {name: value for name, value in OVERRIDES.items() if name.startswith("components.")}
STEPS = {
    **SMALL,
    "training.max_steps": 100,
    "training.eval_frequency": 50,
    "training.optimizer.learn_rate": 0.01,
}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder, vocab = tmp_path_factory.mktemp("small"), Vocab()
    for name, count in (("pool_gold", 100), ("dev", 20), ("test", 20)):
        docs = list(DocBin().from_disk(ROOT / "corpus" / f"{name}.spacy").get_docs(vocab))
        DocBin(docs=docs[:count]).to_disk(folder / f"{name}.spacy")
    return folder


def plan_of(small, *strategies, factory="ner", rounds=2, overrides=None):
    gold, dev, test = (small / f"{name}.spacy" for name in ("pool_gold", "dev", "test"))
    steps, component = {**STEPS, **(overrides or {})}, "ner" if overrides else factory
    taught = (steps, Settings(), component, factory)
    plan = (CONFIG, gold, dev, test, strategies, (0,), 40, 10, rounds, *taught)
    return SimulationPlan(*plan, sections=STRATEGIES)


def fixed(row):
    return {name: value for name, value in row.items() if not name.startswith("seconds_")}


@pytest.mark.slow
def test_a_simulation_that_goes_on_gives_the_same_numbers(small, tmp_path):
    plan = plan_of(small, "part", "self")
    rows = [*simulate(plan, tmp_path / "whole")]
    by_key = {(row["strategy"], row["round"]): row for row in rows}
    # what is kept is all that is needed
    shutil.copytree(tmp_path / "whole", tmp_path / "again")
    kept = [row for row in rows if row["round"] < 2 or row["strategy"] == "part"]
    (tmp_path / "again" / "results.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in kept)
    )
    again = {(row["strategy"], row["round"]): row for row in simulate(plan, tmp_path / "again")}
    assert json.dumps([fixed(again[key]) for key in by_key]) == json.dumps(
        [fixed(row) for row in by_key.values()]
    )
    # the model from which all start is as it was
    assert not list((tmp_path / "whole" / "start").rglob("al_calibration.json"))
    assert "temperature" in by_key["part", 0] and "temperature" not in by_key["self", 0]
    # what was shown and what was decided
    gold = {content_hash(d.text): d for d in read_gold_texts(small / "pool_gold.spacy").values()}
    first, second = by_key["self", 0], by_key["self", 1]
    assert first["words"] == first["words_decided"]
    assert second["words"] - first["words"] == sum(len(gold[i]) for i in first["batch"])
    assert all(first["asked"]) and second["words_decided"] < second["words"]
    assert second["self_labelled"] == sum(
        end - start for marks in second["self_labels"].values() for start, end, _ in marks
    )
    assert second["self_labelled"] >= second["self_wrong"] >= 0
    # made anew by each model, for all texts so far, in what nobody decided
    assert set(second["self_labels"]) == {*first["batch"], *second["batch"]}
    shown = second["words"] - first["words"]
    decided = second["words_decided"] - first["words_decided"]
    assert 0 < first["self_labelled"] <= shown - decided
    assert second["merged"]["partial"]
    told = simulation_facts(plan, rows, {"labels": {}, "dropped": {}})
    assert told["costs"][:2] == ["words", "words_decided"]
    made = {row["strategy"]: row.get("self_labels") for row in told["strategies"]}
    assert made["part"] is None and 0 <= made["self"]["wrong"] <= 1


@pytest.mark.slow
def test_a_simulation_asks_yes_or_no_to_single_entities(small, tmp_path):
    plan = plan_of(small, "one", rounds=1)
    first, last = (row for row in simulate(plan, tmp_path) if row["strategy"] == "one")
    gold = {content_hash(d.text): d for d in read_gold_texts(small / "pool_gold.spacy").values()}
    doubted = [(name, *mark) for name, own in first["doubted"].items() for mark in own]
    # an entity each, several of a text, and nothing else was asked about it
    assert set(first["doubted"]) == set(first["batch"]) and first["asked"] == [None] * 10
    assert len(doubted) > 10
    # all words are read, and those decided that are under the entities
    assert last["words"] - first["words"] == sum(len(gold[name]) for name in first["batch"])
    assert last["words_decided"] - first["words_decided"] == sum(e - s for _, s, e, _ in doubted)
    right = [(s, e, label) in spans(gold[name]) for name, s, e, label in doubted]
    assert last["merged"]["accepted"] == sum(right)
    assert last["merged"]["rejected"] == len(right) - sum(right)
    assert last["entities"] - first["entities"] == sum(right)


def spans(doc):
    return {(ent.start, ent.end, ent.label_) for ent in doc.ents}


@pytest.mark.slow
def test_a_simulation_of_a_component_that_cannot_is_refused(small, tmp_path):
    with pytest.raises(UsageError, match="AL220"):
        [*simulate(plan_of(small, "part", factory="textcat"), tmp_path)]
    with pytest.raises(UsageError, match="AL281"):
        [*simulate(plan_of(small, "one", factory="tagger"), tmp_path)]
    # features have no questions of their own
    with pytest.raises(UsageError, match="AL220"):
        [*simulate(plan_of(small, "self", factory="morphologizer"), tmp_path)]


@pytest.mark.slow
def test_a_run_asks_parts_and_keeps_apart_what_people_and_models_said(tmp_path):
    corpus(tmp_path)
    names = {"train": "seed", "dev": "dev", "pool": "pool_gold"}
    paths = {f"paths.{name}": str(tmp_path / f"{file}.spacy") for name, file in names.items()}
    how = {**OVERRIDES, **paths, "paths.test": None, "training.max_steps": 40, "al.max_rounds": 1}
    how |= {"al.output": str(tmp_path / "al"), "training.eval_frequency": 20, "al.labels": LABELS}
    config = tmp_path / "config.cfg"
    block = f'\n[al.partial]\nrest = "self"\ntemperature = {SHARP}\n'
    config.write_text(CONFIG.read_text("utf8") + block, "utf8")
    project = open_project(config, how, oracle=tmp_path / "pool_gold.spacy")
    assert run(project).state == "stopped"
    gold = read_gold_texts(tmp_path / "pool_gold.spacy")
    with Store(project.database, create=False) as store:
        metrics, tasks = store.metrics(), {stored.id: stored for stored in store.tasks()}
        answers = [*store.answers()]
    assert len(answers) == 12 and all(stored.task["asked"] for stored in tasks.values())
    decided = {}
    for answer in answers:
        stored = tasks[answer.task]
        # what is stored is about what was asked
        asked = {*stored.task["asked"]}
        for span in answer.payload["spans"]:
            assert asked & {*range(span["token_start"], span["token_end"] + 1)}
        decided[stored.item] = decided_tokens(stored.task, answer.payload)
    assert metrics[0]["words_decided"] < metrics[0]["words_shown"]
    shown = sum(len(stored.task["tokens"]) for stored in tasks.values())
    assert metrics[0]["words_shown"] == shown
    assert metrics[0]["words_decided"] == sum(map(len, decided.values()))
    docs = DocBin().from_disk(project.folder(1) / "train.spacy").get_docs(Vocab())
    own = {content_hash(d.text): d for d in docs if content_hash(d.text) in decided}
    assert len(own) == 12
    n_self = 0
    for name, doc in own.items():
        by_model = {t.i for span in doc.spans.get(SELF, ()) for t in span}
        assert not by_model & decided[name]
        assert {t.i for t in doc if t.ent_iob} == by_model | decided[name]
        # a person, here the gold, was right about all of the rest
        for token in (doc[i] for i in decided[name]):
            right = gold[name].char_span(token.idx, token.idx + 1, alignment_mode="expand")[0]
            assert (token.ent_iob_, token.ent_type_) == (right.ent_iob_, right.ent_type_)
        n_self += len(by_model)
    assert metrics[1]["self_labelled"] == n_self > 0
    assert metrics[1]["words"] - metrics[1]["words_labelled"] >= n_self
    assert "self_labelled" not in metrics[0]
    said = (project.folder(0) / "answers.jsonl").read_text("utf8")
    assert SELF not in said


# Yes or no


@pytest.mark.slow
def test_the_most_doubtful_entities_are_asked_one_by_one(ner):
    nlp = open_component(str(ner[0])).nlp
    docs = [nlp.make_doc(doc.text) for doc in ner[1].values()]
    posteriors = get_posteriors(nlp, docs, temperature=SHARP)
    several = [(p, d) for p, d in zip(posteriors, docs) if len(yes_no_tasks(p, d, (), 3)) == 3]
    assert several
    for posterior, doc in several[:5]:
        tasks = yes_no_tasks(posterior, doc, (), 3)
        spans = [span for span in posterior.spans if 0.05 <= span.prob <= 0.95]
        spans.sort(key=lambda span: abs(span.prob - 0.5))
        for task, span in zip(tasks, spans):
            (shown,) = task["spans"]
            assert shown["score"] == pytest.approx(0.5 + abs(span.prob - 0.5), abs=1e-5) or shown[
                "score"
            ] == pytest.approx(0.5 - abs(span.prob - 0.5), abs=1e-5)
        assert len({task["_task_hash"] for task in tasks}) == 3
        # an answer is Bayes' for the next: what overlaps a yes is out, and a no is not asked again
        first = tasks[0]["spans"][0]
        mark = first["token_start"], first["token_end"] + 1, first["label"]
        for verdict, how in (("accept", {"accept": [mark]}), ("reject", {"reject": [mark]})):
            said = annotation(
                tasks[0],
                check(tasks[0], {"answer": verdict, "spans": tasks[0]["spans"]}),
                kind="entities",
                labels=posterior.labels,
            )
            given = posterior.condition(**how)
            for task in yes_no_tasks(posterior, doc, [said], 3):
                (span,) = task["spans"]
                start, end = span["token_start"], span["token_end"] + 1
                assert (start, end, span["label"]) != mark
                assert given.prob(start, end, span["label"]) == pytest.approx(span["score"])
                assert verdict == "reject" or end <= mark[0] or mark[1] <= start


def test_a_yes_decides_on_an_entity_and_a_no_on_nothing_else():
    doc = Doc(Vocab(), words=["Ann", "Lee", "met", "Bob"])
    tasks = [
        StoredTask(f"t{number}", 0, content_hash(doc.text), "train", number, task)
        for number, task in enumerate(
            make_task(
                doc,
                suggestions=[(*span, "PERSON", 0.5)],
                component_kind="entities",
                labels=["PERSON"],
                meta={},
                view_id="ner",
                asked=[],
            )
            for span in ((0, 2), (2, 4), (3, 4))
        )
    ]

    def merged(*verdicts):
        answers = [
            StoredAnswer(n, task.id, task.id, "ann", check(task.task, {"answer": said}), 1.0, 0.0)
            if said == "reject"
            else StoredAnswer(
                n,
                task.id,
                task.id,
                "ann",
                check(task.task, {"answer": said, "spans": task.task["spans"]}),
                1.0,
                0.0,
            )
            for n, (task, said) in enumerate(zip(tasks, verdicts), 1)
        ]
        return merge(tasks, answers, kind="entities", labels=["PERSON"], vocab=Vocab())

    def said(doc):
        return "".join(t.ent_iob_ or "?" for t in doc), [
            (s.start, s.end) for s in doc.spans.get(INCORRECT, ())
        ]

    assert said(merged("accept").docs[0]) == ("BI??", [])
    assert said(merged("reject").docs[0]) == ("????", [(0, 2)])
    assert said(merged("accept", "reject", "accept").docs[0]) == ("BI?B", [(2, 4)])
    assert not merged("accept", "reject", "accept").report["duplicate text"]
    # two entities that share a token cannot both be
    assert merged("accept", "accept", "accept").review
    assert decided_tokens(tasks[1].task, {"answer": "reject", "spans": []}) == {2, 3}


def test_the_gold_says_yes_or_no():
    doc = Doc(Vocab(), words=["Ann", "Lee", "met", "Bob"])
    doc.set_ents([Span(doc, 0, 2, label="PERSON")], outside=[doc[2:3]], default="missing")

    def said(span, **how):
        task = make_task(
            doc,
            suggestions=[(*span, "PERSON", 0.5)],
            component_kind="entities",
            labels=["PERSON", "ORG"],
            meta={},
            view_id="ner",
            asked=[],
        )
        payload, seconds = make_oracle(**how)(task, doc, kind="entities")
        return check(task, payload), seconds, task

    payload, _, _ = said((0, 2))
    assert payload["answer"] == "accept"
    assert [(s["token_start"], s["token_end"]) for s in payload["spans"]] == [(0, 1)]
    # two tokens are decided, two are read, and one decision is made
    how = {"seconds_per_token": 1.0, "seconds_per_token_read": 0.25, "seconds_per_entity": 5.0}
    assert said((0, 2), **how)[1] == pytest.approx(2 + 0.5 + 5)
    payload, seconds, _ = said((1, 3), **how)
    assert payload == {"answer": "reject", "spans": []} and seconds == pytest.approx(2 + 0.5 + 5)
    assert said((0, 1))[0]["answer"] == "reject"
    # of what the gold does not know it says nothing, be it a part of what is asked
    assert said((3, 4))[0] == said((2, 4))[0] == {"answer": "ignore"}
    # who misses everything says no to everything, and who errs otherwise does not see what was asked
    for wrong in ("missed", "mislabelled", "boundary"):
        assert said((0, 2), **{wrong: 1.0})[0]["answer"] == "reject"
    # there is nothing to add
    assert len(said((0, 2), spurious=1.0)[0]["spans"]) == 1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*ALW131")
def test_a_run_asks_for_a_yes_or_no_to_single_entities(tmp_path):
    corpus(tmp_path)
    names = {"train": "seed", "dev": "dev", "pool": "pool_gold"}
    paths = {f"paths.{name}": str(tmp_path / f"{file}.spacy") for name, file in names.items()}
    how = {**OVERRIDES, **paths, "paths.test": None, "training.max_steps": 40, "al.max_rounds": 1}
    how |= {"al.output": str(tmp_path / "al"), "training.eval_frequency": 20, "al.labels": LABELS}
    # learns fast, so that there is something to doubt
    how |= {"training.optimizer.learn_rate": 0.01, "training.optimizer.use_averages": False}
    config = tmp_path / "config.cfg"
    block = f"\n[al.partial]\nyes_no = 3\ntemperature = {SHARP}\n"
    config.write_text(CONFIG.read_text("utf8") + block, "utf8")
    project = open_project(config, how, oracle=tmp_path / "pool_gold.spacy")
    assert run(project).state == "stopped"
    gold = read_gold_texts(tmp_path / "pool_gold.spacy")
    with Store(project.database, create=False) as store:
        tasks, metrics = [*store.tasks()], store.metrics()
        answers = {answer.task: answer.payload for answer in store.answers()}
    by_text = {}
    for stored in tasks:
        by_text.setdefault(stored.item, []).append(stored)
    # a batch is of texts; of each it asks as much as there is to doubt
    assert len(by_text) == 12 < len(tasks) == len(answers) <= 36
    assert all(len(own) <= 3 for own in by_text.values())
    rejected = {}
    for stored in tasks:
        task = stored.task
        if task["asked"]:
            assert len(by_text[stored.item]) == 1 and task["_view_id"] == "ner_manual"
            continue
        ((start, end, label),) = [
            (s["token_start"], s["token_end"] + 1, s["label"]) for s in task["spans"]
        ]
        right = (start, end, label) in entities(gold[stored.item])
        assert answers[stored.id]["answer"] == ("accept" if right else "reject")
        if not right:
            rejected.setdefault(stored.item, set()).add((start, end, label))
    assert rejected
    docs = DocBin().from_disk(project.folder(1) / "train.spacy").get_docs(Vocab())
    own = {content_hash(doc.text): doc for doc in docs if content_hash(doc.text) in by_text}
    assert len(own) == 12 and "duplicate text" not in metrics[1]["merged"]
    for name, said in rejected.items():
        inside = {(s.start, s.end, s.label_) for s in own[name].spans.get(INCORRECT, ())}
        assert inside <= said
        # no more is known than was asked
        assert entities(own[name]) <= entities(gold[name])
        assert any(not token.ent_iob for token in own[name])
    decided = sum(len(decided_tokens(task.task, answers[task.id])) for task in tasks)
    assert metrics[0]["words_decided"] == decided < metrics[0]["words_shown"]
    assert metrics[1]["words_labelled"] < metrics[1]["words"]


@pytest.mark.slow
def test_entities_are_asked_about_with_a_beam_as_well(small, tmp_path):
    beam = {"components.ner.factory": "beam_ner", "components.ner.beam_width": 4}
    how = {**beam, "training.max_steps": 4, "training.eval_frequency": 2}
    plan = plan_of(small, "part", factory="beam_ner", rounds=1, overrides=how)
    first, last = simulate(plan, tmp_path / "simulated")
    assert all(first["asked"]) and last["trained_on"] == 50
    corpus(tmp_path)
    names = {"train": "seed", "dev": "dev", "pool": "pool_gold"}
    paths = {f"paths.{name}": str(tmp_path / f"{file}.spacy") for name, file in names.items()}
    how |= {**OVERRIDES, **beam, **paths, "paths.test": None, "al.output": str(tmp_path / "al")}
    project = open_project(CONFIG, how | {"al.labels": LABELS})
    assert run(project).state == "waiting"
    with Store(project.database, create=False) as store:
        tasks = [*store.tasks()]
    assert len(tasks) == 12 and {task.task["_view_id"] for task in tasks} == {"ner_manual"}
