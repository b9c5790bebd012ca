"""The last of what a process says on standard error: bounded while it speaks, without secrets when it is told."""

from __future__ import annotations

from retina_doctor.masking.words import masked

TAIL_LINES, TAIL_BYTES = 20, 8192


class Tail:
    """Takes bytes as they come and forgets the older ones: what is told is cut from four times as many as it may have."""

    def __init__(self) -> None:
        self._said = bytearray()
        self._cut = False

    def add(self, data: bytes) -> None:
        self._said += data
        beyond = max(0, len(self._said) - 4 * TAIL_BYTES)
        self._cut = self._cut or beyond > 0
        del self._said[:beyond]

    @property
    def lines(self) -> tuple[str, ...]:
        """At most TAIL_LINES that are not blank: masked as a whole, then cut at a line, so that a cut lays no secret bare."""
        text = masked(self._said.decode("utf-8", "replace"))
        if self._cut:
            text = text.partition("\n")[2] or text.partition(" ")[2]
        whole = text[-TAIL_BYTES:]
        lines = (whole if len(whole) == len(text) else whole.partition("\n")[2]).splitlines()
        return tuple(line for line in lines if line.strip())[-TAIL_LINES:]
