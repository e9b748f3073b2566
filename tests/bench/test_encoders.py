"""Encoders beside each other, on static vectors, which need no extra."""

import spacy

from spacy_al.bench.encoders import drawn, score_table, time_encoders, time_table
from tests.helpers.static_encoders import vectors_encoder

NLP = spacy.blank("en")


def test_encoders_are_timed_and_compared_to_the_first(tmp_path):
    docs = [NLP.make_doc(text) for text in ("the patient took two", "not two")]
    one = vectors_encoder(tmp_path / "one", docs)
    same = vectors_encoder(tmp_path / "same", docs)
    # it knows the words of the second text alone
    other = vectors_encoder(tmp_path / "other", docs[1:])
    rows = time_encoders(docs, [one, same, other], 2)
    assert [row["encoder"] for row in rows] == [one, same, other]
    assert all(len(row["seconds"]) == 2 and min(row["seconds"]) > 0 for row in rows)
    assert abs(rows[1]["token_cosine"] - 1) < 1e-6 and abs(rows[1]["text_cosine"] - 1) < 1e-6
    # three of six words are zeros there
    assert abs(rows[2]["token_cosine"] - 0.5) < 1e-6
    lines = time_table(rows).splitlines()
    assert [line.split()[0] for line in lines if line.split()][2:] == ["one", "same", "other"]


def test_scores_are_shown_by_seed():
    rows = [
        {"corpus": "a", "encoder": "models/x", "seed": seed, "score": score}
        for seed, score in ((1, 0.5), (0, 0.3))
    ]
    assert "0.400   0.300 0.500" in score_table(rows)


def test_fewer_texts_are_the_first_of_more():
    docs = [NLP.make_doc(str(n)) for n in range(20)]
    assert drawn(docs, 5, 3) == drawn(docs, 20, 3)[:5] != docs[:5]
