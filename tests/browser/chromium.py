"""A small client of Chromium's DevTools protocol: as much of a browser as looking at a page takes.

Selenium or playwright would do the same for 10 to 180 MB more; ``websockets`` is here already.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from websockets.sync.client import connect

BINARIES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WAIT = 60.0  # seconds: a busy machine starts a browser slowly


def chromium() -> str | None:
    """The browser to use: ``ASSAY_CHROMIUM``, or the first one on the path."""
    return os.environ.get("ASSAY_CHROMIUM") or next(filter(None, map(shutil.which, BINARIES)), None)


class Tab:
    """One tab of one headless browser, offline.

    Attributes
    ----------
    requests
        Addresses that pages asked for since they were opened, but for the pages themselves.
    errors
        What they wrote to the console as a warning or an error, and what they threw.
    """

    def __init__(self, binary: str, profile: Path) -> None:
        self.requests: list[str] = []
        self.errors: list[str] = []
        self._number = 0
        self._stack = ExitStack()
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
        flags += ["--no-first-run", "--disable-extensions", "--disable-background-networking", "--mute-audio"]
        flags += ["--host-resolver-rules=MAP * ~NOTFOUND", "--remote-debugging-port=0", f"--user-data-dir={profile}"]
        self._process = subprocess.Popen(
            [binary, *flags, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            self._session = self._attached(profile / "DevToolsActivePort")
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.call(f"{domain}.enable")
        except BaseException:
            self._process.kill()
            raise

    def __enter__(self) -> Tab:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self._stack.close()
        self._process.terminate()
        self._process.wait(WAIT)

    def open(self, file: Path) -> None:
        """Load a file and wait until it is there."""
        self.requests.clear()
        self.errors.clear()
        self.call("Page.navigate", url=file.resolve().as_uri())
        self._until(lambda event: event["method"] == "Page.loadEventFired")
        self.requests.remove(file.resolve().as_uri())

    def show(self, width: int, *, dark: bool = False, height: int = 800) -> None:
        """As wide a screen, light or dark."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def evaluate(self, script: str) -> object:
        """The value of a script, a promise's when it is kept."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description", "a script failed"))
        return answer["result"].get("value")

    def picture(self, *, whole: bool = False) -> bytes:
        """PNG of what is on the screen, or of the whole page."""
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(answer["data"])

    def call(self, method: str, **parameters: object) -> dict:
        """The answer to one command."""
        return self._send(method, parameters, self._session)

    def _attached(self, port: Path) -> str:
        end = time.monotonic() + WAIT
        while not (port.exists() and port.read_text().count("\n")):
            if time.monotonic() > end or self._process.poll() is not None:
                raise RuntimeError("chromium does not start")
            time.sleep(0.05)
        number, path = port.read_text().split("\n")[:2]
        address = f"ws://127.0.0.1:{number}{path}"
        self._socket = self._stack.enter_context(connect(address, max_size=None, open_timeout=WAIT, proxy=None))
        target = self._send("Target.createTarget", {"url": "about:blank"})["targetId"]
        return str(self._send("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"])

    def _send(self, method: str, parameters: dict, session: str | None = None) -> dict:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        self._socket.send(json.dumps(message | ({"sessionId": session} if session else {})))
        answer = self._until(lambda event: event.get("id") == self._number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def _until(self, wanted) -> dict:
        """Read messages up to the one that is wanted, noting requests and errors on the way."""
        while True:
            event = json.loads(self._socket.recv(timeout=WAIT))
            event.setdefault("method", "")
            self._note(event["method"], event.get("params", {}))
            if wanted(event):
                return event

    def _note(self, method: str, said: dict) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(said["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.errors.append(str(said["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning", "assert"):
            self.errors.append(str(said["args"]))
        elif method == "Log.entryAdded" and said["entry"]["level"] in ("error", "warning"):
            self.errors.append(said["entry"]["text"])
