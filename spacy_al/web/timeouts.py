"""Connections that say nothing, or a byte now and then, are closed: a server runs out of sockets before it runs out of work."""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from spacy_al.web.guard import PATIENCE


class Impatient(H11Protocol):
    """uvicorn's HTTP, which itself waits for the head of a request as long as somebody likes."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._look(object())

    def _look(self, before: Any) -> None:
        """Close if since the last look no request has begun."""
        if self.transport.is_closing():
            return
        if self.conn.their_state is h11.IDLE and self.cycle is before:
            self.transport.abort()
            return
        self.loop.call_later(PATIENCE, self._look, self.cycle)
