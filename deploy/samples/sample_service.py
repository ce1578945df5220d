#!/usr/bin/env python3
"""A small service for the demo: says who it is and echoes the request as JSON; speaks WebSocket (echo) on any path.

    sample_service.py NAME PORT
"""
import base64
import hashlib
import json
import struct
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def websocket_frame(opcode, payload):
    """One unmasked frame, as a server sends it (RFC 6455 5.2)."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, size)
    elif size < 65536:
        head = struct.pack("!BBH", 0x80 | opcode, 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 127, size)
    return head + payload


def read_exactly(stream, size):
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def read_websocket_frame(stream):
    """(opcode, payload) of the next frame of a client."""
    first, second = read_exactly(stream, 2)
    size = second & 0x7F
    if size == 126:
        (size,) = struct.unpack("!H", read_exactly(stream, 2))
    elif size == 127:
        (size,) = struct.unpack("!Q", read_exactly(stream, 8))
    mask = read_exactly(stream, 4) if second & 0x80 else bytes(4)
    payload = read_exactly(stream, size)
    return first & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


class SampleService(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service = ""

    def do_GET(self):
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self.speak_websocket()
            return
        self.answer(self.read_body())

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return read_exactly(self.rfile, int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += read_exactly(self.rfile, size)
            self.rfile.readline()
        while self.rfile.readline() not in (b"\r\n", b"\n", b""):
            pass
        return body

    def answer(self, body):
        page = {
            "service": self.service,
            "method": self.command,
            "path": self.path,
            "headers": dict(self.headers.items()),
            "body": body.decode("utf-8", "replace"),
        }
        data = (json.dumps(page, indent=2) + "\n").encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def speak_websocket(self):
        """Greets, then echoes every message; with ?bye it only greets and closes."""
        accept = hashlib.sha1((self.headers.get("Sec-WebSocket-Key", "") + WEBSOCKET_GUID).encode()).digest()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(accept).decode())
        self.end_headers()
        self.close_connection = True
        self.wfile.write(websocket_frame(TEXT, f"hello from {self.service}\n".encode()))
        if self.path.endswith("?bye"):
            self.wfile.write(websocket_frame(CLOSE, struct.pack("!H", 1000)))
            return
        self.echo_messages()

    def echo_messages(self):
        try:
            while True:
                opcode, payload = read_websocket_frame(self.rfile)
                self.wfile.write(websocket_frame(PONG if opcode == PING else opcode, payload))
                if opcode == CLOSE:
                    return
        except (EOFError, ConnectionError):
            return

    def log_message(self, format, *arguments):
        pass


def main():
    SampleService.service, port = sys.argv[1], int(sys.argv[2])
    server = ThreadingHTTPServer(("127.0.0.1", port), SampleService)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
