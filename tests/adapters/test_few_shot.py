"""A few answers as examples for a prompt: they cover the labels, and only people's are taken."""

import json
from collections import Counter

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Span

from spacy_al.adapters.few_shot import cover_labels, write_few_shot
from spacy_al.corpus.shard import TAUGHT, WEAK_KEY
from spacy_al.errors import UsageError
from spacy_al.tasks.decision import INCORRECT

NLP = spacy.blank("en")
counters = st.lists(st.dictionaries(st.sampled_from("abcde"), st.integers(1, 3)), max_size=8)


@given(counters, st.integers(0, 5))
def test_each_label_comes_before_any_comes_twice(found, most):
    counts = [Counter(one) for one in found]
    rows = cover_labels(counts, most)
    assert len(rows) == len({*rows}) == min(most, len(found))
    seen = set()
    for row in rows:
        if set(counts[row]) <= seen:
            # none that is left would have brought a new one
            assert all(
                set(counts[other]) <= seen for other in range(len(found)) if other not in rows
            )
        seen |= set(counts[row])


def test_rare_labels_are_shown_first():
    # three labels that were there do not outweigh one that was not
    assert cover_labels([Counter("E"), Counter("ABC"), Counter("ABC")], 2) == [1, 0]
    found = [Counter("A"), Counter("A"), Counter("AB"), Counter("C")]
    assert cover_labels(found, 2) == [2, 3]


def test_what_is_written(tmp_path):
    doc, part, taught, empty = (NLP("Ada took aspirin") for _ in range(4))
    for one in (doc, taught):
        one.set_ents([Span(one, 2, 3, "DRUG")])
    doc.spans[INCORRECT] = [Span(doc, 0, 1, "DRUG")]
    part.set_ents([Span(part, 2, 3, "DRUG")], default="missing")
    taught.user_data[WEAK_KEY] = [TAUGHT]
    empty.set_ents([])
    path = tmp_path / "x.json"
    assert write_few_shot([part, taught, empty, doc], path, kind="entities") == 1
    [example] = json.loads(path.read_text())
    assert example["text"] == doc.text
    assert [(row["text"], row["is_entity"], row["label"]) for row in example["spans"]] == [
        ("Ada", False, "==NONE=="),
        ("aspirin", True, "DRUG"),
    ]
    assert all(row["reason"] for row in example["spans"])
    doc.spans["sc"] = [Span(doc, 0, 2, "A")]
    assert write_few_shot([doc], path, kind="spans") == 1
    with pytest.raises(UsageError, match="AL266"):
        write_few_shot([doc], path, kind="tags")
