"""What an encoder costs: pools whose vectors are those of others, tables, and a run of all of it on little, over static vectors."""

from pathlib import Path

import numpy
import pytest
import spacy
import typer
from spacy.tokens import Span
from typer.testing import CliRunner

from spacy_al.bench.cells import read_cells
from spacy_al.bench.encoder_cost import (
    CACHE,
    EMPTY,
    FINE,
    KEY,
    NONE,
    RESULTS,
    encoder_cost_cli,
    fill_with_others,
    format_costs,
    write_texts,
)
from spacy_al.bench.scale_pool import make_pool
from spacy_al.corpus.pool import pool_texts
from spacy_al.corpus.shard import write_shard
from spacy_al.embeddings.cache import cache_key, open_cache
from spacy_al.embeddings.encode import encode_docs
from spacy_al.embeddings.encoder import EncoderSettings, open_encoder
from tests.helpers.static_encoders import vectors_encoder

NLP = spacy.blank("en")
TEXTS = [f"patient {n} took {drug} daily ." for n in range(20) for drug in ("aspirin", "zinc")]
CONFIG = Path("configs/ner.cfg")


def corpus(folder):
    """Three parts, 40 texts in all, each twice over."""
    for part, start in (("train", 0), ("dev", 15), ("test", 30)):
        docs = [NLP.make_doc(text) for text in TEXTS[start : start + 20]]
        for doc in docs:
            doc.ents = [Span(doc, 3, 4, "DRUG")]
        write_shard(docs, folder / f"{part}.spacy")
    return folder


def test_a_pool_is_of_distinct_texts(tmp_path):
    own = corpus(tmp_path / "own")
    write_texts(own, 40, "en", tmp_path / "pool")
    assert list(pool_texts(tmp_path / "pool")) == TEXTS
    with pytest.raises(typer.BadParameter, match="40 distinct texts"):
        write_texts(own, 41, "en", tmp_path / "more")


def test_vectors_of_others_stand_for_those_of_a_pool(tmp_path):
    docs = [NLP.make_doc(text) for text in TEXTS]
    encoder = open_encoder(EncoderSettings(vectors_encoder(tmp_path / "vectors", docs)))
    bank = open_cache(tmp_path / "bank", encoder)
    encode_docs(encoder, bank, docs)
    make_pool(TEXTS, 60, tmp_path / "pool")
    fill_with_others(tmp_path / "pool", tmp_path / "made", tmp_path / "bank", encoder, "en")
    made = open_cache(tmp_path / "made", encoder)
    wanted = {cache_key(doc): doc for doc in map(NLP.make_doc, pool_texts(tmp_path / "pool"))}
    found = made.get(wanted)
    assert found.keys() == wanted.keys()
    known = {row.tobytes() for _, encoding in bank for row in numpy.array(encoding.tokens)}
    for key, encoding in found.items():
        assert len(encoding.tokens) == len(wanted[key])
        assert {row.tobytes() for row in numpy.array(encoding.tokens)} <= known


def row(part, arm, n, cpu, **more):
    return {"part": part, "arm": arm, "n": n, "cpu": cpu, "wall": 9.0, "memory": 2e8, **more}


def test_ratios_are_to_the_same_seed_with_the_cache():
    rows = [
        row("encode", EMPTY, 10, 5.0, texts=10, tokens=250, bytes=2000),
        row("train", CACHE, 0, 10.0, weights="a", f=0.5, reading=3.0),
        row("train", EMPTY, 0, 15.0, weights="a"),
        row("train", NONE, 0, 12.0, weights="b", f=0.5, reading=3.0),
        row("train", FINE, 0, 80.0, weights="c", f=0.6, reading=4.0),
        row("train", CACHE, 1, 20.0, weights="d", f=0.5, reading=3.0),
        row("train", FINE, 1, 200.0, weights="e", f=0.6, reading=4.0),
        row("select", CACHE, 100, 2.0),
        row("select", CACHE, 1100, 3.0),
        row("select", NONE, 100, 4.0),
        row("select", NONE, 200, 5.0),
    ]
    said = format_costs(rows)
    lines = [line.split() for line in said.splitlines()]
    assert ["200", "bytes", "a", "text,", "25.0", "tokens", "a", "text"] in [own[-8:] for own in lines]  # fmt: skip
    assert next(own for own in lines if EMPTY in " ".join(own) and own[0] == "train")[-1] == "1.50"
    assert "with the cache 1.00 s, no cache 10.00 s; ratio 10.0" in said
    assert f"{EMPTY}: the same weights as {CACHE}: 1 of 1" in said
    assert f"{NONE}: the same weights as {CACHE}: 0 of 1" in said
    assert "fine-tuned by with the cache: 9.0 (8.0 to 10.0)" in said
    # what is not measured yet is left out
    assert "ratio" not in format_costs(rows[:1]) and "fine" not in format_costs(rows[:1])


@pytest.mark.slow
def test_all_of_it_on_little_goes_on_where_it_was(tmp_path):
    docs = [NLP.make_doc(text) for text in TEXTS]
    name = vectors_encoder(tmp_path / "vectors", docs)
    short = tmp_path / "short.cfg"
    text = CONFIG.read_text("utf8").replace("max_steps = 2000", "max_steps = 10")
    short.write_text(text, "utf8")
    app = typer.Typer()
    app.command()(encoder_cost_cli)
    words = [str(corpus(tmp_path / "own")), "-e", name, "--work", str(tmp_path / "work")]
    words += ["--config", str(short), "--texts", "40", "--seeds", "1", "--fine", "0"]
    words += ["--size", "40", "--size", "80", "--bare", "20", "--bare", "60"]
    first = CliRunner().invoke(app, [*words, "--arm", CACHE, "--arm", EMPTY])
    assert first.exit_code == 0, first.output
    second = CliRunner().invoke(app, words)
    assert second.exit_code == 0 and "3 cells to do" in second.output, second.output
    rows = read_cells(tmp_path / "work" / RESULTS)
    assert len({tuple(own[field] for field in KEY) for own in rows}) == len(rows) == 9
    assert all(own["cpu"] > 0 and own["memory"] > 1e7 for own in rows)
    # static vectors do not depend on what else is in a batch
    assert len({own["weights"] for own in rows if own["part"] == "train"}) == 1
