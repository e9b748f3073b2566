"""The component in every place of a pipeline, in spaCy's commands, and what it leaves on documents."""

import copy
import os
import pickle
import subprocess
import sys

import numpy
import pytest
import spacy
from catalogue import RegistryError
from spacy.cli import fill_config
from spacy.language import Language
from spacy.pipeline import AttributeRuler, EntityRuler, SpanRuler
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.util import load_model_from_config
from thinc.api import Config

from spacy_al import AlError, get_posteriors, registry
from spacy_al.pipeline.extensions import scores_of
from spacy_al.posteriors.temperature import FILE, weights_hash, write_calibration

TEXTS = [
    "They never take aspirin. Dr Smith gave him two mg in Paris.",
    "two mg",
    "she has to take ibuprofen in Paris  and Rome . it did not help",
    "Paris",
]
CNN = {"@architectures": "spacy.HashEmbedCNN.v2", "width": 16, "depth": 1, "embed_size": 200}
CNN |= {"window_size": 1, "maxout_pieces": 2, "subword_features": True, "pretrained_vectors": None}
LISTENER = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}
READ = ["ner", "beam_ner", "textcat", "textcat_multilabel", "spancat", "tagger", "morphologizer"]
READ += ["senter", "spancat_singlelabel"]
PATTERNS = [{"label": "PER", "pattern": "Smith"}, {"label": "DRUG", "pattern": "mg in Paris"}]
ENTROPY = {"@al_acquisitions": "spacy-al.token_entropy.v1", "reduce": "max"}


@Language.component("test_starts")
def set_starts(doc):
    """A function of the user's own, which says nothing of what it assigns."""
    for token in doc[1:]:
        token.is_sent_start = token.text in ("Dr", "in")
    return doc


COUNTED = []


@Language.component("test_merges")
def merge_first(doc):
    """It merges tokens, says nothing of that, and would merge more if it were run again."""
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[:2])
    return doc


@Language.component("test_counts", assigns=["doc.user_data"])
def count(doc):
    """Whatever is run again is run with all that comes before it."""
    COUNTED.append(doc.text)
    return doc


def pipe_config(factory, encoder=CNN):
    """The settings of a component that make it as small as it can be."""
    parser = {"@architectures": "spacy.TransitionBasedParser.v2", "extra_state_tokens": False}
    parser |= {"hidden_width": 8, "maxout_pieces": 2, "use_upper": True, "tok2vec": encoder}
    if factory in ("ner", "beam_ner"):
        return {"model": parser | {"state_type": "ner"}}
    if factory == "parser":
        return {"model": parser | {"state_type": "parser"}}
    if factory in ("tagger", "morphologizer", "senter"):
        return {"model": {"@architectures": "spacy.Tagger.v2", "tok2vec": encoder}}
    if factory in ("spancat", "spancat_singlelabel"):
        return {"model": {"tok2vec": encoder, "reducer": {"hidden_size": 8}}}
    if factory in ("textcat", "textcat_multilabel"):
        model = {"@architectures": "spacy.TextCatCNN.v2", "tok2vec": encoder}
        return {"model": model | {"exclusive_classes": factory == "textcat"}}
    if factory == "tok2vec":
        return {"model": encoder}
    return {"annotate_ents": True} if factory == "span_ruler" else {}


def make(*pipes, encoder=CNN, scorer=None, seed=0):
    """A pipeline of tiny components with random weights.

    pipes: Factories, each as itself, as "factory:name", or with settings as (factory, settings).
    encoder: Of the components that have no settings; or {"ner": ..., "others": ...}.
    scorer: Settings of `al_scorer`.
    """
    spacy.util.fix_random_seed(seed)
    nlp = spacy.blank("en")
    for pipe in pipes:
        pipe, config = pipe if isinstance(pipe, tuple) else (pipe, None)
        factory, _, name = pipe.partition(":")
        name = name or factory
        if factory == "al_scorer":
            config = scorer or {}
        elif config is None:
            own = encoder.get(name, encoder["others"]) if "others" in encoder else encoder
            config = pipe_config(factory, CNN if factory == "tok2vec" else own)
        nlp.add_pipe(factory, name, config=config)
    nlp.initialize(lambda: [example(nlp)])
    rng = numpy.random.default_rng(seed)
    for _, pipe in nlp.pipeline:
        if isinstance(pipe, AttributeRuler):
            pipe.add([[{"TAG": "NN"}]], {"POS": "NOUN"})
        if isinstance(pipe, EntityRuler | SpanRuler):
            pipe.add_patterns(PATTERNS)
        for node in pipe.model.walk() if hasattr(pipe, "model") else ():
            for param in node.param_names:
                values = node.get_param(param)
                if not values.any():
                    noise = rng.normal(scale=0.7, size=values.shape)
                    node.set_param(param, noise.astype("f"))
    return nlp


def example(nlp):
    """A document with annotation of every kind."""
    words = ["aspirin", "helps", ".", "Dr", "Smith", "gave", "two", "mg"]
    ents = ["U-DRUG", "O", "O", "B-PER", "L-PER", "O", "U-DOSE", "O"]
    ents = [tag.replace("U-", "B-").replace("L-", "I-") for tag in ents]
    gold = Doc(
        nlp.vocab,
        words=words,
        ents=ents,
        tags=["NN", "VB", ".", "NN", "NN", "VB", "CD", "NN"],
        pos=["NOUN", "VERB", "PUNCT", "NOUN", "NOUN", "VERB", "NUM", "NOUN"],
        morphs=["Number=Sing", "", "", "", "", "", "", ""],
        heads=[1, 1, 1, 4, 5, 5, 7, 5],
        deps=["nsubj", "ROOT", "punct", "nmod", "nsubj", "ROOT", "nummod", "obj"],
    )
    gold.cats = {"GOOD": 1.0, "BAD": 0.0, "NONE": 0.0}
    gold.spans["sc"] = list(gold.ents)
    return Example(nlp.make_doc(gold.text), gold)


def expected(nlp, docs, component=None):
    """The posteriors of bare documents in the pipeline without `al_scorer`."""
    scorers = [name for name in nlp.pipe_names if nlp.get_pipe_meta(name).factory == "al_scorer"]
    with nlp.select_pipes(disable=scorers):
        return get_posteriors(nlp, docs, component)


def check(docs, posteriors, acquisition, component=None, tol=1e-5):
    """What is on the documents is what the posteriors say."""
    assert len(docs) == len(posteriors)
    for doc, posterior, score in zip(docs, posteriors, acquisition(posteriors)):
        found = scores_of(doc, component)
        assert found.score == pytest.approx(score if len(doc) else 0.0, abs=tol)
        if hasattr(posterior, "token_probs"):
            p = posterior.token_probs
            entropy = -(p * numpy.log(numpy.maximum(p, 1e-300))).sum(axis=1)
            numpy.testing.assert_allclose(found.token_scores, entropy, atol=tol)
            if component is None:
                assert [t._.al.score for t in doc] == pytest.approx(entropy.tolist(), abs=tol)
        else:
            assert found.token_scores is None
        if hasattr(posterior, "spans"):
            probs = {(s.start, s.end, s.label): s.prob for s in posterior.spans if s.prob > 1e-4}
            kept = {(s.start, s.end, s.label): s.prob for s in found.spans}
            assert {key: kept[key] for key in probs} == pytest.approx(probs, abs=tol)
        else:
            assert found.spans is None
            if hasattr(posterior, "probs"):
                wanted = dict(zip(posterior.labels, posterior.probs.tolist()))
                assert found.probs == pytest.approx(wanted, abs=tol)


def bare(nlp, texts=TEXTS):
    return [nlp.make_doc(text) for text in texts]


def token_entropy():
    return registry.al_acquisitions.get("spacy-al.token_entropy.v1")()


def run_python(*args, cwd=None):
    env = os.environ | {"PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, *args], capture_output=True, text=True, cwd=cwd, env=env, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


# Settings

CONFIG = """
[nlp]
lang = "en"
pipeline = ["ner", "al_scorer"]

[components]

[components.ner]
factory = "ner"

[components.al_scorer]
factory = "al_scorer"
component = "ner"

[components.al_scorer.acquisition]
@al_acquisitions = "spacy-al.token_entropy.v1"
reduce = "max"
"""


def test_from_a_config():
    nlp = load_model_from_config(Config().from_str(CONFIG), auto_fill=True)
    nlp.initialize(lambda: [example(nlp)])
    doc = nlp(TEXTS[0])
    assert doc._.al.component == "ner"
    assert doc._.al.acquisition == "token_entropy"
    assert not doc._.al.calibrated
    assert doc._.al.score == pytest.approx(max(token._.al.score for token in doc))


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["own", "shared"])
@pytest.mark.parametrize("factory", READ)
def test_without_settings(factory, encoder):
    shared = encoder == "shared"
    pipes = ["tok2vec"] * shared + [factory, "al_scorer"]
    nlp = make(*pipes, encoder=LISTENER if shared else CNN)
    docs = list(nlp.pipe([*TEXTS, "", " "]))
    posteriors = expected(nlp, bare(nlp, [*TEXTS, "", " "]))
    default = {
        "textcat": "margin",
        "textcat_multilabel": "binary_entropy",
        "spancat": "binary_entropy",
        "spancat_singlelabel": "binary_entropy",
    }.get(factory, "token_entropy")
    acquisition = registry.al_acquisitions.get(f"spacy-al.{default}.v1")()
    check(docs, posteriors, acquisition)
    assert {doc._.al.acquisition for doc in docs} == {default}
    for text, doc in zip(TEXTS, docs):
        assert nlp(text)._.al.score == pytest.approx(doc._.al.score, abs=1e-5)
    assert docs[-2]._.al.score == nlp("")._.al.score == 0.0


def test_unknown_settings_are_spacys_own_errors():
    nlp = spacy.blank("en")
    with pytest.raises(
        RegistryError, match=r"(?s)spacy-al\.nothing\.v1.*spacy-al\.token_entropy\.v1"
    ):
        nlp.add_pipe(
            "al_scorer", config={"acquisition": {"@al_acquisitions": "spacy-al.nothing.v1"}}
        )
    with pytest.raises(Exception, match="unexpected argument: 'componet'"):
        nlp.add_pipe("al_scorer", config={"componet": "ner"})
    with pytest.raises(AlError, match="AL022"):
        nlp.add_pipe("al_scorer", config={"acquisition": ENTROPY | {"reduce": "least"}})


def test_an_acquisition_of_the_users_own():
    def longest(posteriors):
        return numpy.array([float(len(posterior)) for posterior in posteriors])

    nlp = make("ner", "al_scorer")
    nlp.get_pipe("al_scorer").acquisition = longest
    doc = nlp(TEXTS[0])
    assert (doc._.al.score, doc._.al.acquisition) == (len(doc), "longest")


def test_an_acquisition_that_does_not_fit():
    margin = {"@al_acquisitions": "spacy-al.margin.v1"}
    nlp = make("ner", "al_scorer", scorer={"acquisition": margin})
    with pytest.raises(AlError, match=r"AL020.*spacy-al\.token_entropy\.v1"):
        nlp("aspirin")


@pytest.mark.slow
def test_which_component():
    nlp = make("ner", "ner:ner2", "al_scorer")
    with pytest.raises(AlError, match=r"AL003.*several.*ner, ner2"):
        nlp("aspirin")
    nlp = make("ner", "ner:ner2", "al_scorer", scorer={"component": "ner2"})
    check(list(nlp.pipe(TEXTS)), expected(nlp, bare(nlp), "ner2"), token_entropy())
    nlp = make("ner", "al_scorer", scorer={"component": "textcat"})
    with pytest.raises(AlError, match=r"AL001.*ner, al_scorer"):
        nlp("aspirin")
    nlp = make("sentencizer", "al_scorer", scorer={"component": "sentencizer"})
    with pytest.raises(AlError, match="AL002"):
        nlp("aspirin")
    nlp = make("sentencizer", "al_scorer")
    with pytest.raises(AlError, match=r"AL003.*none"):
        nlp("aspirin")


def test_before_the_component_is_trained():
    nlp = spacy.blank("en")
    nlp.add_pipe("al_scorer")
    nlp.add_pipe("ner")
    with pytest.raises(AlError, match="AL007"):
        nlp("aspirin")


def test_analyze_pipes():
    analysis = make("ner", "al_scorer").analyze_pipes()
    assigned = analysis["summary"]["al_scorer"]["assigns"]
    assert assigned == ["doc._.al", "span._.al", "token._.al"]
    assert analysis["problems"]["al_scorer"] == []
    assert analysis["attrs"]["doc._.al"]["assigns"] == ["al_scorer"]


# Places

PLACES = {
    "before": "al_scorer ner",
    "right after": "ner al_scorer",
    "a ruler before, a parser after": "entity_ruler ner parser al_scorer",
    "ruler and parser before": "entity_ruler parser ner al_scorer",
    "two parsers": "parser ner parser:again al_scorer",
    "sentencizer before": "sentencizer ner al_scorer",
    "sentencizer after": "ner sentencizer al_scorer",
    "sentencizer before, parser after": "sentencizer ner parser al_scorer",
    "senter before": "senter ner al_scorer",
    "senter after": "ner senter al_scorer",
    "senters on both sides": "senter ner senter:again al_scorer",
    "span ruler before": "span_ruler ner al_scorer",
    "span ruler after": "ner span_ruler al_scorer",
    "ruler after": "ner entity_ruler al_scorer",
    "own function before": "test_starts ner al_scorer",
    "own function after": "ner test_starts al_scorer",
    "own function on both sides": "sentencizer test_starts ner test_starts:again al_scorer",
    "cleaner between": "ner doc_cleaner al_scorer",
    "cleaner between, ruler before": "entity_ruler ner doc_cleaner al_scorer",
    "tags and attributes": "tagger attribute_ruler ner morphologizer al_scorer",
    "all to come": "al_scorer senter entity_ruler ner",
    "some to come": "entity_ruler al_scorer parser ner tagger",
    "others afterwards": "sentencizer ner al_scorer parser entity_ruler",
    "another ner": "ner:other ner al_scorer",
    "another ner afterwards": "ner ner:other al_scorer",
}


# where what happens to the encoder's output can make a difference
MOVING = ["right after", "a ruler before, a parser after", "two parsers", "senters on both sides"]
MOVING += [
    "own function on both sides",
    "cleaner between, ruler before",
    "all to come",
    "another ner",
]
CASES = [(place, encoder) for place in PLACES for encoder in ("own", "shared")]
CASES += [(place, encoder) for place in MOVING for encoder in ("late", "two")]


def placed(place, encoder):
    """The pipeline of a place. Encoders: own; one that all share; one right before `ner`, for it alone; or two."""
    pipes = PLACES[place].split()
    several = "ner:other" in pipes or {"senter", "tagger"} & set(pipes)
    kwargs = {"scorer": {"component": "ner"} if several else {}}
    if encoder == "shared":
        return make("tok2vec", *pipes, encoder=LISTENER, **kwargs)
    index = pipes.index("ner")
    if encoder == "late":
        pipes.insert(index, "tok2vec")
        return make(*pipes, encoder={"ner": LISTENER, "others": CNN}, **kwargs)
    if encoder == "two":
        pipes.insert(index, "tok2vec:second")
        first, second = (LISTENER | {"upstream": name} for name in ("first", "second"))
        encoders = {"ner": second, "others": first}
        return make("tok2vec:first", *pipes, encoder=encoders, **kwargs)
    return make(*pipes, **kwargs)


@pytest.mark.slow
@pytest.mark.parametrize("place, encoder", CASES)
def test_every_place(place, encoder):
    nlp = placed(place, encoder)
    texts = [*TEXTS, "", "  "]
    docs = list(nlp.pipe(texts))
    posteriors = expected(nlp, bare(nlp, texts), "ner")
    check(docs, posteriors, token_entropy())
    for text, doc in zip(texts, docs):
        assert nlp(text)._.al.score == pytest.approx(doc._.al.score, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("place", ["all to come", "some to come", "own function before"])
def test_entities_set_by_the_caller_are_presets_before_the_component(place):
    nlp = placed(place, "shared")

    def preset():
        docs = bare(nlp)
        for doc in docs:
            doc.set_ents([Span(doc, 0, 1, label="DRUG")], default="missing")
        return docs

    posteriors = expected(nlp, preset(), "ner")
    if "before" in place:
        # behind the component, its own entities can not be told from those
        posteriors = expected(nlp, bare(nlp), "ner")
    check(list(nlp.pipe(preset())), posteriors, token_entropy())


CONTRACTED = "I don't think she's gonna help"


@pytest.mark.parametrize("pipes", ["tok2vec ner al_scorer", "tok2vec entity_ruler ner al_scorer"])
def test_norms_of_the_tokenizer(pipes):
    """Exceptions such as "n't" get a norm that their word has not, and encoders read norms."""
    nlp = make(*pipes.split(), encoder=LISTENER)
    docs = bare(nlp, [CONTRACTED])
    for _, pipe in nlp.pipeline[:-2]:
        docs = list(pipe.pipe(docs))
    check([nlp(CONTRACTED)], get_posteriors_of(nlp, docs), token_entropy())


def test_get_posteriors_keeps_norms_too():
    nlp = make("tok2vec", "ner", "al_scorer", encoder=LISTENER)
    check([nlp(CONTRACTED)], expected(nlp, bare(nlp, [CONTRACTED])), token_entropy())


def get_posteriors_of(nlp, docs):
    """The posteriors of documents that have been through everything that comes before `ner`."""
    with nlp.select_pipes(enable="ner"):
        return get_posteriors(nlp, docs, "ner")


@pytest.mark.slow
@pytest.mark.parametrize("between", ["merge_entities", "merge_noun_chunks"])
def test_tokens_merged_between(between):
    for pipes in ("tagger parser ner {} al_scorer", "tagger parser al_scorer {} ner"):
        nlp = make(*pipes.format(between).split(), scorer={"component": "ner"})
        with pytest.raises(AlError, match=f"AL008.*'{between}'"):
            nlp("aspirin helps")


def test_tokens_merged_before_by_what_does_not_say_so():
    nlp = make("ner", "al_scorer", scorer={"component": "ner"})
    nlp.add_pipe("test_merges", first=True)
    with pytest.raises(AlError, match=r"AL008.*'test_merges' merges"):
        nlp("aspirin helps in many cases")
    nlp.remove_pipe("al_scorer")
    nlp.add_pipe("al_scorer", before="ner", config={"component": "ner"})
    doc = nlp("aspirin helps in many cases")
    assert len(doc) == len([token._.al.score for token in doc]) == 4


@pytest.mark.slow
def test_tokens_merged_before():
    """What has to be run again for presets cannot be, on merged tokens; there is a place where nothing has to be."""
    pipes = "entity_ruler merge_entities {} ner {}"
    with pytest.raises(AlError, match=r"AL008.*'merge_entities'"):
        make(*pipes.format("", "al_scorer").split())(TEXTS[0])
    nlp = make(*pipes.format("al_scorer", "").split())
    assert len(nlp(TEXTS[0])) < len(nlp.make_doc(TEXTS[0]))
    check(list(nlp.pipe(TEXTS)), expected(nlp, bare(nlp)), token_entropy())
    nlp = make(
        "tagger", "parser", "merge_noun_chunks", "ner", "al_scorer", scorer={"component": "ner"}
    )
    docs = list(nlp.pipe(TEXTS))
    check(docs, expected(nlp, bare(nlp), "ner"), token_entropy())


@pytest.mark.slow
def test_switched_off():
    nlp = make("ner", "textcat", "al_scorer", scorer={"component": "ner"})
    with nlp.select_pipes(disable="ner"):
        assert nlp("aspirin")._.al is None
    assert nlp("aspirin")._.al.component == "ner"
    nlp = make("ner", "al_scorer")
    with nlp.select_pipes(disable="ner"):
        assert nlp("aspirin")._.al is None
        assert [doc._.al for doc in nlp.pipe(TEXTS)] == [None] * len(TEXTS)
    # two, of which one is switched off
    nlp = make("ner", "textcat", "al_scorer")
    with nlp.select_pipes(disable="textcat"):
        assert nlp("aspirin")._.al.component == "ner"
    # switched off itself, and called by hand on a finished document
    nlp = make("entity_ruler", "al_scorer", "ner", "sentencizer")
    with nlp.select_pipes(disable="al_scorer"):
        docs = [nlp.get_pipe("al_scorer")(nlp(text)) for text in TEXTS]
    check(docs, expected(nlp, bare(nlp)), token_entropy())


def test_scored_documents_that_are_joined_print_nothing():
    code = (
        "import spacy, spacy_al; from spacy.tokens import Doc; from spacy_al.pipeline import extensions;"
        "nlp = spacy.blank('en'); docs = [nlp(t) for t in ('a b', 'c')];"
        "[doc.user_data.update(al={'ner': {'score': 1.0}}, mine='shown') for doc in docs];"
        "joined = Doc.from_docs(docs); print(joined._.al)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stdout == "None\n"
    # what others keep there is none of our business
    assert "'al: " not in done.stderr and "'mine: shown'" in done.stderr


def test_an_encoding_that_was_cleaned_away():
    """spaCy itself fails on such a pipeline, with an AttributeError."""
    nlp = make("tok2vec", "doc_cleaner", "ner", encoder=LISTENER)
    with pytest.raises(AlError, match="AL004"):
        get_posteriors(nlp, bare(nlp))


def test_renamed():
    nlp = make("entity_ruler", "tok2vec", "ner", "doc_cleaner", "al_scorer", encoder=LISTENER)
    nlp.get_pipe("al_scorer").component = "entities"
    nlp.rename_pipe("ner", "entities")
    nlp.rename_pipe("al_scorer", "teaches")
    check(list(nlp.pipe(TEXTS)), expected(nlp, bare(nlp), "entities"), token_entropy(), "entities")
    nlp = make("al_scorer", "entity_ruler", "ner", "sentencizer")
    nlp.rename_pipe("al_scorer", "teaches")
    check(list(nlp.pipe(TEXTS)), expected(nlp, bare(nlp)), token_entropy())


def test_sourced():
    source = make("ner", "al_scorer", seed=1)
    nlp = make("ner")
    nlp.add_pipe("al_scorer", source=source)
    nlp.get_pipe("al_scorer").initialize(lambda: [], nlp=nlp)
    check(list(nlp.pipe(TEXTS)), expected(nlp, bare(nlp)), token_entropy())


@pytest.mark.slow
@pytest.mark.parametrize(
    "place", ["all to come", "a ruler before, a parser after", "cleaner between"]
)
@pytest.mark.parametrize("encoder", ["own", "shared"])
def test_changes_no_annotation(place, encoder):
    nlp = placed(place, encoder)
    with nlp.select_pipes(disable="al_scorer"):
        plain = [doc.to_bytes(exclude=["user_data"]) for doc in nlp.pipe(TEXTS)]
    docs = list(nlp.pipe(TEXTS))
    assert [doc.to_bytes(exclude=["user_data"]) for doc in docs] == plain
    assert list(docs[0].user_data) == ["al"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "pipes, component",
    [
        ("tok2vec ner parser al_scorer", "ner"),
        ("tok2vec parser ner al_scorer", "ner"),
        ("tok2vec parser ner textcat al_scorer", "textcat"),
        ("tok2vec parser ner merge_entities tagger al_scorer", "tagger"),
    ],
)
def test_nothing_is_run_twice_without_need(pipes, component):
    nlp = make(*pipes.split(), encoder=LISTENER, scorer={"component": component})
    nlp.add_pipe("test_counts", first=True)
    COUNTED.clear()
    list(nlp.pipe(TEXTS))
    assert COUNTED == TEXTS


# What is on the documents


def test_views_of_spans():
    nlp = make("ner", "al_scorer")
    doc, posterior = nlp(TEXTS[0]), expected(nlp, bare(nlp))[0]
    for span in posterior.spans[:20]:
        labelled = Span(doc, span.start, span.end, label=span.label)
        assert labelled._.al.prob == pytest.approx(span.prob, abs=1e-5)
        total = sum(posterior.prob(span.start, span.end, label) for label in posterior.labels)
        assert doc[span.start : span.end]._.al.prob == pytest.approx(
            total, abs=1e-5 * len(posterior.labels)
        )
    assert Span(doc, 0, 1, label="NONE")._.al.prob == 0.0
    assert doc[0:0]._.al.prob == 0.0
    assert doc._.al.probs is None


def test_views_are_in_order_and_nothing_is_sorted_before_one_is_read():
    seen = []

    @registry.al_acquisitions("tests.watched.v1")
    def make_watched():
        return lambda posteriors: seen.extend(posteriors) or numpy.zeros(len(posteriors))

    nlp = make("ner", "al_scorer", scorer={"acquisition": {"@al_acquisitions": "tests.watched.v1"}})
    docs = list(nlp.pipe(TEXTS))
    asked = {key for posterior in seen for key in posterior.source._listed}
    assert asked == {(1e-5, False)}
    for doc, posterior in zip(docs, seen):
        found = [(-s.prob, s.start, s.end, s.label) for s in doc._.al.spans]
        assert found == sorted(found)
        assert {row[1:] for row in found} == {
            (s.start, s.end, s.label) for s in posterior.above(1e-5)
        }


def test_nothing_scored():
    make("ner", "al_scorer")
    doc = spacy.blank("en")("one two")
    assert (doc._.al, doc[0]._.al, doc[0:1]._.al) == (None, None, None)


def test_no_documents():
    nlp = make("ner", "al_scorer")
    assert list(nlp.pipe([])) == []
    nlp.get_pipe("al_scorer").score_docs([])
    docs = list(nlp.pipe(["", ""]))
    assert [doc._.al.score for doc in docs] == [0.0, 0.0]
    assert docs[0]._.al.spans == [] or len(docs[0]._.al.spans) == 0


def views(doc):
    """All that the views of a document say."""
    return (
        doc._.al,
        doc._.al.score,
        doc._.al.token_scores.tolist(),
        list(doc._.al.spans),
        [token._.al.score for token in doc],
        [ent._.al.prob for ent in doc.ents],
    )[1:]


def test_survives_storage():
    nlp = make("ner", "al_scorer")
    docs = list(nlp.pipe([*TEXTS, ""]))
    again = [Doc(nlp.vocab).from_bytes(doc.to_bytes()) for doc in docs]
    data = DocBin(docs=docs, store_user_data=True).to_bytes()
    from_bin = list(DocBin().from_bytes(data).get_docs(nlp.vocab))
    pickled = pickle.loads(pickle.dumps(docs))
    for copies in (again, from_bin, pickled, [doc.copy() for doc in docs]):
        assert [views(doc) for doc in copies] == [views(doc) for doc in docs]
    vocab = spacy.blank("en").vocab
    elsewhere = list(DocBin().from_bytes(data).get_docs(vocab))
    assert [views(doc) for doc in elsewhere] == [views(doc) for doc in docs]


def test_a_copied_document_keeps_its_own():
    nlp = make("ner", "textcat", "al_scorer", "al_scorer:second", scorer={"component": "ner"})
    doc = nlp.make_doc(TEXTS[0])
    nlp.get_pipe("al_scorer")(doc)
    other = doc.copy()
    nlp.get_pipe("second").component = "textcat"
    nlp.get_pipe("second")(other)
    assert scores_of(doc, "textcat") is None
    assert scores_of(other, "textcat") is not None


@pytest.mark.filterwarnings("ignore:.*W10[12].*")
def test_other_documents_have_no_views():
    nlp = make("ner", "al_scorer")
    docs = list(nlp.pipe(TEXTS))
    assert docs[0][1:4].as_doc()._.al is None
    assert docs[0][1:4].as_doc(copy_user_data=True)._.al is None
    merged = Doc.from_docs(docs)
    assert (merged._.al, merged[0]._.al, merged[0:1]._.al) == (None, None, None)
    doc = nlp(TEXTS[0])
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[0:2])
    assert (doc._.al, doc[0]._.al, doc[0:1]._.al) == (None, None, None)
    # merged and split again: as many tokens, but others
    with doc.retokenize() as retokenizer:
        retokenizer.split(doc[0], ["They neve", "r"], [(doc[0], 1), (doc[0], 1)])
    assert len(doc) == len(docs[0])
    assert doc._.al is None
    assert scores_of(doc, "ner") is None
    # the score itself is of the same text, with other attributes
    doc = nlp(TEXTS[0])
    score = doc._.al.score
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[0:1], attrs={"LEMMA": "they"})
    assert doc._.al.score == score


def test_two_scorers():
    nlp = make("ner", "textcat", "al_scorer", scorer={"component": "ner"})
    nlp.add_pipe("al_scorer", "teaches_categories", config={"component": "textcat"})
    docs = list(nlp.pipe(TEXTS))
    margin = registry.al_acquisitions.get("spacy-al.margin.v1")()
    for doc in docs:
        assert doc._.al.component == "textcat"  # the last one
        assert doc._.al.of("textcat") == doc._.al
        assert doc._.al.of("ner").score == scores_of(doc, "ner").score
        assert doc._.al.of("tagger") is None
        # tokens and spans show what there is
        assert doc[0]._.al.score == pytest.approx(doc._.al.of("ner").token_scores[0])
        assert doc[0:1]._.al.prob >= 0.0
    check(docs, expected(nlp, bare(nlp), "ner"), token_entropy(), "ner")
    check(docs, expected(nlp, bare(nlp), "textcat"), margin, "textcat")


# Streams


def test_tuples_and_small_batches():
    nlp = make("tok2vec", "ner", "al_scorer", encoder=LISTENER)
    together = [doc._.al.score for doc in nlp.pipe(TEXTS)]
    stream = nlp.pipe(zip(TEXTS, range(9)), as_tuples=True, batch_size=1)
    found = [(doc._.al.score, i) for doc, i in stream]
    assert [score for score, _ in found] == pytest.approx(together, abs=1e-5)
    assert [i for _, i in found] == list(range(len(TEXTS)))


def test_error_handlers():
    def acquisition(posteriors):
        if any(len(posterior) == 2 for posterior in posteriors):
            raise ValueError("two tokens")
        return numpy.ones(len(posteriors))

    nlp = make("ner", "al_scorer")
    nlp.get_pipe("al_scorer").acquisition = acquisition
    with pytest.raises(ValueError, match="two tokens"):
        list(nlp.pipe(TEXTS))
    with pytest.raises(ValueError, match="two tokens"):
        nlp("two mg")
    failed = []
    # not `nlp.set_error_handler`, which spaCy's own trainable components do not take
    scorer = nlp.get_pipe("al_scorer")
    scorer.set_error_handler(lambda name, proc, docs, error: failed.extend(docs))
    docs = list(nlp.pipe(TEXTS))
    assert [doc.text for doc in failed] == ["two mg"]
    assert [doc.text for doc in docs] == [text for text in TEXTS if text != "two mg"]
    assert all(doc._.al.score == 1.0 for doc in docs)
    assert nlp("two mg")._.al is None


def test_memory_zone():
    nlp = make("entity_ruler", "tok2vec", "ner", "al_scorer", encoder=LISTENER)
    outside = [doc._.al.score for doc in nlp.pipe(TEXTS)]
    for _ in range(2):
        with nlp.memory_zone():
            inside = [doc._.al.score for doc in nlp.pipe([*TEXTS, "unheard-of words", ""])]
        assert inside[: len(TEXTS)] == pytest.approx(outside, abs=1e-5)


SCRIPT = """
import sys
import multiprocessing
import spacy

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    nlp = spacy.load(sys.argv[2])
    texts = ["Dr Smith gave him two mg", "aspirin", ""] * 5
    found = [(d._.al.score, [t._.al.score for t in d]) for d in nlp.pipe(texts)]
    docs = nlp.pipe(texts, n_process=2, batch_size=4)
    again = [(d._.al.score, [t._.al.score for t in d]) for d in docs]
    assert len(again) == len(found)
    for (one, tokens), (other, others) in zip(found, again):
        assert abs(one - other) < 1e-5
        assert all(abs(a - b) < 1e-5 for a, b in zip(tokens, others, strict=True))
    print("the same")
"""


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes(method, tmp_path):
    make("tok2vec", "ner", "al_scorer", encoder=LISTENER, scorer={"acquisition": ENTROPY}).to_disk(
        tmp_path / "model"
    )
    (tmp_path / "script.py").write_text(SCRIPT)
    assert "the same" in run_python("script.py", method, "model", cwd=tmp_path)


# Saved pipelines


@pytest.mark.slow
@pytest.mark.parametrize("pipes", ["tok2vec ner al_scorer", "al_scorer entity_ruler tok2vec ner"])
def test_saved(pipes, tmp_path):
    nlp = make(
        *pipes.split(), encoder=LISTENER, scorer={"acquisition": ENTROPY | {"reduce": "sum"}}
    )
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert loaded.config["components"]["al_scorer"]["acquisition"]["reduce"] == "sum"
    for one, other in zip(nlp.pipe(TEXTS), loaded.pipe(TEXTS)):
        assert one._.al.score == pytest.approx(other._.al.score, abs=1e-6)
    for copied in (copy.deepcopy(nlp), pickle.loads(pickle.dumps(nlp))):
        assert copied.get_pipe("al_scorer").nlp is copied
        assert copied(TEXTS[0])._.al.score == pytest.approx(nlp(TEXTS[0])._.al.score, abs=1e-6)


@pytest.mark.slow
def test_calibration(tmp_path):
    make("tok2vec", "ner", "al_scorer", encoder=LISTENER).to_disk(tmp_path)
    nlp = spacy.load(tmp_path)
    before = nlp(TEXTS[0])
    assert not before._.al.calibrated
    write_calibration(nlp, "ner", {"temperature": {"closed": 4.0, "open": 2.0}})
    after = nlp(TEXTS[0])
    assert after._.al.calibrated
    assert after._.al.score > before._.al.score
    check(list(nlp.pipe(TEXTS)), expected(nlp, bare(nlp)), token_entropy())
    # fitted anew
    write_calibration(nlp, "ner", {"temperature": 1.0})
    assert nlp(TEXTS[0])._.al.score == pytest.approx(before._.al.score)
    assert nlp(TEXTS[0])._.al.calibrated
    # other weights, after training in the same process: of the head or of the shared encoder
    for name in ("ner", "tok2vec"):
        trained = spacy.load(tmp_path)
        assert trained(TEXTS[0])._.al.calibrated
        fitted_on = weights_hash(trained, "ner")
        optimizer = trained.resume_training()
        trained.update([example(trained)], sgd=optimizer, exclude=[])
        assert weights_hash(trained, "ner") != fitted_on
        assert not trained(TEXTS[0])._.al.calibrated
        changed = spacy.load(tmp_path)
        model = changed.get_pipe(name).model
        node = [node for node in model.walk() if "b" in node.param_names][-1]
        node.set_param("b", node.get_param("b") + 1e-4)
        assert not changed(TEXTS[0])._.al.calibrated


@pytest.mark.slow
def test_a_temperature_travels_with_the_scorer(tmp_path):
    make("tok2vec", "ner", "al_scorer", encoder=LISTENER).to_disk(tmp_path / "first")
    nlp = spacy.load(tmp_path / "first")
    raw = nlp(TEXTS[0])._.al
    write_calibration(nlp, "ner", {"temperature": {"closed": 4.0, "open": 2.0}})
    wanted = nlp(TEXTS[0])._.al
    assert wanted.calibrated and wanted.score > raw.score
    nlp.to_disk(tmp_path / "second")
    assert not (tmp_path / "second" / FILE).exists()
    by_bytes = spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())
    for other in (spacy.load(tmp_path / "second"), by_bytes, copy.deepcopy(nlp)):
        found = other(TEXTS[0])._.al
        assert found.calibrated and found.score == pytest.approx(wanted.score, abs=1e-5)
        check(list(other.pipe(TEXTS)), expected(other, bare(other)), token_entropy())
    # it belongs to the weights, and a newer fit beside the model comes before it
    other = spacy.load(tmp_path / "second")
    write_calibration(other, "ner", {"temperature": 1.0})
    assert other(TEXTS[0])._.al.score == pytest.approx(raw.score, abs=1e-5)
    node = [node for node in other.get_pipe("ner").model.walk() if "b" in node.param_names][-1]
    node.set_param("b", node.get_param("b") + 1e-4)
    assert not other(TEXTS[0])._.al.calibrated
    other.to_disk(tmp_path / "third")
    assert not (tmp_path / "third" / "al_scorer").exists()
    (tmp_path / "second" / "al_scorer" / FILE).write_text("[", "utf8")
    with pytest.raises(AlError, match="AL015"):
        spacy.load(tmp_path / "second")


def test_calibration_is_looked_up_once(tmp_path, monkeypatch):
    make("ner", "al_scorer").to_disk(tmp_path)
    nlp = spacy.load(tmp_path)
    write_calibration(nlp, "ner", {"temperature": 2.0})
    calls = []
    module = sys.modules["spacy_al.pipeline.al_scorer"]
    read = module.read_calibration
    monkeypatch.setattr(module, "read_calibration", lambda *args: calls.append(1) or read(*args))
    for text in TEXTS:
        assert nlp(text)._.al.calibrated
    assert len(calls) == 1


# spaCy's own commands and training


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A config and a corpus."""
    path = tmp_path_factory.mktemp("project")
    (path / "base.cfg").write_text(CONFIG)
    nlp = spacy.blank("en")
    data = DocBin(docs=[example(nlp).reference] * 8)
    data.to_disk(path / "train.spacy")
    run_python("-m", "spacy", "init", "fill-config", "base.cfg", "config.cfg", cwd=path)
    return path


@pytest.mark.slow
def test_fill_config(folder):
    config = Config().from_disk(folder / "config.cfg")
    filled = {"@al_acquisitions": "spacy-al.token_entropy.v1", "reduce": "max", "k": 3}
    assert config["components"]["al_scorer"]["acquisition"] == filled
    (folder / "plain.cfg").write_text(CONFIG.partition("component =")[0])
    fill_config(folder / "filled.cfg", folder / "plain.cfg", silent=True)
    config = Config().from_disk(folder / "filled.cfg")
    expected = {"factory": "al_scorer", "component": None, "acquisition": None, "scorer": None}
    assert config["components"]["al_scorer"] == expected


@pytest.mark.slow
def test_debug_config(folder):
    paths = ["--paths.train", "train.spacy", "--paths.dev", "train.spacy"]
    shown = run_python("-m", "spacy", "debug", "config", "config.cfg", *paths, cwd=folder)
    assert "Config is valid" in shown


@pytest.mark.slow
def test_find_function():
    name = "spacy-al.token_entropy.v1"
    found = run_python("-m", "spacy", "find-function", name, "-r", "al_acquisitions")
    assert "acquisition/token.py" in found.replace("\n", "")


def test_updates_and_evaluation():
    nlp = make("tok2vec", "ner", "al_scorer", encoder=LISTENER)
    examples = [example(nlp) for _ in range(3)]
    optimizer = nlp.initialize(lambda: examples)
    before = nlp(TEXTS[0])._.al.score
    for _ in range(5):
        losses = nlp.update(examples, sgd=optimizer, annotates=["tok2vec", "ner", "al_scorer"])
    assert list(losses) == ["tok2vec", "ner"]
    assert nlp(TEXTS[0])._.al.score != pytest.approx(before)
    with nlp.select_pipes(disable="al_scorer"):
        plain = nlp.evaluate([example(nlp)])
    scores = nlp.evaluate([example(nlp)])
    assert scores["ents_f"] == plain["ents_f"]
    with nlp.select_pipes(enable=["tok2vec", "ner"]):
        nlp.update(examples, sgd=nlp.resume_training())


@pytest.mark.slow
def test_train(folder):
    settings = {
        "paths.train": "train.spacy",
        "paths.dev": "train.spacy",
        "training.max_steps": 4,
        "training.eval_frequency": 2,
        "training.annotating_components": '["ner", "al_scorer"]',
        "components.ner.model.tok2vec.width": 16,
        "components.ner.model.tok2vec.embed_size": 100,
    }
    overrides = [str(part) for key, value in settings.items() for part in (f"--{key}", value)]
    run_python("-m", "spacy", "train", "config.cfg", "-o", "out", *overrides, cwd=folder)
    nlp = spacy.load(folder / "out" / "model-last")
    assert nlp.pipe_names == ["ner", "al_scorer"]
    assert nlp(TEXTS[0])._.al.score > 0
    shown = run_python("-m", "spacy", "evaluate", "out/model-last", "train.spacy", cwd=folder)
    assert "NER F" in shown
