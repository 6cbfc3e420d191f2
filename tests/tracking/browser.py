"""A headless Chromium that is steered over a pipe, for pages that ask for an account and draw by themselves."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


class Browser:
    """One page, asked by the DevTools protocol: a JSON message each, ended by a zero byte."""

    def __init__(self, answered: BinaryIO, asked: BinaryIO) -> None:
        self._from, self._to = answered, asked
        self._number, self._session = 0, ""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def call(self, method: str, **parameters: Any) -> Any:
        """Send a command; return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._to.write(json.dumps(message).encode() + b"\0")
        self._to.flush()
        while True:
            answer = json.loads(self._read())
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def _read(self) -> bytes:
        message = bytearray()
        while (byte := self._from.read(1)) != b"\0":
            assert byte, "Chromium ended"
            message += byte
        return bytes(message)

    def open(self, address: str, account: tuple[str, str]) -> str:
        """Open a page with an account; return why it cannot be shown, or nothing."""
        token = base64.b64encode(":".join(account).encode()).decode()
        self.call("Network.enable")
        self.call("Network.setExtraHTTPHeaders", headers={"Authorization": f"Basic {token}"})
        return str(self.call("Page.navigate", url=address).get("errorText", ""))

    def ask(self, script: str) -> Any:
        """Return the value of an expression in the page."""
        result = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        return result["result"].get("value")

    def wait_for(self, script: str, seconds: float = 120) -> Any:
        """Return the value of an expression once it is true."""
        end = time.monotonic() + seconds
        while not (value := self.ask(script)):
            assert time.monotonic() < end, self.ask("document.body.innerText.slice(0, 4000)")
            time.sleep(0.3)
        return value

    def save(self, path: Path) -> None:
        """Write a picture of the page."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))


@contextmanager
def started(folder: Path) -> Iterator[Browser]:
    """Run Chromium until the end of the block; `folder` holds its profile."""
    commands, to_browser = os.pipe()
    from_browser, answers = os.pipe()

    def give_pipes() -> None:
        os.dup2(commands, 100), os.dup2(answers, 101)
        os.dup2(100, 3), os.dup2(101, 4)

    command = ["chromium", *OPTIONS, "--remote-debugging-pipe", f"--user-data-dir={folder / 'profile'}"]
    command += ["--window-size=1600,1200"]
    process = subprocess.Popen(
        command,
        preexec_fn=give_pipes,
        pass_fds=(3, 4),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(commands)
    os.close(answers)
    try:
        with os.fdopen(from_browser, "rb") as answered, os.fdopen(to_browser, "wb") as asked:
            yield Browser(answered, asked)
    finally:
        process.terminate()
        process.wait(20)
