"""A pool in which one ward is rare and different: the alarm that its score is lower, what is said of a ward that is too small, and what quotas do about it."""

import json
from dataclasses import replace

import pytest

from spacy_al.cli.status import format_status
from spacy_al.errors import AlWarning
from spacy_al.loop.groups import measure_groups
from spacy_al.loop.report import write_report
from spacy_al.loop.status import status
from spacy_al.posteriors.component import open_component
from spacy_al.store.store import Store
from tests.helpers.wards import SAMPLERS, by_ward, ward_run, ward_texts, write_texts, write_wards

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wards")
    write_wards(folder)
    return {name: ward_run(folder, name) for name in SAMPLERS}


def test_the_ward_that_is_served_worse_is_named_and_the_small_one_is_not(runs):
    rows = by_ward(runs["uniform"])
    assert {name: row["pool"] for name, row in rows.items()} == {
        "north": 700,
        "south": 40,
        "west": 10,
    }
    assert sum(row["asked"] for row in rows.values()) == 60
    assert rows["south"]["differs"] and rows["south"]["score"] < rows["south"]["rest"]
    low, high = rows["south"]["interval"]
    assert low < rows["south"]["score"] < high
    # eight texts, of which half are wrong: nothing is claimed
    assert rows["west"]["texts"] == 8 and rows["west"]["p"] is None and not rows["west"]["differs"]
    found = status(runs["uniform"])
    json.dumps(found)
    (risk,) = [one for one in found["risks"] if one["name"] == "groups served unequally"]
    assert risk["state"] == "alarm" and "south" in risk["figure"] and "west" not in risk["figure"]
    said = format_status(found)
    assert "⚠ Can go wrong: groups served unequally. By of.ward: " in said
    assert "Too small for any claim" in said and "west (8)" in said


def test_the_report_has_the_same(runs, tmp_path):
    page = write_report(runs["uniform"], folder=tmp_path).read_text("utf8")
    assert 'id="groups"' in page and "Alarm: groups served unequally." in page


def test_quotas_for_its_labels_raise_the_score_of_the_rare_ward(runs):
    before, after = (by_ward(runs[name])["south"] for name in ("uniform", "quotas"))
    assert after["asked"] > 2 * before["asked"]
    # 60 answers each: .55 (.40 to .70) became .95 (.88 to 1.00) where this was measured
    assert after["interval"][0] > before["score"] + 0.1 and not after["differs"]


def test_labels_are_told_beside_what_the_pool_holds(runs):
    found = status(runs["uniform"])["labels_in_pool"]
    assert {row["label"] for row in found} == {"DIET", "DRUG", "ROOM", "VISIT"}
    # about, as of a label that too few of the answers have it is what the model expects
    assert sum(row["expected"] for row in found) == pytest.approx(750, rel=0.05)
    with Store(runs["uniform"].database, create=False) as store:
        labelled = store.metrics()[1]["labelled"]
    # all that it learned from: the texts of paths.train, and the answers
    assert sum(labelled.values()) == 154


def test_a_field_that_nobody_has_is_said(runs, tmp_path):
    project = runs["uniform"]
    component = open_component(str(project.folder(1) / "model-best"), "textcat")
    plain = ward_texts(9, north=12)
    for doc in plain:
        doc.user_data.clear()
    bare = write_texts(tmp_path / "bare.spacy", plain)

    def measured(**changed):
        own = replace(project, settings=replace(project.settings, **changed))
        with Store(project.database, create=False) as store:
            score = store.metrics()[1]["dev"]
            return measure_groups(store, own, component, bare, store.labels(), score)

    with pytest.warns(AlWarning, match=r"ALW480.*of\.street.*--meta-key of\.street"):
        assert measured(groups="of.street") is None
    with pytest.warns(AlWarning, match=r"ALW481.*12 texts of .*bare\.spacy"):
        found = measured(dev=bare)
    assert all(row["p"] is None for row in found["rows"])
