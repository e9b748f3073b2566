"""Committees of trained pipelines, and what their posteriors say, against every analysis written out."""

import pickle

import numpy
import pytest
import spacy
from ner_oracle import analyses, make_ner, random_doc
from numpy.testing import assert_allclose
from test_readers import COMPONENTS, UNSEEN, arrays, bare, make

from spacy_al import get_posteriors
from spacy_al.acquisition.disagreement import members_of
from spacy_al.acquisition.inputs import FITS, kind_of
from spacy_al.errors import AlError
from spacy_al.posteriors.committee import (
    N_BEST,
    CommitteePosterior,
    make_committee_reader,
    ordinary_reader,
)
from spacy_al.posteriors.read import READERS, run
from spacy_al.posteriors.spans import Spans
from spacy_al.posteriors.temperature import write_calibration
from spacy_al.posteriors.tokens import Tokens


def saved(nlp, path):
    nlp.to_disk(path)
    return str(path)


@pytest.fixture(scope="module")
def ner(tmp_path_factory):
    """Three pipelines and the directories of the last two."""
    path = tmp_path_factory.mktemp("ner")
    made = [make_ner(seed=seed, shared=seed == 1) for seed in range(3)]
    return made, [saved(nlp, path / str(i)) for i, nlp in enumerate(made)][1:]


@pytest.fixture(scope="module")
def posterior(ner):
    """Of six tokens, with the lists of all analyses of each member."""
    (first, *_), paths = ner
    doc = random_doc(first, numpy.random.default_rng(3), 6)
    (posterior,) = make_committee_reader(paths)(first.get_pipe("ner"), [doc], 1.0)
    found = [analyses(nlp.get_pipe("ner"), _own(nlp, doc))[0] for nlp in ner[0]]
    return posterior, found


def _own(nlp, doc):
    return run(nlp.pipeline[:-1], [nlp.make_doc(doc.text)])[0]


@pytest.mark.parametrize("component", COMPONENTS)
def test_members_are_what_each_pipeline_says(component, tmp_path):
    others = [make(component, kind, steps=steps) for kind, steps in (("own", 3), ("shared", 2))]
    paths = [saved(nlp, tmp_path / str(i)) for i, nlp in enumerate(others)]
    nlp = make(component)
    docs = bare(nlp)
    before = [doc.to_bytes() for doc in docs]
    found = make_committee_reader(paths)(nlp.get_pipe(component), docs, 1.0)
    assert [doc.to_bytes() for doc in docs] == before
    for column, one in enumerate([nlp, *others]):
        expected = get_posteriors(one, bare(one))
        for posterior, member in zip(found, expected, strict=True):
            assert posterior.labels == member.labels
            ours = arrays(posterior.members[column])
            for a, b in zip(ours, arrays(member), strict=True):
                assert_allclose(a, b, atol=1e-6)
    kinds = {kind_of(posterior) for posterior in found}
    assert len(kinds) == 1 and kinds <= {kind for kind in FITS if kind.startswith("committee of")}
    # the arrays there are, and those alone, have the members first
    for posterior in found:
        for name in ("token_probs", "probs", "span_probs"):
            assert hasattr(posterior, name) == hasattr(posterior.members[0], name)
            if hasattr(posterior, name):
                assert getattr(posterior, name).shape[0] == 3
    assert (members_of(found) is not None) == (component == "textcat")
    if component == "textcat":
        assert members_of(found).shape == (len(UNSEEN), 3, 3)


def test_temperatures_are_each_members_own_or_else_the_given_one(ner, tmp_path):
    (first, second, third), _ = ner
    paths = [saved(nlp, tmp_path / str(i)) for i, nlp in enumerate((second, third))]
    write_calibration(spacy.load(paths[1]), "ner", {"temperature": 3.0})
    text = "aspirin gave him Paris"
    pipe = first.get_pipe("ner")
    (found,) = make_committee_reader(paths)(pipe, [first.make_doc(text)], 2.0)
    for member, nlp, temperature in zip(found.members, (first, second, third), (2.0, 2.0, 3.0)):
        (expected,) = get_posteriors(nlp, [nlp.make_doc(text)], temperature=temperature)
        assert_allclose(member.token_probs, expected.token_probs, atol=1e-6)


def test_a_model_that_takes_the_place_of_another_is_read(tmp_path):
    nlp, other = make("textcat"), make("textcat", steps=1)
    reader = make_committee_reader([saved(nlp, tmp_path / "member")])
    pipe, docs = nlp.get_pipe("textcat"), bare(nlp)
    assert_allclose(*reader(pipe, docs, 1.0)[1].probs, rtol=1e-6)
    other.to_disk(tmp_path / "member")
    first, second = reader(pipe, docs, 1.0)[1].probs
    assert not numpy.allclose(first, second, rtol=1e-3)


def test_words_and_sentence_starts_reach_the_members_and_entities_do_not(ner):
    (first, *others), paths = ner
    words = ["Dr", "Smith", "gave", "him", "two", "mg"]
    starts = [True, True, False, False, False, False]
    doc = spacy.tokens.Doc(first.vocab, words=words, sent_starts=starts, ents=["B-PER"] + ["O"] * 5)
    (found,) = make_committee_reader(paths)(first.get_pipe("ner"), [doc], 1.0)
    assert found.members[0].prob(0, 1, "PER") == 1.0
    for member, nlp in zip(found.members[1:], others):
        (expected,) = get_posteriors(
            nlp, [spacy.tokens.Doc(nlp.vocab, words=words, sent_starts=starts)]
        )
        assert_allclose(member.token_probs, expected.token_probs, atol=1e-6)
        assert member.prob(0, 2, "PER") == 0.0 < member.prob(0, 1, "PER") < 1.0


def test_entities_of_all_members(posterior):
    posterior, found = posterior
    expected = []
    for member in found:
        probs = {}
        for spans, p in member.items():
            for span in spans:
                probs[span] = probs.get(span, 0.0) + p
        expected.append({span: p for span, p in probs.items() if p >= 1e-6})
    union = sorted(set().union(*expected))
    assert posterior.span_probs.shape == (3, len(union))
    slow = [[probs.get(span, 0.0) for span in union] for probs in expected]
    for ours, theirs in zip(posterior.span_probs, slow):
        assert_allclose(sorted(ours), sorted(theirs), atol=1e-6)


def test_analyses_of_all_members(posterior):
    posterior, tables = posterior
    wanted = {
        spans
        for table in tables
        for spans in sorted(table, key=lambda spans: -table[spans])[:N_BEST]
    }
    slow = numpy.array([[table.get(spans, 0.0) for spans in sorted(wanted)] for table in tables])
    ours = posterior.analysis_probs
    assert ours.shape == slow.shape
    assert_allclose(ours[:, numpy.lexsort(ours)], slow[:, numpy.lexsort(slow)], atol=1e-5)


def test_analyses_of_a_beam():
    nlp = make_ner(factory="beam_ner")
    doc = random_doc(nlp, numpy.random.default_rng(1), 5)
    table, _ = analyses(nlp.get_pipe("beam_ner"), doc, normalized="globally")
    (member,) = get_posteriors(nlp, [doc])
    best = sorted(table.values(), reverse=True)[:N_BEST]
    assert_allclose(CommitteePosterior((member, member)).analysis_probs, [best, best], atol=1e-6)


def test_analyses_of_tokens():
    rng = numpy.random.default_rng(0)
    members = [Tokens(("A", "B", "C"), rng.dirichlet(numpy.ones(3), 4)) for _ in range(4)]
    paths = {tuple(member.token_probs.argmax(axis=1).tolist()) for member in members}
    slow = [
        [numpy.prod([m.token_probs[i, k] for i, k in enumerate(path)]) for path in sorted(paths)]
        for m in members
    ]
    assert_allclose(CommitteePosterior(tuple(members)).analysis_probs, slow)
    empty = CommitteePosterior((Tokens(("A",), numpy.zeros((0, 1))),) * 2)
    assert empty.analysis_probs.tolist() == [[1.0], [1.0]]


def test_candidates_that_only_some_members_have():
    def spans(starts, probs):
        start = numpy.array(starts)
        return Spans(("A", "B"), start, start + 1, numpy.array(probs), None, False, 3)

    members = (spans([0, 2], [[0.1, 0.2], [0.3, 0.0]]), spans([2, 1], [[0.5, 0.6], [0.7, 0.8]]))
    slow = [[0.1, 0.2, 0.0, 0.0, 0.3, 0.0], [0.0, 0.0, 0.7, 0.8, 0.5, 0.6]]
    assert_allclose(CommitteePosterior(members).span_probs, slow)


@pytest.mark.parametrize("factory", READERS)
def test_a_component_is_known_by_its_class(factory):
    pipe = spacy.blank("en").add_pipe(factory)
    expected = spacy.registry.al_posteriors.get(READERS[factory])()
    assert ordinary_reader(pipe).func is expected.func


def test_what_has_no_posterior_is_refused():
    with pytest.raises(AlError, match=r"AL002.*'parser'"):
        ordinary_reader(spacy.blank("en").add_pipe("parser"))


def test_members_with_other_labels_are_refused(ner, tmp_path):
    (first, *_), paths = ner
    path = saved(make_ner(labels=("DRUG", "DOSE")), tmp_path / "labels")
    with pytest.raises(AlError, match=r"AL201.*it lacks PER; it alone has DOSE"):
        make_committee_reader([*paths, path])(first.get_pipe("ner"), [first.make_doc("x")], 1.0)


def test_what_is_no_member_is_refused(ner, tmp_path):
    (first, *_), _ = ner
    other = saved(make("textcat"), tmp_path / "textcat")
    for path, why in ((other, "it has no 'ner', but textcat"), (str(tmp_path / "x"), "E050")):
        with pytest.raises(AlError, match=f"AL202.*{why}"):
            make_committee_reader([path])(first.get_pipe("ner"), [first.make_doc("x")], 1.0)


def test_pickles_and_resolves_from_config(ner):
    (first, *_), paths = ner
    block = {"@al_posteriors": "spacy-al.committee.v1", "members": paths}
    reader = pickle.loads(pickle.dumps(spacy.registry.resolve({"x": block})["x"]))
    (found,) = reader(first.get_pipe("ner"), [first.make_doc("aspirin")], 1.0)
    assert found.token_probs.shape == (3, 1, 3)
