"""Score a table of texts on Spark, with a pipeline that has `al_scorer` in it.

    python configs/spark/score_pool.py MODEL texts.parquet scores.parquet

MODEL is a folder that every worker reaches, or an installed package; the table has a column `text`. What comes out has `id`, by which
spacy-al knows a text everywhere, and `score`: a higher one asks sooner. Only the pipeline is loaded on the workers, once a process of
Python, and only numbers come back. The batch is then chosen by `score`, or by `select` of a pool with those texts that score high.

A cluster has its own settings: SPARK_MASTER names it, e.g. spark://host:7077; without it the cores of this machine are used.
"""

import os
import sys
from collections.abc import Iterator
from typing import Any

MASTER = os.environ.get("SPARK_MASTER", "local[2]")
SCHEMA = "id string, score double"


def score_tables(model: str, tables: Iterator[Any]) -> Iterator[Any]:
    """For each part of the table, as pandas has it, ids and scores of its texts. Runs on a worker, which imports all by itself."""
    import pandas
    import spacy

    from spacy_al.processes.pool import one_thread_each
    from spacy_al.util import content_hash

    one_thread_each()
    nlp = spacy.load(model)
    if not nlp.has_pipe("al_scorer"):
        nlp.add_pipe("al_scorer")
    for table in tables:
        texts = [text for text in table["text"].dropna() if text and not text.isspace()]
        scores = [doc._.al.score for doc in nlp.pipe(texts)]
        yield pandas.DataFrame({"id": [content_hash(text) for text in texts], "score": scores})


def main(model: str, source: str, target: str) -> None:
    from pyspark.sql import SparkSession

    # the Python that runs this, with what is installed there
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(MASTER).appName("spacy-al")
    if MASTER.startswith("local"):
        # the name of this machine need not lead back to it
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        builder = builder.config("spark.driver.host", "127.0.0.1").config(
            "spark.ui.enabled", "false"
        )
    # texts that a worker gets at once
    builder = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", "2000")
    session = builder.getOrCreate()
    try:
        texts = session.read.parquet(source).select("text")
        scored = texts.mapInPandas(lambda tables: score_tables(model, tables), SCHEMA)
        scored.write.mode("overwrite").parquet(target)
    finally:
        session.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
