"""What a run notes of itself beside questions and answers: the numbers and the model of each round, and what happened."""

import time
from collections.abc import Iterator
from typing import Any

from spacy_al.metrics import RoundMetrics
from spacy_al.store.database import Database
from spacy_al.store.rows import seal
from spacy_al.tasks.records import Event, StoredModel


class Journal(Database):
    """The part of `Store` that notes."""

    def metrics(self) -> dict[int, RoundMetrics]:
        """Of every round that has any, by name."""
        found: dict[int, Any] = {}
        rows = self.read("SELECT round, name, value FROM metrics ORDER BY round, name")
        for number, name, value in rows:
            found.setdefault(number, {})[name] = self.loads(value, number, name)
        return found

    def models(self) -> dict[int, StoredModel]:
        """Of every round that has trained: hash, path, seconds, versions."""
        rows = self.read("SELECT round, hash, path, seconds, versions FROM models ORDER BY round")
        return {
            number: {
                "hash": hash,
                "path": path,
                "seconds": seconds,
                "versions": self.loads(versions, number, hash, path, seconds),
            }
            for number, hash, path, seconds, versions in rows
        }

    def log(self, kind: str, **data: Any) -> None:
        """Record that something happened."""
        at = time.time()
        sql = "INSERT INTO events (at, kind, data) VALUES (?, ?, ?)"
        with self.transaction() as connection:
            connection.execute(sql, (at, kind, seal(data, at, kind)))

    def events(self) -> Iterator[Event]:
        """The events, in order: seq, at, kind, data."""
        rows = self.read("SELECT seq, at, kind, data FROM events ORDER BY seq")
        return (
            {"seq": seq, "at": at, "kind": kind, "data": self.loads(data, at, kind)}
            for seq, at, kind, data in rows
        )
