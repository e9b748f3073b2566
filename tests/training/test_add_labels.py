"""Labels that a trained component learns later: which components can, and that what they know stays what it was."""

import subprocess
import sys
from pathlib import Path

import numpy
import pytest
import spacy
from confection import Config
from spacy.cli.train import train
from spacy.tokens import Doc, DocBin
from spacy.training import Example

from spacy_al.errors import AlError
from spacy_al.training.add_labels import check_can_widen, make_add_labels
from spacy_al.training.round_config import write_config
from tests.helpers.old_pipeline import old_pipeline

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return old_pipeline(tmp_path_factory.mktemp("old") / "model")


def test_a_recogniser_is_widened_and_finds_what_it_found(model):
    nlp, text = spacy.load(model), "Today Ada took aspirin ."
    before = [(e.text, e.label_) for e in nlp(text).ents]
    check_can_widen(nlp.get_pipe("ner"), "ner", "model", ["DRUG"])
    make_add_labels("ner", ["DRUG"])(nlp)
    assert nlp.get_pipe("ner").labels == ("DRUG", "PERSON")
    assert before == [("Ada", "PERSON")]
    assert [(e.text, e.label_) for e in nlp(text).ents if e.label_ == "PERSON"] == before


def test_another_callback_is_called_first(model):
    nlp, called = spacy.load(model), []
    make_add_labels("ner", ["DRUG"], before=lambda nlp: called.append(nlp.get_pipe("ner").labels))(
        nlp
    )
    assert called == [("PERSON",)]


REDUCED = {
    "@architectures": "spacy.TextCatReduce.v1",
    "use_reduce_first": False,
    "use_reduce_last": False,
    "use_reduce_max": False,
    "use_reduce_mean": True,
}
BAG = {
    "@architectures": "spacy.TextCatBOW.v3",
    "length": 1000,
    "ngram_size": 1,
    "no_output_layer": False,
}


def kinds(vocab, labels, n=30):
    """Texts that a word of them makes one of the labels."""
    made = []
    for k in range(n):
        label = labels[k % len(labels)]
        doc = Doc(vocab, words=[f"{label.lower()}{k % 4}", "of", f"w{k % 7}"])
        doc.cats = {other: float(other == label) for other in labels}
        made.append(doc)
    return made


def teach(nlp, docs, optimizer, steps):
    examples = [Example(nlp.make_doc(doc.text), doc) for doc in docs]
    optimizer.learn_rate = 0.01
    for _ in range(steps):
        nlp.update(examples, sgd=optimizer)


def classifier(factory, more):
    """A classifier that knows X and Y. Without `more`, the layers are those of the shipped config."""
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    model = Config().from_disk(CONFIGS / f"{factory}.cfg")["components"][factory]["model"]
    if more:
        model = {**more, "exclusive_classes": factory == "textcat", "tok2vec": model["tok2vec"]}
    if more is BAG:
        del model["tok2vec"]
    nlp.add_pipe(factory, config={"model": model})
    docs = kinds(nlp.vocab, "XY")
    teach(nlp, docs, nlp.initialize(lambda: [Example(doc, doc) for doc in docs]), 20)
    return nlp


def said(nlp, docs):
    return nlp.pipeline[0][1].predict([nlp.make_doc(doc.text) for doc in docs])


def right(nlp, docs):
    """The share of texts whose most probable label is their own."""
    labels = nlp.pipeline[0][1].labels
    return numpy.mean(
        [doc.cats[labels[row.argmax()]] for doc, row in zip(docs, said(nlp, docs), strict=True)]
    )


@pytest.mark.parametrize("more", [None, REDUCED, BAG], ids=["shipped", "reduced", "bag"])
@pytest.mark.parametrize("factory", ["textcat", "textcat_multilabel"])
def test_categories_are_widened_and_learn_the_new_ones(factory, more):
    """In steps that are no more than a training has. The bias of -5000 that spaCy gives new categories took more than 2,000."""
    nlp = classifier(factory, more)
    pipe, docs = nlp.get_pipe(factory), kinds(nlp.vocab, "XYZW", 40)
    before = said(nlp, docs)
    check_can_widen(pipe, factory, "model", ["Z", "W"])
    assert len(pipe.labels) == 2
    make_add_labels(factory, ["Z", "W"])(nlp)
    after = said(nlp, docs)
    assert pipe.labels == ("X", "Y", "Z", "W") and after.shape == (40, 4)
    assert (before.argmax(axis=1) == after[:, :2].argmax(axis=1)).all()
    if factory == "textcat":
        numpy.testing.assert_allclose(after[:, :2], before, rtol=0, atol=0.01)
        assert (after[:, 2:].max(axis=1) < 0.01 * after.max(axis=1)).all()
    else:
        numpy.testing.assert_array_equal(after[:, :2], before)
    assert right(nlp, docs) < 0.8
    teach(nlp, docs, nlp.create_optimizer(), 300 if more is BAG else 60)
    assert right(nlp, docs) == 1


@pytest.mark.parametrize("factory", ["textcat", "textcat_multilabel"])
def test_a_widened_classifier_is_trained_saved_and_needs_spacy_alone(factory, tmp_path):
    """By the config that a run writes."""
    nlp = classifier(factory, None)
    nlp.to_disk(tmp_path / "old")
    docs = kinds(nlp.vocab, "XYZ")
    DocBin(docs=docs).to_disk(tmp_path / "train.spacy")
    config = Config().from_disk(CONFIGS / f"{factory}.cfg", interpolate=False)
    config["components"] = {factory: {"source": str(tmp_path / "old")}}
    config.to_disk(tmp_path / "mine.cfg")
    over: dict[str, float] = {"training.max_steps": 60, "training.eval_frequency": 60}
    over["training.optimizer.learn_rate"] = 0.01
    corpus = tmp_path / "train.spacy"
    path = write_config(tmp_path / "mine.cfg", over, corpus, corpus, tmp_path, n_words=90)
    train(path, tmp_path / "made")
    (tmp_path / "load.py").write_text(ALONE, "utf8")
    call = [sys.executable, str(tmp_path / "load.py"), str(tmp_path / "made" / "model-last")]
    done = subprocess.run([*call, *(doc.text for doc in docs)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [max(doc.cats, key=doc.cats.get) for doc in docs]


ALONE = """import sys
from importlib import metadata
# as where this package is not installed: spaCy imports what its entry points name
installed = metadata.distributions
metadata.distributions = lambda **how: [one for one in installed(**how) if one.name != "spacy-al"]
sys.modules["spacy_al"] = None
import spacy
nlp = spacy.load(sys.argv[1])
for doc in nlp.pipe(sys.argv[2:]):
    print(max(doc.cats, key=doc.cats.get))
"""


def test_the_best_model_is_chosen_by_the_labels_that_are_measured(model):
    """Of others it would be right before the first step."""
    nlp = spacy.load(model)
    make_add_labels("ner", ["DRUG"], measured=["DRUG"])(nlp)
    scores = []
    for pipeline in (spacy.load(model), nlp):
        gold = pipeline("Today Ada took aspirin .")
        assert [e.label_ for e in gold.ents] == ["PERSON"]
        example = Example(pipeline.make_doc(gold.text), gold)
        scores.append(pipeline.evaluate([example])["ents_f"])
    assert scores[0] == 1.0 and not scores[1]


@pytest.mark.parametrize("factory", ["spancat", "tagger"])
def test_what_cannot_be_widened_says_so(factory):
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe(factory)
    pipe.add_label("X")
    nlp.initialize()
    with pytest.raises(AlError, match="AL135"):
        check_can_widen(pipe, factory, "model", ["Z"])
    check_can_widen(pipe, factory, "model", [])


def test_a_classifier_with_two_last_layers_cannot_be_widened():
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("textcat")
    assert nlp.get_pipe_config("textcat")["model"]["@architectures"] == "spacy.TextCatEnsemble.v2"
    docs = kinds(nlp.vocab, "XY")
    nlp.initialize(lambda: [Example(doc, doc) for doc in docs])
    with pytest.raises(AlError, match="AL135"):
        check_can_widen(pipe, "textcat", "model", ["Z"])
