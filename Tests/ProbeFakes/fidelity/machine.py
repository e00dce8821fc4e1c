"""A fake machine for the checks: a folder with the library and its file, loaded once a process."""

import os
import pathlib
import subprocess
import sys

FOLDER = pathlib.Path(os.environ["FAKE_NVML_FOLDER"])
HERE = pathlib.Path(__file__).resolve().parent
CAPTURES = HERE / "captures"


def play(text):
    """Makes the library play this file from the next call on."""
    fresh = FOLDER / "fake_nvml.ini.new"
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(FOLDER / "fake_nvml.ini")


def convert(name):
    """The file for one of the captures, through the converter."""
    return subprocess.run(
        [sys.executable, HERE.parent / "capture-to-fake.py", CAPTURES / name],
        check=True, capture_output=True, text=True).stdout


def sections(text):
    """The file's sections as dictionaries, read by other rules than the fake's own."""
    found, name = {}, None
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("["):
            name = line.strip("[]")
            found.setdefault(name, {})
        elif "=" in line and not line.startswith(";"):
            key, value = line.split("=", 1)
            found[name][key.strip()] = value.strip().strip('"')
    return found
