"""A batch with its answers becomes the score of the pool that it was drawn from."""

import json

import numpy
import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.corpus.shard import read_shard, write_shard
from spacy_al.errors import AlError
from spacy_al.evaluation.asked import asked_counts
from spacy_al.evaluation.pool_score import batch_score, estimate, needed_for, read_batch
from spacy_al.evaluation.weighted import weigh_drawn
from spacy_al.tasks.task import EXPECTED, make_task, read_tasks, write_tasks
from spacy_al.training.pseudo_batcher import pass_rate
from spacy_al.util import content_hash
from tests.helpers.ner_oracle import WORDS, make_ner

NLP = spacy.blank("en")
RIGHT = {"Smith": "PER", "aspirin": "DRUG", "Paris": "PER"}


def labelled(text, marks=RIGHT):
    doc = NLP.make_doc(text)
    doc.set_ents([Span(doc, t.i, t.i + 1, label=marks[t.text]) for t in doc if t.text in marks])
    return doc


def question(text, spans, kind="entities", view="ner_manual", labels=("DRUG", "PER"), **meta):
    return make_task(
        NLP.make_doc(text),
        suggestions=spans,
        component_kind=kind,
        labels=labels,
        meta={"rank": 1, "propensity": 0.1, "model": "m", **meta},
        view_id=view,
        exclusive=view == "choice",
    )


def test_entities_are_compared_by_characters():
    task = question("Smith took aspirin in Paris", [(0, 1, "PER", 0.9), (2, 4, "DRUG", 0.4)])
    words = ["Smith", "took", "aspir", "in", "in", "Paris"]
    gold = Doc(NLP.vocab, words, [True, True, False, True, True, False])
    gold.set_ents([Span(gold, 0, 1, label="PER"), Span(gold, 2, 4, label="DRUG")])
    found = asked_counts(task, gold, ["DRUG", "PER"])
    assert found.tolist() == [[0, 1, 1], [1, 1, 1]]
    gold.set_ents([], outside=[gold[0:2]], default="missing")
    assert asked_counts(task, gold, ["DRUG", "PER"]) is None


def test_categories():
    task = question("Good", [("A", 0.2), ("B", 0.8)], "categories", "choice", ("A", "B"))
    doc = NLP.make_doc("Good")
    assert asked_counts(task, doc, ["A", "B"]) is None
    doc.cats = {"A": 1.0, "B": 0.0}
    assert asked_counts(task, doc, ["A", "B"]).tolist() == [[0, 0, 1], [0, 1, 0]]
    several = {**task, "config": {"choice_style": "multiple"}}
    doc.cats = {"A": 0.0, "B": 1.0}
    assert asked_counts(several, doc, ["A", "B"]).tolist() == [[0, 0, 0], [1, 1, 1]]
    bare = {**task, "options": [{"id": "A", "text": "A"}]}
    assert asked_counts(bare, doc, ["B"]).tolist() == [[0, 0, 1]]


def test_tags_and_spans():
    doc = NLP.make_doc("He runs")
    task = question("He runs", [(0, 1, "N", 0.9), (1, 2, "N", 0.6)], "tags", "pos_manual", ("N", "V"))  # fmt: skip
    assert asked_counts(task, doc, ["N", "V"]) is None
    doc[0].tag_, doc[1].tag_ = "N", "V"
    assert asked_counts(task, doc, ["N", "V"]).tolist() == [[1, 2, 1], [0, 0, 1]]
    spans = question("He runs", [(0, 2, "X", 0.6)], "spans", "spans_manual", ("X",))
    doc.spans["mine"] = [Span(doc, 0, 2, label="X")]
    assert asked_counts(spans, doc, ["X"], "mine").tolist() == [[1, 1, 1]]
    assert asked_counts(spans, doc, ["X"]).tolist() == [[0, 1, 0]]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A pool of 60 texts, a batch of 25 that was drawn from it, and the right answers to all."""
    folder = tmp_path_factory.mktemp("pool")
    nlp = make_ner(updates=3)
    nlp.to_disk(folder / "model")
    rng = numpy.random.default_rng(0)
    drawn = {" ".join(rng.permutation(WORDS)[: rng.integers(4, 9)]) for _ in range(60)}
    texts = sorted(f"{text} {k}x" for k, text in enumerate(sorted(drawn)))
    write_shard([NLP.make_doc(text) for text in texts], folder / "pool.spacy")
    gold = [nlp(text) for text in texts]
    for doc in gold:
        # it misses Paris and is wrong about most of what it says of others
        wrong = [ent for k, ent in enumerate(doc.ents) if k % 3]
        mine = [Span(doc, t.i, t.i + 1, label="PER") for t in doc if t.text == "Paris"]
        doc.set_ents(spacy.util.filter_spans([*mine, *(e for e in doc.ents if e not in wrong)]))
    write_shard(gold, folder / "gold.spacy")
    for sampler in ("active_testing", "uniform", "top_k"):
        words = ["select", folder / "pool.spacy", "-m", folder / "model", "--sampler", sampler]
        words += ["-n", "25", "-o", folder / f"{sampler}.jsonl", "--quiet"]
        done = CliRunner().invoke(app, list(map(str, words)))
        assert done.exit_code == 0, done.output
    return folder


def true_score(folder):
    nlp = spacy.load(folder / "model")
    sums = numpy.zeros(3)
    for doc in DocBin().from_disk(folder / "gold.spacy").get_docs(nlp.vocab):
        said = {(s.start_char, s.end_char, s.label_) for s in nlp(doc.text).ents}
        wanted = {(s.start_char, s.end_char, s.label_) for s in doc.ents}
        sums += len(said & wanted), len(said), len(wanted)
    return 2 * sums[0] / (sums[1] + sums[2])


@pytest.mark.parametrize("sampler", ["active_testing", "uniform"])
def test_what_was_drawn_says_how_good_the_model_is_in_the_pool(drawn, sampler):
    found = estimate(drawn / f"{sampler}.jsonl", drawn / "gold.spacy")
    assert found.drawn == found.answered == 25 and found.score.n_pool == 60
    assert found.score.f.low <= true_score(drawn) <= found.score.f.high
    assert (found.score.expected is not None) == (sampler == "active_testing")
    tasks = list(read_tasks(drawn / f"{sampler}.jsonl"))
    assert (EXPECTED in tasks[0]) == (sampler == "active_testing")
    counts = found.score.counts
    assert set(counts) == {"DRUG", "PER"} and all(one.low <= one.high for one in counts.values())


def test_the_command(drawn):
    words = ["estimate", str(drawn / "active_testing.jsonl"), str(drawn / "gold.spacy")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0 and "From 25 draws of 60 texts" in done.output
    assert "F of DRUG" in done.output and "PER in the pool" in done.output
    found = json.loads(CliRunner().invoke(app, [*words, "--json"]).output)
    assert found["score"]["f"]["low"] < found["score"]["f"]["value"] < 1
    words[1] = str(drawn / "top_k.jsonl")
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1 and "AL450" in done.output


def test_the_expected_counts_are_those_of_the_whole_pool(drawn):
    from spacy_al import get_posteriors
    from spacy_al.acquisition import answer_counts

    nlp = spacy.load(drawn / "model")
    docs = [nlp.make_doc(doc.text) for doc in DocBin().from_disk(drawn / "pool.spacy").get_docs(nlp.vocab)]  # fmt: skip
    rows = answer_counts(get_posteriors(nlp, docs))
    (task, *_) = read_tasks(drawn / "active_testing.jsonl")
    assert task[EXPECTED]["pool"] == pytest.approx(rows.sum(axis=0).tolist(), rel=1e-3)
    own = rows[[doc.text for doc in docs].index(task["text"])]
    assert task[EXPECTED]["text"] == pytest.approx(own.tolist(), rel=1e-3, abs=1e-4)


def test_answers_count_as_far_as_the_first_that_is_missing(drawn):
    tasks = list(read_tasks(drawn / "active_testing.jsonl"))
    docs = list(DocBin().from_disk(drawn / "gold.spacy").get_docs(NLP.vocab))
    gold = {content_hash(doc.text): doc for doc in docs}
    gold[content_hash(tasks[3]["text"])] = None
    del gold[content_hash(tasks[15]["text"])]
    found = batch_score(tasks, gold)
    assert (found.drawn, found.answered) == (15, 14)
    # the order in the file is no matter
    assert batch_score(tasks[::-1], gold) == found
    for task in tasks[5:15]:
        del gold[content_hash(task["text"])]
    with pytest.raises(AlError, match=r"AL452.*5 texts"):
        batch_score(tasks, gold)


def test_what_is_no_batch_is_refused(drawn, tmp_path):
    tasks = list(read_tasks(drawn / "active_testing.jsonl"))
    with pytest.raises(AlError, match=r"AL454.*parts of texts"):
        batch_score([{**task, "asked": [0]} for task in tasks], {})
    bare = [{**task, "meta": {**task["meta"], "model": None, "component": None}} for task in tasks]
    with pytest.raises(AlError, match=r"AL454.*no model chose"):
        batch_score(bare, {})
    with pytest.raises(AlError, match=r"AL454.*have one rank"):
        batch_score([*tasks, tasks[0]], {})
    # a pool is no gold
    unlabelled = {content_hash(task["text"]): NLP.make_doc(task["text"]) for task in tasks}
    with pytest.raises(AlError, match=r"AL454.*answered in full"):
        batch_score(tasks, unlabelled)
    write_tasks([{**tasks[0], "meta": {}}], tmp_path / "no.jsonl")
    with pytest.raises(AlError, match=r"AL454.*no rank"):
        estimate(tmp_path / "no.jsonl", drawn / "gold.spacy")
    write_shard([labelled("Another text")], tmp_path / "other.spacy")
    with pytest.raises(AlError, match=r"AL454.*none of its texts"):
        estimate(drawn / "active_testing.jsonl", tmp_path / "other.spacy")


def test_the_draws_that_are_needed():
    assert needed_for(numpy.zeros((9, 3)), 0.05) is None
    sure = numpy.tile([1.0, 1.0, 1.0], (20, 1))
    assert needed_for(sure, 0.05) == 10
    half = numpy.concatenate([sure, sure * [0, 1, 1]])
    assert needed_for(half, 0.05) == int(numpy.ceil((1.96 * 0.5 / 0.05) ** 2))


def test_weighted_texts_stand_for_the_pool(drawn, tmp_path):
    out = tmp_path / "weighted.spacy"
    words = ["estimate", drawn / "active_testing.jsonl", drawn / "gold.spacy", "--weighted", out]
    done = CliRunner().invoke(app, list(map(str, words)))
    assert done.exit_code == 0 and "25 texts, with a rate for each" in done.output
    docs = list(read_shard(out, NLP.vocab))
    by_text = {doc.text: doc for doc in docs}
    tasks = sorted(read_tasks(drawn / "active_testing.jsonl"), key=lambda t: t["meta"]["rank"])
    rates = [pass_rate(by_text[task["text"]]) for task in tasks]
    assert max(rates) == 1 and min(rates) > 0
    # the likelier a text was to come among those that were left, the fewer it stands for
    first, second = sorted(tasks[:2], key=lambda task: task["meta"]["propensity"])
    assert pass_rate(by_text[first["text"]]) > pass_rate(by_text[second["text"]])
    # uniform draws stand for as many each
    found = weigh_drawn(*read_batch(drawn / "uniform.jsonl", drawn / "gold.spacy"))
    assert [pass_rate(doc) for doc in found] == pytest.approx([1.0] * 25)
