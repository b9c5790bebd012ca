"""Judges many documents: on all processors, in order, with few of them in memory at a time."""

from __future__ import annotations

import gc
import itertools
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait

from retina_doctor.catalogue.registry import installed
from retina_doctor.ears import hear_nothing
from retina_doctor.fleet.documents import Document, chunks, content_of, is_something_else
from retina_doctor.fleet.judging import Chunk, How, Missing, judge_all
from retina_doctor.fleet.traits import Traits
from retina_doctor.spread import processors

AT_ONCE = 32
"""Documents that a process is given at once."""
MOST_BYTES = 4 * 2**20
"""Of their content, where it has been read."""
AHEAD = 3
"""Pieces of work for each process that wait or are done and not yet taken."""

Judged = tuple[Chunk, Traits]


def judge(documents: Iterable[Document], how: How) -> Iterator[Judged]:
    """What came of each piece of work, in the order of the documents. Raises what *documents* raises."""
    pieces = chunks(documents, AT_ONCE, MOST_BYTES)
    begun = list(itertools.islice(pieces, 2))
    whole = itertools.chain(begun, pieces)
    if len(begun) < 2 or processors() == 1:
        yield from (work(piece, how) for piece in whole)
    else:
        yield from _on_all(whole, how)


def _on_all(pieces: Iterator[list[Document]], how: How) -> Iterator[Judged]:
    installed()  # once, before it is forked
    pool = _pool(processors())
    waiting: deque[tuple[list[Document], Future[Judged]]] = deque()
    try:
        for piece in pieces:
            try:
                future = pool.submit(work, piece, how)
            except BrokenProcessPool:
                pool = _pool(processors())
                future = pool.submit(work, piece, how)
            waiting.append((piece, future))
            if len(waiting) >= AHEAD * processors():
                yield from _taken(*waiting.popleft(), how)
        while waiting:
            yield from _taken(*waiting.popleft(), how)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _taken(piece: list[Document], future: Future[Judged], how: How) -> Iterator[Judged]:
    """Where a process died, each of its documents in one of its own: the one that kills it costs no other."""
    try:
        yield future.result()
        return
    except BrokenProcessPool:
        pass
    for one in piece:
        with _pool(1) as alone:
            try:
                yield alone.submit(work, [one], how).result()
            except BrokenProcessPool:
                lost = Missing(label=one.stem, why=f"{one.file}: cannot be judged: the process that judged it died")
                yield Chunk(missing=[lost]), Traits()


def _pool(size: int) -> ProcessPoolExecutor:
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if "fork" in methods else "spawn")
    return ProcessPoolExecutor(size, mp_context=context, initializer=_begin)


def _begin() -> None:
    hear_nothing()
    gc.freeze()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (wait([parent.sentinel]), os._exit(1)), daemon=True).start()


def work(piece: list[Document], how: How) -> Judged:
    """Read and judge them."""
    read: list[tuple[str, str, bytes]] = []
    missing: list[Missing] = []
    passed_over: list[str] = []
    for one in piece:
        content = content_of(one)
        if isinstance(content, str):
            missing.append(Missing(label=one.stem, why=f"{one.file}: {content}"))
        elif one.found and is_something_else(content):
            passed_over.append(one.file)
        else:
            read.append((one.file, one.stem, content))
    chunk, traits = judge_all(read, installed(), how)
    gc.collect()  # the doctor runs without, and here thousands go by
    chunk.missing.extend(missing)
    chunk.passed_over.extend(passed_over)
    return chunk, traits
