"""docs/architecture.md: the picture is that of the imports, each room is in it, and the walk is one that is walked."""

import re
import sys
from pathlib import Path

import spacy

from spacy_al.corpus.shard import write_shard
from spacy_al.query.select import select
from tests.helpers.floors import COMMAND, FLOOR_OF, FLOORS, NEIGHBOURS, PACKAGE, draw_floors
from tests.helpers.ner_oracle import make_ner

DOCS = Path(__file__).parents[1] / "docs"
TEXT = (DOCS / "architecture.md").read_text("utf8")


def part(name):
    return re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", TEXT, flags=re.DOTALL)[1]


def test_the_picture_is_that_of_the_imports():
    assert (DOCS / "architecture.svg").read_text("utf8") == draw_floors(), f"run {COMMAND}"
    assert COMMAND in TEXT


def test_a_first_import_changes_the_picture(tmp_path):
    (tmp_path / "loop").mkdir()
    (tmp_path / "loop" / "box.py").write_text("import spacy_al.web.box\n")
    (tmp_path / "util.py").write_text("import spacy_al.cli.app\n")
    drawn = draw_floors(tmp_path)
    assert re.findall("<title>(.*? imports .*?)</title>", drawn) == [
        "loop imports web",
        "util imports cli",
    ]


def test_eight_sentences_name_every_room_once():
    sentences = part("floors").splitlines()
    assert len(sentences) == len(FLOORS) and all(one.endswith(".") for one in sentences)
    for one in sentences:
        floor = int(re.match(r"- \*\*(\d)\*\*", one)[1])
        rooms = [name for name in re.findall(r"`([\w.]+)`", one) if name in FLOOR_OF]
        assert sorted(rooms) == sorted(FLOORS[floor])
    assert ("there are two" in TEXT) == (len(NEIGHBOURS) == 2)


def test_the_walk_is_walked(tmp_path):
    rows = re.findall(r"^\| (\d) \| `([\w/.]+)` `([\w.]+)` \|", part("walk"), flags=re.MULTILINE)
    assert len(rows) == part("walk").count("\n") - 2
    make_ner(updates=3).to_disk(tmp_path / "model")
    doc = spacy.blank("en").make_doc("Dr Smith gave him aspirin.")
    write_shard([doc], tmp_path / "pool.spacy")
    called = []

    def note(frame, event, _):
        if event == "call" and frame.f_code.co_filename.startswith(str(PACKAGE)):
            name = Path(frame.f_code.co_filename).relative_to(PACKAGE).as_posix()
            called.append((name, frame.f_code.co_name))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        model = str(tmp_path / "model")
        batch = select(tmp_path / "pool.spacy", model=model, acquisition="token_entropy")
    finally:
        sys.setprofile(before)
    assert [task["text"] for task in batch.tasks] == [doc.text]
    steps = iter(called)
    for floor, name, function in rows:
        assert FLOOR_OF[name.split("/")[0].removesuffix(".py")] == int(floor), name
        # each comes after the one before
        assert (name, function.rsplit(".", 1)[-1]) in steps, f"{name} {function} is not next"
    read = called.index(("corpus/pool.py", "read_shard_items"))
    picked = called.index(("query/questions.py", "make_questions"))
    assert called[read:picked].count(("posteriors/component.py", "posteriors")) == 1
