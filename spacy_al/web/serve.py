"""The page, its server, and the steps of the loop beside it, until somebody ends them."""

import getpass
import json
import os
import secrets
import socket
import threading
import warnings
import webbrowser
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from spacy_al.adapters.label_studio.server import Server, open_server
from spacy_al.config.project import Project
from spacy_al.errors import AlError, AlWarning, Errors, UsageError, Warnings
from spacy_al.recipe import load_recipe
from spacy_al.tasks.answer import check_name
from spacy_al.util import replacing, why_not
from spacy_al.web.address import is_local, link_host, listen, own_names

HOST = "127.0.0.1"


# In the output of a run: the token of each annotator, for nobody but their owner to read
TOKENS = "tokens.json"


# The environment variable with the token of the webhook, and its shortest length
HOOK_TOKEN, LEAST = "SPACY_AL_WEBHOOK_TOKEN", 20


GUIDELINES = ("guidelines.md", "guidelines.txt")


def annotate(
    project: Project,
    *,
    host: str = HOST,
    port: int | None = None,
    annotators: Sequence[str] = (),
    names: Sequence[str] = (),
    guidelines: Path | None = None,
    label_studio: bool = False,
    browse: bool = False,
    quiet: bool = False,
    show: Callable[[str], None],
) -> None:
    """Serve the page until Ctrl-C.

    project (Project): What to work on.
    host, port (str, int | None): Where to listen, as `listen` takes it.
    annotators (Sequence[str]): Who gets a link with a token. Without any whoever is on this machine may answer.
    names (Sequence[str]): By which it is reached, beside the machine's own.
    guidelines (Path | None): Shown beside the texts.
    label_studio (bool): Ask in Label Studio as well, and let it call this server.
    browse (bool): Open it in a browser, unless a token is needed.
    quiet (bool): Show links and errors only.
    show (Callable): Takes each line for the terminal.
    RAISES (AlError): AL270 without the extra, AL271 beyond this machine without annotators, AL272 if the address is
        taken, AL273 for guidelines that cannot be read, AL274 for damaged tokens, AL401 for a short one; what `open_server` and the store raise.
    """
    check_extra()
    local = is_local(host)
    if not local and not annotators:
        raise UsageError(Errors.AL271.format(host=host))
    tokens = read_access_tokens(project.output / TOKENS, annotators) if annotators else None
    read_hook_token()
    # before anything is started
    if project.settings.recipe:
        load_recipe(project.settings.recipe)
    text = read_guidelines(project.config, guidelines)
    server = open_server(project.output) if label_studio else None
    listener = listen(host, port)
    if not local:
        warnings.warn(Warnings.W270.format(host=host), AlWarning, stacklevel=2)
    address = f"http://{link_host(host)}:{listener.getsockname()[1]}/"
    links = [f"{address}#{quote(token)}" for token in tokens or ()] or [address]
    for who, link in zip([*(tokens or {}).values()] or [""], links):
        show(f"✔ {who + ': ' if who else ''}{link}")
    if not quiet:
        show("ℹ Ctrl-C ends it; the same command goes on where it was.")
    # the words of a browser's command can be read by others on this machine, and a link with a token is for its owner alone
    if browse and not tokens:
        # one in the terminal keeps who has opened it
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    own = f"http://{[*names, link_host(host)][0]}:{listener.getsockname()[1]}"
    known = {*names, *own_names(host)}
    serve(project, listener, known, tokens, text, (server, own) if server else None, quiet, address)


def serve(
    project: Project,
    listener: socket.socket,
    hosts: set[str],
    tokens: dict[str, str] | None,
    guidelines: str | None,
    label_studio: tuple[Server, str] | None = None,
    quiet: bool = False,
    address: str = "",
) -> None:
    """Answer requests and do the steps of the loop until a signal comes."""
    import uvicorn

    from spacy_al.web.app import Desk, make_app
    from spacy_al.web.background import Steps
    from spacy_al.web.guard import guarded
    from spacy_al.web.hook import add_hook
    from spacy_al.web.recipe_feed import Feed
    from spacy_al.web.timeouts import Impatient

    steps, settings = Steps(project, quiet, address), project.settings
    feed = Feed(project) if settings.recipe else None
    desk = Desk(
        project.database,
        project.config.stem,
        guidelines,
        overlap=settings.overlap,
        steps=steps,
        feed=feed,
        at_least=project.at_least,
        team=[*tokens.values()] if tokens else None,
    )
    names = {name.lower() for name in hosts}
    inner, courier, secret = make_app(desk), None, None
    if label_studio:
        from spacy_al.web.label_studio import PREFIX, Courier, add_backend
        from spacy_al.web.suggester import Suggester

        server, own = label_studio
        courier = Courier(project, server, own + PREFIX, steps.wake)
        steps.after, secret = courier.wake, courier.credentials
        add_backend(inner, courier, Suggester(project))
    hook = read_hook_token()
    if hook:
        add_hook(inner, steps)
    page = guarded(inner, hosts=names, tokens=tokens, nobody=user(), machine=secret, hook=hook)
    how: dict[str, Any] = {"log_level": "warning", "access_log": False, "server_header": False}
    # whoever asks for a WebSocket gets the page, whether or not something is installed that could speak it
    how |= {"http": Impatient, "ws": "none"}
    config = uvicorn.Config(page, proxy_headers=False, **how)
    steps.start()
    if courier:
        courier.start()
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    finally:
        steps.stop()
        if feed:
            feed.stop()
        if courier:
            courier.stop()
        listener.close()


def check_extra() -> None:
    """RAISES (AlError): AL270 for a package that is missing."""
    for missing in ("fastapi", "uvicorn"):
        if not has(missing):
            raise AlError(Errors.AL270.format(missing=missing))


def has(package: str) -> bool:
    """Whether a package can be imported, without doing so."""
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def read_access_tokens(path: Path, annotators: Sequence[str]) -> dict[str, str]:
    """Token -> annotator, of these annotators; links that people have got stay as they are.

    path (Path): Where tokens are kept.
    RAISES (AlError): AL274 if it holds something else, AL115 for a name that cannot be kept.
    """
    known: dict[str, Any] = {}
    if path.is_file():
        try:
            known = json.loads(path.read_text("utf8"))
            if not all(isinstance(token, str) and len(token) >= 20 for token in known.values()):
                raise ValueError("a token is too short")
        except (OSError, ValueError, AttributeError, RecursionError) as error:
            raise AlError(Errors.AL274.format(path=path, why=error)) from error
    own: dict[str, str] = {
        check_name("annotator", who): known.get(who) or secrets.token_urlsafe(24)
        for who in annotators
    }
    if not own.items() <= known.items():
        try:
            with replacing(path, private=True) as file:
                json.dump({**known, **own}, file, indent=2)
        except OSError as error:
            raise AlError(Errors.AL047.format(path=path, why=why_not(error))) from error
    return {token: who for who, token in own.items()}


def read_hook_token() -> str | None:
    """What the webhook is called with; None where there is none. RAISES (UsageError): AL401."""
    token = os.environ.get(HOOK_TOKEN)
    if token and len(token) < LEAST:
        raise UsageError(Errors.AL401.format(name=HOOK_TOKEN, found=len(token), least=LEAST))
    return token or None


def read_guidelines(config: Path, path: Path | None) -> str | None:
    """The guidelines that are named, or those beside the config.

    RAISES (AlError): AL273 if they cannot be read.
    """
    if path is None:
        found = (config.parent / name for name in GUIDELINES)
        path = next((file for file in found if file.is_file()), None)
    try:
        return None if path is None else path.read_text("utf8")
    except (OSError, ValueError) as error:
        raise AlError(Errors.AL273.format(path=path, why=error)) from error


def user() -> str:
    """Whose answers those of this machine are, unless the page is opened with `?annotator=`."""
    try:
        return check_name("annotator", getpass.getuser())
    except (OSError, KeyError, ImportError, AlError):
        return "annotator"
