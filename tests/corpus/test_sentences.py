"""Sentences: where a full stop ends one, and where it does not."""

import time
from itertools import pairwise

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from spacy_al.corpus.ingest import ingest
from spacy_al.corpus.pool import read_pool
from spacy_al.corpus.sentences import Splitter

SPLITTERS = {lang: Splitter(spacy.blank(lang)) for lang in ("en", "de", "fr", "xx")}


def split(text, lang="en"):
    return [
        text[start:end].strip()
        for start, end in pairwise([*SPLITTERS[lang].starts(text), len(text)])
    ]


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "W. A. No. 12 of 2001 was heard with W. P. Nos. 3 and 4."),
        ("en", "The appeal, C/w. W. P. No. 3, was dismissed."),
        ("en", "Baliram v. State of Bihar and Smith vs. Jones were cited."),
        ("en", "It was held in U.S. v. Smith, 12 F. 3d 45, as well."),
        ("en", "Dr. M. Smith and Mrs. J. K. Rao saw him with Lt. Gen. Brown."),
        ("en", "Acme Pvt. Ltd. Mumbai paid Rs. 5,000 to Foo Inc. New York."),
        ("en", "Metoprolol 25 mg p.o. b.i.d. and aspirin 81 mg p.o. q.d. were given."),
        ("en", "See Sec. 5, Art. III and Fig. 2 (cf. App. B)."),
        ("en", "He was born on 20.12. 2008 in St. Louis."),
        ("en", "Smith et al. 2001 found it."),
        ("en", "The p53 gene was found. p53 is normal."),
        ("de", "Art. 3 Abs. 2 Satz 1 GG i.V.m. § 5 Nr. 12 und Rn. 90) gilt."),
        ("de", "Am 3. April und am 3. 4. 2001 tagte der II. Senat am 5. Verhandlungstag."),
        ("de", "Das gilt z. B. Mietern gegenüber (vgl. Urteil vom 1. Mai), u. a. Dr. Müller."),
        ("de", "Die Zahlung von ... Euro und die Klage der B… GmbH blieben aus."),
        ("fr", "Voir p. 5 et M. Dupont, cf. Dr. Martin."),
    ],
)
def test_no_sentence_ends_here(lang, text):
    assert split(text, lang) == [text]


@pytest.mark.parametrize(
    ("lang", "sentences"),
    [
        ("en", ["He had hepatitis B.", "The patient took 5 mg.", "Then he left."]),
        ("en", ["It was given p.o. b.i.d.", "Patients improved.", "It fell by 3 h.", "Rain fell."]),
        ("en", ["He said no.", "Patients left.", "Was it so?", "Yes!", "(See Fig. 2.)", "Good."]),
        ("en", ['He said "Go."', "Nobody did.", "The MRI was normal.", "12 patients died."]),
        ("en", ["The court agreed.", "(b) It was late.", "2. This will be clarified."]),
        ("en", ["It cost 5 Rs. etc.", "The end."]),
        ("de", ["Das folgt aus Satz 2.", "Die Klage war begründet.", "b) Das Gericht irrt."]),
        ("de", ["Das galt bis 2001.", "Klagen blieben aus."]),
        ("xx", ["Это так.", "Это не так.", "你好。", "世界。", "Да!"]),
    ],
)
def test_a_sentence_ends_here(lang, sentences):
    assert split(" ".join(sentences), lang) == sentences


def test_a_space_that_was_forgotten():
    assert split("Was normal.The patient slept.") == ["Was normal.", "The patient slept."]


def test_headings_lists_and_lines(tmp_path):
    lines = [
        ("MEDICATIONS:", "\n"),
        ("1. Aspirin 81 mg p.o. q.d.", "\n"),
        ("2. Metoprolol 25 mg b.i.d.", "\n\n"),
        ("History of present illness", "\r\n"),
        (
            "The patient is a man of 55 years who was admitted with chest\npain to the ward of Saint "
            "Mary's Hospital in the town of\nNewtownards, Co. Down.",
            " ",
        ),
        ("He was well.", "\n"),
        ("Impression", "\n \n"),
        ("no sentence ends before this, but for the line", ""),
    ]
    text = "".join(line + end for line, end in lines)
    assert split(text) == [line for line, _ in lines]
    path = tmp_path / "a.spacy"
    spacy.tokens.DocBin(docs=[spacy.blank("en")(text)]).to_disk(path)
    ingest([path], tmp_path / "pool")
    pool = read_pool(tmp_path / "pool", spacy.blank("en"))
    assert [item.text for item in pool] == [line for line, _ in lines]


@given(st.text(alphabet=" .\n\r\t?!…aAbN1o)\"(§,-。'", max_size=60), st.sampled_from([*SPLITTERS]))
def test_nothing_is_lost_whatever_the_text(text, lang):
    splitter, doc = SPLITTERS[lang], spacy.blank(lang)(text)
    starts = splitter.starts(text)
    assert starts[0] == 0 and all(one < other for one, other in pairwise(starts))
    assert all(start < max(len(text), 1) for start in starts)
    splitter.set_starts(doc)
    assert "".join(sent.text_with_ws for sent in doc.sents) == text if len(doc) else not text


@pytest.mark.slow
@pytest.mark.parametrize("part", [".", " ", "\n", ". ", "a. ", ".\n", "...\"'", "\n a", "。"])
def test_time_grows_with_the_text_and_not_faster(part):
    def seconds(size):
        begin = time.process_time()
        SPLITTERS["en"].starts(part * (size // len(part)))
        return time.process_time() - begin

    # quadratic would be minutes
    assert seconds(300_000) < 30
