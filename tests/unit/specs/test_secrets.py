"""What looks like a secret, what does not, and what is shown of a line that holds one."""

from __future__ import annotations

import time

import pytest

from mlspec.specs.secrets import is_secret, is_secret_under, mask, may_hold_secret

# put together here, so that no scanner takes this file for a leak
LITERALS = [
    "AKIA" + "IOSFODNN7EXAMPLE",
    "ghp" + "_" + "a1B2" * 9,
    "github" + "_pat_" + "a1B2c3" * 6,
    "glpat" + "-" + "a1B2" * 5,
    "xoxb" + "-1234567890-abc",
    "AIza" + "a1B2c" * 7,
    "sk" + "-proj-" + "a1B2" * 6,
    "hf" + "_" + "a1B2" * 9,
    "dapi" + "0123456789abcdef" * 2,
    "eyJ" + "hbGciOiJIUzI1" + ".eyJ" + "zdWIiOiIxMjM0" + ".c2ln",
    "-----BEGIN " + "RSA PRIVATE KEY-----",
    "postgres://ada:" + "lovelace@db.example/x",
]


@pytest.mark.parametrize("literal", LITERALS)
def test_well_known_forms_are_found_and_masked(literal: str) -> None:
    line = f"purpose: see {literal} there"
    assert is_secret(line)
    assert may_hold_secret(line)
    assert len(mask(line)) == len(line)
    assert literal not in mask(line)


@pytest.mark.parametrize(
    "text",
    [
        "sha256:" + "0123456789abcdef" * 4,
        "sklearn.ensemble.HistGradientBoostingClassifier",
        "https://example.org/a:b",
        "task-specific-sk-learning-model-names",
        "sk-learn-is-a-library-of-estimators",
        "s3://bucket/key",
        "${AWS_SECRET_ACCESS_KEY}",
        "AKIA",
    ],
)
def test_ordinary_texts_are_no_secrets(text: str) -> None:
    assert not is_secret(text)


@pytest.mark.parametrize(
    ("key", "text", "secret"),
    [
        ("password", "hunter2", True),
        ("db_password", "correcthorse", True),
        ("API_KEY", "abcdef", True),
        ("secret", "s3cr3ts", True),
        ("api_token", "9f3c2d7e11aa47b2", True),
        ("pad_token", "<pad>", False),
        ("unk_token", "[UNKNOWN]", False),
        ("token_pattern", "(?u)\\b\\w+\\b1234567890", False),
        ("password", "${DB_PASSWORD}", False),
        ("password", "$DB_PASSWORD", False),
        ("password", "{{ password }}", False),
        ("password", "a column of words", False),
        ("passwordless", "hunter2", False),
        ("name", "hunter2", False),
    ],
)
def test_field_names_that_give_secrets_away(key: str, text: str, secret: bool) -> None:
    assert is_secret_under(key, text) is secret
    assert not secret or may_hold_secret(f"{key}: {text}")


def test_masking_keeps_columns_and_takes_little_time() -> None:
    assert mask('  params: {password: "hunter2", seed: 7}') == '  params: {password: "*******", seed: 7}'
    start = time.process_time()
    mask("password" * 50 + "://" * 50)
    mask("-" * 400)
    mask("eyJ" * 130)
    assert time.process_time() - start < 0.2
