"""A local HTTP server that misbehaves on demand, for the tests of downloads."""

import hashlib
import http.server
import threading
import time

CONTENT = bytes(range(256)) * 4096  # 1 MiB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT at any path; ``script`` holds what the next answers do.

    Each entry of the script is a dict: ``status``, ``body`` (other bytes), ``send``
    (how many bytes of the body before the connection closes), ``stall`` (seconds of
    silence after them), ``slow`` (pause between pieces of 64 KiB), ``chunked``,
    ``blind`` (a range is sent though the file changed) and further ``headers`` (None
    leaves one out). The last entry holds for all later answers.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script, self.ranges, self.asked = [{}], True, []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """A client that is gone is what these tests are about."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        """Nothing on the screen."""

    def do_GET(self):
        server = self.server
        turn = server.script[0]
        if len(server.script) > 1:
            server.script.pop(0)
        server.asked.append((self.path, dict(self.headers)))
        status, body = turn.get("status", 200), turn.get("body", CONTENT)
        headers = {"ETag": f'"{hashlib.md5(body).hexdigest()}"', "Connection": "close"}
        start = 0
        wanted = self.headers.get("Range")
        same = self.headers.get("If-Range", headers["ETag"]) == headers["ETag"]
        if status == 200 and wanted and server.ranges and (same or turn.get("blind")):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                status = 416
            else:
                status = 206
                headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        rest = body[start:] if status in (200, 206) else b"no"
        headers["Content-Length"] = str(len(rest))
        if turn.get("chunked"):
            headers["Content-Length"] = None
            headers["Transfer-Encoding"] = "chunked"
        headers.update(turn.get("headers", {}))
        self.send_response_only(status)
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        rest = rest[: turn.get("send", len(rest))]
        for first in range(0, len(rest), 2**16):
            piece = rest[first : first + 2**16]
            if turn.get("chunked"):
                piece = b"%x\r\n%b\r\n" % (len(piece), piece)
            self.wfile.write(piece)
            time.sleep(turn.get("slow", 0))
        if turn.get("chunked") and "send" not in turn:
            self.wfile.write(b"0\r\n\r\n")
        time.sleep(turn.get("stall", 0))
        self.close_connection = True
