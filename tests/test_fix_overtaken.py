"""`retina-doctor fix` where somebody else has changed the same meanwhile: all but that is brought back, and it says so."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from retina_doctor.errors import Interrupted
from retina_doctor.fixing.applying import run
from retina_doctor.fixing.fix import Fixing
from retina_doctor.fixing.hand import CannotFix, Hand, Overtaken
from retina_doctor.fixing.journal import Journal, journals, state_folder
from retina_doctor.fixing.sent import exchange, places
from retina_doctor.fixing.steps import FixAction
from retina_doctor.model import Action
from retina_doctor.words.remedies import LetRead
from tests.test_fix_lines import fix
from tests.test_fix_odd import half_done
from tests.test_reports import of


@pytest.mark.parametrize("overtaken", [True, False])
def test_what_was_overtaken_keeps_nothing_else_from_coming_back(overtaken: bool, tmp_path: Path) -> None:
    pairs = []
    for name in ("bin", "share", "lib"):
        old, new = str(tmp_path / name), str(tmp_path / f"{name}-new")
        for folder in (old, new):
            Path(folder).mkdir()
            Path(folder, "state").write_text(folder)
        pairs.append([old, new, exchange.identity(old), exchange.identity(new)])
    exchange.become(pairs, "new")
    assert (tmp_path / "lib" / "state").read_text() == f"{tmp_path}/lib-new"
    if overtaken:
        shutil.rmtree(tmp_path / "share")
        (tmp_path / "share").mkdir()
        with pytest.raises(places.FixOvertaken, match=r"/share: was changed"):
            exchange.become(pairs, "old")
        assert list((tmp_path / "share").iterdir()) == []
    else:
        exchange.become(pairs, "old")
    for name in ("bin", "lib") if overtaken else ("bin", "share", "lib"):
        assert (tmp_path / name / "state").read_text() == f"{tmp_path}/{name}"


@pytest.mark.parametrize("ended", [True, False])
def test_a_step_that_was_overtaken_leaves_no_copy_of_another(ended: bool, tmp_path: Path, real_model: Path) -> None:
    pack, _ = half_done(tmp_path, real_model)
    [journal] = journals(state_folder({"XDG_STATE_HOME": str(tmp_path / "state")}))
    own = step_of_a_mode(tmp_path, 2, journal)
    if ended:
        journal.write("end", results=[])
    own.chmod(0o640)
    undone = fix(tmp_path, "--undo")
    assert (undone.returncode, f"{own}: was changed" in undone.stderr) == (2, True), undone.stderr
    assert (pack / "buffalo_l" / "det_10g.onnx").exists()
    assert list(pack.parent.iterdir()) == [pack]
    again = fix(tmp_path, "--undo")
    assert (again.returncode, again.stderr) == (0, ""), again.stderr


def mode_step(folder: Path) -> tuple[Path, FixAction]:
    own = folder / "own.onnx"
    own.touch(mode=0o600)
    own.chmod(0o600)
    return own, FixAction(kind=Action.EDIT, causes=(), commands=("",), files=(LetRead(path=str(own)),))


def step_of_a_mode(folder: Path, number: int, journal: Journal) -> Path:
    own, step = mode_step(folder)
    hand = Hand(None, os.environ)
    run(step, number, journal, {"service": hand, "caller": hand}, None)
    return own


class Looks:
    """A call whose second look is ended by *error*, after somebody has given the file that *mode*."""

    language = "en"
    as_json = True

    def __init__(self, own: Path, mode: int, error: BaseException) -> None:
        self.own, self.mode, self.error = own, mode, error

    def look_at(self, _attachment: Any) -> Any:
        self.own.chmod(self.mode)
        raise self.error


@pytest.mark.parametrize("mode", [0o640, 0o644], ids=["overtaken", "not overtaken"])
@pytest.mark.parametrize("error", [Interrupted(signal.SIGTERM), CannotFix("no look")], ids=["interrupted", "failed"])
def test_why_a_step_ended_is_told_where_it_cannot_be_taken_back(
    error: BaseException, mode: int, tmp_path: Path
) -> None:
    own, step = mode_step(tmp_path)
    journal = Journal.begun(state_folder({"XDG_STATE_HOME": str(tmp_path / "state")}))
    hand = Hand(None, os.environ)
    call: Any = Looks(own, mode, error)
    hands = {"service": hand, "caller": hand}

    def stepped() -> Any:
        return Fixing(call, {})._step(1, step, journal, hands, Any, of("t4-healthy"))  # type: ignore[arg-type]

    if isinstance(error, Interrupted):
        with pytest.raises(Interrupted) as raised:
            stepped()
        assert raised.value.args == (signal.SIGTERM,)
        assert journal.has("end")
    elif mode == 0o640:
        with pytest.raises(Overtaken, match=r"no look; .*own\.onnx: was changed"):
            stepped()
    else:
        assert stepped()[0]["outcome"] == "failed"
    assert own.stat().st_mode & 0o777 == (0o640 if mode == 0o640 else 0o600)
