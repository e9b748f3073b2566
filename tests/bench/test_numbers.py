"""Counts of texts that differ in a number."""

import spacy

from spacy_al.bench.numbers import count_numbers
from tests.helpers.shards import write_shards


def test_texts_that_differ_in_a_number(tmp_path):
    nlp = spacy.blank("en")
    docs = [nlp(f"Potassium {n} today") for n in ("3.1", "3.2", "6.9", "3.1!", "12.5")]
    docs += [nlp("Fever"), nlp("1."), nlp("2.")]
    docs[2].cats = {"high": 1.0}
    docs[1].set_ents([docs[1].char_span(10, 13, label="VALUE")])
    write_shards(docs, tmp_path)
    assert count_numbers(sorted(tmp_path.glob("*.spacy"))) == (6, 2, 2, 1)
