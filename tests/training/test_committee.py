"""Committees of trained pipelines, and what their posteriors say, against every analysis written out."""

import pickle
import shutil
from pathlib import Path

import numpy
import pytest
import spacy
from confection import Config
from numpy.testing import assert_allclose
from spacy.tokens import Doc, DocBin
from spacy.training import Example

from spacy_al import get_posteriors
from spacy_al.acquisition.disagreement import members_of
from spacy_al.acquisition.inputs import FITS
from spacy_al.config.project import open_project
from spacy_al.config.settings import Settings
from spacy_al.errors import AlError
from spacy_al.evaluation.gold import stored_docs
from spacy_al.loop.rounds import evaluate_round, select_round, train_round
from spacy_al.posteriors.committee import (
    N_BEST,
    CommitteePosterior,
    _opened,
    make_committee_reader,
)
from spacy_al.posteriors.read import run_pipes
from spacy_al.posteriors.spans import Spans
from spacy_al.posteriors.temperature import write_calibration
from spacy_al.posteriors.tokens import Tokens
from spacy_al.store.store import Store
from spacy_al.training.checkpoints import make_checkpoints
from spacy_al.training.committee import (
    _keep_encoders,
    keep_checkpoints,
    member_folder,
    members_of_round,
    read_together,
    train_members,
)
from spacy_al.training.trainer import train
from spacy_al.types import posterior_kind
from tests.helpers.chaos import LABELS, ROOT, corpus
from tests.helpers.ner_oracle import analyses, make_ner, random_doc
from tests.posteriors.test_readers import COMPONENTS, UNSEEN, arrays, bare, make


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
    (posterior,) = make_committee_reader(paths)(first.get_pipe("ner"), [doc], 1.0, nlp=first)
    found = [analyses(nlp.get_pipe("ner"), _own(nlp, doc))[0] for nlp in ner[0]]
    return posterior, found


def _own(nlp, doc):
    return run_pipes(nlp.pipeline[:-1], [nlp.make_doc(doc.text)])[0]


@pytest.mark.slow
@pytest.mark.parametrize("component", COMPONENTS)
def test_members_are_what_each_pipeline_says(component, tmp_path):
    others = [make(component, kind, steps=steps) for kind, steps in (("own", 3), ("shared", 2))]
    paths = [saved(nlp, tmp_path / str(i)) for i, nlp in enumerate(others)]
    nlp = make(component)
    docs = bare(nlp)
    before = [doc.to_bytes() for doc in docs]
    found = make_committee_reader(paths)(nlp.get_pipe(component), docs, 1.0, nlp=nlp)
    assert [doc.to_bytes() for doc in docs] == before
    for column, one in enumerate([nlp, *others]):
        expected = get_posteriors(one, bare(one))
        for posterior, member in zip(found, expected, strict=True):
            assert posterior.labels == member.labels
            ours = arrays(posterior.members[column])
            for a, b in zip(ours, arrays(member), strict=True):
                assert_allclose(a, b, atol=1e-6)
    kinds = {posterior_kind(posterior) for posterior in found}
    assert len(kinds) == 1 and kinds <= {kind for kind in FITS if kind.startswith("committee of")}
    # the arrays there are, and those alone, have the members first
    for posterior in found:
        assert posterior.own is posterior.members[0]
        for name in ("token_probs", "probs", "span_probs"):
            assert hasattr(posterior, name) == hasattr(posterior.members[0], name)
            if hasattr(posterior, name):
                assert getattr(posterior, name).shape[0] == 3
    assert (members_of(found) is not None) == (component == "textcat")
    if component == "textcat":
        assert members_of(found).shape == (len(UNSEEN), 3, 3)


@pytest.mark.slow
def test_temperatures_are_each_members_own_or_else_the_given_one(ner, tmp_path):
    (first, second, third), _ = ner
    paths = [saved(nlp, tmp_path / str(i)) for i, nlp in enumerate((second, third))]
    write_calibration(spacy.load(paths[1]), "ner", {"temperature": 3.0})
    text = "aspirin gave him Paris"
    pipe = first.get_pipe("ner")
    (found,) = make_committee_reader(paths)(pipe, [first.make_doc(text)], 2.0, nlp=first)
    for member, nlp, temperature in zip(found.members, (first, second, third), (2.0, 2.0, 3.0)):
        (expected,) = get_posteriors(nlp, [nlp.make_doc(text)], temperature=temperature)
        assert_allclose(member.token_probs, expected.token_probs, atol=1e-6)


@pytest.mark.slow
def test_a_member_that_is_calibrated_after_it_was_opened_is_read_so(ner, tmp_path):
    (first, second, _), _ = ner
    reader = make_committee_reader([path := saved(second, tmp_path / "member")])
    docs, pipe = [first.make_doc("aspirin gave him Paris")], first.get_pipe("ner")
    before = reader(pipe, docs, 1.0, nlp=first)[0].token_probs
    write_calibration(spacy.load(path), "ner", {"temperature": 3.0})
    after = reader(pipe, docs, 1.0, nlp=first)[0].token_probs
    assert (before[0] == after[0]).all() and abs(before[1] - after[1]).max() > 0.01


@pytest.mark.slow
def test_a_model_that_takes_the_place_of_another_is_read(tmp_path):
    nlp, other = make("textcat"), make("textcat", steps=1)
    reader = make_committee_reader([saved(nlp, tmp_path / "member")])
    pipe, docs = nlp.get_pipe("textcat"), bare(nlp)
    first, second = reader(pipe, docs, 1.0, nlp=nlp)[1].probs
    assert_allclose(first, second, rtol=1e-6)
    other.to_disk(tmp_path / "member")
    first, second = reader(pipe, docs, 1.0, nlp=nlp)[1].probs
    assert not numpy.allclose(first, second, rtol=1e-3)


@pytest.mark.slow
def test_committees_of_earlier_rounds_are_let_go(tmp_path):
    nlp = make("textcat")
    paths = [saved(nlp, tmp_path / str(i)) for i in range(4)]
    pipe, docs = nlp.get_pipe("textcat"), bare(nlp)
    for members in (paths[:2], paths[1:2], paths[2:]):
        make_committee_reader(members)(pipe, docs, 1.0, nlp=nlp)
    assert _opened.cache_info().currsize == 2
    before = _opened.cache_info().hits
    make_committee_reader(paths[2:])(pipe, docs, 1.0, nlp=nlp)
    assert _opened.cache_info().hits == before + 1


@pytest.mark.slow
def test_words_and_sentence_starts_reach_the_members_and_entities_do_not(ner):
    (first, *others), paths = ner
    words = ["Dr", "Smith", "gave", "him", "two", "mg"]
    starts = [True, True, False, False, False, False]
    doc = spacy.tokens.Doc(first.vocab, words=words, sent_starts=starts, ents=["B-PER"] + ["O"] * 5)
    (found,) = make_committee_reader(paths)(first.get_pipe("ner"), [doc], 1.0, nlp=first)
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


def test_what_was_cut_is_not_added_to_other_analyses(ner):
    nlp = ner[0][0]
    doc = random_doc(nlp, numpy.random.default_rng(3), 6)
    (rough,) = get_posteriors(nlp, [doc], epsilon=0.05)
    assert rough.missed_mass > 0.01
    best = [prob for prob, _ in rough.nbest(N_BEST)]
    assert_allclose(CommitteePosterior((rough,), rough).analysis_probs, [best])


def test_analyses_of_a_beam():
    nlp = make_ner(factory="beam_ner")
    doc = random_doc(nlp, numpy.random.default_rng(1), 5)
    table, _ = analyses(nlp.get_pipe("beam_ner"), doc, normalized="globally")
    (member,) = get_posteriors(nlp, [doc])
    best = sorted(table.values(), reverse=True)[:N_BEST]
    assert_allclose(
        CommitteePosterior((member, member), member).analysis_probs, [best, best], atol=1e-6
    )


def test_analyses_of_tokens():
    rng = numpy.random.default_rng(0)
    members = [Tokens(("A", "B", "C"), rng.dirichlet(numpy.ones(3), 4)) for _ in range(4)]
    paths = {tuple(member.token_probs.argmax(axis=1).tolist()) for member in members}
    slow = [
        [numpy.prod([m.token_probs[i, k] for i, k in enumerate(path)]) for path in sorted(paths)]
        for m in members
    ]
    assert_allclose(CommitteePosterior(tuple(members), members[0]).analysis_probs, slow)
    none = Tokens(("A",), numpy.zeros((0, 1)))
    empty = CommitteePosterior((none, none), none)
    assert empty.analysis_probs.tolist() == [[1.0], [1.0]]


def test_candidates_that_only_some_members_have():
    def spans(starts, probs):
        start = numpy.array(starts)
        return Spans(("A", "B"), start, start + 1, numpy.array(probs), None, False, 3)

    members = (spans([0, 2], [[0.1, 0.2], [0.3, 0.0]]), spans([2, 1], [[0.5, 0.6], [0.7, 0.8]]))
    slow = [[0.1, 0.2, 0.0, 0.0, 0.3, 0.0], [0.0, 0.0, 0.7, 0.8, 0.5, 0.6]]
    assert_allclose(CommitteePosterior(members, members[0]).span_probs, slow)


@pytest.mark.slow
def test_members_with_other_labels_are_refused(ner, tmp_path):
    (first, *_), paths = ner
    path = saved(make_ner(labels=("DRUG", "DOSE")), tmp_path / "labels")
    with pytest.raises(AlError, match=r"AL201.*it lacks PER; it alone has DOSE"):
        make_committee_reader([*paths, path])(
            first.get_pipe("ner"), [first.make_doc("x")], 1.0, nlp=first
        )


@pytest.mark.slow
def test_what_is_no_member_is_refused(ner, tmp_path):
    (first, *_), _ = ner
    other = saved(make("textcat"), tmp_path / "textcat")
    for path, why in ((other, "it has no 'ner', but textcat"), (str(tmp_path / "x"), "E050")):
        with pytest.raises(AlError, match=f"AL202.*{why}"):
            make_committee_reader([path])(
                first.get_pipe("ner"), [first.make_doc("x")], 1.0, nlp=first
            )


def test_pickles_and_resolves_from_config(ner):
    (first, *_), paths = ner
    block = {"@al_posteriors": "spacy-al.committee.v1", "members": paths}
    reader = pickle.loads(pickle.dumps(spacy.registry.resolve({"x": block})["x"]))
    (found,) = reader(first.get_pipe("ner"), [first.make_doc("aspirin")], 1.0, nlp=first)
    assert found.token_probs.shape == (3, 1, 3)


# committees of the loop

TINY = {
    "training.max_steps": 12,
    "training.patience": 12,
    "training.eval_frequency": 6,
    "components.tok2vec.model.encode.width": 32,
    "components.tok2vec.model.encode.depth": 1,
    "al.batch_size": 5,
    "al.max_rounds": 1,
    "al.committee_size": 2,
    "al.acquisition": {"@al_acquisitions": "spacy-al.bald.v1"},
    "al.posterior": None,
}


def project_of(folder, output, kind):
    names = {"train": "seed", "dev": "dev", "pool": "pool_gold"}
    paths = {f"paths.{key}": str(folder / f"{name}.spacy") for key, name in names.items()}
    own = {**paths, "paths.test": None, **TINY, "al.output": str(output), "al.committee": kind}
    how = {"oracle": folder / "pool_gold.spacy"}
    return open_project(ROOT / "configs" / "ner.cfg", {**own, "al.labels": LABELS}, **how)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    corpus(folder)
    return folder


def weights(path, name):
    model = spacy.load(path).get_pipe(name).model
    return numpy.concatenate(
        [node.get_param(p).ravel() for node in model.walk() for p in node.param_names]
    )


@pytest.mark.slow
def test_a_committee_that_is_wished_for_after_training_is_trained_before_it_is_read(
    small, tmp_path
):
    alone = project_of(small, tmp_path / "al", "none")
    with Store(alone.database) as store:
        store.open_round(0)
        for step in (train_round, evaluate_round):
            step(store, alone, store.round())
        assert members_of_round(alone.folder(0)) == []
        select_round(store, project_of(small, tmp_path / "al", "seeds"), store.round())
        assert len(members_of_round(alone.folder(0))) == 1
        assert store.metrics()[0]["strategy"].startswith("bald")
        assert all(task.task["meta"]["score"] > 0 for task in store.tasks(0))


@pytest.mark.slow
def test_a_recogniser_of_sentences_is_told_no_labels(tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("senter")
    words = {"words": ["One", ".", "Two", "."], "sent_starts": [True, False, True, False]}
    docs = [Doc(nlp.vocab, **words)] * 4
    DocBin(docs=docs).to_disk(tmp_path / "train.spacy")
    nlp.config["paths"] |= dict.fromkeys(("train", "dev"), str(tmp_path / "train.spacy"))
    nlp.config["training"]["max_steps"] = 2
    made = Config(nlp.config)
    made.to_disk(tmp_path / "config.cfg")
    nlp.initialize(lambda: [Example(doc, doc) for doc in docs])
    nlp.to_disk(tmp_path / "model-best")
    own = member_folder(Settings(component="senter", committee="seeds"), tmp_path, 0, 1)
    assert train(own).model.is_dir()


def _members(project):
    def trainer(folder):
        return train(folder).seconds

    return train_members(project.settings, project.folder(0), 0, trainer)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["seeds", "bootstrap", "checkpoints", "heads"])
def test_a_round_trains_its_committee_and_asks_where_it_disagrees(kind, small, tmp_path):
    project = project_of(small, tmp_path / "al", kind)
    with Store(project.database) as store:
        store.open_round(0)
        for step in (train_round, evaluate_round, select_round):
            step(store, project, store.round())
        assert store.metrics()[0]["strategy"].startswith("bald")
        assert len(list(store.tasks(0))) == 5
    folder = project.folder(0)
    (member,) = members_of_round(folder)
    model = str(folder / "model-best")
    assert len({spacy.load(path).get_pipe("ner").labels for path in (model, member)}) == 1
    head = weights(member, "ner")
    assert not numpy.allclose(weights(model, "ner"), head)
    shared = numpy.array_equal(weights(model, "tok2vec"), weights(member, "tok2vec"))
    assert shared == (kind == "heads")
    if kind == "bootstrap":
        texts = [
            sorted(doc.text for doc in stored_docs(path / "train.spacy"))
            for path in (folder, folder / "member-1")
        ]
        assert len(texts[0]) == len(texts[1]) and set(texts[0]) > set(texts[1])
    # what is whole is left alone, and what was cut off is done again, to the same result
    before = (Path(member) / "meta.json").stat().st_mtime_ns
    _members(project)
    assert (Path(member) / "meta.json").stat().st_mtime_ns == before
    if kind == "bootstrap":
        shutil.rmtree(member)
        assert _members(project) > 0
        assert numpy.array_equal(weights(member, "ner"), head)


@pytest.mark.slow
def test_what_cannot_be_a_committee_is_explained(small, tmp_path):
    with pytest.raises(AlError, match=r"AL083.*committee.*seeds, bootstrap, checkpoints, heads"):
        project_of(small, tmp_path, "friends")
    project = project_of(small, tmp_path / "al", "checkpoints")
    folder = project.folder(0)
    folder.mkdir(parents=True)
    config = '[training]\nmax_steps = 9\nbefore_update = {"@callbacks":"mine.v1"}\n'
    (folder / "config.cfg").write_text(config, "utf8")
    with pytest.raises(AlError, match=r"AL208.*before_update"):
        keep_checkpoints(project.settings, folder)
    (folder / "config.cfg").write_text(config.replace('{"@callbacks":"mine.v1"}', "null"), "utf8")
    keep_checkpoints(project.settings, folder)
    made = spacy.util.load_config(folder / "config.cfg")["training"]["before_update"]
    assert made["steps"] == [4] and made["path"] == str(folder)
    with pytest.raises(AlError, match=r"AL207.*no checkpoints"):
        _members(project)


def test_only_as_many_members_are_read_as_are_asked_for(tmp_path):
    paths = [tmp_path / f"member-{i}" / "model-best" for i in range(1, 12)]
    for path in paths:
        path.mkdir(parents=True)
    assert members_of_round(tmp_path) == [str(path) for path in paths]
    settings = Settings(committee="seeds", committee_size=11)
    block = read_together(settings, tmp_path).blocks["posterior"]
    assert block["members"] == [str(path) for path in paths[:10]]


def test_heads_need_an_encoder_that_is_shared():
    nlp = make("tagger")
    with pytest.raises(AlError, match=r"AL206.*'tagger' has an encoder of its own"):
        _keep_encoders(nlp.config, nlp, "tagger", Path("model-best"))


@pytest.mark.slow
def test_checkpoints_are_whole_or_absent(tmp_path, monkeypatch):
    nlp = make("textcat")
    save = make_checkpoints(str(tmp_path), [2, 4])
    for step in range(4):
        save(nlp, {"step": step})
    assert members_of_round(tmp_path) == [str(tmp_path / "member-1" / "model-best")]
    before = numpy.concatenate([p.ravel() for p in _params(nlp)])
    assert_allclose(weights(members_of_round(tmp_path)[0], "textcat"), before)
    whole = nlp.to_disk

    def cut_off(path):
        whole(path)
        raise KeyboardInterrupt

    monkeypatch.setattr(nlp, "to_disk", cut_off)
    with pytest.raises(KeyboardInterrupt):
        save(nlp, {"step": 4})
    assert len(members_of_round(tmp_path)) == 1
    assert not list(tmp_path.glob("*/.attempt-*"))


def _params(nlp):
    model = nlp.get_pipe("textcat").model
    return [node.get_param(p) for node in model.walk() for p in node.param_names]
