"""Files that say in which encoding they are written: one that is none of text is no reason to fail."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from retina_doctor.fixing.edits import edited
from retina_doctor.fixing.hand import CannotFix, Hand
from retina_doctor.model import Location
from retina_doctor.words.plan import LineEdit, StepCause


@pytest.mark.parametrize("name", ["rot13", "hex", "base64", "undefined", "idna", "gbk", "punycode"])
def test_a_file_that_names_an_encoding_of_no_text(name: str, tmp_path: Path) -> None:
    file = tmp_path / "app.py"
    file.write_text(f"# coding: {name}\nx = 1\n")
    edit = LineEdit(location=Location(file=str(file), line=2), stands="x = 1", instead="x = 2")
    cause = StepCause(code="RD275", title="", todo="", location=None, edits=(edit,))
    hand = Hand(None, os.environ)
    if name == "punycode":
        with pytest.raises(CannotFix, match="is not written in punycode"):
            list(edited([cause], hand))
        return
    [one] = edited([cause], hand)
    assert one.new == f"# coding: {name}\nx = 2\n".encode()
    assert "+x = 2" in one.difference
