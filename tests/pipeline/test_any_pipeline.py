"""Any pipeline: wherever `al_scorer` stands, it says what `get_posteriors` says of the bare document.

A few dozen pipelines are drawn here; SPACY_AL_DRAWS=500 draws as many.
"""

import importlib.util
import os

import hypothesis
import numpy
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.pipeline import EntityRecognizer
from spacy.pipeline.ner import DEFAULT_NER_MODEL
from spacy.tokens import Doc
from thinc.api import Model

from spacy_al import get_posteriors
from spacy_al.acquisition import default_acquisition
from spacy_al.kinds import FACTORIES
from tests.helpers.curated import LISTENERS, MODEL, initialize_with_pieces
from tests.pipeline.test_al_scorer import CNN, TEXTS, bare, check, example, make, pipe_config

DRAWS = int(os.environ.get("SPACY_AL_DRAWS", "36"))
if not Doc.has_extension("test_mark"):
    Doc.set_extension("test_mark", default=0)


class OwnRecognizer(EntityRecognizer):
    """One of a user's own."""


@Language.factory(
    "test_own_ner",
    default_config={
        "moves": None,
        "update_with_oracle_cut_size": 100,
        "model": DEFAULT_NER_MODEL,
        "incorrect_spans_key": None,
        "scorer": {"@scorers": "spacy.ner_scorer.v1"},
    },
    # it says nothing of what it assigns
)
def make_own_ner(nlp, name, model, moves, update_with_oracle_cut_size, incorrect_spans_key, scorer):
    return OwnRecognizer(
        nlp.vocab,
        model,
        name,
        moves=moves,
        update_with_oracle_cut_size=update_with_oracle_cut_size,
        incorrect_spans_key=incorrect_spans_key,
        scorer=scorer,
    )


@Language.component("test_silent")
def silent(doc):
    """It declares nothing, and sets all that it can."""
    for token in doc:
        token.tag_ = "NN" if token.i % 2 else "VB"
        token.lemma_ = token.text[:2]
        token.norm_ = "x" if token.i % 3 == 0 else token.norm_
    for token in doc[1:]:
        # spaCy refuses it behind a parser
        if not doc.has_annotation("DEP"):
            token.is_sent_start = token.i % 4 == 0
    doc._.test_mark = len(doc) + 1
    return doc


@Language.component("test_quiet")
def quiet(doc):
    """It declares nothing, and sets nothing."""
    return doc


@Language.component("test_marks", assigns=["doc._.test_mark"])
def marks(doc):
    doc._.test_mark = len(doc) % 5 + 1
    return doc


@Language.component("test_clears", assigns=["doc._.test_mark", "token.tag", "token.lemma"])
def clears(doc):
    doc._.test_mark = 0
    for token in doc:
        token.tag_, token.lemma_ = "", ""
    return doc


@Language.component("test_doubles", assigns=["doc.tensor"])
def doubles(doc):
    doc.tensor = doc.tensor * 2
    return doc


@spacy.registry.architectures("test.OfMarks.v1")
def of_marks():
    """A layer that reads an extension, of which nobody can know."""
    return Model("of_marks", _forward, dims={"nO": 16})


def _forward(model, docs, is_train):
    rows = []
    for doc in docs:
        at = numpy.arange(len(doc) * 16, dtype="f").reshape(len(doc), 16)
        rows.append(numpy.sin(at * (1 + doc._.test_mark)).astype("f"))
    return rows, lambda gradient: []


@spacy.registry.misc("test.two_by_two.v1")
def two_by_two():
    """A suggester of a user's own, that looks at tags."""

    def suggest(docs, *, ops=None):
        from spacy.pipeline.spancat import ngram_suggester
        from thinc.api import get_current_ops
        from thinc.types import Ragged

        ops = ops or get_current_ops()
        found, lengths = [], []
        for doc in docs:
            spans = [(i, i + 2) for i in range(len(doc) - 1) if doc[i].tag_ != "VB"]
            found += spans
            lengths.append(len(spans))
        if not found:
            return ngram_suggester(docs, [1], ops=ops)
        return Ragged(ops.asarray2i(found), ops.asarray1i(lengths))

    return suggest


def reading(*attributes):
    """An encoder that reads these as features."""
    embed = {"@architectures": "spacy.MultiHashEmbed.v2", "width": 16}
    embed |= {"attrs": [*attributes], "rows": [50] * len(attributes)}
    encode = {"@architectures": "spacy.MaxoutWindowEncoder.v2", "width": 16, "depth": 1}
    encode |= {"window_size": 1, "maxout_pieces": 2}
    return {
        "@architectures": "spacy.Tok2Vec.v2",
        "embed": embed | {"include_static_vectors": False},
        "encode": encode,
    }


def listening(name):
    return {"@architectures": "spacy.Tok2VecListener.v1", "width": 16, "upstream": name}


def spancat(suggester, key="sc", encoder=CNN):
    config = pipe_config("spancat", encoder)
    return {**config, "spans_key": key, "suggester": suggester, "threshold": 0.84}


PRESET = {"@misc": "spacy.preset_spans_suggester.v1"}
FINDER = {"@architectures": "spacy.SpanFinder.v1", "tok2vec": CNN}
FINDER |= {"scorer": {"@layers": "spacy.LinearLogistic.v1", "nO": 2}}
# name -> factory, settings, and what has to come before
PIECES = {
    "tok2vec": ("tok2vec", {"model": CNN}, None),
    "second": ("tok2vec", {"model": CNN}, None),
    "sentencizer": ("sentencizer", {}, None),
    "senter": ("senter", pipe_config("senter"), None),
    "ruler": ("entity_ruler", {}, None),
    "cand": ("span_ruler", {"spans_key": "cand"}, None),
    "spans and entities": ("span_ruler", {"annotate_ents": True}, None),
    "finder": (
        "span_finder",
        {"spans_key": "sc", "model": FINDER, "threshold": 0.0, "max_length": 3},
        None,
    ),
    "spancat of finder": ("spancat", spancat({**PRESET, "spans_key": "sc"}), "finder"),
    "spancat of cand": ("spancat", spancat({**PRESET, "spans_key": "cand"}, "own"), "cand"),
    "spancat of tags": ("spancat", spancat({"@misc": "test.two_by_two.v1"}, "tags"), None),
    "spancat": ("spancat", pipe_config("spancat", listening("tok2vec")), "tok2vec"),
    "tagger": ("tagger", pipe_config("tagger"), None),
    "tagger of marks": (
        "tagger",
        pipe_config("tagger", {"@architectures": "test.OfMarks.v1"}),
        None,
    ),
    "morphologizer": ("morphologizer", pipe_config("morphologizer", listening("second")), "second"),
    "parser": ("parser", pipe_config("parser"), None),
    "lemmas and norms": ("attribute_ruler", {}, None),
    "ner": ("ner", pipe_config("ner", listening("tok2vec")), "tok2vec"),
    "ner of second": ("ner", pipe_config("ner", listening("second")), "second"),
    "ner of tags": ("ner", pipe_config("ner", reading("NORM", "SHAPE", "TAG")), None),
    "ner of the rest": (
        "ner",
        pipe_config("ner", reading("NORM", "POS", "LEMMA", "DEP", "MORPH", "ENT_TYPE")),
        None,
    ),
    "beam_ner": ("beam_ner", pipe_config("beam_ner"), None),
    "own ner": ("test_own_ner", pipe_config("ner", listening("tok2vec")), "tok2vec"),
    "sourced ner": ("source", "ner", "tok2vec"),
    "textcat": ("textcat", pipe_config("textcat", reading("NORM", "LEMMA", "SENT_START")), None),
    "textcat_multilabel": (
        "textcat_multilabel",
        pipe_config("textcat_multilabel", listening("tok2vec")),
        "tok2vec",
    ),
    "silent": ("test_silent", {}, None),
    "quiet": ("test_quiet", {}, None),
    "marks": ("test_marks", {}, None),
    "clears": ("test_clears", {}, None),
    "doubles": ("test_doubles", {}, "tok2vec"),
    "cleaner": ("doc_cleaner", {}, None),
}
if importlib.util.find_spec("spacy_curated_transformers"):
    PIECES |= {
        "curated": ("curated_transformer", {"model": MODEL}, None),
        "tagger of curated": ("tagger", pipe_config("tagger", LISTENERS["last layer"]), "curated"),
        "ner of curated": ("ner", pipe_config("ner", LISTENERS["last layer"]), "curated"),
    }
READ = [
    name
    for name, (factory, _, _) in PIECES.items()
    if factory in FACTORIES or factory in ("test_own_ner", "source")
]
PATTERNS = [{"label": "ALIEN", "pattern": "Smith"}, {"label": "DRUG", "pattern": "mg in Paris"}]
PATTERNS += [{"label": "DOSE", "pattern": "two mg"}, {"label": "PER", "pattern": "in Paris"}]


@pytest.fixture(autouse=True)
def factories(monkeypatch):
    """What is learned of factories is forgotten."""
    known = dict(FACTORIES)
    yield
    FACTORIES.clear()
    FACTORIES.update(known)


def assembled(names, seed):
    """The pipeline of some pieces, each once, with what they need before them."""
    order = []
    for name in names:
        needed = PIECES[name][2]
        order += [one for one in (needed, name) if one and one not in order]
    # spaCy itself fails where something still listens
    order.sort(key=lambda name: name == "cleaner")
    spacy.util.fix_random_seed(seed)
    nlp, rng = spacy.blank("en"), numpy.random.default_rng(seed)
    for name in order:
        factory, config, _ = PIECES[name]
        if factory == "source":
            # its own name is another one than that in the pipeline
            config = {"ner": listening("tok2vec"), "others": CNN}
            source = make("tok2vec", "ner", encoder=config, seed=seed + 1)
            nlp.add_pipe("ner", name, source=source)
        else:
            nlp.add_pipe(factory, name, config=config)
    if "curated" in order:
        initialize_with_pieces(nlp, "curated")
    gold = example(nlp)
    for key in ("own", "tags"):
        gold.reference.spans[key] = [*gold.reference.ents]
    nlp.initialize(lambda: [gold])
    for name, pipe in nlp.pipeline:
        factory = nlp.get_pipe_meta(name).factory
        if factory == "attribute_ruler":
            pipe.add([[{"TAG": "NN"}]], {"POS": "NOUN", "LEMMA": "n", "NORM": "noun"})
            pipe.add([[{"LOWER": "in"}]], {"TAG": "IN", "NORM": "within"})
        if factory in ("entity_ruler", "span_ruler"):
            pipe.add_patterns(PATTERNS)
        for node in pipe.model.walk() if hasattr(pipe, "model") else ():
            for param in node.param_names:
                values = node.get_param(param)
                if not values.any():
                    noise = rng.normal(scale=0.7, size=values.shape)
                    node.set_param(param, noise.astype("f"))
    return nlp


def compare(names, component, place, seed):
    """Both ways to the posteriors of a component."""
    nlp = assembled(names, seed)
    texts = [*TEXTS, "", "  "]
    wanted = get_posteriors(nlp, bare(nlp, texts), component)
    acquisition = default_acquisition(wanted[0])
    at = (
        {"first": True}
        if not place
        else {"after": nlp.pipe_names[min(place, len(nlp.pipe_names)) - 1]}
    )
    nlp.add_pipe("al_scorer", config={"component": component}, **at)
    check(list(nlp.pipe(texts)), wanted, acquisition)
    # nor does it matter that the pipeline was called
    assert nlp(texts[0])._.al.score == pytest.approx(acquisition(wanted)[0], abs=1e-5)
    again = get_posteriors(nlp, bare(nlp, texts), component)
    assert acquisition(again) == pytest.approx(acquisition(wanted), abs=1e-5)


@st.composite
def drawn(draw):
    component = draw(st.sampled_from(READ))
    names = draw(st.lists(st.sampled_from([*PIECES]), min_size=1, max_size=5, unique=True))
    names = [name for name in names if name != component]
    names.insert(draw(st.integers(0, len(names))), component)
    # behind all, mostly
    return names, component, draw(st.sampled_from([0, 1, 2, 3, 4, 99, 99, 99, 99]))


@pytest.mark.slow
@settings(
    max_examples=DRAWS,
    deadline=None,
    suppress_health_check=[*hypothesis.HealthCheck],
)
@given(drawn(), st.integers(0, 3))
def test_any_pipeline(pipeline, seed):
    names, component, place = pipeline
    compare(names, component, place, seed)


ROWS = {
    "the encoder reads tags": ["tok2vec", "tagger", "ner of tags", "sentencizer"],
    "a function that declares nothing": ["tok2vec", "tagger", "ner of tags", "quiet"],
    "other attributes": [
        "parser",
        "morphologizer",
        "lemmas and norms",
        "ner of the rest",
        "clears",
    ],
    "a finder and its spancat": ["finder", "spancat of finder"],
    "a ruler and its spancat": ["cand", "spancat of cand", "sentencizer"],
    "a suggester that reads tags": ["tagger", "spancat of tags", "clears"],
    "an extension": ["marks", "tagger of marks", "clears"],
    "labels that ner lacks": ["ruler", "ner"],
    "labels that ner lacks, the other way": ["ruler", "beam_ner", "sentencizer"],
    "a factory of one's own": ["ruler", "own ner", "silent"],
    "a sourced component, and labels that it lacks": ["ruler", "sourced ner", "sentencizer"],
    "a sourced component": ["sentencizer", "sourced ner", "quiet"],
    "another encoder afterwards": ["tok2vec", "ner", "second", "morphologizer"],
    "an encoder's output changed": ["tok2vec", "ner", "doubles"],
    "norms": ["ner of tags", "lemmas and norms"],
}


@pytest.mark.slow
@pytest.mark.parametrize("names", ROWS.values(), ids=ROWS)
def test_what_people_have(names):
    (component,) = [
        name for name in names if name in READ and name not in ("tagger", "morphologizer")
    ] or ["tagger"]
    compare(names, component, 99, 0)
