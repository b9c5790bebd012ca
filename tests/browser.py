"""A headless Chromium, driven over its own debugging pipe: clicks, keys, what the page says, and all that it complains of."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class Page:
    """*complaints*: messages of the console from warnings on, exceptions, and requests for anything but the file itself."""

    def __init__(self, send: int, receive: int) -> None:
        self._send = os.fdopen(send, "wb", buffering=0)
        self._receive = os.fdopen(receive, "rb")
        self._number = 0
        self._session: str | None = None
        self.complaints: list[str] = []
        self._loaded = False
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._send.write(json.dumps(message).encode() + b"\0")
        while True:
            said = self._next()
            if said.get("id") == number:
                assert "error" not in said, f"{method}: {said['error']}"
                result: dict[str, Any] = said["result"]
                return result

    def _next(self) -> dict[str, Any]:
        text = bytearray()
        while (byte := self._receive.read(1)) != b"\0":
            assert byte, "Chromium has ended"
            text += byte
        said: dict[str, Any] = json.loads(text)
        self._heed(said.get("method", ""), said.get("params", {}))
        return said

    def _heed(self, event: str, told: dict[str, Any]) -> None:
        if event == "Page.loadEventFired":
            self._loaded = True
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(f"exception: {told['exceptionDetails']}")
        elif event == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            self.complaints.append(f"console: {told['args']}")
        elif event == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"log: {told['entry']['text']}")
        elif event == "Network.requestWillBeSent":
            url = told["request"]["url"]
            if not url.startswith(("file:", "blob:", "about:")):
                self.complaints.append(f"request: {url}")

    def open(self, file: Path, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        self.complaints.clear()
        self.look(width=width, height=height, dark=dark)
        self._loaded = False
        self.ask("Page.navigate", url=file.as_uri())
        while not self._loaded:
            self._next()

    def look(self, *, width: int, height: int = 900, dark: bool = False) -> None:
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        self.ask(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}],
        )

    def tell(self, expression: str) -> Any:
        """The value of an expression of JavaScript, awaited. Not stopped by the page's policy, as the debugger's own."""
        done = self.ask(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def click(self, selector: str) -> None:
        """With the mouse, in the middle of the first such element that can be seen."""
        place = self.tell(
            f"""(() => {{
              const seen = [...document.querySelectorAll({json.dumps(selector)})].find((one) => one.checkVisibility());
              seen.scrollIntoView({{ block: "center" }});
              const box = seen.getBoundingClientRect();
              return [box.x + box.width / 2, box.y + box.height / 2];
            }})()"""
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def press(self, key: str, text: str = "") -> None:
        codes = {"Tab": 9, "Enter": 13, " ": 32}
        more = {"windowsVirtualKeyCode": codes[key]} if key in codes else {}
        text = text or {"Enter": "\r", " ": " "}.get(key, "")
        self.ask(
            "Input.dispatchKeyEvent", type="keyDown", key=key, code=key, **({"text": text} if text else {}), **more
        )
        self.ask("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, **more)

    def write(self, text: str) -> None:
        self.ask("Input.insertText", text=text)

    def choose(self, selector: str, file: Path) -> None:
        """That file, in a field for files."""
        root = self.ask("DOM.getDocument")["root"]["nodeId"]
        node = self.ask("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.ask("DOM.setFileInputFiles", files=[str(file)], nodeId=node)

    def picture(self, file: Path, *, whole: bool = True) -> None:
        data = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        file.write_bytes(base64.b64decode(data))


@contextmanager
def browser(profile: Path) -> Iterator[Page]:
    """Its profile lies in that folder. Without Chromium the test fails and says so."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    assert program, "Chromium is needed: apt-get install chromium"
    ours_in, its_out = os.pipe()
    its_in, ours_out = os.pipe()
    command = [
        program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--hide-scrollbars", "--remote-debugging-pipe", f"--user-data-dir={profile}",
    ]  # fmt: skip

    def wire() -> None:
        """The pipe is descriptors 3 and 4."""
        one, other = os.dup(its_in), os.dup(its_out)
        os.dup2(one, 3)
        os.dup2(other, 4)

    with subprocess.Popen(
        command,
        close_fds=False,
        preexec_fn=wire,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(),
    ) as process:
        os.close(its_in)
        os.close(its_out)
        page = Page(ours_out, ours_in)
        try:
            yield page
        finally:
            page.ask("Browser.close") if process.poll() is None else None
            process.wait(30)
