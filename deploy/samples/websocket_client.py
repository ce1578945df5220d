#!/usr/bin/env python3
"""Sends one message over a WebSocket and prints what comes back, the greeting first.

    websocket_client.py ADDRESS:PORT HOST PATH MESSAGE
"""
import base64
import os
import socket
import struct
import sys

from sample_service import CLOSE, TEXT, read_exactly, read_websocket_frame


def masked_frame(opcode, payload):
    """One frame as a client sends it; short payloads only."""
    mask = os.urandom(4)
    body = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return struct.pack("!BB", 0x80 | opcode, 0x80 | len(payload)) + mask + body


def read_head(stream):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += read_exactly(stream, 1)
    return head.decode("latin-1")


def main():
    address, host, path, message = sys.argv[1:]
    name, port = address.rsplit(":", 1)
    with socket.create_connection((name, int(port)), timeout=10) as connection:
        key = base64.b64encode(os.urandom(16)).decode()
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        stream = connection.makefile("rb")
        head = read_head(stream)
        print(head.splitlines()[0])
        if " 101 " not in head:
            sys.exit(1)
        connection.sendall(masked_frame(TEXT, message.encode()) + masked_frame(CLOSE, struct.pack("!H", 1000)))
        opcode = TEXT
        while opcode != CLOSE:
            opcode, payload = read_websocket_frame(stream)
            if opcode == TEXT:
                print(payload.decode().rstrip())


if __name__ == "__main__":
    try:
        main()
    except (OSError, EOFError) as failure:
        sys.exit(f"websocket_client: {failure or 'the connection was closed'}")
