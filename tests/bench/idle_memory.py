"""How much memory an idle keep-alive connection costs each proxy: opened, one request answered, then left alone."""
import socket
import ssl

import peers

REQUEST = f"GET /small HTTP/1.1\r\nHost: {peers.HOST}\r\n\r\n".encode()


def open_connection(proxy, context):
    port = proxy.tls_port if context else proxy.plain_port
    connection = socket.create_connection(("127.0.0.1", port))
    if context:
        connection = context.wrap_socket(connection, server_hostname=peers.HOST)
    connection.sendall(REQUEST)
    answer = b""
    while not answer.endswith(b"s" * peers.SMALL):
        part = connection.recv(4096)
        if not part:
            raise SystemExit(f"compare: {proxy.name} closed an idle connection")
        answer += part
    return connection


def bytes_a_connection(proxy, count, context):
    """(resident, proportional) bytes, from a fresh process that has answered a few requests."""
    proxy.stop()
    proxy.start()
    connections = [open_connection(proxy, context) for _ in range(20)]
    before = proxy.memory_bytes()
    connections += [open_connection(proxy, context) for _ in range(count)]
    after = proxy.memory_bytes()
    for connection in connections:
        connection.close()
    return [(end - start) / count for start, end in zip(before, after)]


def report(proxies, count, only):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    kinds = [("plain", None), ("TLS", context)]
    print(f"\n| {count} idle connections | proxy | RSS KB each | PSS KB each |\n|---|---|---|---|")
    for kind, chosen in kinds:
        if only in (None, kind.lower()):
            for name, proxy in proxies.items():
                resident, proportional = bytes_a_connection(proxy, count, chosen)
                print(f"| {kind} | {name} | {resident / 1024:.2f} | {proportional / 1024:.2f} |")
    print("\nOpened one after another, one request each. nginx takes the table of its worker_connections when it starts: 0.4 KB a "
          "connection that is not in these figures.")
