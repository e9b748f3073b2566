"""The review list and its answers: what is asked, what is drawn, and what is said of the rest."""

import json

import numpy
import pytest
import spacy

from spacy_al.auditing.answered import read_review
from spacy_al.auditing.finding import Finding
from spacy_al.auditing.judged import JudgedCorpus, JudgedText
from spacy_al.auditing.review import make_review, proposed_marks, rank_findings
from spacy_al.errors import AlError, AlWarning
from spacy_al.evaluation.gold import SpanAnswer
from spacy_al.measures.mark_errors import BOUNDARY, LABEL, MISSING, SPURIOUS
from spacy_al.tasks.answer import check
from spacy_al.tasks.task import write_tasks

NLP = spacy.blank("en")
META = {"round": 0, "component": "ner", "model": "x"}


def text(row, words, marks, findings=()):
    doc = NLP.make_doc(words)
    return JudgedText(
        row, doc, SpanAnswer(frozenset(marks), numpy.ones(len(doc), bool)), [*findings]
    )


def corpus(texts, labels=("A", "B")):
    return JudgedCorpus("entities", "ner", "ner", [*labels], True, len(texts), [*texts])


def doubted(row, score=0.9):
    one = Finding(0, 1, "A", 1 - score, (0, 1, "B"), score, LABEL)
    return text(row, f"word{row} and more", [(0, 1, "A")], [one])


def sure(row):
    one = Finding(0, 1, "A", 0.9, (0, 1, "B"), 0.1, LABEL)
    return text(row, f"word{row} and more", [(0, 1, "A")], [one])


def test_the_most_doubtful_come_first_and_others_by_chance():
    found = corpus([sure(row) if row % 2 else doubted(row, 0.6 + row / 100) for row in range(20)])
    rows = rank_findings(found)
    assert [row.row - 1 for row in rows] == [*range(18, -1, -2)]
    assert [row.rank for row in rows] == [*range(1, 11)]
    tasks = make_review(found, 4, 5, 0, META)
    by = {"chosen": [], "random": []}
    for task in tasks:
        by[task["audit"]["draw"]].append(task)
    assert [task["audit"]["row"] - 1 for task in by["chosen"]] == [18, 16, 14, 12]
    assert len(by["random"]) == 5 and len({task["text"] for task in tasks}) == 9
    assert {task["meta"]["propensity"] for task in by["chosen"]} == {1.0}
    assert {task["meta"]["propensity"] for task in by["random"]} == {5 / 16}
    assert [task["meta"]["rank"] for task in tasks] == [*range(1, 10)]
    assert tasks == make_review(found, 4, 5, 0, META) != make_review(found, 4, 5, 1, META)
    for task in tasks:
        assert check(task, {"answer": "accept", "spans": task["spans"]})
        assert task["audit"]["given"] == [[0, 1, "A"]]
        assert task["meta"]["reason"].startswith("“word")


def test_texts_by_chance_are_all_alike_likely():
    found = corpus([sure(row) for row in range(10)])
    counts = numpy.zeros(10)
    for seed in range(300):
        for task in make_review(found, 2, 2, seed, META):
            if task["audit"]["draw"] == "random":
                counts[task["audit"]["row"] - 1] += 1
    assert counts[:2].sum() == 0
    # 300 * 2 / 8 each, within four standard deviations
    assert (abs(counts[2:] - 75) < 4 * (75 * 0.75) ** 0.5).all()


def test_what_is_suggested_has_the_doubted_changed():
    marks = {(0, 1, "A"), (2, 3, "A"), (4, 6, "A"), (8, 9, "A")}
    findings = [
        Finding(0, 1, "A", 0.1, (0, 1, "B"), 0.8, LABEL),
        Finding(2, 3, "A", 0.1, None, 0.8, SPURIOUS),
        Finding(4, 6, "A", 0.1, (4, 7, "A"), 0.8, BOUNDARY),
        Finding(9, 10, None, 0.1, (9, 10, "B"), 0.8, MISSING),
        # more probable, and hardly to be believed itself
        Finding(8, 9, "A", 0.01, (7, 9, "B"), 0.1, BOUNDARY),
    ]
    one = text(0, "a b c d e f g h i j", marks, findings)
    expected = {(0, 1, "B"), (4, 7, "A"), (8, 9, "A"), (9, 10, "B")}
    assert proposed_marks(one, ["A", "B"], flat=True) == expected
    over = Finding(6, 7, None, 0.1, (6, 9, "B"), 0.8, MISSING)
    crossed = text(0, "a b c d e f g h i j", {(8, 9, "A")}, [over])
    assert proposed_marks(crossed, ["A", "B"], flat=True) == {(8, 9, "A")}
    assert len(proposed_marks(crossed, ["A", "B"], flat=False)) == 2


@pytest.fixture
def listed(tmp_path):
    found = corpus([doubted(row) if row < 4 else sure(row) for row in range(44)])
    tasks = make_review(found, 4, 10, 0, META)
    path = tmp_path / "audit.jsonl"
    write_tasks(tasks, path)
    return path, tasks


def answered(path, tasks, says):
    lines = [{**task, **said} for task in tasks if (said := says(task)) is not None]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf8")
    return path


def right(task):
    """Chosen ones are B, and so is every other one by chance."""
    is_wrong = task["audit"]["draw"] == "chosen" or task["audit"]["row"] % 2
    span = {"start": 0, "end": task["tokens"][0]["end"], "token_start": 0, "token_end": 0}
    return {"answer": "accept", "spans": [{**span, "label": "B" if is_wrong else "A"}]}


def test_answers_say_what_was_wrong_and_what_is_left(listed):
    path, tasks = listed
    found = read_review(path, answered(path.with_name("a.jsonl"), tasks, right))
    odd = sum(t["audit"]["row"] % 2 for t in tasks if t["audit"]["draw"] == "random")
    assert found.answered == found.listed == {"chosen": 4, "random": 10}
    assert found.wrong == {"chosen": 4, "random": odd}
    assert found.kinds == {LABEL: 4 + odd} and found.open == 0
    left = found.remaining
    assert (left.unseen, left.drawn, left.wrong) == (30, 10, odd)
    # every text has one mark, and so a size of 2: 30 texts are three times those drawn
    assert left.texts == pytest.approx(3 * odd) and left.marks == pytest.approx(3 * odd)
    assert left.texts_low < left.texts < left.texts_high


def test_the_last_answer_counts_and_silence_is_none(listed):
    path, tasks = listed
    file = path.with_name("a.jsonl")
    drawn = [task for task in tasks if task["audit"]["draw"] == "random"]
    answered(file, tasks, right)
    with file.open("a", encoding="utf8") as lines:
        for said in ({"answer": "ignore"}, {"answer": "reject", "spans": []}):
            lines.write(json.dumps({**drawn[0], **said}) + "\n")
        again = {**drawn[1], **right({**drawn[1], "audit": {"draw": "chosen", "row": 1}})}
        lines.write(json.dumps(again) + "\n")
    with pytest.warns(AlWarning, match="ALW422"):
        found = read_review(path, file)
    assert found.answered["random"] == 9 and found.remaining.unseen == 31
    waiting = answered(file, tasks, lambda t: right(t) if t["audit"]["row"] != 1 else None)
    assert read_review(path, waiting).open == 1


def test_what_says_nothing_of_the_rest(listed, tmp_path):
    path, tasks = listed
    file = tmp_path / "answers.jsonl"
    only = answered(file, tasks, lambda t: right(t) if t["audit"]["draw"] == "chosen" else None)
    with pytest.raises(AlError, match="AL424"):
        read_review(path, only)
    other = answered(file, [{**task, "text": "elsewhere"} for task in tasks], right)
    with pytest.raises(AlError, match="AL425"):
        read_review(path, other)
    plain = tmp_path / "plain.jsonl"
    plain.write_text('{"text": "no list"}\n', "utf8")
    with pytest.raises(AlError, match="AL423"):
        read_review(plain, file)


def test_categories_are_asked_as_they_are_proposed():
    doc = NLP.make_doc("where is my card")
    one = Finding(0, 0, "A", 0.1, (0, 0, "B"), 0.3, "swapped")
    found = JudgedCorpus("categories", "textcat", "textcat", ["A", "B", "C"], True, 1)
    found.texts.append(JudgedText(0, doc, {"A": True, "B": False}, [one]))
    (task,) = make_review(found, 1, 0, 0, META)
    assert task["accept"] == ["B"] and task["audit"]["given"] == [[0, 0, "A"]]
    assert {option["id"]: option.get("score") for option in task["options"]} == {
        "A": 0.1,
        "B": 0.3,
        "C": None,
    }
    assert check(task, {"answer": "accept", "accept": ["B"]})
