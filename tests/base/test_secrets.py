"""Passwords in addresses, parameters and variables are taken out of texts; everything else stays as it is."""

from __future__ import annotations

import subprocess
import sys

import pytest

from reunlearn.base.secrets import without_secrets

SECRET = "hunter2-Qx"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:hunter2-Qx@host:1/a@b", "https://host:1/a@b"),
        ("no answer of 'http://me:a@b@host/x'", "no answer of 'http://host/x'"),
        (
            "ssh://git@host/x and postgresql+psycopg2://u:hunter2-Qx@h/db",
            "ssh://host/x and postgresql+psycopg2://h/db",
        ),
        ("http://h/x?user=me&password=hunter2-Qx&a=1", "http://h/x?user=me&password=***&a=1"),
        ("AccountName=me;AccountKey=hunter2-Qx==;a=1", "AccountName=me;AccountKey=***;a=1"),
        ("http://h/x?X-Amz-Signature=ab12&sig=cd", "http://h/x?X-Amz-Signature=***&sig=***"),
    ],
)
def test_addresses_lose_their_passwords(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:///a.db",
        "sqlite:////home/a@b/mlflow.db",
        "me@example.org",
        "key=1 token=2",
        "a://b/c@d",
        "seed key: 3",
    ],
)
def test_what_holds_none_stays(text: str) -> None:
    assert without_secrets(text) == text


@pytest.mark.parametrize(
    "name",
    [
        "AWS_SECRET_ACCESS_KEY",
        "MLFLOW_TRACKING_PASSWORD",
        "MLFLOW_TRACKING_TOKEN",
        "PGPASSWORD",
        "HF_TOKEN",
        "AZURE_STORAGE_CONNECTION_STRING",
        "OPENAI_API_KEY",
        "DB_PWD",
    ],
)
def test_values_of_variables_are_hidden_wherever_they_stand(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, SECRET)
    assert without_secrets(f"refused ({SECRET}!)") == "refused (***!)"


@pytest.mark.parametrize(
    "name", ["PWD", "OLDPWD", "SSH_AUTH_SOCK", "TOKENIZERS_PARALLELISM", "MONKEYS", "SIGNAL"]
)
def test_other_variables_are_not(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "/home/me/project")
    assert without_secrets("see /home/me/project") == "see /home/me/project"


@pytest.mark.parametrize(
    "address",
    [
        "http://me:p%40ss-W0rd/x@host",
        "http://me:p@ss-W0rd/x@host",
        "http://p@ss-W0rd%2Fx@host",
        "a,http://u:p@ss-W0rd/x@h",
    ],
)
def test_a_password_of_a_variable_s_address_is_known_in_all_its_forms(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    for form in ("p@ss-W0rd/x", address):
        assert "ss-W0rd" not in without_secrets(f"proxy says no to {form}")


def test_short_values_are_left_for_they_would_garble_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "on")
    assert without_secrets("one button") == "one button"


def test_options_of_others_are_hidden_by_their_names() -> None:
    more = {"storage.password": SECRET, "storage.url": "s3://bucket"}
    assert without_secrets(f"s3://bucket refuses {SECRET}", more) == "s3://bucket refuses ***"


PROGRAM = """
import logging, sys, warnings
from reunlearn.base.secrets import hide_in_streams
hide_in_streams()
logging.basicConfig()
print("1", "hunter2-Qx")
logging.error("2 %s", "hunter2-Qx")
warnings.warn("3 hunter2-Qx")
raise ValueError("4 http://me:hunter2-Qx@host")
"""


def test_everything_that_python_prints_is_cleaned() -> None:
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(
        command, env={"PYTHONPATH": "src", "MY_TOKEN": SECRET}, capture_output=True, text=True
    )
    assert done.returncode == 1
    for line in ("1 ***", "2 ***", "3 ***", "ValueError: 4 http://"):
        assert line in done.stdout + done.stderr
    assert SECRET not in done.stdout + done.stderr
    done = subprocess.run(command, env={"PYTHONPATH": "src"}, capture_output=True, text=True)
    assert SECRET in done.stdout  # control: who does not know it cannot hide it
