"""Labelling platforms: what is written has the documented shape, every mark comes back, and what nobody has said is not learned."""

import json
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from spacy_al.adapters.convert import convert
from spacy_al.adapters.formats import FORMATS, write_format
from spacy_al.adapters.platform_spans import PlatformSpan, place_spans, utf16_length
from spacy_al.adapters.prodigy import import_answers
from spacy_al.adapters.reading import Reading
from spacy_al.cli import app
from spacy_al.cli.select import BatchFormat
from spacy_al.corpus.shard import write_shard
from spacy_al.errors import AlError, UsageError
from spacy_al.loop.next_batch import IN_JSON, SUFFIXES, write_batch
from spacy_al.store.store import Store
from tests.helpers.labelled_files import (
    TEXTS,
    WRITERS,
    labelled_docs,
    truth_of,
    write_entities,
)
from tests.helpers.small_run import KINDS, NLP, make_task

PLATFORMS = ("scale", "labelbox", "superannotate", "ground-truth")
SCHEMAS = Path(__file__).parent / "schemas"
# "😀 " is two places for Python, and three for JavaScript
ASTRAL = "😀 Ada Ek lives in Lund"


def check_shape(name, value):
    jsonschema.Draft202012Validator(json.loads((SCHEMAS / f"{name}.json").read_text())).validate(
        value
    )


def lines(path):
    return [json.loads(line) for line in path.read_text("utf8").splitlines()]


def check_written(name, path):
    if name == "labelbox":
        check_shape("labelbox_data_rows", json.loads((path / "data_rows.json").read_text()))
        found = lines(path / "annotations.ndjson")
        for line in found:
            check_shape("labelbox_annotation", line)
    elif name == "superannotate":
        found = [json.loads(file.read_text()) for file in sorted(path.glob("*.json"))]
        for document in found:
            check_shape("superannotate_document", document)
        check_shape(
            "superannotate_classes", json.loads((path / "classes/classes.json").read_text())
        )
    else:
        found = lines(path)
        for line in found:
            check_shape("scale_task" if name == "scale" else "ground_truth_line", line)
    assert len(found) >= 7


@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.parametrize("kind", ["entities", "spans", "categories"])
def test_what_is_written_has_the_documented_shape(tmp_path, name, kind):
    docs = list(labelled_docs())
    for doc in docs:
        doc.spans["sc"] = list(doc.ents)
    path = tmp_path / f"x{FORMATS[name].suffix}"
    write_format(name, docs, path, kind=kind)
    check_written(name, path)


@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.parametrize("factory", ["textcat", "textcat_multilabel"])
def test_categories_come_back(tmp_path, name, factory):
    docs = list(labelled_docs())
    if factory == "textcat_multilabel":
        docs[0].cats |= {"sport": 1.0}
        docs[1].cats = dict.fromkeys(docs[1].cats, 0.0)
    path = tmp_path / f"x{FORMATS[name].suffix}"
    write_format(name, docs, path, kind="categories")
    check_written(name, path)
    result = convert([path], None, lang="xx", kind=factory)
    assert {doc.text: doc.cats for doc in result.docs} == {doc.text: doc.cats for doc in docs}
    [how] = result.formats.values()
    assert how.startswith(f"{name} (")


@pytest.mark.parametrize("name", PLATFORMS)
def test_the_same_answers_give_the_same_bytes(tmp_path, name):
    def written(folder):
        path = write_entities(name, folder)
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        return [(file.name, file.read_bytes()) for file in files if file.is_file()]

    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert written(tmp_path / "a") == written(tmp_path / "b")


def test_an_export_of_labelbox_says_what_its_folder_says(tmp_path):
    path = tmp_path / "export.ndjson"
    path.write_text(WRITERS["labelbox-export"](list(labelled_docs())))
    for line in lines(path):
        check_shape("labelbox_export", line)
    result = convert([path], None, lang="xx")
    found = {d.text: [(e.start_char, e.end_char, e.label_) for e in d.ents] for d in result.docs}
    assert {text: marks for text, marks in found.items() if marks} == truth_of("labelbox")
    # here a text with nothing in it has a label with an empty list
    assert len(found) == len(TEXTS)


# Characters


def placed(spans, text, unit):
    return [
        "problem" if "problem" in mark else (mark["start"], mark["end"])
        for mark in place_spans([PlatformSpan(*span) for span in spans], text, unit)
    ]


def test_places_in_utf_16_and_in_characters():
    assert utf16_length(ASTRAL) == len(ASTRAL) + 1
    # Labelbox counts as JavaScript does, with words or without
    assert placed([(3, 9, "PER"), (19, 23, "LOC")], ASTRAL, "utf-16") == [(2, 8), (18, 22)]
    assert placed([(3, 9, "PER", "Ada Ek")], ASTRAL, "utf-16") == [(2, 8)]
    # where the words stand by characters, and only there, that is how this file counts
    assert placed([(2, 8, "PER", "Ada Ek")], ASTRAL, "utf-16") == [(2, 8)]
    assert placed([(2, 8, "PER", "Ada Ek")], ASTRAL, "unknown") == [(2, 8)]
    assert placed([(3, 9, "PER", "Ada Ek")], ASTRAL, "unknown") == [(2, 8)]
    # of a platform that does not say, nothing is guessed
    assert placed([(3, 9, "PER")], ASTRAL, "unknown") == ["problem"]
    assert placed([(0, 3, "X")], "a b 😀", "unknown") == [(0, 3)]
    # both stand: an a, and an a
    assert placed([(3, 4, "X", "a")], "😀aaaa", "unknown") == ["problem"]
    # half a character, beyond the end, turned round, and no numbers
    for start, end in ((1, 3), (3, 99), (9, 3), (3, 3), ("3", 9), (3.0, 9), (True, 3), (None, 2)):
        assert placed([(start, end, "PER")], ASTRAL, "utf-16") == ["problem"]


def export_row(text=ASTRAL, spans=(), status="DONE", skipped=False, who="ada@example.org", **more):
    objects = [
        {
            "name": label,
            "annotation_kind": "TextEntity",
            "location": {"start": a, "end": b, **words},
        }
        for a, b, label, words in spans
    ]
    label = {
        "label_details": {"created_by": who},
        "performance_details": {"skipped": skipped},
        "annotations": {"objects": objects, "classifications": [], **more},
    }
    project = {"name": "p", "labels": [label], "project_details": {"workflow_status": status}}
    return {"data_row": {"id": "1", "row_data": text}, "projects": {"p1": project}}


def read(name, path, *values, kind="entities", **how):
    """Records, and what was said of the file."""
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    reading = Reading(kind, **how)
    return list(FORMATS[name].read(path, reading)), reading


def test_labelbox_counts_utf_16_units_and_its_ends_are_within(tmp_path):
    path = tmp_path / "x.ndjson"
    row = export_row(spans=[(3, 8, "PER", {"token": "Ada Ek"}), (19, 22, "LOC", {})])
    check_shape("labelbox_export", row)
    (record,), _ = read("labelbox", path, row)
    assert record["annotator"] == "ada@example.org"
    found = [(mark["start"], mark["end"]) for mark in record["spans"]]
    assert [ASTRAL[slice(*place)] for place in found] == ["Ada Ek", "Lund"]
    # what is written is the same
    folder = tmp_path / "folder"
    docs = list(convert([path], None, lang="xx", kind="ner").docs)
    write_format("labelbox", docs, folder, kind="entities")
    places = [line["location"] for line in lines(folder / "annotations.ndjson")]
    assert places == [{"start": 3, "end": 8}, {"start": 19, "end": 22}]


@pytest.mark.parametrize("name", ["superannotate", "ground-truth"])
def test_a_span_whose_place_is_not_defined_is_neither_written_nor_guessed(tmp_path, name):
    [doc] = [doc for doc in labelled_docs() if "😀" in doc.text]
    path = tmp_path / f"x{FORMATS[name].suffix}"
    report = write_format(name, [doc, *labelled_docs()], path, kind="entities")
    assert (
        report["with a span after a character beyond U+FFFF, whose place it does not define"] == 2
    )
    # an emoji behind all spans is no doubt
    after = NLP.make_doc("Lund 😀")
    after.set_ents([after.char_span(0, 4, "LOC")], default="outside")
    assert write_format(name, [after], path, kind="entities")["written"] == 1
    entity = {"startOffset": 3, "endOffset": 9, "label": "PER"}
    line = manifest(ASTRAL, {"annotations": {"entities": [entity]}}, "text-span")
    with pytest.raises(AlError, match=r"AL335.*x\.manifest:1.*3 to 9.*characters or UTF-16"):
        convert([jsonl(tmp_path / "x.manifest", line)], None, lang="xx", kind="ner")
    # left out alone it leaves nothing of its text decided
    with pytest.raises(AlError, match=r"AL335.*nothing of it is decided"):
        convert([tmp_path / "x.manifest"], None, lang="xx", kind="ner", bad_spans="missing")


def jsonl(path, *values):
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return path


# What nobody has finished, and what is not a person's


def manifest(text, value, kind, attribute="job", **metadata):
    about = {"type": f"groundtruth/{kind}", "human-annotated": "yes", "job-name": "j", **metadata}
    return {"source": text, attribute: value, f"{attribute}-metadata": about}


def scale_task(text="Ada lives in Lund", answers=(), status="completed", **more):
    annotations = [
        {"id": str(n), "start": a, "end": b, "text": words, "label": label}
        for n, (a, b, words, label) in enumerate(answers)
    ]
    params = {"text": text, "labels": [{"name": "PER"}]}
    task = {"task_id": "t", "type": "namedentityrecognition", "status": status, "params": params}
    return {**task, "response": {"annotations": annotations}, **more}


def document(folder, text="Ada lives in Lund", status="Completed", instances=(), tags=(), n=0):
    name = f"{n}.txt"
    metadata = {"name": name, "status": status, "annotatorEmail": "bo@example.org"}
    value = {"metadata": metadata, "instances": [*instances], "tags": [*tags], "freeText": ""}
    (folder / name).write_text(text)
    (folder / f"{name}.json").write_text(json.dumps(value))
    return value


def test_what_is_not_finished_never_trains(tmp_path):
    path = tmp_path / "x.ndjson"
    rows = [export_row(status=status) for status in ("TO_LABEL", "IN_REWORK", "IN_REVIEW")]
    records, reading = read("labelbox", path, *rows, export_row(skipped=True))
    assert len(records) == 1
    assert reading.unused == {"data rows TO_LABEL": 1, "data rows IN_REWORK": 1, "skipped": 1}
    tasks = [scale_task(status=status) for status in ("pending", "canceled", "error", "completed")]
    records, reading = read("scale", path, *tasks)
    assert len(records) == 1 and reading.unused.total() == 3
    empty = {"annotations": {"entities": []}}
    given = [
        manifest("a", empty, "text-span", **{"failure-reason": "no worker"}),
        manifest("b", empty, "text-span", **{"human-annotated": "no"}),
        manifest("c", empty, "text-span"),
    ]
    records, reading = read("ground-truth", path, *given)
    assert [record["text"] for record in records] == ["c"] and reading.unused.total() == 2
    for number, status in enumerate(
        ("NotStarted", "InProgress", "Returned", "Skipped", "QualityCheck", "Completed")
    ):
        document(tmp_path, f"text {status}", status, n=number)
    reading = Reading("entities")
    path.unlink()
    records = list(FORMATS["superannotate"].read(tmp_path, reading))
    assert [r["text"] for r in records] == ["text QualityCheck", "text Completed"]
    assert records[0]["annotator"] == "bo@example.org" and reading.unused.total() == 4


PER = {"type": "entity", "classId": 1, "className": "PER", "start": 0, "end": 2, "attributes": []}
WHOLE = {
    "labelbox": export_row("Ada", [(0, 2, "PER", {"token": "Ada"})]),
    "scale": scale_task(answers=[(0, 3, "Ada", "PER")]),
    "ground-truth": manifest(
        "Ada",
        {"annotations": {"entities": [{"startOffset": 0, "endOffset": 3, "label": "PER"}]}},
        "text-span",
    ),
}


@pytest.mark.parametrize(
    "name, keys",
    [
        ("labelbox", ["data_row"]),
        ("labelbox", ["data_row", "row_data"]),
        ("labelbox", ["projects"]),
        ("labelbox", ["projects", "p1", "labels"]),
        ("labelbox", ["projects", "p1", "labels", 0, "annotations"]),
        ("labelbox", ["projects", "p1", "labels", 0, "annotations", "objects"]),
        ("labelbox", ["projects", "p1", "labels", 0, "annotations", "objects", 0, "name"]),
        ("labelbox", ["projects", "p1", "labels", 0, "annotations", "objects", 0, "location"]),
        ("scale", ["params"]),
        ("scale", ["params", "text"]),
        ("scale", ["status"]),
        ("scale", ["type"]),
        ("scale", ["response"]),
        ("scale", ["response", "annotations"]),
        ("scale", ["response", "annotations", 0, "text"]),
        ("scale", ["response", "annotations", 0, "label"]),
        ("ground-truth", ["source"]),
        ("ground-truth", ["job"]),
        ("ground-truth", ["job-metadata"]),
        ("ground-truth", ["job-metadata", "type"]),
        ("ground-truth", ["job-metadata", "human-annotated"]),
        ("ground-truth", ["job", "annotations"]),
        ("ground-truth", ["job", "annotations", "entities"]),
        ("ground-truth", ["job", "annotations", "entities", 0, "label"]),
    ],
)
def test_a_record_without_its_own_key_is_not_stored(tmp_path, name, keys):
    value = json.loads(json.dumps(WHOLE[name]))
    inner = value
    for key in keys[:-1]:
        inner = inner[key]
    del inner[keys[-1]]
    # another record says what the file is
    records, _ = read(name, tmp_path / "x.jsonl", value, WHOLE[name])
    assert "problem" in records[0] and records[0]["where"] == "x.jsonl:1"
    assert len(records[1]["spans"]) == 1


def test_superannotate_needs_the_text_and_a_status(tmp_path):
    value = document(tmp_path, "Ada lives", instances=[PER, {**PER, "classId": -1}])
    reading = Reading("entities")
    [record] = FORMATS["superannotate"].read(tmp_path, reading)
    assert "has no class" in record["problem"]
    path = tmp_path / "0.txt.json"
    for wrong in (
        {**value, "metadata": {"name": "0.txt"}},
        {**value, "metadata": {"name": "1.txt", "status": "Completed"}},
        {**value, "metadata": {"name": "../0.txt", "status": "Completed"}},
        {**value, "instances": [{"type": "polygon"}]},
        {"metadata": value["metadata"], "instances": {}},
    ):
        path.write_text(json.dumps(wrong))
        [record] = FORMATS["superannotate"].read(tmp_path, reading)
        assert "problem" in record
    path.unlink()
    with pytest.raises(AlError, match="AL400"):
        list(FORMATS["superannotate"].read(tmp_path, reading))


def test_a_place_that_disagrees_with_its_words_is_refused_with_its_line(tmp_path):
    good = scale_task(answers=[(0, 3, "Ada", "PER")])
    bad = scale_task("Ada was in Oslo", [(11, 14, "Oslo", "LOC")])
    path = jsonl(tmp_path / "x.jsonl", good, bad)
    result = convert([path], None, lang="xx", kind="ner")
    [[why]] = result.refused.values()
    assert "x.jsonl:2" in why and "another text stands there" in why and len(result.docs) == 1
    row = export_row("Ada, who lives", [(0, 3, "PER", {"token": "Ada"})])
    with pytest.raises(AlError, match=r"x\.jsonl:1.*another text stands there"):
        convert([jsonl(path, row)], None, lang="xx", kind="ner")


def test_texts_that_are_elsewhere_are_refused(tmp_path):
    path = tmp_path / "x.jsonl"
    records, _ = read("labelbox", path, export_row("https://example.org/a.txt"))
    assert "elsewhere" in records[0]["problem"]
    line = manifest("a", 1, "text-span")
    line["source-ref"] = line.pop("source")
    records, _ = read("ground-truth", path, line)
    assert "source-ref" in records[0]["problem"]


def test_a_verdict_on_labels_is_not_taken_for_labels(tmp_path):
    verdict = {"type": "groundtruth/label-verification", "class-name": "bad"}
    line = {**WHOLE["ground-truth"], "check-metadata": verdict, "check": 1}
    records, _ = read("ground-truth", tmp_path / "x", line)
    assert "verified" in records[0]["problem"]


def test_which_labels_are_meant_has_to_be_said(tmp_path):
    path = tmp_path / "x.jsonl"
    twice = {
        **WHOLE["ground-truth"],
        **manifest("Ada", {"annotations": {"entities": []}}, "text-span", "other"),
    }
    with pytest.raises(UsageError, match=r"AL330.*job, other"):
        read("ground-truth", path, twice)
    records, reading = read("ground-truth", path, twice, column="other")
    assert records[0]["spans"] == [] and reading.unused == {"job": 1}
    rows = [export_row("Ada"), export_row("Bo")]
    rows[1]["projects"]["p2"] = {**rows[1]["projects"].pop("p1"), "name": "q"}
    with pytest.raises(UsageError, match=r"AL330.*p, q"):
        read("labelbox", path, *rows)
    records, _ = read("labelbox", path, *rows, column="q")
    assert [record["text"] for record in records] == ["Bo"]
    tag = {"type": "tag", "classId": 2, "className": "news", "attributes": []}
    document(tmp_path, instances=[tag], tags=["urgent"])
    path.unlink()
    with pytest.raises(UsageError, match=r"AL330.*instances, tags"):
        list(FORMATS["superannotate"].read(tmp_path, Reading("categories")))
    [record] = FORMATS["superannotate"].read(tmp_path, Reading("categories", column="tags"))
    assert record["cats"] == {"urgent": 1.0}


# Categories


def answered(answer, **how):
    row = export_row("a text", **how)
    row["projects"]["p1"]["labels"][0]["annotations"]["classifications"] = [answer]
    check_shape("labelbox_export", row)
    return row


def test_radio_and_checklist_of_labelbox(tmp_path):
    path = tmp_path / "x.ndjson"
    radio = {"name": "topic", "radio_answer": {"name": "news"}}
    other = {"name": "topic", "radio_answer": {"name": "sport"}}
    records, _ = read("labelbox", path, answered(radio), answered(other), kind="categories")
    assert [r["cats"] for r in records] == [
        {"news": 1.0, "sport": 0.0},
        {"news": 0.0, "sport": 1.0},
    ]
    several = {"name": "tone", "checklist_answers": [{"name": "sad"}, {"name": "short"}]}
    records, _ = read("labelbox", path, answered(several), kind="categories")
    assert records[0]["cats"] == {"sad": 1.0, "short": 1.0}
    with pytest.raises(UsageError, match=r"AL330.*topic, tone"):
        read("labelbox", path, answered(radio), answered(several), kind="categories")
    # who was not asked has not said no
    records, _ = read(
        "labelbox", path, answered(radio), answered(several), kind="categories", column="topic"
    )
    assert records[0]["cats"] == {"news": 1.0} and "does not answer" in records[1]["problem"]


def test_the_older_type_of_scale_and_a_collection_that_was_answered_twice(tmp_path):
    path = tmp_path / "x.jsonl"
    params = {"attachment_type": "text", "attachment": "a text", "categories": ["a", "b"]}
    task = {"type": "categorization", "status": "completed", "params": params}
    one, several, other = (
        {**task, "response": {"category": category}} for category in ("a", ["a", "b"], "c")
    )
    records, _ = read("scale", path, one, several, other, kind="categories")
    assert [record.get("cats") for record in records] == [
        {"a": 1.0, "b": 0.0},
        {"a": 1.0, "b": 1.0},
        None,
    ]
    write_format("scale", list(labelled_docs()), path, kind="categories")
    task = lines(path)[0]
    task["response"]["annotations"]["categories"]["response"] = [["news"], ["sport"]]
    records, _ = read("scale", path, task, kind="categories")
    assert "several times" in records[0]["problem"]


def test_classes_of_ground_truth_have_names(tmp_path):
    path = tmp_path / "x.manifest"
    kind = "text-classification-multilabel"
    given = [
        manifest("a", [0, 4], kind, **{"class-map": {"0": "action", "4": "drama"}}),
        manifest("b", [0, 7], kind, **{"class-map": {"0": "action"}}),
        manifest("c", [], kind, **{"class-map": {}}),
        manifest("d", [4], kind, **{"class-map": {"0": "action", "4": "drama"}}),
        manifest("e", 4, "text-classification", **{"class-name": "drama", "confidence": 0.5}),
    ]
    records, _ = read("ground-truth", path, *given, kind="categories")
    assert [record.get("cats") for record in records] == [
        {"action": 1.0, "drama": 1.0},
        None,
        {"action": 0.0, "drama": 0.0},
        None,
        {"action": 0.0, "drama": 1.0},
    ]


# Into a run, and out of it


def asked(folder, factory="ner"):
    """A run that has asked about the texts."""
    kind, view, labels = KINDS[factory]
    store = Store(folder / "run" / "al.db")
    store.open_round(0)
    tasks = [
        make_task(
            NLP.make_doc(text),
            suggestions=[],
            component_kind=kind,
            labels=labels,
            meta={"round": 0, "component": "x"},
            view_id=view,
            exclusive=False,
        )
        for text, _ in TEXTS
    ]
    store.advance(0, "wait", tasks=[("train", task) for task in tasks])
    return store


def test_several_annotators_are_kept_apart(tmp_path):
    text = TEXTS[1][0]
    rows = [
        export_row(text, [(0, 3, "LOC", {"token": "Lund"})], who="ada"),
        export_row(text, [], who="bo"),
        export_row(text, [], who="cy", skipped=True),
    ]
    with asked(tmp_path) as store:
        result = import_answers(store, jsonl(tmp_path / "x.ndjson", *rows), format="labelbox")
        assert result.counts == {"stored": 2}
        found = {answer.annotator: answer.payload["spans"] for answer in store.answers()}
    assert [len(found[who]) for who in ("ada", "bo")] == [1, 0]


@pytest.mark.parametrize("name", ["labelbox", "scale", "ground-truth"])
@pytest.mark.parametrize("factory", KINDS)
def test_a_batch_goes_out_in_the_documented_shape(tmp_path, name, factory):
    with asked(tmp_path, factory) as store:
        tasks = [stored.task for stored in store.tasks()]
    path = tmp_path / f"batch.{SUFFIXES[name]}"
    write_batch(tasks, path, name)
    if name == "labelbox":
        found = json.loads(path.read_text())
        check_shape("labelbox_data_rows", found)
        texts = [row["row_data"] for row in found]
    else:
        found = lines(path)
        shape = {"scale": "scale_body", "ground-truth": "ground_truth_line"}[name]
        for line in found:
            check_shape(shape, line)
        texts = [
            line.get("source") or line.get("text") or line["attachments"][0]["content"]
            for line in found
        ]
    assert texts == [text for text, _ in TEXTS]


def test_the_commands(tmp_path):
    assert {one.value for one in BatchFormat} == {"prodigy", "spacy", *IN_JSON} == set(SUFFIXES)
    runner = CliRunner()
    write_shard([NLP.make_doc(text) for text, _ in TEXTS], tmp_path / "pool.spacy")
    batch = tmp_path / "batch.manifest"
    words = ["select", str(tmp_path / "pool.spacy"), "--cold", "--format", "ground-truth"]
    assert runner.invoke(app, [*words, "-n", "3", "-o", str(batch)]).exit_code == 0
    assert len(lines(batch)) == 3
    path = write_entities("labelbox", tmp_path)
    gold = tmp_path / "gold.spacy"
    done = runner.invoke(app, ["convert", str(path), "-o", str(gold), "--kind", "ner"])
    assert done.exit_code == 0 and "labelbox (a folder with" in done.output
    single = tmp_path / "one"
    single.mkdir()
    document(single, instances=[PER])
    done = runner.invoke(app, ["convert", str(single), "-o", str(gold), "-F", "--kind", "ner"])
    assert done.exit_code == 0 and "superannotate (a folder with" in done.output


def test_a_line_of_no_data_row_spoils_the_folder(tmp_path):
    """It may have been of any text, and a span that is gone would teach that it is none."""
    path = write_entities("labelbox", tmp_path)
    file = path / "annotations.ndjson"
    given = lines(file)
    given[0]["dataRow"]["globalKey"] = "another"
    jsonl(file, *given)
    with pytest.raises(AlError, match=r"AL335.*no data row is 'another'"):
        convert([path], None, lang="xx", kind="ner")
