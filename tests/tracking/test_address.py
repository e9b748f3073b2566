"""What is secret in an address is in nothing that is shown."""

import pytest

from spacy_al.tracking.address import shown_address, without_secrets


@pytest.mark.parametrize(
    "address, shown",
    [
        ("http://host:5000/a", "http://host:5000/a"),
        ("https://ann:p@ss@host/a", "https://host/a"),
        ("postgresql://ann:pass@host/db?sslpassword=other", "postgresql://host/db"),
        ("sqlite:////x/y.db", "sqlite:////x/y.db"),
    ],
)
def test_an_address_is_shown_without(address, shown):
    assert shown_address(address) == shown


def test_a_message_says_none_of_it(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hidden")
    address = "https://ann:se%2Fcret@host/a?token=other"
    said = f"GET {address} failed: ann:se%2Fcret, se/cret, token=other, hidden; https://x:y@z"
    shown = without_secrets(said, address)
    assert not any(one in shown for one in ("se%2Fcret", "se/cret", "other", "hidden", "x:y"))
    assert "https://host/a" in shown and "https://z" in shown
