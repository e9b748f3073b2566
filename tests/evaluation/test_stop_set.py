"""The stop set: drawn once and uniformly, whatever is asked later, and counted up to the whole pool."""

import json
import random
from types import SimpleNamespace

import numpy
import pytest
import spacy

from spacy_al import AlError, get_posteriors
from spacy_al.evaluation.stop_set import FILE, SIZE, read_stop_set, stop_set
from spacy_al.posteriors.category import Categories
from spacy_al.posteriors.component import BATCH
from spacy_al.posteriors.spans import Spans
from spacy_al.posteriors.tokens import Tokens
from spacy_al.util import content_hash
from tests.helpers.ner_oracle import make_ner
from tests.helpers.shards import write_shards

NLP = spacy.blank("en")
# more than a stop set holds
MANY = [f"text number {number}" for number in range(SIZE + 5)]


def write(texts, path, shard_size=10_000):
    write_shards(map(NLP.make_doc, texts), path, shard_size)
    return path


def drawn_of(texts, n_pool):
    return {"ids": [content_hash(text) for text in texts], "n_pool": n_pool}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"ids": ["a"]}', '{"ids": [[1]], "n_pool": 3}'])
def test_one_that_is_damaged_is_explained(tmp_path, text):
    (tmp_path / FILE).write_text(text, "utf8")
    with pytest.raises(AlError, match=r"AL161.*stop_set.json.*Delete"):
        stop_set(write(MANY[:3], tmp_path / "pool"), tmp_path, 0)


class Says:
    """Stands in for a trained component: what it says of a text is what the test says."""

    def __init__(self, of, threshold=0.5, nlp=NLP):
        self.of, self.threshold, self.nlp = of, threshold, nlp
        self.batches: list[int] = []

    def posteriors(self, docs):
        self.batches.append(len(docs))
        return [self.of(doc) for doc in docs]


def exclusive(*probs):
    return Categories(("A", "B", "C")[: len(probs)], numpy.array(probs), True)


def several(*probs):
    return Categories(("A", "B", "C")[: len(probs)], numpy.array(probs), False)


def tags(*rows):
    return Tokens(("DET", "NOUN"), numpy.array(rows))


def spans(*rows):
    ends = numpy.arange(1, len(rows) + 1)
    return Spans(("X", "Y"), ends - 1, ends, numpy.array(rows), None, False, len(rows))


# the draw


def test_a_small_pool_is_in_it_whole(tmp_path):
    texts = MANY[:7]
    drawn = stop_set(write(texts, tmp_path / "pool"), tmp_path, 0)
    assert sorted(drawn["ids"]) == sorted(map(content_hash, texts)) and drawn["n_pool"] == 7


@pytest.mark.parametrize("n", [SIZE - 1, SIZE, SIZE + 1])
def test_it_holds_a_thousand_texts_at_most(tmp_path, n):
    assert SIZE == 1000
    drawn = stop_set(write(MANY[:n], tmp_path / "pool"), tmp_path, 0)
    assert len({*drawn["ids"]}) == len(drawn["ids"]) == min(n, 1000)
    assert drawn["n_pool"] == n


def test_copies_and_blanks_are_no_texts(tmp_path):
    texts = ["one", "two", "one", " ", "\n", "", "two", "three"]
    drawn = stop_set(write(texts, tmp_path / "pool", 3), tmp_path, 0)
    assert drawn["n_pool"] == 3
    assert sorted(drawn["ids"]) == sorted(map(content_hash, ("one", "two", "three")))


def test_the_draw_depends_on_the_seed_and_not_on_the_order_of_the_pool(tmp_path):
    shuffled = random.Random(0).sample(MANY, len(MANY))
    pools = write(MANY, tmp_path / "pool"), write(shuffled, tmp_path / "shuffled", 300)
    found = [
        stop_set(pool, tmp_path / f"{pool.name} {seed}", seed) for pool in pools for seed in (0, 1)
    ]
    assert found[0] == found[2] and found[1] == found[3]
    assert {*found[0]["ids"]} != {*found[1]["ids"]}


def test_the_draw_is_not_the_beginning_of_the_pool(tmp_path):
    ids = {*stop_set(write(MANY, tmp_path / "pool"), tmp_path, 0)["ids"]}
    left_out = [number for number, text in enumerate(MANY) if content_hash(text) not in ids]
    assert len(left_out) == 5 and left_out != [*range(SIZE, SIZE + 5)]


def test_once_drawn_it_stays(tmp_path):
    pool = write(MANY[:5], tmp_path / "pool")
    first = stop_set(pool, tmp_path, 0)
    assert json.loads((tmp_path / FILE).read_text("utf8")) == first
    write(MANY[:9], pool)
    assert stop_set(pool, tmp_path, 1) == first
    (tmp_path / FILE).unlink()
    assert stop_set(pool, tmp_path, 0)["n_pool"] == 9


def test_a_shard_that_cannot_be_read_is_left_out(tmp_path):
    pool = write(MANY[:6], tmp_path / "pool", 3)
    (pool / "00000.spacy").write_bytes(b"torn")
    drawn = stop_set(pool, tmp_path, 0)
    assert drawn["n_pool"] == 3
    assert sorted(drawn["ids"]) == sorted(map(content_hash, MANY[3:6]))


# counted up to the pool


def test_what_is_wrong_in_the_sample_is_counted_up_to_the_pool(tmp_path):
    pool = write(MANY[:4], tmp_path / "pool")
    # two texts of ten, of which one in four and two in four are probably wrong
    said = {MANY[0]: exclusive(0.75, 0.25), MANY[1]: exclusive(0.5, 0.5)}
    found = read_stop_set(Says(lambda doc: said[doc.text]), pool, drawn_of(MANY[:2], 10))
    assert found["expected_errors"] == pytest.approx((0.25 + 0.5) / 2 * 10)
    assert found["expected_answers"] == pytest.approx(10)


@pytest.mark.parametrize("n_pool, errors", [(2, 0.5), (3, 0.75), (2000, 500.0)])
def test_twice_the_pool_has_twice_the_errors(tmp_path, n_pool, errors):
    pool = write(MANY[:2], tmp_path / "pool")
    found = read_stop_set(Says(lambda doc: exclusive(0.75, 0.25)), pool, drawn_of(MANY[:2], n_pool))
    assert found["expected_errors"] == pytest.approx(errors)
    assert found["expected_answers"] == pytest.approx(n_pool)


def test_what_each_label_is_expected_to_be_in_the_pool(tmp_path):
    pool = write(MANY[:4], tmp_path / "pool")
    said = {MANY[0]: exclusive(0.75, 0.25), MANY[1]: exclusive(0.5, 0.5)}
    found = read_stop_set(Says(lambda doc: said[doc.text]), pool, drawn_of(MANY[:2], 10))
    labels = exclusive(0.75, 0.25).labels
    assert found["expected_labels"] == pytest.approx(dict(zip(labels, (1.25 * 5, 0.75 * 5))))


def test_texts_that_are_gone_do_not_count_as_right(tmp_path):
    pool = write(MANY[:1], tmp_path / "pool")
    found = read_stop_set(Says(lambda doc: exclusive(0.75, 0.25)), pool, drawn_of(MANY[:4], 8))
    assert [*found["predictions"]] == [content_hash(MANY[0])]
    assert found["expected_errors"] == pytest.approx(0.25 * 8)


def test_where_all_texts_are_gone_nothing_is_known(tmp_path):
    pool = write(["another"], tmp_path / "pool")
    found = read_stop_set(Says(None), pool, drawn_of(MANY[:4], 8))
    assert not found["predictions"] and not found["lengths"]
    assert found["expected_errors"] is None and found["expected_answers"] is None


def test_a_model_that_is_sure_expects_no_errors(tmp_path):
    pool = write(MANY[:2], tmp_path / "pool")
    found = read_stop_set(Says(lambda doc: exclusive(1.0, 0.0)), pool, drawn_of(MANY[:2], 10))
    assert (found["expected_errors"], found["expected_answers"]) == (0.0, 10.0)


@pytest.mark.slow
def test_a_large_sample_is_read_in_batches_and_added_up(tmp_path):
    texts = MANY[: BATCH + 1]
    model = Says(lambda doc: exclusive(0.75, 0.25))
    found = read_stop_set(model, write(texts, tmp_path / "pool"), drawn_of(texts, len(texts)))
    assert model.batches == [BATCH, 1] and len(found["predictions"]) == len(texts)
    assert found["expected_errors"] == pytest.approx(0.25 * len(texts))


# of every kind of component: errors and answers in expectation, and what it would answer

KINDS = {
    "exclusive": (exclusive(0.2, 0.7, 0.1), 0.3, 1.0, ["B"]),
    "several": (several(0.9, 0.3, 0.5), 0.1 + 0.3 + 0.5, 1.7, ["A", "C"]),
    "none of several": (several(0.1, 0.2), 0.3, 0.3, []),
    "tags": (tags([0.9, 0.1], [0.4, 0.6]), 0.1 + 0.4, 2, [[0, 1, "DET"], [1, 2, "NOUN"]]),
    "spans": (
        spans([0.8, 0.1], [0.4, 0.5]),
        0.2 + 0.1 + 0.4 + 0.5,
        1.8,
        [[0, 1, "X"], [1, 2, "Y"]],
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("of_a_committee", [False, True])
def test_every_kind_of_component(tmp_path, kind, of_a_committee):
    posterior, errors, answers, predicted = KINDS[kind]
    if of_a_committee:
        # what the model itself says counts, beside members that say something else
        posterior = SimpleNamespace(own=posterior, probs=numpy.ones((2, 3)))
    pool = write(["two words"], tmp_path / "pool")
    found = read_stop_set(Says(lambda doc: posterior), pool, drawn_of(["two words"], 1))
    assert found["expected_errors"] == pytest.approx(errors)
    assert found["expected_answers"] == pytest.approx(answers)
    identity = content_hash("two words")
    assert found["predictions"] == {identity: predicted} and found["lengths"] == {identity: 2}


def test_of_entities_the_errors_are_those_of_the_parse(tmp_path):
    nlp = make_ner()
    text = "aspirin Dr Smith gave him two mg"
    (posterior,) = get_posteriors(nlp, [nlp.make_doc(text)])
    pool = write([text], tmp_path / "pool")
    found = read_stop_set(Says(lambda doc: posterior, nlp=nlp), pool, drawn_of([text], 3))
    assert found["expected_errors"] == pytest.approx(3 * posterior.expected_errors)
    assert found["expected_answers"] == pytest.approx(3 * sum(s.prob for s in posterior.spans))
    (predicted,) = found["predictions"].values()
    assert predicted and predicted == [[s.start, s.end, s.label] for s in posterior.greedy]


@pytest.mark.parametrize(
    "made, answers", [(several, (["A"], [])), (lambda *p: spans(p), ([[0, 1, "X"]], []))]
)
def test_the_threshold_of_the_component_decides_and_itself_suffices(tmp_path, made, answers):
    pool = write(["word"], tmp_path / "pool")
    for prob, expected in zip((0.7, 0.6999), answers):
        model = Says(lambda doc, prob=prob: made(prob, 0.1), threshold=0.7)
        assert [*read_stop_set(model, pool, drawn_of(["word"], 1))["predictions"].values()] == [
            expected
        ]
