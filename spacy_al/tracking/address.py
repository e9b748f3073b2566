"""An address without what is secret in it, and messages of others in which it may stand."""

import os
import re
from urllib.parse import unquote, urlsplit

# Where others keep them: they are in no message of ours either
SECRETS = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "WANDB_API_KEY")
USERINFO = re.compile(r"//[^/\s]*@")
STARS = "***"


def shown_address(address: str) -> str:
    """An address without user, password, and what stands behind a question mark."""
    return USERINFO.sub("//", address.partition("?")[0])


def without_secrets(text: str, address: str | None = None) -> str:
    """A message without the credentials of an address, or those in the environment.

    text (str): From elsewhere.
    address (str | None): To which something was sent.
    """
    secrets = {os.environ.get(name, "") for name in SECRETS}
    if address:
        text = text.replace(address, shown_address(address))
        parts = urlsplit(address)
        userinfo = parts.netloc.rpartition("@")[0]
        password = userinfo.partition(":")[2]
        secrets |= {parts.query, userinfo, password, unquote(password)}
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, STARS) if secret else text
    return USERINFO.sub("//", text)
