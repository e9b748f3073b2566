"""Labelling functions: what they say is made one by other people's label models, and what nobody says is not known."""

import itertools
import random
import sys
import warnings

import catalogue
import numpy
import pytest
import spacy
from spacy.tokens import DocBin, Span
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_al import registry
from spacy_al.cli import app
from spacy_al.config.project import open_project
from spacy_al.errors import AlError
from spacy_al.loop.rounds import run
from spacy_al.store.store import Store
from spacy_al.tasks.merge import count_decided
from spacy_al.training.weak_labels import analysis, label_pool, weak_docs
from spacy_al.util import content_hash
from tests.helpers.chaos import LABELS, OVERRIDES, ROOT, corpus
from tests.helpers.shards import write_shards

NLP = spacy.blank("en")
TEXTS = [
    "He took aspirin and ibuprofen in Paris .",
    "Aspirin was stopped in Berlin .",
    "Nothing is known of this one .",
    "Paris gave him aspirin",
    "She never had ibuprofen",
]
NUMBERS = itertools.count()


@pytest.fixture
def functions(monkeypatch):
    """An empty registry in place of the one for labelling functions; returns a decorator for it."""
    fresh = catalogue.create("spacy", f"test_labelling_functions_{next(NUMBERS)}")
    monkeypatch.setattr(registry, "al_labelling_functions", fresh)
    monkeypatch.setattr(spacy.registry, "al_labelling_functions", fresh)
    return lambda function: fresh.register(f"{function.__name__}.v1", func=lambda: function)


def pool_of(texts, path):
    write_shards([NLP.make_doc(text) for text in texts], path)
    return path


@pytest.fixture
def pool(tmp_path):
    return pool_of(TEXTS, tmp_path / "pool")


def marking(words, label):
    return lambda doc: [(t.i, t.i + 1, label) for t in doc if t.text in words]


def named(function, name):
    function.__name__ = name
    return function


@pytest.fixture
def large(tmp_path):
    """Enough for the hidden Markov model to learn which function marks what."""
    ends = ("today", "again", "soon", "then", "too", "here", "once")
    return pool_of(TEXTS + [f"{text} {end}" for text in TEXTS for end in ends], tmp_path / "large")


@pytest.fixture
def three(functions):
    pytest.importorskip("skweak")
    functions(named(marking({"aspirin", "ibuprofen"}, "DRUG"), "drugs"))
    functions(named(lambda doc: marking({"aspirin", "Aspirin"}, "DRUG")(doc) or None, "aspirins"))

    def capitals(doc):
        for token in doc:
            if token.is_title and token.i:
                yield Span(doc, token.i, token.i + 1, label="CITY")

    functions(capitals)


def test_entities_are_marked_and_what_nobody_says_is_left_out(large, three):
    found = label_pool(large, NLP)
    docs = {doc.text: doc for doc in found.docs}
    assert docs.keys() & set(TEXTS) == {TEXTS[i] for i in (0, 1, 3, 4)}
    marked = {text: [(e.text, e.label_) for e in doc.ents] for text, doc in docs.items()}
    assert marked[TEXTS[0]] == [("aspirin", "DRUG"), ("ibuprofen", "DRUG"), ("Paris", "CITY")]
    assert marked[TEXTS[1]] == [("Aspirin", "DRUG"), ("Berlin", "CITY")]
    assert [t.ent_iob_ for t in docs[TEXTS[4]]] == ["O", "O", "O", "B"]
    assert docs[TEXTS[4]].user_data == {"al_weak": ["drugs.v1"]} and not docs[TEXTS[0]].spans
    assert found.labels == {"DRUG": 40, "CITY": 16} and found.report["read"] == 40
    assert all(count_decided(doc, "entities") == 0 for doc in found.docs)


def test_tokens_that_no_function_marks_can_stay_missing(large, three):
    docs = {doc.text: doc for doc in label_pool(large, NLP, outside=False).docs}
    assert [t.ent_iob_ for t in docs[TEXTS[4]]] == ["", "", "", "B"]


def test_marks_that_do_not_prevail_are_missing_and_not_outside(functions, tmp_path):
    pytest.importorskip("skweak")
    for name in ("a", "b", "c"):
        functions(named(marking({"aspirin", "ibuprofen", "heparin"}, "DRUG"), f"says{name}"))
    functions(named(marking({"aspirin", "spoon"}, "CITY"), "wrong"))
    drugs = ("aspirin", "ibuprofen", "heparin")
    texts = [f"{verb} {drug} with a spoon" for verb in ("take", "took", "give") for drug in drugs]
    found = label_pool(pool_of(texts, tmp_path / "pool"), NLP)
    for doc in found.docs:
        assert [e.label_ for e in doc.ents if e.start == 1] == ["DRUG"]
        state = doc[4].ent_iob_, doc[4].ent_type_
        assert state in (("B", "CITY"), ("", "")) and doc[2].ent_iob_ == "O"


def test_what_a_pool_or_a_model_says_is_not_what_functions_say(three, tmp_path):
    doc = NLP.make_doc(TEXTS[4])
    doc.ents = [Span(doc, 0, 1, label="GOLD")]
    write_shards([doc], tmp_path / "pool")
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "RULER", "pattern": "had"}])
    found = label_pool(tmp_path / "pool", nlp)
    assert [(e.text, e.label_) for e in found.docs[0].ents] == [("ibuprofen", "DRUG")]


def test_spans_lose_white_space_at_their_ends_and_the_longest_of_one_function_counts(
    functions, tmp_path
):
    pytest.importorskip("skweak")
    functions(named(lambda doc: [(0, 2, "A"), (0, len(doc), "A"), (1, 2, "A")], "wide"))
    texts = [f"one {word} \n " for word in ("two", "three", "four")]
    found = label_pool(pool_of(texts, tmp_path / "pool"), NLP)
    assert [[(e.start, e.end) for e in doc.ents] for doc in found.docs] == [[(0, 2)]] * 3


def noisy(right, accuracies, n_labels, seed=0):
    """What functions of these accuracies say, a third of the time nothing."""
    rng = random.Random(seed)

    def say(label, accuracy):
        if rng.random() < 1 / 3:
            return -1
        return label if rng.random() < accuracy else rng.randrange(n_labels)

    return numpy.array([[say(label, accuracy) for accuracy in accuracies] for label in right])


@pytest.fixture(scope="module")
def table():
    rng = random.Random(1)
    right = [rng.randrange(3) for _ in range(300)]
    return right, noisy(right, (0.95, 0.9, 0.3, 0.2, 0.2), 3)


def register_table(functions, table, names="XYZ"):
    for column in range(table.shape[1]):

        def say(doc, column=column):
            label = int(table[int(doc[1].text), column])
            return None if label < 0 else names[label]

        functions(named(say, f"f{column}"))


@pytest.mark.slow
def test_categories_are_those_of_snorkels_model_and_better_than_a_majority(
    functions, table, tmp_path
):
    pytest.importorskip("snorkel")
    right, rows = table
    register_table(functions, rows)
    found = label_pool(pool_of([f"text {i}" for i in range(300)], tmp_path / "pool"), NLP)
    assert found.kind == "categories" and found.how == "Snorkel's label model"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from snorkel.labeling.model import LabelModel, MajorityLabelVoter
    spoken = rows[(rows >= 0).any(axis=1)]
    model = LabelModel(cardinality=3, verbose=False)
    model.fit(spoken, seed=0, progress_bar=False)
    theirs = model.predict(spoken, tie_break_policy="abstain")
    votes = MajorityLabelVoter(cardinality=3).predict(rows, tie_break_policy="abstain")
    chosen = {int(doc[1].text): doc.cats for doc in found.docs}
    mine = [chosen.get(i, {}) for i in numpy.flatnonzero((rows >= 0).any(axis=1)).tolist()]
    assert all(cats == {} or sorted(cats.values()) == [0.0, 0.0, 1.0] for cats in mine)
    assert [
        "XYZ".index(max(cats, key=cats.get)) if cats else -1 for cats in mine
    ] == theirs.tolist()
    hits = sum(chosen[i]["XYZ"[right[i]]] == 1.0 for i in chosen)
    assert hits > 1.1 * (votes == numpy.array(right)).sum()


def test_fewer_than_three_functions_vote_and_a_tie_is_no_category(functions, tmp_path):
    pytest.importorskip("snorkel")
    register_table(functions, numpy.array([[0, 0], [1, -1], [0, 1], [-1, -1]]))
    pool = pool_of([f"text {i}" for i in range(4)], tmp_path / "pool")
    found = label_pool(pool, NLP)
    cats = {doc.text: doc.cats for doc in found.docs}
    assert cats == {"text 0": {"X": 1.0, "Y": 0.0}, "text 1": {"X": 0.0, "Y": 1.0}}
    assert found.how == "majority vote" and found.labels == {"X": 1, "Y": 1}


def test_what_functions_do_is_counted_as_snorkel_counts_it(table):
    pytest.importorskip("snorkel")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from snorkel.labeling import LFAnalysis

        _, rows = table
        theirs = LFAnalysis(rows)
        expected = theirs.lf_coverages(), theirs.lf_overlaps(), theirs.lf_conflicts()
    # texts of which nobody says anything count only in the total
    spoken = rows[(rows >= 0).any(axis=1)]
    mine = analysis(spoken, [f"f{i}" for i in range(5)], len(rows))
    for name, values in zip(("coverage", "overlaps", "conflicts"), expected):
        numpy.testing.assert_allclose([row[name] for row in mine.values()], values)
    assert [row["votes"] for row in mine.values()] == (rows >= 0).sum(axis=0).tolist()


@pytest.mark.parametrize(
    "said",
    [
        "",
        3,
        [None],
        ["DRUG"],
        [(0, 1)],
        [(1, 1, "A")],
        [(0, 99, "A")],
        [(-1, 1, "A")],
        [(0, 1, "")],
        [Span(NLP.make_doc("of another doc"), 0, 1, label="A")],
    ],
)
def test_what_a_function_may_not_return_is_said_with_its_name(pool, functions, said):
    functions(named(lambda doc: said, "odd"))
    with pytest.raises(AlError, match=r"AL254.*odd\.v1"):
        label_pool(pool, NLP)


def test_categories_and_spans_do_not_mix(pool, functions):
    functions(named(lambda doc: "SPAM", "spam"))
    functions(named(marking({"aspirin"}, "DRUG"), "drugs"))
    with pytest.raises(AlError, match=r"AL254.*spam\.v1"):
        label_pool(pool, NLP)


def test_no_functions_nothing_found_and_a_function_that_fails(pool, functions):
    with pytest.raises(AlError, match="AL253"):
        label_pool(pool, NLP)
    functions(named(lambda doc: None, "silent"))
    with pytest.raises(AlError, match=r"AL256.*5 texts.*silent\.v1"):
        label_pool(pool, NLP)
    functions(named(lambda doc: 1 / 0, "broken"))
    with pytest.raises(AlError, match=r"AL092.*ZeroDivisionError"):
        label_pool(pool, NLP)


@pytest.mark.parametrize("package, said", [("skweak", [(0, 1, "A")]), ("snorkel", "A")])
def test_without_the_extra_one_sentence_says_what_to_install(
    pool, functions, monkeypatch, package, said
):
    for name in [name for name in sys.modules if name.split(".")[0] == package] or [package]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, package, None)
    functions(named(lambda doc: said, "one"))
    with pytest.raises(AlError, match=rf"AL255.*{package}.*spacy-al\[weak\]"):
        label_pool(pool, NLP)


def test_a_label_model_that_fails_is_named(pool, three, monkeypatch):
    from skweak.generative import HMM

    def fail(self, docs):
        raise RuntimeError("No valid state found")

    monkeypatch.setattr(HMM, "fit", fail)
    with pytest.raises(AlError, match=r"AL257.*skweak.*No valid state"):
        label_pool(pool, NLP)


CODE = """
import spacy

@spacy.registry.al_labelling_functions("aspirin.v1")
def make_aspirin():
    return aspirin

def aspirin(doc):
    return [token.doc[token.i : token.i + 1] for token in doc if False] or [
        (token.i, token.i + 1, "DRUG") for token in doc if token.lower_ == "aspirin"
    ]
"""


def test_the_command_writes_a_corpus_and_says_what_each_function_did(pool, functions, tmp_path):
    pytest.importorskip("skweak")
    (tmp_path / "lfs.py").write_text(CODE)
    output = tmp_path / "weak.spacy"
    words = ["weak", str(pool), "--code", str(tmp_path / "lfs.py"), "-o", str(output)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "aspirin.v1" in done.output and "✔ 3 of 5 texts" in done.output
    docs = list(DocBin().from_disk(output).get_docs(Vocab()))
    assert [doc.ents[0].text.lower() for doc in docs] == ["aspirin"] * 3
    assert docs[0].user_data["al_weak"] == ("aspirin.v1",)
    into_the_pool = CliRunner().invoke(app, [*words[:-1], str(pool / "weak.spacy")])
    assert into_the_pool.exit_code == 2 and "AL095" in into_the_pool.output


def test_texts_with_better_labels_or_to_measure_on_are_not_weakly_labelled(tmp_path):
    pool_of(TEXTS[:3], tmp_path / "weak")
    pool_of(TEXTS[1:2], tmp_path / "dev")
    found = weak_docs(tmp_path / "weak", (None, tmp_path / "dev", tmp_path / "none"))
    assert [doc.text for doc in found] == [TEXTS[0], TEXTS[2]]


@pytest.mark.slow
def test_in_the_loop_weak_labels_train_until_somebody_answers(tmp_path):
    corpus(tmp_path)
    # the texts of the pool, as `weak` writes them: these are asked nevertheless
    seed = list(DocBin().from_disk(tmp_path / "pool_gold.spacy").get_docs(Vocab()))[:30]
    for doc in seed:
        doc.user_data["al_weak"] = ["gold.v1"]
    DocBin(docs=seed, store_user_data=True).to_disk(tmp_path / "weak.spacy")
    files = {"dev": "dev.spacy", "pool": "weak.spacy"}
    paths = {f"paths.{name}": str(tmp_path / file) for name, file in files.items()}
    own = {**paths, "paths.train": None, "paths.test": None, **OVERRIDES, "al.labels": LABELS}
    own |= {"al.output": str(tmp_path / "al"), "al.weak": str(tmp_path / "weak.spacy")}
    project = open_project(
        ROOT / "configs" / "ner.cfg",
        {**own, "al.max_rounds": 1},
        oracle=tmp_path / "pool_gold.spacy",
    )
    assert run(project).state == "stopped"
    rounds = [
        [doc.text for doc in DocBin().from_disk(path / "train.spacy").get_docs(Vocab())]
        for path in (project.folder(0), project.folder(1))
    ]
    assert rounds[0] == [doc.text for doc in seed]
    with Store(project.database, create=False) as store:
        asked, metrics = store.asked_ids(), store.metrics()
    assert {content_hash(text) for text in rounds[1]} == asked and len(asked) == 12
    assert metrics[0]["weak"] == 30 and metrics[0]["words_labelled"] == 0
    assert "weak" not in metrics[1] and metrics[1]["words_labelled"] > 0
