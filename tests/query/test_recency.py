"""Recent texts come first, where `[al.pool]` says so, and the batch is one of the pool and not of the clock or of its order."""

import random
import warnings
from pathlib import Path

import numpy
import pytest
import spacy

from spacy_al.config.recency import Recency
from spacy_al.config.settings import Settings, read_settings
from spacy_al.corpus.shard import SOURCE_KEY
from spacy_al.errors import AlError, AlWarning, UsageError
from spacy_al.query import score_pool as score_pool_module
from spacy_al.query.random_order import NOTHING
from spacy_al.query.recency import by_age, look_back
from spacy_al.query.score_pool import score_usable
from spacy_al.query.scorer import Scorer
from spacy_al.query.select import select
from spacy_al.query.strategy import make_strategy
from spacy_al.registry import al_samplers
from spacy_al.selection import PRIVATE
from spacy_al.util import content_hash
from tests.helpers.ner_oracle import make_ner
from tests.helpers.shards import write_shards

WORDS = [
    "aspirin",
    "Dr",
    "Smith",
    "gave",
    "him",
    "two",
    "mg",
    "in",
    "Paris",
    "fever",
    "daily",
    "lease",
    "notice",
]
rng = random.Random(4)
# texts of the thirty days of April, and of each sixth text nobody knows when it was written
TEXTS = [" ".join([*rng.choices(WORDS, k=rng.randint(4, 9)), "x" * (i + 1)]) for i in range(60)]
DATES = [None if i % 6 == 5 else f"2024-04-{1 + i // 2:02}" for i in range(60)]
DATED = dict(zip(TEXTS, DATES))
HASHED = {"@al_embeddings": "spacy-al.hashed_words.v1"}


def write(pairs, path, shard_size=10_000, field="date"):
    nlp = spacy.blank("xx")
    docs = []
    for text, date in pairs:
        doc = nlp.make_doc(text)
        meta = {field: date} if date else {}
        doc.user_data[SOURCE_KEY] = {"doc": text, **({"meta": meta} if meta else {})}
        docs.append(doc)
    write_shards(docs, path, shard_size)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model-best"
    make_ner(("DRUG", "PERSON"), updates=5).to_disk(path)
    return str(path)


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    return write(DATED.items(), tmp_path_factory.mktemp("pool"), 25)


def chosen(pool, model, recency, n=8, **how):
    settings = Settings(recency=recency, blocks={"embedding": HASHED})
    with warnings.catch_warnings():
        # those that count as the oldest are looked at below
        warnings.filterwarnings("ignore", message=r"\[ALW350\]")
        return select(pool, model=model, settings=settings, n=n, **how)


def told(selection):
    return [(task["text"], task["meta"]["score"]) for task in selection.tasks]


@pytest.mark.slow
@pytest.mark.parametrize("since", ["2024-04-21", "2024-04-20T23:30:00-00:30", "9d"])
def test_only_what_is_recent_is_asked(pool, model, since):
    found = chosen(pool, model, Recency(since), n=100)
    kept = {text for text, date in DATED.items() if date and date >= "2024-04-21"}
    assert {text for text, _ in told(found)} == kept and found.n_pool == len(kept) == 16
    assert (found.report["older than since"], found.report["without a date"]) == (34, 10)
    assert found.report["read"] == 16
    # without a model as well, where the texts that represent the others are chosen among the recent ones
    assert {text for text, _ in told(chosen(pool, None, Recency(since), n=100))} == kept


@pytest.mark.slow
def test_a_score_halves_with_age_and_says_so(pool, model):
    plain = dict(told(chosen(pool, model, None, n=100, sampler="top_k")))
    found = chosen(pool, model, Recency(half_life_days=7.0), n=100, sampler="top_k")
    assert {task["meta"]["scored_by"] for task in found.tasks} == {"token_entropy · 0.5^(days/7)"}
    assert found.strategy == "token_entropy · 0.5^(days/7) · top_k"
    weighed = dict(told(found))
    for text, date in DATED.items():
        age = 30 - (int(date[-2:]) if date else 1)
        assert weighed[text] == pytest.approx(plain[text] * 0.5 ** (age / 7), rel=1e-4), text
    assert sorted(weighed.values(), reverse=True) == [*weighed.values()]
    assert [*weighed] != [*plain]


def test_ages_count_after_density_and_cost():
    assert by_age(numpy.array([1.0, 1.0, 4.0]), numpy.array([0.0, 7, 14]), 7.0).tolist() == [
        1,
        0.5,
        1,
    ]


def first_or_error(*args, **how):
    try:
        return told(chosen(*args, **how))
    except AlError as error:
        return error.code


@pytest.mark.slow
# other tests register samplers of their own
@pytest.mark.parametrize(
    "sampler", sorted(name for name in al_samplers.get_all() if name.startswith("spacy-al."))
)
def test_every_sampler_takes_it_and_storage_does_not_matter(sampler, pool, model, tmp_path):
    recency = Recency("20d", 5.0)
    without = first_or_error(pool, model, None, sampler=sampler)
    found = first_or_error(pool, model, recency, sampler=sampler)
    if sampler == PRIVATE:
        # ages are reckoned from the newest text, which would change all scores
        assert found == "AL470"
        return
    # a sampler that needs a committee, or labels, says so as before
    assert isinstance(found, str) == isinstance(without, str)
    if isinstance(found, str):
        assert found == without
        return
    assert found != without
    assert all((DATED[text] or "") >= "2024-04-10" for text, _ in found)
    pairs = rng.sample(sorted(DATED.items(), key=lambda pair: pair[0]), len(DATED))
    # older copies of texts, and copies without a date, come before and after
    copies = [(text, "2024-03-01") for text in TEXTS[10:20]] + [
        (text, None) for text in TEXTS[40:50]
    ]
    for name, these, size in (
        ("one", pairs, 1000),
        ("sevens", pairs, 7),
        ("copies", [*copies, *pairs, *copies], 9),
    ):
        folder = write(these, tmp_path / name, size)
        again = first_or_error(
            folder / "00000.spacy" if name == "one" else folder, model, recency, sampler=sampler
        )
        assert [text for text, _ in again] == [text for text, _ in found], name
        numpy.testing.assert_allclose([s for _, s in again], [s for _, s in found], rtol=1e-4)


@pytest.mark.slow
def test_two_processes_choose_the_same(pool, model):
    recency = Recency("20d", 5.0)
    first = told(chosen(pool, model, recency))
    second = told(chosen(pool, model, recency, n_process=2))
    assert [text for text, _ in first] == [text for text, _ in second]


def test_ages_are_those_of_the_newest_text_and_not_of_the_clock(pool, tmp_path, monkeypatch):
    before = look_back(pool, Recency("10d"))
    monkeypatch.setattr("time.time", lambda: 4e9)
    after = look_back(pool, Recency("10d"))
    assert before.since == after.since and before.n_since == after.n_since == 18
    assert look_back(pool, None).since is None


def test_texts_without_a_date_count_as_the_oldest_and_are_counted(pool):
    with pytest.warns(AlWarning, match=r"ALW350\] 10 of 60 texts .*'date'"):
        look_back(pool, Recency(half_life_days=7))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # here they are left out, and counted in the report
        look_back(pool, Recency("7d", half_life_days=7))


def test_no_dates_at_all(pool, tmp_path):
    with pytest.raises(AlError, match=r"AL350.*none of the 60 texts .*'written'.*al\.pool\.date"):
        look_back(pool, Recency("7d", date="written"))
    other = write(DATED.items(), tmp_path, field="written")
    assert look_back(other, Recency("7d", date="written")).n_since > 0


def test_texts_that_come_while_the_pool_is_read_count_as_the_oldest(tmp_path, monkeypatch):
    write([(TEXTS[i], DATES[i]) for i in range(40)], tmp_path / "pool", 40)
    look = score_pool_module.look_back

    def ingested_meanwhile(pool, recency):
        found = look(pool, recency)
        write([(TEXTS[i], DATES[i]) for i in range(40, 60)], tmp_path / "more", 40)
        (tmp_path / "more" / "00000.spacy").rename(pool / "00001.spacy")
        return found

    monkeypatch.setattr(score_pool_module, "look_back", ingested_meanwhile)
    strategy = make_strategy(
        Settings(recency=Recency(half_life_days=5)),
        None,
        n=5,
        round=0,
        sampler="uniform",
        code=None,
        **NOTHING,
    )
    with pytest.warns(AlWarning, match="ALW350"):
        scores = score_usable(tmp_path / "pool", strategy, Scorer(strategy.job), (), ())
    ages = dict(zip(scores.ids.tolist(), scores.columns["ages"].tolist()))
    assert {ages[int(content_hash(text), 16)] for text in TEXTS[40:]} == {19.0}


def test_a_date_that_is_still_to_come(tmp_path):
    folder = write([("a b", "2024-01-01"), ("c d", "9024-01-01")], tmp_path)
    with pytest.warns(AlWarning, match=r"ALW351.*9024-01-01.*still to come"):
        assert look_back(folder, Recency("14d")).n_since == 1


CONFIG = """
[nlp]
lang = "en"
[al]
[al.pool]
path = "pool"
"""


def test_the_block_of_a_config(tmp_path):
    path = tmp_path / "c.cfg"
    path.write_text(CONFIG)
    assert read_settings(path).recency is None
    assert read_settings(path, {"al.pool.date": "written"}).recency is None
    given = {"al.pool.since": "14d", "al.pool.half_life_days": 7, "al.pool.date": "a.b"}
    settings = read_settings(path, given)
    assert settings.recency == Recency("14d", 7, "a.b") and settings.pool == Path("pool")
    assert settings.recency.start(100.0) == 86
    assert Recency("1970-01-03").start(100.0) == 2 and Recency().start(100.0) is None
    for name, value in (
        ("since", "last week"),
        ("since", 14),
        ("since", "14"),
        ("since", "2026-02-30"),
        ("half_life_days", 0),
        ("half_life_days", -1),
        ("half_life_days", float("nan")),
        ("half_life_days", "7"),
        ("half_life_days", True),
        ("date", ""),
        ("until", "14d"),
    ):
        with pytest.raises(UsageError, match=rf"AL083.*al\.pool\.{name}"):
            read_settings(path, {f"al.pool.{name}": value})
