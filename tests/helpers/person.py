"""What a person does in a journey: answer in the browser, as somebody who knows what is right."""

from spacy_al.store.store import Store
from tests.helpers.web_page import press


def answer(page, mouse, database, right):
    """Correct what is suggested, as somebody who knows what is right, and accept."""
    page.wait_for_selector("main article .text")
    shown = page.locator("main article").get_attribute("data-task")
    with Store(database) as store:
        task = next(one.task for one in store.tasks() if one.id == shown)
    wanted = {(start, end, label) for start, end, label in right[task["text"]]}
    marked = {(s["token_start"], s["token_end"], s["label"]) for s in task.get("spans", ())}
    for start, _, _ in sorted(marked - wanted):
        mouse.word(start)
        mouse.button("Delete")
    for start, end, label in sorted(wanted - marked):
        mouse.drag(start, end) if end > start else mouse.word(start)
        mouse.button(label)
    press(page, "a")
    page.wait_for_selector(f"main:not(:has(article[data-task='{shown}']))")
