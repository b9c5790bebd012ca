"""`retina-doctor tune` on real pictures with real weights, and the arithmetic behind its tables."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy
import pytest
from retina_doctor_checks.commands.tune.sweep import AtSize, change, kept, widest_gap
from retina_doctor_checks.facts.inference import Face

from tests.doctor import DEV_PYTHON, SIX_FACES, doctor
from tests.test_models_loading import graph


def tuned(folder: Path, model: Path, *words: str) -> Any:
    words = ("tune", "--images", str(folder), "--model", str(model), "--target", DEV_PYTHON, "--device", "cpu", *words)
    done = doctor(*words, "--format", "json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def crowd(folder: Path) -> Path:
    """Nine times the six faces, so that each is nine times as small a part of the picture; and a file that is none."""
    folder.mkdir()
    six = cv2.imread(str(SIX_FACES))
    assert six is not None
    small = cv2.resize(six, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(folder / "crowd.png"), numpy.vstack([numpy.hstack([small] * 3)] * 3))
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


def test_a_larger_input_finds_the_small_faces_of_a_crowd(tmp_path: Path, real_model: Path) -> None:
    told = tuned(crowd(tmp_path / "pictures"), real_model)
    assert (told["pictures"], told["unread"]) == (1, ["broken.jpg"])
    by_size = {row["of"]: row["change"] for row in told["by_size"]}
    assert by_size["640x640"] == {**by_size["640x640"], "gained": 0, "lost": 0}
    assert by_size["1280x1280"]["faces"] >= 50 > by_size["320x320"]["faces"]
    assert by_size["1280x1280"]["gained"] > 0 and by_size["320x320"]["lost"] > 0
    assert all(row["ms"] > 0 for row in told["by_size"])
    # The recommendation takes an input that finds them.
    crowded = next(one for one in told["choices"] if one["purpose"] == "crowd")
    assert crowded["size"]["width"] >= 640 and crowded["faces"] >= 50


def test_a_higher_threshold_finds_no_more(tmp_path: Path, real_model: Path) -> None:
    told = tuned(crowd(tmp_path / "pictures"), real_model, "--det-size", "480x480")
    counts = [row["change"]["faces"] for row in told["by_threshold"]]
    assert counts == sorted(counts, reverse=True) and counts[0] > counts[-1]
    twice = [row["change"]["twice"] for row in told["by_nms"]]
    assert twice[0] == 0 and twice == sorted(twice)
    assert told["size"] == {"width": 480, "height": 480}


def test_it_is_drawn_in_both_languages(tmp_path: Path, real_model: Path) -> None:
    shutil.copy(SIX_FACES, tmp_path)
    for language, word in (("en", "access control"), ("zh", "门禁")):
        words = (
            "tune",
            "--images",
            ".",
            "--model",
            real_model,
            "--target",
            DEV_PYTHON,
            "--device",
            "cpu",
            "--lang",
            language,
        )
        done = doctor(*words, cwd=tmp_path)
        assert word in done.stdout and "█" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("pictures", "model", "words"),
    [
        ("none", True, "there is no picture that can be read"),
        ("gone", True, "no picture"),
        ("some", False, "there is no model"),
    ],
)
def test_what_cannot_be_tried_is_said(tmp_path: Path, real_model: Path, pictures: str, model: bool, words: str) -> None:
    (tmp_path / "none").mkdir()
    (tmp_path / "some").mkdir()
    shutil.copy(SIX_FACES, tmp_path / "some")
    path = real_model if model else tmp_path / "gone.onnx"
    done = doctor("tune", "--images", pictures, "--model", path, "--target", DEV_PYTHON, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def face(left: float, score: float, side: float = 100) -> Face:
    return Face(box=(left, 0, left + side, side), score=score, points=())


def test_what_is_kept_gained_lost_and_twice() -> None:
    candidates = (face(0, 0.9), face(30, 0.8), face(500, 0.7), face(1000, 0.4))
    assert [one.score for one in kept(candidates, 0.5, 0.4)] == [0.9, 0.7]
    assert [one.score for one in kept(candidates, 0.5, 0.6)] == [0.9, 0.8, 0.7]
    here = AtSize(size=(640, 640), seconds=0.1, found=(candidates,))
    base = [kept(candidates, 0.5, 0.4)]
    loose = change(here, 0.3, 0.6, base)
    assert (loose.faces, loose.gained, loose.lost, loose.twice, loose.smallest) == (4, 1, 0, 1, 100)
    strict = change(here, 0.85, 0.4, base)
    assert (strict.faces, strict.gained, strict.lost, strict.twice) == (1, 0, 1, 0)


def test_the_threshold_is_put_where_no_score_is_near() -> None:
    assert widest_gap([0.51, 0.52, 0.69], 0.5, 0.7) == pytest.approx(0.6, abs=0.01)
    assert widest_gap([], 0.4, 0.6) == 0.5


def test_a_model_whose_outputs_cannot_be_decoded_is_said(tmp_path: Path) -> None:
    """Three outputs of the right widths, and not for as many anchors."""
    shutil.copy(SIX_FACES, tmp_path)
    model = graph(tmp_path / "odd.onnx")
    done = doctor("tune", "--images", ".", "--model", model, "--target", DEV_PYTHON, "--device", "cpu", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "640x640: " in done.stderr or "1280x1280: " in done.stderr
