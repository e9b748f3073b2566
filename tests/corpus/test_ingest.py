"""Ingest: every kind of file, every kind of damage, and what is near to what."""

import json
import os
import string
from pathlib import Path

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.corpus import ingest as module
from spacy_al.corpus.duplicates import Duplicates, near_key, value_key
from spacy_al.corpus.ingest import ingest
from spacy_al.corpus.pool import read_pool
from spacy_al.errors import AlError, UsageError
from tests.helpers.shards import write_shards

NLP = spacy.blank("en")


def items(pool):
    return list(read_pool(pool, NLP))


def texts(pool):
    return [item.doc.text for item in items(pool)]


def put(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf8"))
    return path


def jsonl(path, *records):
    return put(path, "".join(json.dumps(record) + "\n" for record in records))


def run(*args, stdin=None):
    return CliRunner().invoke(app, ["ingest", *map(str, args)], input=stdin)


def test_txt_has_a_document_a_paragraph_or_is_one(tmp_path):
    text = "One sentence over\ntwo lines.\r\n\r\n  \n\nSecond doc"
    path = put(tmp_path / "a.txt", f"\ufeff{text}\r\n")
    report = ingest([path], tmp_path / "pool")
    assert texts(tmp_path / "pool") == ["One sentence over\ntwo lines.", "Second doc"]
    assert [item.source["doc"] for item in items(tmp_path / "pool")] == ["a.txt:1", "a.txt:6"]
    assert (report.documents, report.texts) == (2, 2)
    put(tmp_path / "empty.txt", "")
    report = ingest([tmp_path], tmp_path / "pool", unit="doc", force=True)
    assert texts(tmp_path / "pool") == [text] and report.documents == 1
    assert items(tmp_path / "pool")[0].source == {"doc": "a.txt"}


def test_sentences_keep_their_neighbours(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", {"text": " First one. Second.\n\nThird! ", "id": 7})
    ingest([path], tmp_path / "pool")
    assert texts(tmp_path / "pool") == ["First one.", "Second.", "Third!"]
    assert [item.source for item in items(tmp_path / "pool")] == [
        {"doc": "7", "sentence": 0, "before": "", "after": "Second."},
        {"doc": "7", "sentence": 1, "before": "First one.", "after": "Third!"},
        {"doc": "7", "sentence": 2, "before": "Second.", "after": ""},
    ]


def test_ids_and_meta(tmp_path):
    path = jsonl(
        tmp_path / "a.jsonl",
        {"text": "a", "id": "own", "case": "k1"},
        {"text": "b", "meta": {"id": "from meta", "x": [1, None]}},
        {"text": "c", "id": ""},
    )
    ingest([path], tmp_path / "pool", unit="doc")
    assert [item.source["doc"] for item in items(tmp_path / "pool")] == [
        "own",
        "from meta",
        "a.jsonl:3",
    ]
    assert items(tmp_path / "pool")[1].source["meta"] == {"id": "from meta", "x": (1, None)}
    ingest([path], tmp_path / "pool", unit="doc", id_key="case", force=True)
    assert [item.source["doc"] for item in items(tmp_path / "pool")] == [
        "k1",
        "a.jsonl:2",
        "a.jsonl:3",
    ]


@pytest.mark.slow
def test_csv_and_tsv(tmp_path):
    put(tmp_path / "in/a.csv", '\ufeffid,note\r\n1,"a ""quoted"",\r\nlong note"\r\n2,plain\r\n')
    put(tmp_path / "in/b.tsv", "note\tid\nwith, comma\t3\n")
    put(tmp_path / "in/c.csv", 'note\n"' + "long " * 100_000 + '"\n')
    ingest([tmp_path / "in"], tmp_path / "pool", unit="doc", text_key="note")
    found = texts(tmp_path / "pool")
    assert found[:3] == ['a "quoted",\r\nlong note', "plain", "with, comma"]
    assert len(found[3]) == 500_000


def test_columns_and_keys_that_are_named_stay_with_their_texts(tmp_path):
    put(tmp_path / "a.csv", "text,date,ward,name\nNo sign of it.,2026-11-30,,Doe\n")
    put(
        tmp_path / "b.jsonl",
        '{"text": "He rests.", "ward": "B2", "meta": {"date": "2026-11-29", "ward": "?"}}\n',
    )
    put(tmp_path / "c.csv", "text,date\nNever read.,2026-11-30\n")
    report = ingest([tmp_path], tmp_path / "pool", meta_key=["date", "ward"])
    assert [item.source.get("meta") for item in items(tmp_path / "pool")] == [
        {"date": "2026-11-30"},
        {"date": "2026-11-29", "ward": "B2"},
    ]
    assert report.problems == ["c.csv:1: no column 'ward' (columns: text, date)"]


def test_folders_are_read_in_order_and_the_output_is_not(tmp_path):
    put(tmp_path / "b/notes.txt", "from b")
    put(tmp_path / "a/notes.txt", "from a")
    put(tmp_path / "a/.hidden.txt", "hidden")
    put(tmp_path / "a/picture.png", b"\x89PNG")
    for _ in range(2):
        ingest([tmp_path], tmp_path / "pool", unit="doc", force=True)
        assert texts(tmp_path / "pool") == ["from a", "from b"]
    ingest([tmp_path / "b", tmp_path / "a"], tmp_path / "pool", unit="doc", force=True)
    assert [item.source["doc"] for item in items(tmp_path / "pool")] == [
        "notes.txt",
        "notes.txt (2)",
    ]


def test_spacy_files_go_through_again(tmp_path):
    write_shards([NLP.make_doc("One. Two."), NLP.make_doc("Three.")], tmp_path / "corpus")
    ingest([tmp_path / "corpus"], tmp_path / "one")
    assert texts(tmp_path / "one") == ["One.", "Two.", "Three."]
    ingest([tmp_path / "one"], tmp_path / "two")
    assert texts(tmp_path / "two") == texts(tmp_path / "one")
    assert items(tmp_path / "two")[1].source["doc"] == "00000.spacy:1"


BAD = (
    b'{"text": "good \\ud83d\\ude00"}\n'
    b'{"text": "half \\ud800"}\n'
    b'["a list"]\n'
    b'{"body": "x"}\n'
    b'{"text": 5}\n'
    b'{"text": "torn\n'
    b"\n"
    b'{"text": "latin \xe9"}\n' + b"[" * 100_000 + b"\n"
    b'{"text": "m", "meta": {"n": ' + b"9" * 30 + b"}}\n"
    b'{"text": ""}\n'
    b'{"text": " \\n"}\n'
)


def test_bad_records_are_named_and_the_rest_goes_on(tmp_path):
    path = put(tmp_path / "a.jsonl", BAD)
    report = ingest([path], tmp_path / "pool", unit="doc")
    assert texts(tmp_path / "pool") == ["good 😀"]
    *rows, nested, meta = report.problems
    assert rows == [
        "a.jsonl:2: not valid Unicode (half a surrogate pair)",
        "a.jsonl:3: not a JSON object",
        "a.jsonl:4: no 'text'",
        "a.jsonl:5: 'text' is no text",
        "a.jsonl:6: not JSON (Invalid control character at at column 15)",
        "a.jsonl:8: not UTF-8",
    ]
    assert nested.startswith("a.jsonl:9: not JSON (")
    assert meta.startswith("a.jsonl:10: its id or meta cannot be stored (")
    assert report.dropped == {"unreadable record": 8, "empty": 1, "white space only": 1}


def test_a_text_in_which_nothing_is_to_be_seen(tmp_path):
    (tmp_path / "a.jsonl").write_text(
        '{"text": "\\u200b"}\n{"text": "\\ufeff\\u2060 "}\n{"text": "a\\u200b"}\n'
    )
    report = ingest([tmp_path / "a.jsonl"], tmp_path / "pool", unit="doc")
    assert texts(tmp_path / "pool") == ["a\u200b"] and report.dropped == {"white space only": 2}


def test_what_exports_write_for_nothing_is_no_text(tmp_path):
    words = ["NULL", "NaN", "None", "N/A", "nan", "\\N", " NA "]
    for number, word in enumerate(words):
        row = json.dumps({"text": word})
        put(tmp_path / f"{number}.csv", f"text\n{word}\nNone of {word} is meant\n")
        put(tmp_path / f"{number}.jsonl", row)
        # a line of a text file was written by somebody
        put(tmp_path / f"{number}.txt", f"{word}\n")
    report = ingest([tmp_path], tmp_path / "pool", unit="doc", keep_near_duplicates=True)
    kept = texts(tmp_path / "pool")
    assert report.dropped["a missing value (NULL, NaN and the like)"] == 2 * len(words)
    assert sorted(text for text in kept if "meant" not in text) == sorted({*words})
    assert len(kept) == 2 * len(words)


def test_bad_tables_and_texts(tmp_path):
    put(tmp_path / "a.csv", 'id,text\n1,good\n2\n3,"bad"x\n4,fine\n5,"never closed\n6,swallowed\n')
    put(tmp_path / "b.csv", "id,note\n1,x\n")
    put(tmp_path / "c.csv", "")
    put(tmp_path / "d.csv", b"text\nlatin \xe9\nlast\n")
    put(tmp_path / "e.txt", b"latin \xe9\n\nclean")
    put(tmp_path / "f.spacy", b"torn")
    report = ingest(sorted(tmp_path.iterdir()), tmp_path / "pool", unit="doc")
    assert texts(tmp_path / "pool") == ["good", "fine", "last"]
    torn = report.problems.pop()
    assert report.problems == [
        "a.csv:3: it has 1 cells, and the header has 2: quote texts with a separator or a line end in them",
        "a.csv:4: not CSV (',' expected after '\"')",
        "a.csv:6: not CSV (unexpected end of data): lines 6 to 7 are not read",
        "b.csv:1: no column 'text' (columns: id, note)",
        "c.csv:1: no column 'text' (columns: none)",
        "d.csv:2: not UTF-8",
        "e.txt: not UTF-8",
    ]
    assert torn.startswith("f.spacy: [AL044]")


LONG = "long " * 40_000
RAGGED = (
    "it has {} cells, and the header has {}: quote texts with a separator or a line end in them"
)
TABS = "it has {} cells, and the header has {}: a text may have a tab or a line end in it"


@pytest.mark.parametrize(
    ("name", "data", "good", "bad"),
    [
        (
            "a.csv",
            'id,text,label\n1,"fine, quoted",pos\n2,Take 1 tablet, twice a day,neg\n',
            ["fine, quoted"],
            ["a.csv:3: " + RAGGED.format(4, 3)],
        ),
        (
            "a.tsv",
            'id\ttext\tlabel\n1\t"Yes we can\tpos\n2\tsecond tweet\tneg\n3\tsaid he"\tpos\n4\tfourth\tneg\n',
            ['"Yes we can', "second tweet", 'said he"', "fourth"],
            [],
        ),
        # a TSV whose first row shows quoting, and one whose first row does not
        ("a.tsv", '"id"\t"text"\n"1"\t"a ""b""\tc\nd"\n', ['a "b"\tc\nd'], []),
        (
            "a.tsv",
            'id\ttext\n1\t"he said ""yes"""\n2\t"plain"\n3\t"a\tb"\n4\tone\ntwo\n',
            ['"plain"', "one"],
            [
                'a.tsv:2: it has quotes as CSV has them ("" for one), and the header has none: quote the header too, or none',
                "a.tsv:4: " + TABS.format(3, 2),
                "a.tsv:6: " + TABS.format(1, 2),
            ],
        ),
        # tabs are not quoted in a file of another name either
        (
            "a.csv",
            'id\ttext\n1\t"Yes we can\n2\tsecond\n3\tsaid he"\n',
            ['"Yes we can', "second", 'said he"'],
            [],
        ),
        # a quote that is meant as one: what lies up to the next is rows, and no text
        *(
            (
                "a.csv",
                f'id{c}text\n1{c}"Yes we can\n2{c}said he"\n3{c}last one\n',
                ["last one"],
                ["a.csv:2: it begins"],
            )
            for c in ",;|"
        ),
        (
            "a.csv",
            'text,label\n"Yes we can,pos\nsecond,neg\nsaid he",pos\n"Dear all,\nyours, Bob",neg\n',
            ["Dear all,\nyours, Bob"],
            ["a.csv:2: it begins and ends with a quote"],
        ),
        (
            "a.csv",
            'id,text\n1, "fine, quoted"\n2, "a"\n',
            [],
            ["a.csv:2: " + RAGGED.format(3, 2), "a.csv:3: it has a blank before"],
        ),
        (
            "a.csv",
            "id,text\n1,a\n\ufeffid,text\n2,b\n",
            ["a", "b"],
            ["a.csv:3: it is the header again"],
        ),
        ("a.csv", "text,text\na,b\n", [], ["a.csv:1: several columns 'text'"]),
        # as old Macs, and Excel for them, end lines
        ("a.csv", "id,text\r1,a\r2,b\r", ["a", "b"], []),
        ("a.jsonl", '{"text": "a"}\r{"text": "b"}\r', ["a", "b"], []),
        (
            "a.jsonl",
            '{"text": "a"} {"text": "b"}',
            [],
            ["a.jsonl:1: not JSON (Extra data at column 15)"],
        ),
        # as Excel writes it where a comma is decimal
        (
            "a.csv",
            '\ufeffid;text\r\n1;3,5 mg, daily\r\n2;"a; b"\r\n3;a; b\r\n',
            ["3,5 mg, daily", "a; b"],
            ["a.csv:4: " + RAGGED.format(3, 2)],
        ),
        ("a.csv", "text\none; two\nthree\tfour\n", ["one; two", "three\tfour"], []),
        (
            "a.csv",
            'id,text\r\n1,"two\r\nlines"\r\n2,x,y\r\n',
            ["two\r\nlines"],
            ["a.csv:4: " + RAGGED.format(3, 2)],
        ),
        # a text that goes on in a line of its own is cut as well
        (
            "a.csv",
            "id,text\n1,first line\nsecond line\n2,x,\n\n3,y\n",
            ["first line", "y"],
            ["a.csv:3: " + RAGGED.format(1, 2), "a.csv:4: " + RAGGED.format(3, 2)],
        ),
        ("a.csv", b"id,text\n1,a\0b\n2,c\n", ["c"], ["a.csv:2: it holds a NUL"]),
        ("a.csv", 'id,text\n1,a 5" tube\n2,say "no"\n', ['a 5" tube', 'say "no"'], []),
        (
            "a.csv",
            'id,text\n1,"5" tube\n2,b\n3,"c\n4,d\n5,"e"\n6,f\n',
            ["b", "f"],
            [
                "a.csv:2: not CSV (',' expected after '\"')",
                "a.csv:4: not CSV (',' expected after '\"'): lines 4 to 6 are not read",
            ],
        ),
        ("a.csv", f'id,text\n1,"{LONG}"\n2,{LONG[:-5]}er\n', [LONG, f"{LONG[:-5]}er"], []),
        ("a.csv", "id,text\r\n1,Grüße Ċ 😀\r\n".encode("utf-16"), ["Grüße Ċ 😀"], []),
        ("a.tsv", "id\ttext\n1\tGrüße\n".encode("utf-32"), ["Grüße"], []),
        ("a.txt", "Grüße\n\nЊ\n".encode("utf-16"), ["Grüße\n\nЊ"], []),
        ("a.jsonl", '{"text": "Grüße"}\n{"text": "b"}'.encode("utf-16"), ["Grüße", "b"], []),
        (
            "a.txt",
            "good\n\nbad".encode("utf-16") + b"x",
            [],
            ["a.txt: not UTF-16-LE, as its first bytes say (truncated data)"],
        ),
        ("a.txt", "id\n\nx".encode("utf-16-le"), [], ["a.txt: it holds a NUL"]),
    ],
    ids=lambda value: value[:7].strip() if isinstance(value, str) else "",
)
def test_a_text_is_whole_or_its_record_is_unreadable(tmp_path, name, data, good, bad):
    put(tmp_path / "in/z.jsonl", '{"text": "last"}')
    put(tmp_path / "in" / name, data)
    report = ingest([tmp_path / "in"], tmp_path / "pool", unit="doc")
    assert texts(tmp_path / "pool") == [*good, "last"]
    assert len(report.problems) == len(bad)
    for found, wanted in zip(report.problems, bad):
        assert found.startswith(wanted)


def test_many_problems_are_counted_and_a_few_shown(tmp_path):
    path = put(tmp_path / "a.jsonl", '{"text": "good"}\n' + "bad\n" * 100)
    report = ingest([path], tmp_path / "pool")
    assert report.dropped["unreadable record"] == 100 and len(report.problems) == 20
    assert "and 80 more" in run(path, tmp_path / "pool", "-F").stderr


def test_odd_texts_survive(tmp_path):
    odd = [
        "nul \0 in it",
        "cr\rlf\r\n here",
        "👩‍👩‍👧 emoji",
        "שלום עולם",
        "line\u2028separator",
        "\u200bzero",
    ]
    path = jsonl(tmp_path / "a.jsonl", *({"text": text} for text in odd))
    put(tmp_path / "b.jsonl", "".join(f'{{"text": "{text} raw"}}\n' for text in odd[2:]))
    ingest([path, tmp_path / "b.jsonl"], tmp_path / "pool", unit="doc")
    assert texts(tmp_path / "pool") == odd + [f"{text} raw" for text in odd[2:]]


def test_lengths(tmp_path):
    long = "Word " * 1001
    path = jsonl(tmp_path / "a.jsonl", {"text": f"Short. {long}."}, {"text": "One two three."})
    report = ingest([path], tmp_path / "pool", min_tokens=3)
    assert texts(tmp_path / "pool") == ["One two three."]
    assert report.dropped == {"too short": 1, "too long": 1}
    report = ingest([path], tmp_path / "pool", unit="doc", force=True)
    assert report.texts == 2
    report = ingest([path], tmp_path / "pool", unit="doc", max_tokens=10, force=True)
    assert report.texts == 1 and report.dropped["too long"] == 1


def test_a_text_beyond_the_tokeniser_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_CHARS", 10)
    path = jsonl(tmp_path / "a.jsonl", {"text": "x" * 11}, {"text": "fits"})
    report = ingest([path], tmp_path / "pool")
    assert texts(tmp_path / "pool") == ["fits"] and report.dropped["too long"] == 1


NEAR = [
    ("The patient, 54, has a fever.", "the patient 73 has  a fever"),
    ("5 mg/day", "5 mg day"),
    ("ﬁne", "fine"),
    ("\uff21\uff11", "a7"),
    ("co\u00adop", "coop"),
    ("Wait...", "Wait!"),
    ("٣ mg", "3 mg"),
]
FAR = [
    ("5 mg", "50 mg"),
    ("p < 0.05", "p > 0.05"),
    ("K+ high", "K high"),
    ("no fever", "fever"),
    ("coop", "co-op"),
    ("dose up", "up dose"),
    ("कि", "का"),
    ("fine 😀", "fine 😢"),
]


def test_what_is_near():
    for one, other in NEAR:
        assert near_key(one) == near_key(other), (one, other)
    for one, other in FAR:
        assert near_key(one) != near_key(other), (one, other)


@given(st.text(max_size=30), st.sampled_from([" ", "\n\t", ", ", " - "]), st.text(max_size=30))
def test_near_ignores_case_of_ascii_spaces_punctuation_and_digits(left, between, right):
    plain = f"{left} {right}"
    assert near_key(f"  {left}{between}{right}!") == near_key(plain)
    assert near_key(plain.translate(str.maketrans(string.digits, "1" * 10))) == near_key(plain)
    assert near_key(plain.translate(str.maketrans(string.ascii_uppercase, string.ascii_lowercase)))


def test_duplicates_are_dropped_and_counted(tmp_path):
    rows = ["Fever of 38.", "Fever of 38.", "fever of 38!", "No fever."]
    path = jsonl(tmp_path / "a.jsonl", *({"text": text} for text in rows))
    report = ingest([path], tmp_path / "pool", unit="doc")
    assert texts(tmp_path / "pool") == ["Fever of 38.", "No fever."]
    assert report.dropped == {"duplicate": 1, "near duplicate": 1}
    report = ingest([path], tmp_path / "pool", unit="doc", keep_near_duplicates=True, force=True)
    assert report.texts == 3 and report.dropped == {"duplicate": 1}


def test_texts_that_differ_in_a_number_are_kept_and_counted(tmp_path):
    rows = ["5 mg.", "7 mg", "٧ MG!", "70 mg", "No fever.", "1.", "2.", "(3)", "9 mg"]
    path = jsonl(tmp_path / "a.jsonl", *({"text": text} for text in rows))
    report = ingest([path], tmp_path / "pool", unit="doc")
    assert texts(tmp_path / "pool") == ["5 mg.", "7 mg", "70 mg", "No fever.", "1.", "9 mg"]
    assert report.numbers == 2 and report.dropped == {"near duplicate": 3}
    put(tmp_path / "b.jsonl", '{"text": "8 mg"}\n{"text": "7 mg!"}')
    done = run(tmp_path / "b.jsonl", tmp_path / "pool", "--unit", "doc", "--add")
    counts = [" ".join(line.split()) for line in done.stderr.splitlines()]
    assert "kept: near duplicates that differ in a number 1" in counts
    assert "dropped: near duplicate in the pool 1" in counts
    assert "number" not in run(path, tmp_path / "b", "--keep-near-duplicates").stderr


@given(st.text(max_size=20), st.text(max_size=20))
def test_near_duplicates_are_of_one_form(one, other):
    assert value_key(one) != value_key(other) or near_key(one) == near_key(other)
    seen = Duplicates()
    found = [seen.check(text) for text in (one, other)]
    same = value_key(one) == value_key(other)
    assert found == [None, "duplicate" if one == other else "near duplicate" if same else None]
    assert seen.numbers == (not same and near_key(one) == near_key(other))


@pytest.mark.slow
def test_the_same_input_gives_the_same_bytes(tmp_path):
    rows = [{"text": f"Sentence {'x' * i}. And y{'z' * i}!", "meta": {"i": i}} for i in range(30)]
    path = jsonl(tmp_path / "a.jsonl", *rows)
    pools = [tmp_path / name for name in ("one", "two")]
    for pool in pools:
        report = ingest([path], pool, shard_size=7)
    assert len(report.shards) == 9 and report.shards[0] == tmp_path / "two" / "00000.spacy"
    one, two = [
        {child.name: child.read_bytes() for child in sorted(pool.iterdir())} for pool in pools
    ]
    assert one == two


def test_the_output_is_not_taken_by_accident(tmp_path):
    path = put(tmp_path / "a.txt", "new text")
    pool = tmp_path / "pool"
    write_shards([NLP.make_doc("old text")], pool)
    with pytest.raises(AlError) as caught:
        ingest([path], pool)
    assert str(caught.value) == (
        f"[AL048] The output folder '{pool}' is not empty. "
        "Choose another, or replace its shards with --force."
    )
    (pool / "thesis.doc").write_text("precious")
    with pytest.raises(AlError, match=r"holds more than shards \(thesis\.doc\)"):
        ingest([path], pool, force=True)
    (pool / "thesis.doc").unlink()
    ingest([path], pool, force=True)
    assert texts(pool) == ["new text"]
    assert sorted(child.name for child in tmp_path.iterdir()) == ["a.txt", "pool"]
    with pytest.raises(AlError, match=r"\[AL050\] The output .* is a file"):
        ingest([path], path)


@pytest.mark.parametrize("where", ["write", "swap"])
def test_a_failure_leaves_the_old_pool(tmp_path, monkeypatch, where):
    path, pool = put(tmp_path / "a.txt", "new text"), tmp_path / "pool"
    write_shards([NLP.make_doc("old text")], pool)
    renamed = Path.rename

    def full(*args):
        raise OSError(28, "No space left on device")

    def swap(self, target):
        return full() if self.name != "old" and target == pool else renamed(self, target)

    if where == "write":
        monkeypatch.setattr(os, "replace", full)
    else:
        monkeypatch.setattr(Path, "rename", swap)
    with pytest.raises(AlError, match=r"\[AL047\].*No space left on device"):
        ingest([path], pool, force=True)
    monkeypatch.undo()
    assert texts(pool) == ["old text"]
    assert sorted(child.name for child in tmp_path.iterdir()) == ["a.txt", "pool"]


def test_nothing_usable_is_an_error_and_keeps_the_old_pool(tmp_path):
    pool = tmp_path / "pool"
    write_shards([NLP.make_doc("old text")], pool)
    path = put(tmp_path / "a.jsonl", '{"note": "x"}\n{"text": ""}\n')
    with pytest.raises(AlError) as caught:
        ingest([path], pool, force=True)
    assert str(caught.value) == (
        f"[AL052] Nothing usable in {path}: 1 empty, 1 unreadable record. The first that could not be read: "
        "a.jsonl:1: no 'text'. Check the files, and --text-key if the text has another name."
    )
    assert texts(pool) == ["old text"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(AlError, match="no texts at all"):
        ingest([tmp_path / "empty"], tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
def test_bad_inputs_and_settings(tmp_path):
    path, pool = put(tmp_path / "a.txt", "One. Two."), tmp_path / "pool"
    with pytest.raises(AlError, match=r"\[AL040\] There is no file or folder"):
        ingest([tmp_path / "gone.txt"], pool)
    with pytest.raises(
        AlError, match=r"\[AL051\] spacy-al cannot ingest .*a\.pdf'\. It reads \.txt"
    ):
        ingest([put(tmp_path / "a.pdf", "x")], pool)
    with pytest.raises(UsageError, match=r"AL053.*--shard-size is 0; it has to be 1 or more"):
        ingest([path], pool, shard_size=0)
    with pytest.raises(UsageError, match=r"AL054.*No tokeniser for the language 'qq'"):
        ingest([path], pool, lang="qq")
    with pytest.raises(AlError, match=r"AL055.*'no_such_model' cannot be loaded"):
        ingest([path], pool, model="no_such_model")
    spacy.blank("en").to_disk(tmp_path / "bare")
    with pytest.raises(AlError, match=r"AL056.*sets no sentence boundaries"):
        ingest([path], pool, model=tmp_path / "bare")
    assert not pool.exists()
    ingest([path], pool, model=tmp_path / "bare", unit="doc")
    assert texts(pool) == ["One. Two."]


def test_a_pipeline_can_split(tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer", config={"punct_chars": ["|"]})
    nlp.to_disk(tmp_path / "model")
    path = put(tmp_path / "a.txt", "One. Two | Three")
    ingest([path], tmp_path / "pool", model=tmp_path / "model")
    assert texts(tmp_path / "pool") == ["One. Two |", "Three"]


def test_the_command(tmp_path):
    pool = tmp_path / "pool"
    done = run("-", pool, "--unit", "doc", stdin='{"text": "a"}\n{"text": "a"}\nbad\n')
    assert done.exit_code == 0 and done.stdout == ""
    assert "dropped: duplicate" in done.stderr and "⚠ -:3: not JSON" in done.stderr
    assert texts(pool) == ["a"]
    done = run("-", pool, stdin='{"text": "b"}\n')
    assert done.exit_code == 1 and done.stderr.startswith("✘ [AL048]")
    done = run("-", pool, "-F", "--quiet", stdin='{"text": "b"}\n')
    assert done.exit_code == 0 and done.output == "" and texts(pool) == ["b"]
    done = run("-", pool, "-F", stdin="")
    assert done.exit_code == 1 and "Nothing usable in -: no texts at all." in done.stderr
    assert run("-", pool, "-F", "--lang", "qq", stdin="").exit_code == 2


keys = st.sampled_from(["text", "id", "meta", "x"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.dictionaries(keys, values, max_size=4).map(lambda d: json.dumps(d).encode())
        | values.map(lambda v: json.dumps(v).encode())
        | st.binary(max_size=20),
        max_size=6,
    ),
    st.sampled_from([".jsonl", ".csv", ".txt", ".spacy", ".tsv"]),
)
def test_no_file_is_trusted(tmp_path_factory, lines, suffix):
    """Whatever the bytes, the result is a pool or one explained error, and every text is accounted for."""
    folder = tmp_path_factory.mktemp("ingest")
    path = put(folder / f"a{suffix}", b"\n".join(lines))
    try:
        report = ingest([path], folder / "pool", unit="doc")
    except AlError as error:
        assert "AL052" in str(error) and not (folder / "pool").exists()
        return
    assert len(texts(folder / "pool")) == report.texts > 0
    unread = report.dropped["unreadable record"]
    assert report.documents == report.texts + sum(report.dropped.values()) - unread
