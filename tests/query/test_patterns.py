"""Patterns choose texts: rare ones weigh more, labels and patterns take turns, and a broken file is explained."""

import json
from functools import partial

import numpy
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from typer.testing import CliRunner

from spacy_al.arrays.keyed_noise import KeyedGenerator
from spacy_al.cli import app
from spacy_al.config.settings import Settings
from spacy_al.errors import AlError, AlWarning
from spacy_al.query.patterns import find_matches, rarity, read_patterns, spread
from spacy_al.query.select import select
from spacy_al.selection.rank import uniform
from spacy_al.util import content_hash
from tests.helpers.shards import write_shards

PATTERNS = [
    {"label": "DRUG", "pattern": "aspirin"},
    {"label": "DRUG", "pattern": [{"LOWER": "ibuprofen"}], "id": "theirs"},
    {"label": "DRUG", "pattern": "aspirin", "id": "the same again"},
    {"label": "DOSE", "pattern": [{"LIKE_NUM": True}, {"LOWER": "mg"}]},
]
TEXTS = [f"He took aspirin on {day}" for day in ("Monday", "Tuesday", "Friday", "Sunday")]
TEXTS += ["Ibuprofen was stopped", "ten mg of aspirin", "She was given five mg", "aspirin aspirin"]
TEXTS += [f"The patient {verb} well" for verb in ("slept", "ate", "walked", "was", "felt")]


@pytest.fixture
def pool(tmp_path):
    nlp = spacy.blank("en")
    write_shards([nlp.make_doc(text) for text in TEXTS], tmp_path / "pool", 4)
    return tmp_path / "pool"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "patterns.jsonl"
    path.write_text("\n".join(map(json.dumps, PATTERNS)) + "\n\n")
    return path


def ids_of(texts):
    return numpy.sort(numpy.array([int(content_hash(text), 16) for text in texts], dtype="u8"))


def test_every_match_of_a_shard_is_found_and_the_same_pattern_counts_once(pool, file, monkeypatch):
    monkeypatch.setattr("spacy_al.query.patterns.BATCH", 3)
    nlp = spacy.blank("en")
    patterns = read_patterns(file, nlp)
    assert patterns.labels == ("DRUG", "DRUG", "DOSE")
    asked = TEXTS[1:]
    found = find_matches(patterns, pool, nlp, ids_of(asked)).toarray()
    rows = {text: row for row, text in zip(found, sorted(asked, key=content_hash))}
    for text, row in rows.items():
        words = text.lower().split()
        assert row.tolist() == ["aspirin" in words, "ibuprofen" in words, "mg" in words], text


def test_patterns_that_spacy_itself_wrote_are_read(tmp_path):
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns(PATTERNS)
    ruler.to_disk(tmp_path / "patterns.jsonl")
    assert set(read_patterns(tmp_path / "patterns.jsonl", nlp).labels) == {"DRUG", "DOSE"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b"1",
        b"\xff",
        b"[" * 100_000,
        b'{"label": "A"}',
        b'{"pattern": "x"}',
        b'{"label": 3, "pattern": "x"}',
        b'{"label": " ", "pattern": "x"}',
        b'{"label": "A", "pattern": ""}',
        b'{"label": "A", "pattern": " "}',
        b'{"label": "A", "pattern": []}',
        b'{"label": "A", "pattern": {"LOWER": "x"}}',
        b'{"label": "A", "pattern": ["x"]}',
        b'{"label": "A", "pattern": [{"NOTHING": "x"}]}',
        b'{"label": "A", "pattern": [{"OP": "what"}]}',
        b'{"label": "A", "pattern": [{"TEXT": {"REGEX": "("}}]}',
        b'{"label": "A", "pattern": [{"POS": "NOUN"}]}',
        b'{"label": "\\ud800", "pattern": "x"}',
        b'{"label": "A", "pattern": "\\ud800"}',
    ],
)
def test_a_broken_line_is_named(tmp_path, line):
    path = tmp_path / "patterns.jsonl"
    path.write_bytes(json.dumps(PATTERNS[0]).encode() + b"\n" + line + b"\n")
    with pytest.raises(AlError, match=r"AL250.*patterns.jsonl:2"):
        read_patterns(path, spacy.blank("xx"))


def test_half_a_character_alone_is_named_too(tmp_path):
    path = tmp_path / "patterns.jsonl"
    path.write_bytes(b'{"label": "\\ud800", "pattern": "aspirin"}\n')
    with pytest.raises(AlError, match=r"AL250.*patterns.jsonl:1"):
        read_patterns(path, spacy.blank("en"))


def test_a_file_without_patterns_is_explained(tmp_path):
    nlp, path = spacy.blank("en"), tmp_path / "patterns.jsonl"
    with pytest.raises(AlError, match="AL040"):
        read_patterns(path, nlp)
    path.write_text(" \n\n")
    with pytest.raises(AlError, match="AL251"):
        read_patterns(path, nlp)
    with pytest.raises(AlError, match="AL046"):
        read_patterns(tmp_path, nlp)


@st.composite
def tables(draw):
    n, m = draw(st.integers(1, 12)), draw(st.integers(1, 5))
    bits = draw(st.lists(st.booleans(), min_size=n * m, max_size=n * m))
    labels = draw(st.lists(st.sampled_from("ABC"), min_size=m, max_size=m))
    groups = draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))
    return numpy.reshape(bits, (n, m)).astype("f8"), tuple(labels), numpy.array(groups)


def slow_rarity(table):
    n, m = table.shape
    counts = [sum(table[i][j] for i in range(n)) for j in range(m)]
    return [sum(numpy.log(1 + n / counts[j]) for j in range(m) if table[i][j]) for i in range(n)]


def slow_spread(table, labels, groups, n):
    """One draw after the other, as the docstring says it."""
    size, m = table.shape
    counts = [sum(table[:, j]) for j in range(m)]
    has = [{labels[j] for j in range(m) if table[i][j]} for i in range(size)]
    chosen = []
    while len(chosen) < n:
        used = {groups[i] for i in chosen}
        free = [i for i in range(size) if has[i] and groups[i] not in used]
        if not free:
            break
        left = sorted(set().union(*(has[i] for i in free)))
        served = {label: sum(label in has[i] for i in chosen) for label in left}
        in_pool = {label: sum(label in own for own in has) for label in left}
        label = min(left, key=lambda label: (served[label], in_pool[label], label))

        def gain(i):
            total = 0.0
            for j in range(m):
                if table[i][j]:
                    times = sum(table[k][j] for k in chosen)
                    total += numpy.log(1 + size / counts[j]) / (1 + times)
            return float(f"{total:.8e}")

        chosen.append(max((i for i in free if label in has[i]), key=lambda i: (gain(i), -i)))
    return chosen


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(tables(), st.integers(0, 14))
def test_scores_and_draws_are_those_of_the_slow_way(drawn, n):
    table, labels, groups = drawn
    matches, size = csr_array(table), len(table)
    numpy.testing.assert_allclose(rarity(matches), slow_rarity(table), rtol=1e-12)
    rng = KeyedGenerator(0, 0, numpy.arange(size, dtype="u8"))
    rest = partial(uniform)
    rows, propensities = spread(
        rarity(matches), n, rng, groups=groups, matches=matches, labels=labels, rest=rest
    )
    expected = slow_spread(table, labels, groups, n)
    assert rows[: len(expected)].tolist() == expected
    assert (propensities[: len(expected)] == 1).all()
    # what comes after them has no matches, is in groups of its own, and fills the batch
    assert len(rows) == len(propensities) == min(n, len(set(groups.tolist())))
    assert len(set(groups[rows].tolist())) == len(rows)
    left = size - sum(group in groups[expected] for group in groups)
    if len(rows) > len(expected):
        assert propensities[len(expected)] == pytest.approx(1 / left)


def test_the_rest_hangs_on_each_text_and_not_on_how_many_there_are():
    ids = numpy.sort(numpy.random.default_rng(0).integers(2**63, size=400, dtype="u8"))
    matches = csr_array((numpy.arange(400) == 7).astype("f8")[:, None])

    def drawn(rows):
        found, chances = spread(
            numpy.ones(len(rows)),
            20,
            KeyedGenerator(1, 2, ids[rows]),
            matches=matches[rows],
            labels=("DRUG",),
            rest=uniform,
        )
        assert ids[rows][found[0]] == ids[7] and chances[1] == 1 / (len(rows) - 1)
        return {*ids[rows][found].tolist()}

    # each that is gone takes the place of one at most
    assert len(drawn(numpy.arange(400)) & drawn(numpy.arange(390))) >= 10


def test_a_batch_spreads_over_labels_and_patterns_and_the_rest_represents_the_pool(pool, file):
    first = select(pool, n=3, patterns=file, settings=Settings(factory="ner"))
    assert first.strategy == "patterns · representative"
    chosen = [task["text"] for task in first.tasks]
    assert chosen == ["ten mg of aspirin", "She was given five mg", "Ibuprofen was stopped"]
    assert all(task["meta"]["propensity"] == 1 for task in first.tasks)
    spans = [(span["label"], span["token_start"]) for span in first.tasks[0]["spans"]]
    assert spans == [("DOSE", 0), ("DRUG", 3)] and first.tasks[0]["labels"] == ["DRUG", "DOSE"]
    assert "“aspirin” DRUG" in first.tasks[0]["meta"]["why"]
    scores = [task["meta"]["score"] for task in first.tasks]
    assert scores[0] == pytest.approx(numpy.log(1 + 13 / 6) + numpy.log(1 + 13 / 2))
    everything = select(pool, n=13, patterns=file).tasks
    matched = [i for i, task in enumerate(everything) if task["spans"]]
    assert matched == list(range(8)) and len(everything) == 13


def test_only_labels_that_are_taught_are_suggested_and_categories_are_only_named(pool, file):
    own = Settings(factory="ner", labels=["DOSE"])
    task = select(pool, n=1, patterns=file, settings=own).tasks[0]
    assert [span["label"] for span in task["spans"]] == ["DOSE"] and task["labels"] == ["DOSE"]
    task = select(pool, n=1, patterns=file, settings=Settings(factory="textcat")).tasks[0]
    assert task["accept"] == [] and "DOSE" in task["meta"]["why"]


@pytest.mark.slow
def test_the_config_names_patterns_for_what_is_chosen_without_a_model_and_not_at_random(pool, file):
    own = Settings(patterns=file)
    assert select(pool, n=2, settings=own).tasks == select(pool, n=2, patterns=file).tasks
    assert select(pool, n=2, settings=own, sampler="uniform").strategy == "uniform"
    with pytest.raises(AlError, match="AL252"):
        select(pool, n=2, patterns=file, model="somewhere")


@pytest.mark.slow
def test_patterns_that_match_nothing_are_said(pool, tmp_path):
    path = tmp_path / "none.jsonl"
    path.write_text('{"label": "A", "pattern": "zebra"}')
    with pytest.warns(AlWarning, match="ALW250"):
        found = select(pool, n=4, patterns=path)
    assert [t["text"] for t in found.tasks] == [t["text"] for t in select(pool, n=4).tasks]


def test_the_command_needs_no_model_where_patterns_are_given(pool, file, tmp_path):
    output = tmp_path / "batch.jsonl"
    words = ["select", str(pool), "--patterns", str(file), "-n", "2", "-o", str(output)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0 and "patterns · representative" in done.output
    assert len(output.read_text().splitlines()) == 2
