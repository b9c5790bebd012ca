"""Makes facts of what the odd probe fetched. Never sent: it may import what is installed beside the doctor alone."""

import os
import time
from pathlib import Path
from typing import Any

import msgspec


def look(probe: Any, arguments: Any) -> None:
    told = arguments["told"]
    probe.tell(first=told["first"].upper(), pid=os.getpid(), made=msgspec.__name__)
    if arguments.get("then") == "hang":
        time.sleep(600)
    if arguments.get("then", "").startswith("/"):
        Path(arguments["then"]).touch()
    probe.tell(last=told.get("last", "never told").upper())
