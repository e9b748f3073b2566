"""Questions and answers, without a database."""
