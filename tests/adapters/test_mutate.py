"""A damaged file becomes a right corpus, or is refused with a code; one that is not damaged, or not in its labels, is accepted."""

import pytest

from tests.helpers.mutate import DAMAGE, FORMATS, run


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_damaged_files(format):
    if format == "xlsx":
        pytest.importorskip("openpyxl")
    counts, faults = run(6 * len(DAMAGE), seed=1, formats=[format])
    assert not faults
    found = counts[format]
    # what is not damaged is taken whole
    for how in ("none", "outside"):
        assert {what for (of, what) in found if of == how} <= {"accepted", "as it was"}
    assert found["none", "accepted"] == 6
    # damage is not always met with a refusal, nor never
    outcomes = {what for (of, what) in found if of in ("flip", "drop")}
    assert "accepted" in outcomes or "partly" in outcomes
    assert "refused" in outcomes or "partly" in outcomes


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_damaged_files_of_answers(format):
    """Taken into a run: what it is taught then is what the file says, and the rest is refused and counted."""
    if format == "xlsx":
        pytest.importorskip("openpyxl")
    counts, faults = run(4 * len(DAMAGE), seed=1, formats=[format], verb="import")
    assert not faults
    found = counts[format]
    for how in ("none", "outside"):
        assert {what for (of, what) in found if of == how} <= {"accepted", "as it was"}
    assert found["none", "accepted"] == 4
    assert {"refused", "partly"} & {
        what for (of, what) in found if of in ("flip", "drop", "rename")
    }
