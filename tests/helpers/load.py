"""Many annotators at once on a real server, while a model trains beside it: is an answer lost or kept twice, and how long do they wait?

    python -m tests.helpers.load --annotators 50 --answers 20000

The server is `annotate` in a process of its own, with a token for each annotator, and is killed with SIGKILL on the way.
Annotators are threads in other processes: what got no reply they send again with the same id, and some of what did.
The training is `spacy train` at the priority at which the loop trains.
"""

import http.client
import json
import os
import queue
import random
import re
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from spacy_al.bench.machine import describe
from spacy_al.store.store import Store
from tests.helpers.chaos import ROOT, command, corpus, environment
from tests.helpers.web_tasks import TEXT, make_run, task

# Of the training, as the loop has it
NICENESS = 5
# Annotators in one process: a client that waits for its own turn measures itself
TOGETHER = 10
# Of what was acknowledged, the share that is sent again, as when the reply was lost
AGAIN = 0.05
WORDS = TEXT.split()
CONTENT = {"content-type": "application/json"}


def make_texts(path, count):
    """A run that waits for answers to so many texts."""
    draw = random.Random(0)
    texts = (f"{' '.join(draw.choices(WORDS, k=20))} {k}." for k in range(count))
    make_run(path, [task(text, suggestions=[(0, 2, "CONDITION", 0.7)]) for text in texts])


class Server:
    """`annotate` on a port that stays the same when it is started again."""

    def __init__(self, folder, names, overlap, *more):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.words = command(folder, folder / "al", verb=("annotate", "--no-open", "--quiet"))
        self.words += ["--port", str(self.port), "--overlap", str(overlap), *more]
        self.words += [word for name in names for word in ("--annotator", name)]
        self.log = folder / "server.log"
        self.start()

    def start(self):
        with self.log.open("a") as log:
            self.process = subprocess.Popen(self.words, stdout=log, stderr=log, env=environment())
        while True:
            assert self.process.poll() is None, self.log.read_text()
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)

    def kill(self):
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()


def train(folder):
    """A training that ends when it is killed."""
    words = [NICENESS, "spacy", "train", ROOT / "configs" / "ner.cfg", "--training.max_steps", "0"]
    words += ["--training.patience", "0", "--training.eval_frequency", "50"]
    words += ["--paths.train", folder / "seed.spacy", "--paths.dev", folder / "dev.spacy"]
    with (folder / "train.log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "spacy_al.processes.child", *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={**environment(), "PYTHONUNBUFFERED": "1"},
        )


class Annotator:
    """Answers until nothing is left, and remembers what was acknowledged."""

    def __init__(self, port, token, pace, ends):
        self.port, self.pace, self.ends = port, pace, ends
        self.headers = {**CONTENT, "authorization": f"Bearer {token}"}
        self.draw = random.Random(token)
        self.connection = None
        self.acknowledged, self.times, self.retries = [], [], 0

    def post(self, path, body):
        """What came back, and whether it came at once; sent again until something does."""
        at_once = True
        while time.time() < self.ends:
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                self.connection.request("POST", path, json.dumps(body), self.headers)
                reply = self.connection.getresponse()
                data = json.loads(reply.read())
                if reply.status < 500:
                    assert reply.status == 200, (reply.status, data)
                    return data, at_once
            except (OSError, http.client.HTTPException, ValueError):
                self.connection = None
            at_once = False
            self.retries += 1
            time.sleep(0.2)
        raise TimeoutError

    def work(self):
        try:
            tasks = self.post("/api/next", {"n": 2})[0]["tasks"]
            while True:
                time.sleep(self.draw.expovariate(1 / self.pace) if self.pace else 0)
                if tasks:
                    tasks = self.answer(tasks[0])
                    continue
                found = self.post("/api/next", {"n": 2})[0]
                tasks, progress = found["tasks"], found["progress"]
                if not tasks and (progress["round"] or progress["answered"] == progress["asked"]):
                    return
                time.sleep(0 if tasks else 0.2)
        except TimeoutError:
            pass

    def answer(self, shown):
        """Says something, and asks for the next one, as the page does."""
        spans = [{"token_start": 0, "token_end": 1, "label": "CONDITION"}]
        verdict = self.draw.choice(("accept", "accept", "reject", "ignore"))
        payload = {"answer": verdict, "spans": [] if verdict == "ignore" else spans}
        body = {"id": f"{self.draw.getrandbits(96):024x}", "task": shown["id"]}
        body |= {"payload": payload, "seconds": 1.5}
        started = time.perf_counter()
        kept, at_once = self.post("/api/answer", body)
        between = time.perf_counter()
        assert kept["new"] or not at_once
        self.acknowledged.append(body["id"])
        found, also = self.post("/api/next", {"n": 2})
        if at_once and also:
            ended = time.perf_counter()
            self.times.append((between - started, ended - between, ended - started))
        if self.draw.random() < AGAIN:
            assert not self.post("/api/answer", body)[0]["new"]
        return found["tasks"]


def load(folder, *, annotators, answers, overlap, kills, pace, minutes, say=print):
    """One run under load.

    RETURNS (dict): What was sent, kept, lost and kept twice, and the seconds that annotators waited.
    """
    corpus(folder)
    database = folder / "al" / "al.db"
    make_texts(database, answers // overlap)
    names = [f"annotator {k:02}" for k in range(annotators)]
    server = Server(folder, names, overlap)
    tokens = json.loads((folder / "al" / "tokens.json").read_text())
    training, started, ends = train(folder), time.time(), time.time() + 60 * minutes
    clients, found = [], queue.Queue()
    try:
        for k in range(0, annotators, TOGETHER):
            given = {"tokens": [tokens[name] for name in names[k : k + TOGETHER]]}
            given |= {"port": server.port, "pace": pace, "ends": ends}
            words = [sys.executable, "-m", "tests.helpers.load", "client", json.dumps(given)]
            clients.append(subprocess.Popen(words, stdout=subprocess.PIPE, env=environment()))
        for client in clients:
            threading.Thread(target=lambda c=client: found.put(c.communicate()[0])).start()
        done, killed = 0, 0
        while any(client.poll() is None for client in clients):
            time.sleep(0.2)
            done = count(database)
            if killed < kills and done > answers * (killed + 1) / (kills + 1):
                say(f"killed after {done:,} answers")
                server.kill()
                server.start()
                killed += 1
        took = time.time() - started
        still = training.poll() is None
    finally:
        for process in (training, server.process, *clients):
            process.kill()
            process.wait()
        training.stdin.close()
    assert still, (folder / "train.log").read_text()
    parts = [json.loads(found.get()) for _ in clients]
    result = {
        "annotators": annotators,
        "overlap": overlap,
        "killed": killed,
        "seconds": round(took),
    }
    result |= kept(database, [one for part in parts for one in part["acknowledged"]], overlap)
    result["sent again after no reply"] = sum(part["retries"] for part in parts)
    times = [row for part in parts for row in part["times"]]
    for name, column in zip(("answer", "next", "answer and next"), zip(*times)):
        marks = statistics.quantiles(column, n=100)
        result[f"ms, {name}"] = {p: round(1000 * marks[p - 1], 1) for p in (50, 95, 99)}
    steps = re.findall(r"^ *\d+ +(\d+) +\d", (folder / "train.log").read_text(), re.M)
    return {**result, "steps trained beside": int(steps[-1]) if steps else 0}


def count(database):
    with sqlite3.connect(database) as connection:
        found = connection.execute("SELECT count(*) FROM answers").fetchone()[0]
    connection.close()
    return found


def kept(database, acknowledged, overlap):
    """Every answer that was acknowledged is there once, and no text was asked of more people than it should have been."""
    with Store(database, create=False) as store:
        answers = list(store.answers())
    rows, by_task = count(database), Counter(answer.task for answer in answers)
    ids = {answer.id for answer in answers}
    return {
        "sent": len(acknowledged),
        "in the store": rows,
        "lost": len(set(acknowledged) - ids),
        "twice": rows - len(ids) + sum(max(0, n - overlap) for n in by_task.values()),
    }


app = typer.Typer(add_completion=False)


@app.command()
def client(given: str):
    """Annotators of one process, which print what they saw."""
    what = json.loads(given)
    all_ = [Annotator(what["port"], t, what["pace"], what["ends"]) for t in what["tokens"]]
    threads = [threading.Thread(target=one.work) for one in all_]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = ("acknowledged", "times")
    found = {name: [x for one in all_ for x in getattr(one, name)] for name in names}
    print(json.dumps({**found, "retries": sum(one.retries for one in all_)}))


@app.callback(invoke_without_command=True)
def main(
    ctx: typer.Context,
    annotators: Annotated[int, typer.Option(help="That work at once")] = 50,
    answers: Annotated[int, typer.Option(help="Of all of them")] = 20_000,
    overlap: Annotated[int, typer.Option(help="Annotators that each text is asked of")] = 1,
    kills: Annotated[int, typer.Option(help="Times that the server is killed")] = 2,
    pace: Annotated[float, typer.Option(help="Mean seconds between a text and its answer")] = 2.0,
    minutes: Annotated[float, typer.Option(help="After which it ends in any case")] = 30,
):
    """Put load on a server, and print what became of the answers."""
    if ctx.invoked_subcommand:
        return
    how = {"annotators": annotators, "answers": answers, "overlap": overlap}
    with tempfile.TemporaryDirectory() as folder:
        found = load(Path(folder), **how, kills=kills, pace=pace, minutes=minutes)
    for name, value in found.items():
        print(f"{name}: {value}")
    machine = describe()
    print(f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}")
    print(f"load average at the end: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    app()
