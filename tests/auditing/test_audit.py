"""Auditing from the corpus to the list: by folds, by a model, and what cannot be."""

import json
import random

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

import spacy_al
from spacy_al.auditing.audit import Audit, audit, read_audited
from spacy_al.auditing.judged import JudgedCorpus
from spacy_al.corpus.shard import RATE_KEY, read_shard, write_shard
from spacy_al.errors import AlError, AlWarning, UsageError
from spacy_al.posteriors.component import TrainedComponent
from spacy_al.posteriors.read import reader_of
from tests.helpers.chaos import ROOT
from tests.posteriors.test_readers import examples, make
from tests.query.test_select import save_light

GOOD, BAD = "excellent happy lovely great", "awful sad dreadful poor"


def labelled(n=60, swapped=()):
    """Texts whose words tell the category, some of them labelled otherwise."""
    draw, docs, vocab = random.Random(0), [], Vocab()
    for row in range(n):
        name = "GOOD" if row % 2 else "BAD"
        words = [*draw.choices((GOOD if row % 2 else BAD).split(), k=5), f"no{row}"]
        doc = Doc(vocab, words=words)
        said = {"GOOD": "BAD", "BAD": "GOOD"}[name] if row in swapped else name
        doc.cats = {label: float(label == said) for label in ("GOOD", "BAD")}
        docs.append(doc)
    return docs


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "textcat.cfg"
    nlp = make("textcat", architecture="bow", steps=None)
    made = nlp.config.copy()
    made["paths"] = {"train": None, "dev": None, "vectors": None, "init_tok2vec": None}
    made["training"]["optimizer"]["learn_rate"] = 0.05
    for name in ("train", "dev"):
        made["corpora"][name]["path"] = f"${{paths.{name}}}"
    path.write_text(made.to_str(interpolate=False), "utf8")
    return path


WRONG = (4, 21, 40)
QUICK = {"training.max_steps": 60}


@pytest.mark.slow
def test_what_was_swapped_comes_first_and_nothing_is_trained_twice(tmp_path, config):
    corpus, output = tmp_path / "train.spacy", tmp_path / "audit.jsonl"
    write_shard(labelled(swapped=WRONG), corpus)
    before, said = corpus.read_bytes(), list[str]()
    how = {"config": config, "overrides": QUICK, "folds": 3, "folder": tmp_path / "folds", "n": 5}
    found = spacy_al.audit(corpus, **how, n_random=10, output=output, show=said.append)
    assert isinstance(found, Audit)
    assert {row.row - 1 for row in found.rows[:3]} == {*WRONG}
    assert len(said) == 3 and corpus.read_bytes() == before
    assert len(found.corpus.texts) == found.corpus.total == 60
    tasks = [json.loads(line) for line in output.read_text("utf8").splitlines()]
    assert tasks == json.loads(json.dumps(found.tasks)) and len(tasks) == 15
    models = sorted(tmp_path.glob("folds/fold-*/model-best/meta.json"))
    times = [model.stat().st_mtime_ns for model in models]
    again = spacy_al.audit(corpus, **how, n_random=10)
    assert isinstance(again, Audit) and again.rows == found.rows and len(models) == 3
    assert [model.stat().st_mtime_ns for model in models] == times
    # another text in a fold's corpus, and it is trained anew
    write_shard(labelled(swapped=(*WRONG, 0)), corpus)
    spacy_al.audit(corpus, **how, show=said.append)
    assert any("made again" in line for line in said)
    # the fold that holds the text out has the same to learn from
    anew = [model.stat().st_mtime_ns > time for model, time in zip(models, times)]
    assert sum(anew) == 2


def test_the_corpus_with_rates(tmp_path):
    """Each text has a rate, a doubtful one a low one; labels and other texts stay; those that are dropped are the most doubtful."""
    nlp = make("textcat", architecture="bow")
    model, corpus = save_light(nlp, tmp_path / "model"), tmp_path / "train.spacy"
    docs = labelled(12)
    docs.append(nlp.make_doc("nothing is said of this"))
    write_shard(docs, corpus)
    before, out = corpus.read_bytes(), tmp_path / "weighted.spacy"
    with pytest.warns(AlWarning, match="ALW421"):
        found = audit(corpus, model=str(model), weighted=out)
    read = list(read_shard(out, Vocab()))
    assert corpus.read_bytes() == before and [doc.text for doc in read] == [d.text for d in docs]
    assert [doc.cats for doc in read] == [doc.cats for doc in docs]
    rates = [doc.user_data.get(RATE_KEY) for doc in read]
    assert rates.pop() is None and all(0 < rate <= 1 for rate in rates)
    evidence = [max(one.evidence for one in text.findings) for text in found.corpus.texts]
    assert rates == pytest.approx([max(1 - one, 0.01) for one in evidence], abs=1e-4)
    worst = sorted(found.corpus.texts, key=lambda text: (-text.score, text.row))[:3]
    with pytest.warns(AlWarning, match="ALW421"):
        audit(corpus, model=str(model), weighted=out, drop=3)
    kept = [doc.text for doc in read_shard(out, Vocab())]
    assert kept == [d.text for row, d in enumerate(docs) if row not in {one.row for one in worst}]
    with pytest.raises(UsageError, match=r"AL428.*--weighted"):
        audit(corpus, model=str(model), drop=3)
    with pytest.warns(AlWarning), pytest.raises(UsageError, match=r"AL087.*--drop is 99"):
        audit(corpus, model=str(model), weighted=out, drop=99)


def test_a_model_that_has_not_seen_it(tmp_path):
    nlp = make("textcat", architecture="bow")
    model, corpus = save_light(nlp, tmp_path / "model"), tmp_path / "train.spacy"
    docs = list(nlp.pipe(["aspirin", "she slept", "all slept"]))
    docs.append(nlp.make_doc("nothing is said of this"))
    docs[0].cats = {"GOOD": 1.0, "BAD": 0.0}
    docs[1].cats = {"GOOD": 0.0, "BAD": 0.0}
    docs[2].cats = {"X": 1.0}
    docs[2].cats["GOOD"] = 0.0
    DocBin(docs=docs).to_disk(corpus)
    with pytest.warns(AlWarning) as warned:
        found = audit(corpus, model=str(model))
    said = " ".join(str(warning.message) for warning in warned)
    assert len(warned) == 2 and "ALW421" in said and "ALW420" in said
    assert found.corpus.total == 4 and len(found.corpus.texts) == 3
    assert found.corpus.unknown == {"X": 1}


@pytest.mark.parametrize("factory", ["tagger", "spancat", "textcat_multilabel"])
def test_every_kind_of_component(factory):
    nlp = make(factory)
    found = JudgedCorpus(
        {"tagger": "tags", "spancat": "spans"}.get(factory, "categories"),
        factory,
        factory,
        [],
        factory == "tagger",
        4,
    )
    docs = [example.reference for example in examples(nlp)]
    component = _opened(nlp)
    found.add(component, docs, range(4))
    assert len(found.texts) == 4 and any(text.findings for text in found.texts)
    for text in found.texts:
        scores = [one.score for one in text.findings]
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= one.prob_given <= 1 for one in text.findings)


def test_a_span_that_is_never_proposed_is_not_of_an_unknown_label(tmp_path):
    nlp = make("spancat")
    docs = [example.reference for example in examples(nlp)]
    (long,) = [doc for doc in docs if len(doc) == max(map(len, docs))][:1]
    label = nlp.get_pipe("spancat").labels[0]
    long.spans["sc"] = [Span(long, 0, len(long), label), Span(long, 0, 1, "NEW")]
    DocBin(docs=[long]).to_disk(tmp_path / "gold.spacy")
    with pytest.warns(AlWarning) as warned:
        found = audit(tmp_path / "gold.spacy", model=str(save_light(nlp, tmp_path / "model")))
    said = [str(warning.message) for warning in warned]
    assert [line for line in said if "ALW423" in line and f"{label} (1)" in line]
    assert [line for line in said if "ALW420" in line and "label: NEW (1)." in line]
    assert found.corpus.unknown == {"NEW": 1} and found.corpus.unsuggested == {label: 1}


def _opened(nlp):
    (name,) = nlp.pipe_names
    return TrainedComponent(nlp, name, (), 1.0, reader_of(nlp, name))


def test_who_judges(tmp_path, config):
    corpus = tmp_path / "train.spacy"
    write_shard(labelled(6), corpus)
    with pytest.raises(UsageError, match="AL420"):
        audit(corpus)
    with pytest.raises(UsageError, match="AL420"):
        audit(corpus, config=config, model="x")
    with pytest.raises(UsageError, match="AL087"):
        audit(corpus, config=config, n_random=-1)
    with pytest.raises(UsageError, match="AL422"):
        audit(corpus, config=config, folds=7, folder=tmp_path)
    with pytest.raises(AlError, match="AL080"):
        audit(corpus, config=tmp_path / "none.cfg")
    with pytest.raises(AlError, match="AL001"):
        audit(corpus, config=config, component="nobody")
    with pytest.raises(AlError, match="AL040"):
        audit(tmp_path / "none.spacy", config=config)


def test_components_that_nobody_is_asked_about(tmp_path):
    corpus = tmp_path / "train.spacy"
    write_shard(labelled(6), corpus)
    model = save_light(make("senter"), tmp_path / "model")
    with pytest.raises(UsageError, match="AL421"):
        audit(corpus, model=str(model))


def test_nothing_annotated(tmp_path):
    model = save_light(make("textcat", architecture="bow"), tmp_path / "model")
    corpus = tmp_path / "train.spacy"
    write_shard([spacy.blank("en").make_doc("a text")], corpus)
    with pytest.warns(AlWarning, match="ALW421"), pytest.raises(AlError, match="AL070"):
        audit(corpus, model=str(model))


def test_what_convert_reads_can_be_audited(tmp_path):
    lines = [{"text": "all is well", "label": "GOOD"}, {"text": "it hurts", "label": "BAD"}]
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf8")
    docs = read_audited(path)
    assert [doc.text for doc in docs] == ["all is well", "it hurts"]
    assert docs[0].cats["GOOD"] == 1.0
    shard = tmp_path / "shards" / "0.spacy"
    shard.parent.mkdir()
    write_shard(docs, shard)
    assert len(read_audited(shard.parent)) == len([*read_shard(shard, Vocab())]) == 2


def test_what_is_not_annotated_is_refused_before_training_and_in_no_fold(tmp_path, config):
    docs, said = labelled(12), list[str]()
    for number, code in ((3, "AL422.* of 3 documents"), (0, "AL070")):
        for doc in docs[number:]:
            doc.cats = {}
        write_shard(docs, tmp_path / "train.spacy")
        # the texts of which nothing is known do not count: three are too few for five folds
        with pytest.raises(AlError, match=code):
            how = {"config": config, "folder": tmp_path / "folds", "show": said.append}
            audit(tmp_path / "train.spacy", **how)
    assert said == [] and not (tmp_path / "folds").exists()


def test_a_list_that_cannot_be_written_is_refused_before_the_work(tmp_path):
    with pytest.raises(AlError, match=r"AL047.*it is a folder"):
        audit(tmp_path / "none.spacy", model="none", output=tmp_path)


@pytest.mark.slow
def test_a_fold_that_learns_from_no_label_is_explained(tmp_path):
    docs = [Doc(Vocab(), words=["all", "is", "well", f"no{row}"]) for row in range(12)]
    for doc in docs:
        doc.set_ents([])
    docs[5].set_ents([Span(docs[5], 2, 3, "STATE")])
    write_shard(docs, tmp_path / "train.spacy")
    how = {"folder": tmp_path / "folds", "overrides": {"training.max_steps": 2}, "folds": 2}
    with pytest.raises(AlError, match=r"AL429.*of 2 learns from 5 texts in which nothing"):
        audit(tmp_path / "train.spacy", config=ROOT / "configs" / "ner.cfg", **how)
