"""A browser without a window, driven by the Chrome DevTools protocol over pipes; the standard library is enough.

Messages are JSON, each ended by a zero byte, on the file descriptors 3 and 4 of the browser.
https://chromedevtools.github.io/devtools-protocol
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from select import select
from time import monotonic
from typing import Any, Self

PROGRAM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
_KEYS = {
    " ": ("Space", 32),
    "PageUp": ("PageUp", 33),
    "PageDown": ("PageDown", 34),
    "End": ("End", 35),
    "Home": ("Home", 36),
}
_KEYS |= {f"Arrow{side}": (f"Arrow{side}", code) for code, side in enumerate(("Left", "Up", "Right", "Down"), 37)}
_KEYS |= {"Enter": ("Enter", 13), "Escape": ("Escape", 27), "Tab": ("Tab", 9), "f": ("KeyF", 70), "0": ("Digit0", 48)}
_KEYS |= {"n": ("KeyN", 78), "+": ("Equal", 187), "-": ("Minus", 189), "/": ("Slash", 191)}
_PATIENCE = 20.0  # seconds, for any answer
# Sizes are observed, and the page arranged, while a frame is drawn: the second one begins after that.
_DRAWN = "new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(() => drawn(true))))"


class Browser:
    """One browser with one page.

    `requests` are the addresses that the page asked for, `errors` its complaints, `frames` the sessions of
    its frames that have a process of their own.
    """

    def __init__(self, width: int = 1280, height: int = 720) -> None:
        assert PROGRAM is not None
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.frames: list[str] = []
        self._size = (width, height)
        self._count, self._buffer = 0, b""

    def __enter__(self) -> Self:
        self._home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        options = "--headless --no-sandbox --disable-gpu --hide-scrollbars --disable-dev-shm-usage --no-first-run"
        options += f" --remote-debugging-pipe --user-data-dir={self._home.name}"
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {PROGRAM} {options} 3<&0 4>&1 </dev/null >/dev/null"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": self._home.name},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._write, self._read = self._process.stdin.fileno(), self._process.stdout.fileno()
        self._session = ""
        try:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Network", "Log"):
                self.call(f"{domain}.enable")
            self.call("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=False, flatten=True)
            self.resize(*self._size)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._session = ""
        try:
            self.call("Browser.close")
        finally:
            self._end()

    def _end(self) -> None:
        """Wait for the browser to end, and end it if it does not."""
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
        with self._process:  # closes the pipes
            self._home.cleanup()

    def call(self, method: str, *, session: str = "", **params: Any) -> dict[str, Any]:
        """Send a command to the page, or to one of its frames, and wait for its result."""
        self._count += 1
        number = self._count
        message = {"id": number, "method": method, "params": params}
        if session or self._session:
            message["sessionId"] = session or self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result

    def open(self, page: str | Path) -> None:
        """Load a file, with what stands behind its name, such as #3; a new page even if it is the same file."""
        self.requests.clear()
        self.errors.clear()
        self.frames.clear()
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=f"file://{page}")
        self.wait("document.readyState === 'complete' && location.protocol === 'file:'")
        self.run(_DRAWN)

    def run(self, script: str, session: str = "") -> Any:
        """The value of a script, as JSON has it; what it throws is an error here."""
        how = {"returnByValue": True, "awaitPromise": True, "userGesture": True}
        answer = self.call("Runtime.evaluate", session=session, expression=script, **how)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, condition: str) -> None:
        """Wait until a script is true."""
        end = monotonic() + _PATIENCE
        while not self.run(condition):
            assert monotonic() < end, f"never true: {condition}"

    def press(self, key: str) -> None:
        """Press and release a key."""
        code, number = _KEYS[key]
        told = {"key": key, "code": code, "windowsVirtualKeyCode": number}
        text = {"text": "\r" if key == "Enter" else key} if len(key) == 1 or key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **told, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **told)

    def click(self, selector: str) -> None:
        """Click the middle of an element with the mouse, where it can be seen."""
        self.run(_DRAWN)  # what stands where it will be clicked
        middle = "e.scrollIntoView({block: 'nearest'}); const b = e.getBoundingClientRect();"
        middle += "return [b.left + b.width / 2, b.top + b.height / 2]"
        x, y = self.run(f"(e => {{ {middle} }})(document.querySelector({json.dumps(selector)}))")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def resize(self, width: int, height: int) -> None:
        """Give the page another size, in pixels."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def screenshot(self, path: str | Path) -> None:
        """Write what is seen as PNG."""
        from base64 import b64decode

        Path(path).write_bytes(b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            assert select([self._read], [], [], _PATIENCE)[0], "the browser does not answer"
            part = os.read(self._read, 1 << 20)
            assert part, "the browser has ended"
            self._buffer += part
        raw, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(raw)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, event: str, params: dict[str, Any]) -> None:
        if event == "Target.attachedToTarget":
            self.frames.append(params["sessionId"])
        elif event == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif event == "Runtime.exceptionThrown":
            self.errors.append(str(params["exceptionDetails"]))
        elif event == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(params["entry"]["text"])
