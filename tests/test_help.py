"""Help is there for each command, argument and flag, in both languages."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

WALK = """
import json, typer
from retina_doctor.cli import app
told = {}
def walk(command, ctx, way):
    told[" ".join(way)] = command.help or ""
    for one in command.get_params(ctx):
        told[" ".join([*way, one.name])] = getattr(one, "help", None) or ""
    for name in getattr(command, "list_commands", lambda _: [])(ctx):
        inner = command.get_command(ctx, name)
        walk(inner, typer.Context(inner, parent=ctx, info_name=name), [*way, name])
top = typer.main.get_command(app)
walk(top, typer.Context(top, info_name="retina-doctor"), ["retina-doctor"])
print(json.dumps(told))
"""


def told(language: str) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", WALK],
        env={**os.environ, "RETINA_DOCTOR_LANG": language},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_all_is_helped_in_the_language(language: str) -> None:
    words = told(language)
    assert {"retina-doctor check", "retina-doctor fleet manifest kubernetes", "retina-doctor fix undo"} <= set(words)
    chinese = re.compile("[\u4e00-\u9fff]")
    assert [way for way, text in words.items() if not text or bool(chinese.search(text)) != (language == "zh")] == []
