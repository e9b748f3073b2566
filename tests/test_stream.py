"""The ranked stream: lazy, nothing twice, another ranking as soon as there is another model, and answers count at once."""

import itertools
import shutil
from functools import partial

import pytest

from spacy_al import get_posteriors, stream
from spacy_al.errors import AlError, UsageError
from spacy_al.posteriors.component import open_pipeline
from spacy_al.query.select import select
from spacy_al.stream import (
    Answers,
    app_config,
    load,
    missed_entities,
    newest,
    preselected,
    rank,
    score,
    single_category,
    single_entities,
)
from spacy_al.tasks.answer import check
from spacy_al.tasks.decision import annotation, make_doc
from tests.helpers.ner_oracle import make_ner
from tests.posteriors.test_readers import make
from tests.query.test_select import TEXTS, save_light, write

TEXTS = TEXTS[:40]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    for seed in (0, 3):
        save_light(make_ner(seed=seed, updates=2, scale=1.5), root / str(seed))
    for component in ("textcat", "textcat_multilabel", "tagger", "spancat"):
        save_light(make(component), root / component)
    return root


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    return write(TEXTS, tmp_path_factory.mktemp("pool"), 15)


def texts(tasks):
    return [task["text"] for task in tasks]


@pytest.mark.slow
def test_the_order_is_that_of_select(models, pool):
    model = str(models / "0")
    plan = score(load(pool, model), "expected_errors", density_weight=0.5)
    chosen = select(
        pool, n=40, model=model, acquisition="expected_errors", density_weight=0.5
    ).tasks
    assert texts(rank(plan)) == texts(chosen)


@pytest.mark.slow
@pytest.mark.parametrize("ahead", [9, 100])
def test_every_text_once(models, pool, ahead):
    found = texts(rank(load(pool, str(models / "0")), ahead=ahead))
    assert len(found) == len(set(found)) and set(found) == set(TEXTS)


@pytest.mark.slow
def test_is_lazy(models, pool, monkeypatch, tmp_path):
    plan = score(load(tmp_path / "nowhere", "nothing"), "no such function")
    rank(plan)  # nothing is looked at
    calls = []
    monkeypatch.setattr(
        stream, "select", lambda *a, **how: calls.append(how["n"]) or select(*a, **how)
    )
    tasks = rank(load(pool, str(models / "0")), ahead=5)
    assert not calls
    list(itertools.islice(tasks, 5))
    assert len(calls) == 1
    next(tasks)
    assert len(calls) == 2
    # scored again ever more rarely
    assert len([*tasks]) == len(TEXTS) - 6 and calls == [5, 10, 20, 40, 80]


def test_what_is_labelled_is_not_asked(models, pool, tmp_path):
    labelled = write(TEXTS[5:], tmp_path / "labelled")
    found = texts(rank(load(pool, str(models / "0"), labeled=[labelled])))
    assert sorted(found) == sorted(TEXTS[:5])
    with pytest.raises(AlError, match="AL086"):
        next(rank(load(pool, str(models / "0"), labeled=[pool])))


@pytest.mark.slow
def test_a_newer_model_ranks_what_is_left(models, pool, tmp_path):
    place = tmp_path / "round-000" / "model-best"
    shutil.copytree(models / "0", place)
    # draws by chance depend on what else may be drawn
    tasks = rank(score(load(pool, str(tmp_path)), sampler="top_k"))
    first = list(itertools.islice(tasks, 4))
    later = tmp_path / "round-001" / "model-best"
    shutil.copytree(models / "3", later, copy_function=shutil.copyfile)
    rest = list(tasks)
    new = select(pool, n=40, model=str(later), sampler="top_k").tasks
    assert texts(rest) == [text for text in texts(new) if text not in texts(first)]
    old = texts(select(pool, n=40, model=str(place), sampler="top_k").tasks)
    assert texts(first) == old[:4] and texts(rest) != old[4:]


@pytest.mark.slow
def test_goes_on_while_a_model_is_being_written(models, pool, tmp_path):
    shutil.copytree(models / "0", tmp_path / "round-000" / "model-best")
    tasks = rank(load(pool, str(tmp_path)))
    found = [next(tasks)]
    half = tmp_path / "round-001" / "model-best"
    half.mkdir(parents=True)
    shutil.copyfile(models / "3" / "meta.json", half / "meta.json")
    found += itertools.islice(tasks, 3)
    assert texts(found) == texts(select(pool, n=4, model=str(models / "0")).tasks)
    shutil.copytree(models / "3", half, dirs_exist_ok=True)
    best = select(pool, n=40, model=str(half)).tasks
    expected = next(text for text in texts(best) if text not in texts(found))
    assert next(tasks)["text"] == expected
    shutil.rmtree(tmp_path / "round-000")
    (half / "config.cfg").write_text("nothing")
    (half / "meta.json").touch()
    with pytest.raises(AlError, match="AL085"):
        list(tasks)


@pytest.mark.slow
def test_begins_without_a_model(models, pool, tmp_path):
    plan = score(load(pool, str(tmp_path), labels=["DRUG"], factory="spancat"), "token_entropy")
    tasks = rank(plan)
    first = next(tasks)
    assert first["_view_id"] == "spans_manual" and first["labels"] == ["DRUG"]
    assert first["meta"]["model"] is None
    shutil.copytree(models / "0", tmp_path / "model-best")
    second = next(tasks)
    assert second["_view_id"] == "ner_manual" and second["meta"]["model"] == "model-best"
    with pytest.raises(UsageError, match="AL265"):
        next(rank(load(pool, None), partial(single_entities, answers=Answers())))


def test_newest(tmp_path, models):
    assert newest(None) == (None, 0) and newest("en_core_web_sm") == ("en_core_web_sm", 0)
    assert newest(str(tmp_path)) == (None, 0)
    found, stamp = newest(str(models / "0"))
    assert found == str(models / "0") and stamp > 0


def said(task, verdict):
    return {**task, "answer": verdict}


@pytest.mark.slow
def test_each_question_knows_the_answers_before(models, pool):
    """Asked one at a time: the next question is the most doubtful entity of the posterior given the answers."""
    nlp = open_pipeline(str(models / "0"))
    answers = Answers()
    tasks = rank(load(pool, nlp_path(models)), partial(single_entities, answers=answers, most=4))
    by_text, verdicts = {}, itertools.cycle(["accept", "reject", "reject"])
    for task in itertools.islice(tasks, 40):
        before = by_text.setdefault(task["text"], [])
        (span,) = task["spans"]
        mark = (span["token_start"], span["token_end"] + 1, span["label"])
        doc = make_doc(task, nlp.vocab)
        posterior = get_posteriors(nlp, [doc])[0].condition(
            [m for m, verdict in before if verdict == "accept"],
            [m for m, verdict in before if verdict == "reject"],
        )
        assert span["score"] == pytest.approx(posterior.prob(*mark))
        known = [m for m, _ in before]
        open_ = [s for s in posterior.above(0.05) if s.prob <= 0.95]
        doubts = [abs(s.prob - 0.5) for s in open_ if (s.start, s.end, s.label) not in known]
        assert abs(span["score"] - 0.5) == pytest.approx(min(doubts), abs=1e-5)
        verdict = next(verdicts)
        before.append((mark, verdict))
        answers.update([said(task, verdict)])
    assert max(map(len, by_text.values())) > 1
    # nothing that an accepted entity rules out is asked
    for given in by_text.values():
        for k, ((start, end, _), verdict) in enumerate(given):
            later = [mark for mark, _ in given[k + 1 :]] if verdict == "accept" else []
            assert all(b <= start or end <= a for a, b, _ in later)


def nlp_path(models):
    return str(models / "0")


@pytest.mark.slow
def test_questions_fetched_in_advance_are_not_the_same(models, pool):
    tasks = rank(load(pool, nlp_path(models)), partial(single_entities, answers=Answers(), most=3))
    seen = [(t["text"], str([{**s, "score": 0} for s in t["spans"]])) for t in tasks]
    assert len(seen) == len(set(seen))
    counts = {text: sum(text == other for other, _ in seen) for text, _ in seen}
    assert max(counts.values()) == 3


def test_answers_that_are_impossible_end_a_text(models, pool):
    answers = Answers()
    tasks = rank(load(pool, nlp_path(models)), partial(single_entities, answers=answers, most=9))
    first = next(tasks)
    wrong = {"start": 0, "end": first["tokens"][-1]["end"], "label": first["spans"][0]["label"]}
    # two entities that overlap cannot both be there
    other = {**first, "spans": [wrong], "_task_hash": first["_task_hash"] + 1}
    answers.update([said(first, "accept"), said(other, "accept")])
    assert next(tasks)["text"] != first["text"]


def test_who_answers_again_corrects_the_answer(models, pool):
    answers = Answers()
    first = next(
        rank(load(pool, nlp_path(models)), partial(single_entities, answers=answers, most=9))
    )
    answers.update([said(first, "accept"), said(first, "reject")])
    (about,) = answers.about(first["text"], first["labels"])
    assert about == annotation(
        first,
        {"answer": "reject", "spans": first["spans"]},
        kind="entities",
        labels=first["labels"],
    )
    answers.update([said(first, "ignore")])
    assert answers.about(first["text"], first["labels"]) == []


def test_ignored_answers_say_nothing(models, pool):
    answers = Answers()
    first = next(
        rank(load(pool, nlp_path(models)), partial(single_entities, answers=answers, most=9))
    )
    answers.update([said(first, "ignore")])
    assert not answers.about(first["text"], first["labels"])
    with pytest.raises(AlError, match="AL115"):
        answers.update([said(first, "perhaps")])


@pytest.mark.slow
@pytest.mark.parametrize("component", ["textcat", "textcat_multilabel"])
def test_single_categories(models, pool, component):
    model = str(models / component)
    nlp = open_pipeline(model)
    for task in itertools.islice(rank(load(pool, model), single_category), 10):
        posterior = get_posteriors(nlp, [nlp.make_doc(task["text"])])[0]
        doubts = {label: abs(p - 0.5) for label, p in zip(posterior.labels, posterior.probs)}
        assert doubts[task["label"]] == min(doubts.values())
        assert check(task, {"answer": "accept"})["accept"] == [task["label"]]
        assert check(task, {"answer": "reject", "accept": [task["label"]]})["accept"] == []


def test_missed_entities_are_named(models, pool):
    model = nlp_path(models)
    nlp = open_pipeline(model)
    plan = score(load(pool, model), "missed_entities")
    for task in itertools.islice(rank(plan, partial(missed_entities, most=2)), 10):
        posterior = get_posteriors(nlp, [nlp.make_doc(task["text"])])[0]
        own = {(s.start, s.end, s.label) for s in posterior.greedy}
        left = sorted(
            (-s.prob, s.start, s.end, s.label)
            for s in posterior.spans
            if (s.start, s.end, s.label) not in own
        )[:2]
        for p, start, end, label in left:
            words = " ".join(task["text"].split()[start:end])
            assert f"“{words}” {label} {-p:.2f}" in task["meta"]["why"]


def test_preselected(models, pool):
    for component in ("textcat", "textcat_multilabel"):
        for task in itertools.islice(preselected(rank(load(pool, str(models / component)))), 5):
            scores = {option["id"]: option["score"] for option in task["options"]}
            if component == "textcat":
                assert task["accept"] == [max(scores, key=scores.get)]
            else:
                assert task["accept"] == [label for label in scores if scores[label] >= 0.5]


def test_app_config(models, pool, tmp_path):
    plan = load(pool, nlp_path(models), labels=["NEW", "PER"])
    assert app_config(plan, batch_size=1) == {
        "lang": "xx",
        "labels": ["DRUG", "PER", "NEW"],
        "batch_size": 1,
    }
    assert app_config(load(pool, None, labels=["A"], lang="de")) == {"lang": "de", "labels": ["A"]}
