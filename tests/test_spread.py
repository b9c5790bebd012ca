"""Work spread over processes: the results of one, in their order, whatever becomes of the others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from retina_doctor import spread as spreading
from retina_doctor.spread import spread
from tests.odd_probes.runs import environment, processes_with, wait_until

ME = os.getpid()


def children() -> str:
    """Of this process, those that nobody has waited for among them."""
    return Path(f"/proc/{ME}/task/{ME}/children").read_text()


@pytest.fixture(autouse=True)
def processors(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Three, however many there are; none of the processes is left."""
    before = children()
    monkeypatch.setattr(spreading, "processors", lambda: 3)
    yield
    assert children() == before


def told(thing: int) -> tuple[int, str]:
    return os.getpid(), f"thing {thing}"


def test_results_come_in_order_from_several_processes() -> None:
    results = list(spread(told, range(100)))
    assert [text for _, text in results] == [f"thing {n}" for n in range(100)]
    processes = {pid for pid, _ in results}
    assert len(processes) == 3 and ME not in processes


def test_few_are_done_at_once() -> None:
    assert {pid for pid, _ in spread(told, range(15))} == {ME}


def test_a_large_result_comes_whole() -> None:
    sizes = [len(text) for text in spread(lambda thing: "x" * thing * 200_000, range(40))]
    assert sizes == [n * 200_000 for n in range(40)]


def test_what_a_dead_process_left_is_done_here() -> None:
    def dies(thing: int) -> tuple[int, str]:
        if thing == 31 and os.getpid() != ME:
            os.kill(os.getpid(), signal.SIGKILL)
        return told(thing)

    results = list(spread(dies, range(60)))
    assert [text for _, text in results] == [f"thing {n}" for n in range(60)]
    assert [n for n, (pid, _) in enumerate(results) if pid == ME] == list(range(31, 60, 3))


def test_an_error_comes_where_its_result_would() -> None:
    def fails(thing: int) -> tuple[int, str]:
        if thing == 31:
            raise ValueError("thing 31")
        return told(thing)

    results = spread(fails, range(60))
    assert len([next(results) for _ in range(31)]) == 31
    with pytest.raises(ValueError, match="thing 31"):
        next(results)


def test_who_stops_listening_leaves_no_process() -> None:
    results = spread(told, range(1000))
    next(results)
    results.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_the_processes_end_with_the_first(tmp_path: Path, number: signal.Signals) -> None:
    script = tmp_path / "spreads.py"
    script.write_text(
        "import time\nfrom retina_doctor import spread\nspread.processors = lambda: 3\n"
        "for _ in spread.spread(lambda n: time.sleep(0.2), range(10_000)): print(flush=True)\n"
    )
    mark = {"SPREAD_MARK": str(tmp_path)}
    first = subprocess.Popen(
        [sys.executable, str(script)], env=environment(**mark), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert wait_until(lambda: len(processes_with(f"SPREAD_MARK={tmp_path}")) == 4)
    first.send_signal(number)
    first.wait()
    assert wait_until(lambda: not processes_with(f"SPREAD_MARK={tmp_path}"))


def test_memory_does_not_grow_with_what_is_not_taken() -> None:
    """A reader that is slow holds the processes up: a megabyte for each is all that waits."""
    results = spread(lambda _: "x" * 1_000_000, range(3000))
    next(results)
    children = Path(f"/proc/self/task/{ME}/children").read_text().split()
    assert wait_until(lambda: all(b") S " in Path(f"/proc/{pid}/stat").read_bytes() for pid in children))
    results.close()  # type: ignore[attr-defined]
