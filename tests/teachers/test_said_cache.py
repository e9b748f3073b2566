"""What a teacher said is kept whole or not at all, damage is noticed, and a forgotten text leaves it."""

import json

import pytest

from spacy_al.corpus.forgotten import Forgotten
from spacy_al.errors import AlError, AlWarning
from spacy_al.loop.forget_files import remove_from_file
from spacy_al.teachers.removal import remove_from_said
from spacy_al.teachers.said import TeacherSaid
from spacy_al.teachers.said_cache import (
    SUFFIX,
    SaidBatch,
    SaidCache,
    read_said_batch,
    write_said_batch,
)

IDS = [f"{k:016x}" for k in range(4)]
SAID = TeacherSaid(((0, 4, "A"),))


def filled(folder):
    cache = SaidCache(folder, "hash")
    path = cache.begin(3)
    cache.finish(
        path,
        SaidBatch(3, {IDS[0]: SAID, IDS[1]: TeacherSaid(cats={"x": 1.0})}, {IDS[2]: "ValueError"}),
    )
    return cache, path


def test_it_comes_back_and_others_take_it_in(tmp_path):
    other = SaidCache(tmp_path, "hash")
    cache, _ = filled(tmp_path)
    other.refresh()
    for one in (cache, other, SaidCache(tmp_path, "hash")):
        assert one.said == {IDS[0]: SAID, IDS[1]: TeacherSaid(cats={"x": 1.0})}
        assert one.failures == {IDS[2]: 1} and one.calls == 3
    # no other teacher's
    assert SaidCache(tmp_path, "other").calls == 0
    # what went well at last is no failure
    path = cache.begin(1)
    cache.finish(path, SaidBatch(1, {IDS[2]: SAID}, {}))
    assert not cache.failures and cache.calls == 4


def test_a_process_that_is_killed_has_counted_its_calls(tmp_path):
    cache, _ = filled(tmp_path)
    cache.begin(7)
    assert SaidCache(tmp_path, "hash").calls == 10 and len(SaidCache(tmp_path, "hash").said) == 2


@pytest.mark.parametrize("damage", ["", "half", "word", "number", "format", "other"])
def test_damage_is_noticed_and_said_and_what_was_there_is_asked_again(tmp_path, damage):
    _, path = filled(tmp_path)
    text = path.read_text()
    _, _, body = text.partition("\n")
    changed = {
        "": "",
        "half": text[: len(text) // 2],
        "word": text.replace('"A"', '"B"'),
        "number": text.replace('"calls": 3', '"calls": 1'),
        "format": text.replace('"format": 1', '"format": 9'),
        "other": "[1, 2]\n" + body,
    }[damage]
    path.write_text(changed)
    with pytest.raises(ValueError):
        read_said_batch(path)
    cache = SaidCache(tmp_path, "hash")
    assert not cache.said and not cache.calls
    with pytest.warns(AlWarning, match=r"ALW440.*1 files"):
        cache.mend()
    assert not path.exists()
    cache.mend()


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path):
    (tmp_path / "hash").write_text("a file")
    with pytest.raises(AlError, match="AL046"):
        SaidCache(tmp_path, "hash")


def test_a_text_is_forgotten_and_its_call_is_not(tmp_path):
    _, path = filled(tmp_path)
    gone = Forgotten(ids=frozenset(IDS[1:3]))
    assert remove_from_file(path, gone, dry=True).texts == 2
    assert len(read_said_batch(path).said) == 2
    assert remove_from_said(path, gone).texts == 2
    assert read_said_batch(path) == SaidBatch(3, {IDS[0]: SAID}, {})
    assert not remove_from_said(path, gone)
    # what cannot be read may hold it
    path.write_text(path.read_text()[:-3])
    assert remove_from_said(path, gone, dry=True).texts == 1 and path.exists()
    assert remove_from_said(path, gone).texts == 1 and not path.exists()


def test_no_text_and_no_message_is_kept(tmp_path):
    path = tmp_path / f"x{SUFFIX}"
    write_said_batch(path, SaidBatch(1, {IDS[0]: SAID}, {IDS[1]: "ValueError"}))
    for line in path.read_text().splitlines()[1:]:
        assert set(json.loads(line)) <= {"id", "marks", "cats", "failed"}
