"""What the score of a question is, which its `meta` says: an acquisition's, weighed or not, a sampler's own, or nothing."""

from pathlib import Path

import numpy
import pytest
import spacy
from spacy.tokens import DocBin

from spacy_al import registry
from spacy_al.cli.batch import format_selection
from spacy_al.config.partial import Partial
from spacy_al.config.settings import Settings
from spacy_al.errors import AlError
from spacy_al.query.select import select
from spacy_al.reporting import report
from spacy_al.reporting.questions import as_shown
from spacy_al.tasks.answer import YES_NO_ENTITIES
from tests.helpers.ner_oracle import make_ner
from tests.helpers.report_facts import run_facts

WORDS = ["aspirin", "Dr", "Smith", "gave", "him", "two", "mg", "in", "Paris", "fever", "daily"]
HASHED = {"@al_embeddings": "spacy-al.hashed_words.v1"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model-best"
    make_ner(("DRUG", "PERSON"), updates=5).to_disk(path)
    return str(path)


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    rng, nlp = numpy.random.default_rng(0), spacy.blank("en")
    docs = [nlp.make_doc(" ".join(rng.choice(WORDS, rng.integers(4, 9)))) for _ in range(40)]
    path = tmp_path_factory.mktemp("pool") / "pool.spacy"
    DocBin(docs=docs).to_disk(path)
    return path


def told(selection):
    """What the scores are, and these by text."""
    (name,) = {task["meta"]["scored_by"] for task in selection.tasks}
    return name, {task["text"]: task["meta"]["score"] for task in selection.tasks}


@pytest.mark.slow
def test_an_acquisition_and_what_it_is_weighed_by(pool, model):
    name, plain = told(select(pool, model=model, n=40))
    assert name == "token_entropy"
    settings = Settings(density_weight=0.5, cost_weight=1.0, blocks={"embedding": HASHED})
    name, weighed = told(select(pool, model=model, settings=settings, n=40, acquisition="mnlp"))
    assert name == "mnlp · density^0.5 · words^-1" and weighed != plain
    # a draw ranks by them, and so do samplers that look for what differs
    for sampler in ("uniform", "stochastic", "k_centre"):
        name, drawn = told(select(pool, model=model, n=8, sampler=sampler))
        assert name == "token_entropy" and drawn.items() <= plain.items()


@pytest.mark.slow
def test_a_sampler_that_ranks_by_its_own(pool, model):
    own = Settings(blocks={"embedding": HASHED})
    selection = select(pool, model=model, n=8, sampler="error_reduction", settings=own)
    name, gains = told(selection)
    assert name == "error_reduction" and selection.strategy == "token_entropy · error_reduction"
    values = [*gains.values()]
    # each is what is expected given those before it
    assert values[0] == max(values) and min(values) > 0
    _, entropies = told(select(pool, model=model, n=40))
    assert not set(values) & set(entropies.values())
    # that of the first does not depend on those that follow
    (_, alone), (_, more) = (
        told(select(pool, model=model, n=n, sampler="error_reduction", settings=own))
        for n in (1, 3)
    )
    assert [*alone.items()] == [*more.items()][:1] == [*gains.items()][:1]


def test_without_a_model(pool, tmp_path):
    assert told(select(pool, n=3))[0] is None
    terms = tmp_path / "terms.jsonl"
    terms.write_text('{"label": "DRUG", "pattern": "aspirin"}\n', "utf8")
    assert told(select(pool, n=3, patterns=terms))[0] == "patterns"


def test_a_yes_or_no_has_the_probability(pool, model):
    settings = Settings(partial=Partial(yes_no=2))
    tasks = select(pool, model=model, n=8, settings=settings).tasks
    single = [task for task in tasks if task["_view_id"] == YES_NO_ENTITIES]
    assert single
    for task in single:
        assert task["meta"]["scored_by"] == "probability"
        assert task["meta"]["score"] == task["spans"][0]["score"]


@pytest.mark.slow
def test_on_a_terminal_and_in_a_report(pool, model):
    settings = Settings(blocks={"embedding": HASHED})
    made = select(pool, model=model, n=3, sampler="error_reduction", settings=settings)
    made.tasks[0]["meta"]["score"] = 0.00012
    shown = format_selection(made, Path("batch.jsonl"))
    assert "token_entropy · error_reduction; the score is error_reduction" in shown
    assert "1.2e-04" in shown
    question = as_shown(made.tasks[0])
    assert question["scored_by"] == "error_reduction"
    facts = run_facts()
    for row in facts["rounds"]:
        for asked in row["batch"]:
            asked["scored_by"] = "error_reduction"
    assert "(error_reduction 0." in report(facts) and "(score 0." not in report(facts)


@registry.al_samplers("test_own_scores.v1")
def make_own_scores(values: list[float]):
    def take(scores, n, rng, *, embeddings=None, groups=None):
        return numpy.arange(2), numpy.ones(2), numpy.array(values)

    return take


def chosen(pool, model, values):
    block = {"@al_samplers": "test_own_scores.v1", "values": values}
    return select(pool, model=model, n=2, settings=Settings(blocks={"sampler": block}))


@pytest.mark.parametrize("values", [[1.0], [numpy.nan, 1.0], [-1.0, 1.0], [numpy.inf, 1.0]])
def test_scores_that_are_none_are_refused(pool, model, values):
    with pytest.raises(AlError, match=r"AL096.*scores, where.*finite score of 0 or more"):
        chosen(pool, model, values)


def test_a_sampler_of_ones_own_has_its_own_scores(pool, model):
    name, scores = told(chosen(pool, model, [3.5, 0.0]))
    assert name == "test_own_scores" and [*scores.values()] == [3.5, 0.0]
