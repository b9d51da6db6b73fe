"""A web server on 127.0.0.1 that misbehaves on demand."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """files: path -> bytes. script: path -> what the next answers are, then "whole":
    "break" and "stall" (each after half of what was asked for), "shifted" (a wrong part), or an
    HTTP status. ranges: whether parts are served. requests: (path, Range header) so far."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.script: dict[str, list[str | int]] = {}
        self.ranges = True
        self.requests: list[tuple[str, str | None]] = []
        self.closing = threading.Event()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def __enter__(self) -> "Server":
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.requests.append((self.path, wanted))
        script = self.server.script.get(self.path, [])
        action = script.pop(0) if script else "whole"
        if isinstance(action, int):
            self.send_error(action)
            return
        body = self.server.files[self.path]
        tag = '"' + hashlib.md5(body).hexdigest() + '"'
        start = 0
        if self.server.ranges and wanted and self.headers.get("If-Range") == tag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if start >= len(body) > 0:
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        first = start + 1 if action == "shifted" else start
        if start:
            self.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - first))
        self.send_header("ETag", tag)
        self.end_headers()
        half = first + (len(body) - first) // 2
        self.wfile.write(body[first : half if action in ("break", "stall") else None])
        if action == "stall":
            self.server.closing.wait(5)

    def log_message(self, *_) -> None:
        pass
