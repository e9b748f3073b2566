"""Where the server of the page is, and by which names."""

import ipaddress
import os
import socket

from spacy_al.errors import AlError, Errors

PORT = 8765


def listen(host: str, port: int | None) -> socket.socket:
    """A socket to serve on.

    port (int | None): 0 for any free one; None for the usual one, or any free one where that is taken. A browser keeps answers by
        address: where it finds the next server at the same one it sends what it could not send to the last.
    RAISES (AlError): AL272 if nothing can be served there.
    """
    if port is None:
        try:
            return listen(host, PORT)
        except AlError:
            port = 0
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # with its protocol, or asyncio does not know it for TCP, and small replies wait 40 ms for each other (Nagle)
        listener = socket.socket(*found[:3])
        try:
            if os.name == "posix":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(found[4])
            # before a browser is sent there: it waits for the server, and is not turned away
            listener.listen()
        except BaseException:
            listener.close()
            raise
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise AlError(Errors.AL272.format(host=host, port=port, why=why)) from error
    return listener


def is_local(host: str) -> bool:
    """Whether nobody else's machine reaches it."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def own_names(host: str) -> set[str]:
    """How the browser of an annotator may call a server at this address."""
    local = {"127.0.0.1", "localhost", "::1"}
    return local if is_local(host) else {*local, host, link_host(host), socket.getfqdn()}


def link_host(host: str) -> str:
    """The address in a link; that of all interfaces is none."""
    if host in ("0.0.0.0", "::"):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
