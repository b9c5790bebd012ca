"""Many pictures at a time for a service of this machine: what it answers, how fast, and whether the GPU computes meanwhile."""

from __future__ import annotations

import threading
import time

from retina_doctor.hints import Any
from retina_doctor_checks.probes.service import look_endpoint, own_headers, posting

PERIOD = 0.1  # seconds between two looks at the GPU: NVML itself averages over a sixth of a second to a second


def load(
    url: dict[str, Any],
    address: str,
    upload: look_endpoint.Upload,
    header_file: str | None,
    wanted: dict[str, int],
    deadline: float,
    verified: bool,
) -> dict[str, Any]:
    """Facts of *wanted* requests, so many at once. What is not begun at the deadline is left out."""
    client = posting.Client(url, address, own_headers.of_file(header_file), deadline)
    client = client if verified else client.trusting()
    left = list(range(wanted["requests"]))
    seconds: list[float] = []
    errors: dict[str, int] = {}
    lock = threading.Lock()

    def ask() -> None:
        while time.monotonic() < deadline:
            with lock:
                if not left:
                    return
                left.pop()
            told = look_endpoint.followed(client, upload)
            well = look_endpoint.is_answered(told) and told["json"]
            with lock:
                if not well and time.monotonic() >= deadline:
                    left.append(0)  # cut short by us, not by the service
                elif well:
                    seconds.append(told["seconds"])
                else:
                    kind = "HTTP %d" % told["status"] if told["status"] else told["kind"]
                    errors[kind] = errors.get(kind, 0) + 1

    busiest: list[int] = []
    over = threading.Event()
    watching = threading.Thread(target=watch, args=(busiest, over), daemon=True)
    watching.start()
    start = time.monotonic()
    threads = [threading.Thread(target=ask, daemon=True) for _ in range(wanted["at_once"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - start
    over.set()
    watching.join(1)
    seconds.sort()
    return {
        "requests": wanted["requests"],
        "at_once": wanted["at_once"],
        "answered": len(seconds),
        "left": len(left),
        "errors": errors,
        "seconds": took,
        "median": seconds[len(seconds) // 2] if seconds else None,
        "p95": seconds[min(len(seconds) - 1, int(len(seconds) * 0.95))] if seconds else None,
        "gpu": max(busiest) if busiest else None,
    }


def watch(busiest: list[int], over: threading.Event) -> None:
    """Adds the GPUs' use in percent, until *over*; nothing where NVML does not tell."""
    try:
        import pynvml

        pynvml.nvmlInit()
        cards = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        while not over.wait(PERIOD):
            busiest.extend(pynvml.nvmlDeviceGetUtilizationRates(card).gpu for card in cards)
    except Exception:  # no NVML, no card, no such question: the service is what was asked about
        return
