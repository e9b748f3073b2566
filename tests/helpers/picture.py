"""Draw the page on which people answer, for the README.

python -m tests.helpers.picture docs/page.png
"""

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from playwright.sync_api import sync_playwright

from tests.helpers import web_tasks as made
from tests.helpers.web_page import open_page, press, serving
from tests.reporting.test_report_browser import launch

TEXT = "She was switched from metoprolol to bisoprolol 5 mg once daily because of bradycardia."
TASK = {
    **made.task(
        TEXT,
        suggestions=[(4, 5, "DRUG", 0.97), (6, 9, "DRUG", 0.58), (13, 14, "CONDITION", 0.91)],
        labels=["CONDITION", "DRUG", "DOSAGE", "PROCEDURE"],
    ),
    "uncertainty": [0, 0, 0, 0, 0.1, 0, 0.3, 0.6, 0.7, 0.1, 0, 0, 0, 0.3, 0],
}
META = {
    "doc": "note-17",
    "before": "Seen in clinic three weeks after discharge, feeling well.",
    "after": "Heart rate at rest is now 64.",
    "why": "“bisoprolol 5 mg” DRUG 0.58, “bisoprolol” DRUG 0.36",
}
GUIDELINES = """Mark what the note names, also where it is denied.

DRUG: the name alone.
DOSAGE: number and unit, without the frequency.
CONDITION: findings and diagnoses."""


def main(path: Annotated[Path, typer.Argument(help="The .png to write")]) -> None:
    """Draw the page on which people answer."""
    task = {**TASK, "meta": {**TASK["meta"], **META}}
    more = [made.entities(k) for k in range(19)]
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), [task, *more], guidelines=GUIDELINES) as server,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright)
        context = browser.new_context(
            viewport={"width": 1200, "height": 560}, device_scale_factor=1.25, color_scheme="light"
        )
        page = open_page(context, server.url)
        page.wait_for_selector("article")
        press(page, "h", ".", ".")
        page.screenshot(path=path)
        browser.close()


if __name__ == "__main__":
    typer.run(main)
