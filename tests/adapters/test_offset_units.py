"""Files whose offsets count something else than characters are refused by what all of them show, and others are read as ever."""

import json

import pytest

from spacy_al.adapters.convert import convert
from spacy_al.adapters.offset_units import offset_doubts
from spacy_al.cli.convert import format_converted
from spacy_al.errors import AlError

FACE = "\U0001f600"
UTF16 = "in UTF-16 units, not in characters"
BYTES = "in UTF-8 bytes, not in characters"
ONE = r"with each \r\n as one character, not as two"
TWO = r"with each \n as two characters, not as one"
# How a text is turned into that of which characters are counted
COUNTED = {
    UTF16: lambda text: text.encode("utf-16-le")[::2].decode("latin-1"),
    BYTES: lambda text: text.encode().decode("latin-1"),
    ONE: lambda text: text.replace("\r\n", "\n"),
    TWO: lambda text: text.replace("\n", "\r\n"),
}
# Texts with names in brackets; the last has nothing that counts otherwise
NOTED = {
    UTF16: [f"{FACE} [Ada] met [Bob].", f"Hi {FACE}{FACE} so [I] saw [Carl] now", "[Eve] left."],
    BYTES: ["Später kam [Ada].", "Für [Jürgen Groß] und [Bob] – ja", "[Eve] left."],
    ONE: ["Notes\r\n\r\n[Ada] met [Bob].", "So\r\nsaw [Carl] now", "[Eve] left."],
    TWO: ["Notes\n\n[Ada] met [Bob].", "So\nsaw [Carl] now", "[Eve] left."],
}


def spans_of(noted, count=lambda text: text):
    """A text, and its spans by some count."""
    text, spans = "", []
    for part in noted.split("["):
        name, closed, rest = part.partition("]")
        if closed:
            spans.append((len(count(text)), len(count(text + name)), "PER"))
        text += name + rest
    return text, spans


def objects(spans):
    return [dict(zip(("start", "end", "label"), span)) for span in spans]


SHAPES = {
    "doccano": lambda text, spans: {"text": text, "label": spans},
    "jsonl": lambda text, spans: {"text": text, "ents": objects(spans)},
    "train-data": lambda text, spans: [text, {"entities": spans}],
    "prodigy": lambda text, spans: {
        **{"text": text, "spans": objects(spans), "answer": "accept", "_view_id": "ner_manual"}
    },
}


def put(path, shape, *texts):
    path.write_text("\n".join(json.dumps(SHAPES[shape](*one)) for one in texts), "utf8")
    return path


def names(docs):
    return [[ent.text for ent in doc.ents] for doc in docs]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("how", NOTED)
@pytest.mark.parametrize("keep", [True, False])
def test_what_counts_otherwise_is_refused(tmp_path, shape, how, keep):
    texts = [spans_of(noted, COUNTED[how]) for noted in NOTED[how]]
    path = put(tmp_path / "x.jsonl", shape, *texts)
    result = convert([path], None, format=shape, keep_tokens=keep)
    # the text without such a character is stored as ever
    assert names(result.docs) == [["Eve"]]
    [(reason, places)] = result.refused.items()
    assert f"its offsets fit when counted {how}" in reason and "Convert them" in reason
    assert [place.partition(": ")[0] for place in places] == ["x.jsonl:1", "x.jsonl:2"]
    assert f"refused: its offsets fit when counted {how}" in format_converted(result)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("how", NOTED)
def test_characters_are_read_as_ever(tmp_path, shape, how):
    path = put(tmp_path / "x.jsonl", shape, *map(spans_of, NOTED[how]))
    result = convert([path], None, format=shape, keep_tokens=True)
    wanted = [[part.partition("]")[0] for part in noted.split("[")[1:]] for noted in NOTED[how]]
    assert names(result.docs) == wanted and not result.refused


def test_what_would_be_stored_elsewhere(tmp_path):
    """On the borders of tokens as well: nothing but the other spans tells."""
    texts = [f"{FACE} I ([A]) so", f"{FACE}{FACE} [Ada] met [Bob] here", f"{FACE} [Eve]"]
    path = put(tmp_path / "x.jsonl", "doccano", *(spans_of(t, COUNTED[UTF16]) for t in texts))
    with pytest.raises(AlError, match=r"AL335.*3 records were refused.*UTF-16.*4 of 4 spans"):
        convert([path], None, bad_spans="missing")


def test_a_file_of_nothing_but_other_counts_says_so(tmp_path):
    path = put(tmp_path / "x.jsonl", "jsonl", spans_of(NOTED[UTF16][0], COUNTED[UTF16]))
    with pytest.raises(AlError, match=r"AL335.*x.jsonl:1: its offsets fit when counted in UTF-16"):
        convert([path], None)


def test_words_say_more_than_the_others(tmp_path):
    texts = [spans_of(noted, COUNTED[UTF16]) for noted in NOTED[UTF16]]
    right, [place] = spans_of(f"{FACE} [Zoe] ran")
    lines = [SHAPES["jsonl"](*one) for one in texts]
    lines.append({"text": right, "ents": [{**objects([place])[0], "text": "Zoe"}]})
    wrong, [place] = spans_of(f"{FACE} [Max] ran", COUNTED[UTF16])
    lines.append({"text": wrong, "ents": [{**objects([place])[0], "text": "Max"}]})
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    result = convert([path], None)
    assert names(result.docs) == [["Eve"], ["Zoe"]]
    assert [reason for reason in result.refused if "another text stands there" in reason]


@pytest.mark.parametrize(
    "noted",
    [
        # parts of words: no count fits
        [f"{FACE} took [aspirin]20mg and [ibu]profen", f"{FACE} [anti]biotics and [para]cetamol"],
        # one span is no evidence
        [f"{FACE} took [aspirin]20mg"],
        # half of the spans are parts of words
        [f"{FACE} [Ada] and [Bob] took [anti]biotics [para]cetamol"],
        # without blanks between words, and with accents of their own
        [f"{FACE}\u6211[\u7231\u4f60]\u4eec", f"{FACE}[\u5317\u4eac]\u5e02\u6c11"],
        [f"{FACE} [Rene\u0301] kam", "Apre\u0300s [Zoe\u0308] et [Ada]"],
    ],
)
def test_characters_without_words_at_their_ends(noted):
    records = [{"text": t, "spans": objects(spans)} for t, spans in map(spans_of, noted)]
    assert offset_doubts(records) == {}


def test_a_mistake_among_many():
    noted = [f"{FACE} [Ada] met [Bob]" + "!" * n for n in range(5)] + [f"{FACE} pre[fix] is"]
    records = [
        {"text": text, "spans": objects(spans)}
        for text, spans in (spans_of(one, COUNTED[UTF16]) for one in noted)
    ]
    assert {*offset_doubts(records)} == {*range(6)}
    assert "10 of 11 spans" in offset_doubts(records)[0]
    # nor are odd values anything but passed over
    odd = [None, 3, ValueError(), {}, {"text": 3, "spans": []}, {"text": FACE, "spans": 3}]
    odd += [{"text": FACE, "spans": [None, {}, {"start": "1", "end": True}]}]
    assert {*offset_doubts([*odd, *records])} == {len(odd) + n for n in range(6)}
