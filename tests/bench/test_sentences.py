"""The comparison of what finds sentences."""

import pytest
import spacy
import srsly

from spacy_al.bench.sentences import compare_splitters, join, score_boundaries
from spacy_al.corpus.shard import write_shard


def test_sentences_are_joined_and_headings_stand_apart():
    (text, starts), rest = join(["One.", "A heading", 'Two."', *"abcdefgh"])
    assert text[:23] == 'One. A heading\n\nTwo." a' and starts[:4] == [0, 5, 16, 22]
    assert len(starts) == 10 and rest == ("h", [0])


def test_the_score_leaves_out_the_first_beginning():
    gold = [("a. b. c", [0, 3, 6])]
    assert score_boundaries(gold, lambda text: [0, 3]) == pytest.approx((1, 0.5, 2 / 3))
    assert score_boundaries(gold, lambda text: [0]) == (0, 0, 0)


@pytest.mark.slow
def test_rules_know_what_the_sentencizer_does_not(tmp_path):
    nlp = spacy.blank("en")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        srsly.write_json(tmp_path / name / "meta.json", {"lang": "en"})
        for part in ("train", "test"):
            docs = [nlp(f"We saw W. A. No. {number} of {name}.") for number in range(30)]
            write_shard(docs, tmp_path / name / f"{part}.spacy")
    found = compare_splitters(tmp_path, ("one", "two"), epochs=20)
    for own in found.values():
        assert own["rules"] == (1, 1, 1)
        assert own["sentencizer"][1] == 1 and own["sentencizer"][0] < 0.5
        assert own["senter"][2] > 0.5
