"""The webhook of any other tool: something was answered, so it is looked at once whether the next step is due."""

from fastapi import FastAPI

from spacy_al.web.background import Steps
from spacy_al.web.guard import HOOK


def add_hook(app: FastAPI, steps: Steps) -> None:
    """Answer at HOOK; the guard lets nobody there without the token.

    app (FastAPI): The page's.
    steps (Steps): Are woken. What is sent is not looked at: answers come by `import`.
    """

    # a body that is not in the signature is not read
    def woken() -> dict[str, str]:
        steps.wake()
        return {"state": steps.state()}

    app.add_api_route(HOOK, woken, methods=["POST"], include_in_schema=False)
