"""Downloads against a real server on this machine: whole, cut off, resumed, wrong, absent."""

from __future__ import annotations

import hashlib
import http.server
import resource
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reunlearn.base.errors import UserError
from reunlearn.data.download import fetch

CONTENT = bytes(range(256)) * 5000  # more than one chunk
MD5 = hashlib.md5(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT; tests change how."""

    content = CONTENT
    cut_after: int | None = None  # bytes after which the connection is closed, once
    ranges = True  # whether it honours Range
    status: int | None = None  # an error to answer with
    requests: list[str | None]  # the Range header of each request


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.requests.append(wanted)
        if self.server.status is not None:
            self.send_error(self.server.status)
            return
        begin = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.server.ranges else 0
        whole = len(self.server.content)
        if begin >= whole:
            self.send_error(416)
            return
        body = self.server.content[begin:]
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(body)))
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{whole - 1}/{whole}")
        self.end_headers()
        cut, self.server.cut_after = self.server.cut_after, None
        self.wfile.write(body[:cut])

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(("127.0.0.1", 0), Handler)
    made.requests = []
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def get(server: Server, path: Path, md5: str = MD5) -> Path:
    host, port = server.server_address[:2]
    return fetch(f"http://{host}:{port}/set.tar.gz", md5, path, "or place it yourself")


def message(error: pytest.ExceptionInfo[UserError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def test_a_whole_download_is_kept_and_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "downloads" / "set.tar.gz"
    assert get(server, path).read_bytes() == CONTENT
    assert get(server, path) == path
    assert server.requests == [None]
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_was_cut_off_goes_on(server: Server, tmp_path: Path, ranges: bool) -> None:
    path = tmp_path / "set.tar.gz"
    server.cut_after, server.ranges = 700_000, ranges
    with pytest.raises(UserError) as error:
        get(server, path)
    assert f"cut off after 700000 of {len(CONTENT)} bytes" in message(error)
    assert str(path) in message(error)
    assert not path.exists()
    assert get(server, path).read_bytes() == CONTENT
    assert server.requests == [None, "bytes=700000-"]


def test_a_partial_file_that_is_whole_already_is_taken(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "set.tar.gz"
    path.with_name("set.tar.gz.partial").write_bytes(CONTENT)
    assert get(server, path).read_bytes() == CONTENT
    assert server.requests == [f"bytes={len(CONTENT)}-"]


def test_wrong_bytes_are_deleted_and_named(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "set.tar.gz"
    server.content = CONTENT[:-1] + b"x"
    with pytest.raises(UserError) as error:
        get(server, path)
    assert all(part in message(error) for part in ("set.tar.gz", MD5, "place it yourself"))
    assert list(tmp_path.iterdir()) == []
    server.content = CONTENT
    assert get(server, path).exists()


def test_a_damaged_file_in_place_is_refused_and_kept(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "set.tar.gz"
    path.write_bytes(CONTENT[:1000])
    with pytest.raises(UserError) as error:
        get(server, path)
    assert all(part in message(error) for part in (str(path), "1000 bytes", "delete it"))
    assert path.exists()
    assert server.requests == []


def test_a_server_error_is_one_line(server: Server, tmp_path: Path) -> None:
    server.status = 503
    with pytest.raises(UserError) as error:
        get(server, tmp_path / "set.tar.gz")
    assert "503" in message(error)
    assert "place it yourself" in message(error)


def test_no_network_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:  # bound but not listening: a connection is refused
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/set.tar.gz"
        with pytest.raises(UserError) as error:
            fetch(url, MD5, tmp_path / "set.tar.gz", "or place it yourself")
    assert all(part in message(error) for part in (url, "refused", "place it yourself"))


def test_a_full_disk_is_one_line_and_the_rest_comes_later(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "downloads" / "set.tar.gz"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (700_000, before[1]))  # the kernel refuses to write beyond
    try:
        with pytest.raises(UserError) as error:
            get(server, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    told = (
        f"{path.parent}: File too large",
        f"{len(CONTENT)} bytes are needed there for set.tar.gz",
        "run again",
    )
    assert all(part in message(error) for part in told)
    assert [p.name for p in path.parent.iterdir()] == ["set.tar.gz.partial"]
    assert get(server, path).read_bytes() == CONTENT
    assert server.requests == [None, "bytes=700000-"]
