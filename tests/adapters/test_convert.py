"""Corpora from elsewhere become gold that says what the files say; what they do not say is missing, and the rest is refused aloud."""

import json
from itertools import accumulate, islice

import pytest
import spacy
from spacy.tokens import Span
from spacy.training import Corpus
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_al.adapters.convert import convert
from spacy_al.adapters.convert_inputs import READERS
from spacy_al.adapters.formats import FORMATS, WRITTEN, squeezed, write_format
from spacy_al.adapters.prodigy import import_answers
from spacy_al.cli import app
from spacy_al.corpus.shard import read_shard
from spacy_al.errors import AlError, UsageError
from spacy_al.posteriors.component import load_code
from spacy_al.store.store import Store
from spacy_al.tasks.task import make_task
from tests.helpers.labelled_files import (
    ENTITY_FORMATS,
    MARKED,
    TEXTS,
    UNPLACED,
    comes_back,
    labelled_docs,
    truth,
    truth_of,
    write_entities,
)


def entities(docs):
    return {
        doc.text: sorted((e.start_char, e.end_char, e.label_) for e in doc.ents) for doc in docs
    }


def marks_of(doc, kind):
    spans = doc.spans["sc"] if kind == "spans" else doc.ents
    return [(span.start_char, span.end_char, span.label_) for span in spans]


def file(path, *values):
    path.write_text("\n".join(v if isinstance(v, str) else json.dumps(v) for v in values), "utf8")
    return path


def plain(*texts):
    """Lines with [start, end, label] of one text each."""
    return [{"text": text, "entities": spans} for text, spans in texts]


@pytest.mark.parametrize("format", ENTITY_FORMATS)
def test_every_format_is_found_out_and_says_what_it_says(tmp_path, format):
    path = write_entities(format, tmp_path)
    result = convert([path], tmp_path / "gold.spacy", lang="xx")
    wanted = truth_of(format)
    assert entities(read_shard(tmp_path / "gold.spacy", Vocab())) == wanted
    assert result.kind == "entities" and not result.refused and not result.partial
    [how] = result.formats.values()
    assert how.startswith(f"{format} (")
    # told, it is the same
    told = convert([path], None, lang="xx", format=format, kind="ner")
    assert entities(told.docs) == wanted


def test_every_format_that_is_read_can_be_converted():
    assert set(READERS) == {*FORMATS, "prodigy"}
    assert set(READERS) - set(ENTITY_FORMATS) == {"table"}


@pytest.mark.parametrize("format", WRITTEN)
@pytest.mark.parametrize("kind", ["ner", "spancat", "tagger", "textcat"])
def test_the_round_trip_gives_the_same(tmp_path, format, kind):
    own = {"ner": "entities", "spancat": "spans", "tagger": "tags", "textcat": "categories"}[kind]
    if own not in FORMATS[format].kinds:
        with pytest.raises(UsageError, match="AL266"):
            convert([write_entities(format, tmp_path)], None, format=format, kind=kind)
        return
    docs = list(labelled_docs())
    for doc in docs:
        doc.spans["sc"] = list(doc.ents)
        # spans may overlap
        doc.spans["sc"].append(Span(doc, 0, 3, "CLAUSE"))
    if own in ("entities", "spans"):
        docs = [doc for doc in docs if comes_back(format, doc.text, marks_of(doc, own))]
    first = tmp_path / ("one" + FORMATS[format].suffix)
    assert write_format(format, docs, first, kind=own)["written"] == len(docs)
    one = convert([first], tmp_path / "one.spacy", lang="xx", format=format, kind=kind)
    again = tmp_path / ("two" + FORMATS[format].suffix)
    report = write_format(format, read_shard(tmp_path / "one.spacy", Vocab()), again, kind=own)
    assert report["written"] == report.total() == len(docs)
    two = convert([again], None, lang="xx", format=format, kind=kind)
    for was, is_, back in zip(docs, one.docs, two.docs, strict=True):
        for doc in (is_, back):
            assert doc.text == was.text
            if own == "spans":
                found = {(s.start_char, s.end_char, s.label_) for s in doc.spans["sc"]}
                assert found == {(s.start_char, s.end_char, s.label_) for s in was.spans["sc"]}
            elif own == "entities":
                assert entities([doc]) == entities([was])
            elif own == "tags":
                assert [(t.idx, t.tag_) for t in doc] == [(t.idx, t.tag_) for t in was]
            else:
                assert doc.cats == was.cats


def test_spacy_trains_on_what_is_written(tmp_path):
    """The reader of `spacy train` finds the entities on its own tokens."""
    convert([write_entities("doccano", tmp_path)], tmp_path / "gold.spacy", lang="en")
    examples = list(Corpus(tmp_path / "gold.spacy")(spacy.blank("en")))
    found = entities(example.reference for example in examples)
    assert found == truth()
    assert all("-" not in example.get_aligned_ner() for example in examples)


@pytest.mark.realdata
@pytest.mark.slow
@pytest.mark.parametrize("name", ["bc5cdr", "german_ler", "wnut17", "ncbi_disease"])
def test_real_texts_in_every_format(tmp_path, realdata, name):
    """To the character, but for white space where a format has none."""

    def marks(docs):
        found = {}
        for doc in docs:
            places = [0, *accumulate(not character.isspace() for character in doc.text)]
            own = found.setdefault(squeezed(doc.text), set())
            own.update((places[e.start_char], places[e.end_char], e.label_) for e in doc.ents)
        return found

    if not (realdata / name).is_dir():
        pytest.skip(f"no {name} in {realdata}")
    docs = list(islice(read_shard(realdata / name / "dev.spacy", Vocab()), 100))
    wanted = marks(docs)
    for format in ENTITY_FORMATS:
        path = write_entities(format, tmp_path, docs)
        result = convert([path], None, keep_tokens=True, kind="ner", format=format)
        assert not result.refused and not result.contradictions, format
        found = marks(result.docs)
        if format in MARKED:
            assert found == {text: spans for text, spans in wanted.items() if spans}
        elif format in UNPLACED:
            # what they hold of texts with emoji, and no other
            assert found.items() <= wanted.items() and len(found) >= 0.9 * len(wanted)
        else:
            assert found == wanted, format
        # on the tokeniser's own tokens nothing else is there, and what cannot be on them is counted
        other = convert([path], None, bad_spans="missing", kind="ner", format=format)
        found = marks(other.docs)
        assert all(spans <= wanted[text] for text, spans in found.items())
        held = marks(result.docs) if format in UNPLACED else wanted
        lost = sum(map(len, held.values())) - sum(map(len, found.values()))
        assert (lost > 0) == any("left out" in said for said in other.remarks) or other.refused


@pytest.mark.parametrize(
    "own, kind",
    [
        ({"ents": [], "spans": {"sc": [{"start": 0, "end": 3, "label": "PER"}]}}, "spans"),
        ({"ents": [], "tokens": [{"id": 0, "start": 0, "end": 3, "tag": "NNP"}]}, "tags"),
        ({"ents": [], "cats": {"A": 1.0, "B": 0.0}}, "categories"),
        ({"ents": [{"start": 0, "end": 3, "label": "PER"}], "cats": {"A": 1.0}}, "entities"),
    ],
)
def test_what_a_file_has_is_found_out(tmp_path, own, kind):
    """Empty entities beside something else are another component's."""
    result = convert([file(tmp_path / "x.jsonl", {"text": "Ada", **own})], None)
    assert result.kind == kind and sum(result.labels.values()) == 1
    [said] = [said for said in result.remarks if "are read" in said]
    assert ("--kind" in said) == (kind == "entities")


# Spans that do not fit


NOTES = plain(
    ("Took aspirin20mg today.", [[5, 12, "DRUG"]]),
    ("Took ibuprofen today.", [[5, 14, "DRUG"]]),
)


def test_a_span_inside_a_token(tmp_path):
    path = file(tmp_path / "x.jsonl", *NOTES)
    refused = convert([path], None)
    assert entities(refused.docs) == {"Took ibuprofen today.": [(5, 14, "DRUG")]}
    [[place]] = refused.refused.values()
    assert place.startswith("x.jsonl:1: ") and "'aspirin'" in place and "inside a token" in place
    missing = convert([path], None, bad_spans="missing")
    [doc, _] = missing.docs
    assert [token.ent_iob_ for token in doc] == ["O", "", "O", "O", "O"]
    assert any("1 span left out" in said and "x.jsonl:1" in said for said in missing.remarks)
    kept = convert([path], tmp_path / "gold.spacy", keep_tokens=True)
    [doc, _] = read_shard(tmp_path / "gold.spacy", Vocab())
    assert [token.text for token in doc] == ["Took", "aspirin", "20", "mg", "today", "."]
    assert entities([doc]) == {"Took aspirin20mg today.": [(5, 12, "DRUG")]}
    assert kept.other_tokens == 1


def test_a_span_categoriser_has_no_missing(tmp_path):
    path = file(tmp_path / "x.jsonl", *NOTES)
    result = convert([path], None, kind="spancat", bad_spans="missing", spans_key="own")
    assert [[s.text for s in doc.spans["own"]] for doc in result.docs] == [["ibuprofen"]]
    assert "undecided" in next(iter(result.refused))


@pytest.mark.parametrize("keep", [True, False])
def test_the_tokens_of_the_file_are_kept(tmp_path, keep):
    """By `spacy train` too, where the file does not say how its words stood in their text."""
    path = tmp_path / "x.conll"
    path.write_text("can't\tO\nAda\tB-PER\n.\tO\n")
    convert([path], tmp_path / "gold.spacy", keep_tokens=keep)
    [example] = Corpus(tmp_path / "gold.spacy")(spacy.blank("en"))
    wanted = ["can't", "Ada", "."] if keep else ["ca", "n't", "Ada", "."]
    for doc in (example.predicted, example.reference):
        assert [token.text for token in doc] == wanted
    assert [ent.text for ent in example.reference.ents] == ["Ada"]


# One text twice


def test_one_text_said_twice(tmp_path):
    one, other = ("Ada met Bob.", [[0, 3, "PER"]]), ("Ada met Bob.", [[8, 11, "PER"]])
    same = ("Eve left.", [[0, 3, "PER"]])
    path = file(tmp_path / "x.jsonl", *plain(one, same, same, other))
    result = convert([path], None)
    assert entities(result.docs) == {"Eve left.": [(0, 3, "PER")]} and result.repeated == 1
    [(place, why)] = result.contradictions
    assert place == "x.jsonl:1, x.jsonl:4" and "'Ada'" in why
    with pytest.raises(AlError, match=r"AL335.*1 texts are labelled.*x.jsonl:1, x.jsonl:2"):
        convert([file(path, *plain(one, other))], None)


def test_answers_to_one_text_are_put_together(tmp_path):
    """Prodigy asks about one entity at a time: each answer decides its own tokens."""
    task = {"text": "Ada met Bob in Lund.", "_view_id": "ner", "answer": "accept"}
    spans = [(0, 3, "PER"), (8, 11, "PER")]
    tasks = [{**task, "spans": [{"start": s, "end": e, "label": x}]} for s, e, x in spans]
    no = {**task, "spans": [{"start": 15, "end": 19, "label": "PER"}], "answer": "reject"}
    result = convert([file(tmp_path / "x.jsonl", *tasks, no)], None)
    [doc] = result.docs
    assert [(e.text, e.label_) for e in doc.ents] == [("Ada", "PER"), ("Bob", "PER")]
    assert [token.ent_iob_ for token in doc] == ["B", "", "B", "", "", ""]
    assert result.partial == 1 and any("1 answers 'reject'" in said for said in result.remarks)
    # an old one, without the name of its interface
    span = {"start": 0, "end": 3, "label": "PER", "score": 0.4, "source": "en_core"}
    old = {"text": "Ada met Bob.", "spans": [span], "answer": "accept"}
    [doc] = convert([file(tmp_path / "x.jsonl", old)], None).docs
    assert [token.ent_iob_ for token in doc] == ["B", "", "", ""]


def test_categories_that_were_not_asked_about_are_absent(tmp_path):
    task = {"text": "Pay within 30 days.", "_view_id": "classification"}
    yes = {**task, "label": "TERM", "answer": "accept"}
    no = {**task, "label": "FEE", "answer": "reject"}
    [doc] = convert([file(tmp_path / "x.jsonl", yes, no)], None).docs
    assert doc.cats == {"TERM": 1.0, "FEE": 0.0}
    [doc] = convert([file(tmp_path / "x.jsonl", yes)], None, kind="textcat_multilabel").docs
    assert doc.cats == {"TERM": 1.0}
    # where they exclude each other, one that is right says that the rest is wrong
    other = {**yes, "text": "The fee is due.", "label": "FEE"}
    docs = convert(
        [file(tmp_path / "x.jsonl", yes, other, {**no, "text": "No."})], None, kind="textcat"
    ).docs
    assert [doc.cats for doc in docs] == [{"FEE": 0.0, "TERM": 1.0}, {"FEE": 1.0, "TERM": 0.0}]


# Formats that cannot be told, and other refusals


@pytest.mark.parametrize(
    "content, what",
    [
        ("nothing that anybody knows\n", "none of them"),
        ('{"a": 1}\n', "none of them: its first object has 'a'"),
        ("", "none of them: it is empty"),
        ("[]", "none of them: it begins with []"),
        ('[{"text": "a"', "none of them: it is not JSON"),
        ("<?xml version='1.0'?>\n", 'none of them: it begins with "<?xml'),
        ('{"text": "a", "tokens": ["a"], "tags": ["O"], "cats": {}}\n', "could be"),
    ],
)
def test_what_cannot_be_told_is_asked(tmp_path, content, what):
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(UsageError, match="AL334") as error:
        convert([path], None)
    assert what in str(error.value)
    assert all(name in str(error.value) for name in READERS)


def test_dashes_in_a_table_are_no_tags(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("text,label\nfine - for me,good\nno - not - so,bad\nwell - then,good\n")
    result = convert([path], None)
    assert result.labels == {"good": 2, "bad": 1}
    assert next(iter(result.formats.values())).startswith("table")


def test_nothing_usable_says_why(tmp_path):
    path = file(tmp_path / "x.jsonl", *plain(("Ada left.", [[0, 99, "PER"]])))
    with pytest.raises(AlError, match=r"AL335.*x\.jsonl:1.*not within the text"):
        convert([path], tmp_path / "gold.spacy", kind="ner")
    assert not (tmp_path / "gold.spacy").exists()


def test_an_output_is_not_overwritten_unsaid(tmp_path):
    path, output = write_entities("doccano", tmp_path), tmp_path / "gold.spacy"
    output.write_bytes(b"mine")
    with pytest.raises(UsageError, match="AL336"):
        convert([path], output)
    assert output.read_bytes() == b"mine"
    convert([path], output, force=True)
    assert len(list(read_shard(output, Vocab()))) == len(TEXTS)
    with pytest.raises(UsageError, match="AL053"):
        convert([path], tmp_path / "gold.json")
    with pytest.raises(UsageError, match="AL122"):
        convert([output], tmp_path / "new.spacy")


def test_several_files_are_one_corpus(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for format in ("conll", "webanno", "prodigy"):
        write_entities(format, folder)
    result = convert([folder], None, lang="xx")
    assert entities(result.docs) == truth() and result.repeated == 2 * len(TEXTS)
    # a file that cannot be read costs itself, and that is said
    (folder / "bad.conllu").write_bytes(b"1\tAda\xe9" + 8 * b"\t_" + b"\n")
    with pytest.raises(AlError, match="AL267"):
        convert([folder], None, lang="xx")
    told = [folder / "corpus.conll", folder / "other.conll"]
    told[1].write_bytes(b"Ad\xe9\tB-PER\n")
    result = convert(told, None, lang="xx", format="conll")
    [[place]] = result.refused.values()
    assert entities(result.docs) == truth() and "other.conll" in place and "AL267" in place


# The config


CONFIG = """
[nlp]
lang = "en"
pipeline = ["spancat"]
[nlp.tokenizer]
@tokenizers = "convert_test_blanks.v1"
[components]
[components.spancat]
factory = "spancat"
spans_key = "own"
"""
CODE = """
import spacy
from spacy.tokens import Doc

@spacy.registry.tokenizers("convert_test_blanks.v1")
def make():
    return lambda nlp: lambda text: Doc(nlp.vocab, words=text.split(" "))
"""


def test_the_tokeniser_and_the_component_of_a_config(tmp_path):
    (tmp_path / "x.cfg").write_text(CONFIG)
    (tmp_path / "code.py").write_text(CODE)
    path = file(tmp_path / "x.jsonl", *plain(("Dr.Who met Ada!", [[11, 15, "PER"]])))
    load_code(tmp_path / "code.py")
    how = {"config": tmp_path / "x.cfg"}
    result = convert([path], None, **how)
    [doc] = result.docs
    assert [token.text for token in doc] == ["Dr.Who", "met", "Ada!"]
    assert [span.text for span in doc.spans["own"]] == ["Ada!"] and result.kind == "spans"
    result = convert([path], None, kind="ner", **how)
    assert [e.text for e in result.docs[0].ents] == ["Ada!"]
    with pytest.raises(UsageError, match=r"AL337.*spancat"):
        convert([path], None, component="tagger", **how)
    with pytest.raises(UsageError, match=r"AL337.*ner, beam_ner"):
        convert([path], None, kind="parser")
    with pytest.raises(AlError, match="AL080"):
        convert([path], None, config=tmp_path / "none.cfg")


# The command


def run(*words):
    return CliRunner().invoke(app, ["convert", *map(str, words)])


def test_the_command_says_what_it_found(tmp_path):
    path = file(tmp_path / "x.jsonl", *NOTES, *plain(("Eve\x1b[31m left.", [[0, 3, "PER\x1b[0m"]])))
    output = tmp_path / "gold.spacy"
    result = run(path, "-o", output, "--dry-run")
    assert result.exit_code == 0 and not output.exists(), result.output
    result = run(path, "-o", output)
    assert result.exit_code == 0 and output.is_file(), result.output
    for part in (
        "train-data (texts with 'entities')",
        "entities: DRUG",
        "x.jsonl:1",
        "ALW330",
        "2 of 3",
    ):
        assert part in result.output, part
    assert "\x1b" not in result.output
    result = run(path, "-o", output)
    assert result.exit_code == 2 and "AL336" in result.output
    result = run(file(tmp_path / "bad.jsonl", *NOTES[:1]), "-o", tmp_path / "no.spacy")
    assert result.exit_code == 1 and "AL335" in result.output
    met, said = plain(("Ada met Bob.", [[0, 3, "PER"]]), ("Ada met Bob.", []))
    result = run(file(path, met, said, *NOTES), "-o", output, "--force")
    assert result.exit_code == 0 and "ALW331" in result.output


def test_a_round_takes_answers_in_formats_that_are_only_read(tmp_path):
    nlp = spacy.blank("en")
    asked = [text for text, _ in TEXTS[:3]]
    labels = ["PER", "ORG", "LOC"]
    with Store(tmp_path / "al.db") as store:
        store.open_round(0)
        how = {"component_kind": "entities", "view_id": "ner_manual", "labels": labels}
        meta = {"round": 0, "component": "ner"}
        tasks = [make_task(nlp.make_doc(t), suggestions=[], meta=meta, **how) for t in asked]
        store.advance(0, "wait", tasks=[("train", task) for task in tasks])
        for format in ("label-studio", "webanno", "conllu", "hugging-face", "train-data"):
            path = write_entities(format, tmp_path)
            result = import_answers(store, path, format=format, annotator=format)
            assert result.counts == {"stored": 3, "unknown task": len(TEXTS) - 3}, format
            [said] = [said for said in result.remarks() if "Never asked" in said]
            assert f"convert {path} -o corpus.spacy --format {format}" in said
        wanted = truth()
        for answer in store.answers():
            text = next(one.task["text"] for one in store.tasks() if one.id == answer.task)
            found = [(s["start"], s["end"], s["label"]) for s in answer.payload["spans"]]
            assert sorted(found) == wanted[text]


def test_what_is_not_read_in_a_folder_of_brat_is_said(tmp_path):
    path = write_entities("brat", tmp_path)
    (path / "notes.json").write_text("{}")
    [how] = convert([path], None, lang="xx").formats.values()
    assert "1 other files, which are not read" in how


def test_a_column_where_nothing_has_columns(tmp_path):
    text = "Ada ran."
    doccano = file(tmp_path / "a.jsonl", {"text": text, "label": [[0, 3, "PER"]]})
    conll = file(tmp_path / "b.conll", "Bo O B-PER\nsat B-X O\n")
    with pytest.raises(UsageError, match=r"AL338.*doccano.*conll"):
        convert([doccano], None, column="2")
    with pytest.raises(UsageError, match="AL338"), Store(tmp_path / "al.db") as store:
        import_answers(store, doccano, format="prodigy", column="2")
    # of several files it is for those that have some
    result = convert([doccano, conll], None, column="3")
    assert entities(result.docs) == {text: [(0, 3, "PER")], "Bo sat": [(0, 2, "PER")]}


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"PK\x03\x04", "an archive"),
        (b"\x1f\x8b\x08", "compressed"),
        (b"PAR1", "Parquet"),
        (b"ARROW1\0\0", "Arrow"),
        (b"SQLite format 3\0", "a database"),
        (b"x\x9c\xeb", "compressed, as a .spacy corpus"),
        (b"%PDF-1.7", "a PDF"),
        (b"\xd0\xcf\x11\xe0\xa1", "of an old Office"),
    ],
)
def test_a_file_that_is_no_text(tmp_path, start, what):
    (tmp_path / "x.dat").write_bytes(start + b"\0\xff")
    with pytest.raises(AlError, match=f"AL267.*it is {what}"):
        convert([tmp_path / "x.dat"], None)


def test_a_folder_with_the_names_of_its_labels(tmp_path):
    file(tmp_path / "train.jsonl", {"tokens": ["Ada", "ran"], "ner_tags": [1, 0]})
    names = {"feature": {"names": ["O", "B-PER"]}}
    file(tmp_path / "dataset_info.json", {"features": {"ner_tags": names}})
    assert entities(convert([tmp_path], None).docs) == {"Ada ran": [(0, 3, "PER")]}


def test_words_with_blanks_that_part_no_columns(tmp_path):
    path = file(tmp_path / "x.conll", "A\u00a0B B-PER\nran O\n")
    assert entities(convert([path], None).docs) == {"A\u00a0B ran": [(0, 3, "PER")]}


def test_a_file_of_brat_alone(tmp_path):
    with pytest.raises(UsageError, match=r"AL334.*it is the folder that is named"):
        convert([file(tmp_path / "a.ann", "T1\tPER 0 3\tAda\n")], None)
