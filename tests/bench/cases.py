"""What is measured: a case a line, and what the project wants of it. Adding a case is adding a line to CASES."""
from dataclasses import dataclass

from peers import KB, MB, SMALL

GRPC = "/bench.Echo/"  # calls: spoken in HTTP/2 to the origin, too
MESSAGE = 5 + 128  # gRPC's prefix and the message
STREAM = 100  # messages that answer a streaming call, each in a frame of its own
CALL = ("content-type: application/grpc", "te: trailers")
PROXIES = ("fairlead", "nginx", "haproxy", "envoy")

# What a browser sends, about 1.1 KB.
BROWSER = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
    "Accept-Encoding: gzip, deflate, br",
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8",
    "Cache-Control: max-age=0",
    'Sec-CH-UA: "Chromium";v="124", "Not-A.Brand";v="99"',
    "Sec-CH-UA-Mobile: ?0",
    'Sec-CH-UA-Platform: "Linux"',
    "Sec-Fetch-Dest: document",
    "Sec-Fetch-Mode: navigate",
    "Sec-Fetch-Site: same-origin",
    "Sec-Fetch-User: ?1",
    "Upgrade-Insecure-Requests: 1",
    "Referer: https://bench.example.com/catalogue/garden/watering?page=3&sort=price",
    "Cookie: session=" + "0123456789abcdef" * 8 + "; theme=dark; consent=all; _ga=GA1.2.1234567890.1700000000; basket=" + "f00d" * 32,
)


@dataclass(frozen=True)
class Goal:
    """The figure of Fairlead divided by that of `against` must not be above. "better": nginx or HAProxy, the one that needs
    less in that run."""
    goal: float
    floor: float
    against: str = "better"
    figure: str = "cpu"  # against that of generator and origin in the same run; or "own cpu": without that; or p50, p99


@dataclass(frozen=True)
class Case:
    name: str
    path: str
    body: int  # bytes of a response, or of the answer to a WebSocket message
    goals: tuple = ()
    tls: bool = False
    upload: int = 0  # bytes of a request's body, or of a WebSocket message
    headers: tuple = ()
    connections: int = 50
    streams: int = 0  # of each connection, at once: HTTP/2; 0: HTTP/1.1
    options: tuple = ()  # of bench_load; without any, h2load makes the requests
    rate: int = 0  # requests a second, open loop
    slow: bool = False  # few requests take long
    turns: int = 1  # of every connection and stream, at the least: so much that opening them does not count
    proxies: tuple = PROXIES
    own: str = "fairlead"  # which of the proxies is ours
    traced: bool = False  # its system calls are counted

    @property
    def at_once(self):
        """Requests that are under way at the same time."""
        return self.connections * max(1, self.streams)

    @property
    def grpc(self):
        return self.path.startswith(GRPC)

    @property
    def origin(self):
        if self.grpc:
            return "grpc"
        return "streams" if self.path.startswith(("/chunked/", "/fixed/", "/websocket")) else "origin"


MANY = "fairlead with 40,000 Ingresses"
POLICIES = "fairlead with policies"
KERNEL = "kernel's share"  # no proxy: bytes are passed on unread
KERNEL_OF_STREAMS = "kernel's share of streams"  # the same before the other origin
AND_KERNEL = (*PROXIES, KERNEL)

SMALL_BODIES = (Goal(0.65, 0.72),)
LARGE_BODIES = (Goal(0.65, 0.75, "nginx"), Goal(0.9, 1.0, "haproxy"))
TLS = (Goal(0.65, 0.72),)
HTTP2 = (Goal(0.65, 0.8, "best", "own cpu"),)
OPEN = (Goal(0.6, 0.7), Goal(1.0, 1.0, "best", "p50"), Goal(1.0, 1.0, "best", "p99"))



def http2(name, path, body, upload=0, slow=False, headers=()):
    """Over TLS and in clear text, with few streams on some connections and with many on one."""
    shapes = [(prefix, tls, connections, streams) for prefix, tls in (("h2", True), ("h2c", False))
              for connections, streams in ((10, 10), (1, 100))]
    return [Case(f"{prefix} {name}, {connections} × {streams}", path, body, HTTP2, tls=tls, upload=upload, headers=headers, connections=connections,
                 streams=streams, slow=slow, traced=name == "GET 128 B") for prefix, tls, connections, streams in shapes]


CASES = [
    Case("GET 128 B", "/128", SMALL, SMALL_BODIES, traced=True, proxies=AND_KERNEL),
    Case("GET 1 KB", "/1k", KB, SMALL_BODIES, proxies=AND_KERNEL),
    Case("GET 10 KB", "/10k", 10 * KB, SMALL_BODIES, traced=True, proxies=AND_KERNEL),
    Case("GET 128 B, browser's headers", "/128", SMALL, SMALL_BODIES, headers=BROWSER, proxies=AND_KERNEL),
    Case("upload 10 KB", f"/fixed/{SMALL}", SMALL, SMALL_BODIES, upload=10 * KB, traced=True, proxies=AND_KERNEL),
    Case("10 KB chunked both ways", f"/chunked/{10 * KB}", 10 * KB, SMALL_BODIES, upload=10 * KB, options=("--chunked",)),
    Case("GET 64 KB", "/large/64k", 64 * KB, LARGE_BODIES),
    Case("GET 256 KB", "/large/256k", 256 * KB, LARGE_BODIES),
    Case("GET 1 MB", "/large/1m", MB, LARGE_BODIES, slow=True),
    Case("GET 100 MB", "/large/100m", 100 * MB, LARGE_BODIES, connections=4, slow=True),
    Case("upload 1 MB", f"/fixed/large/{SMALL}", SMALL, LARGE_BODIES, upload=MB, slow=True),
    Case("upload 100 MB", f"/fixed/large/{SMALL}", SMALL, LARGE_BODIES, upload=100 * MB, connections=4, slow=True),
    Case("TLS GET 128 B", "/128", SMALL, TLS, tls=True, traced=True),
    Case("TLS GET 10 KB", "/10k", 10 * KB, TLS, tls=True),
    Case("TLS GET 1 MB", "/large/1m", MB, TLS, tls=True, slow=True),
    Case("TLS full handshake a request", "/128", SMALL, (Goal(0.85, 0.92),), tls=True, options=("--close",)),
    Case("TLS resumed session a request", "/128", SMALL, (Goal(0.75, 0.8),), tls=True, options=("--close", "--resume")),
    Case("new connection a request", "/128", SMALL, (Goal(0.75, 0.85),), options=("--close",)),
    Case("open loop, 4,000 requests/s", "/128", SMALL, OPEN, rate=4000, proxies=AND_KERNEL),
    Case("open loop, 10,000 requests/s", "/128", SMALL, OPEN, rate=10000, proxies=AND_KERNEL),
    Case("WebSocket, 1,000 connections", "/websocket", 132, (Goal(0.65, 0.8),), upload=128, connections=1000, options=("--websocket",), turns=50,
         proxies=AND_KERNEL),
    Case("GET 128 B with 40,000 Ingresses", "/128", SMALL, (Goal(1.05, 1.1, "fairlead"),), own=MANY,
         proxies=("fairlead", MANY, "nginx")),
    Case("GET 128 B with access log, metrics and policies", "/128", SMALL, (Goal(1.05, 1.1, "fairlead"),), own=POLICIES,
         headers=("Origin: https://app.example.com",), proxies=("fairlead", POLICIES, "nginx")),
    *http2("GET 128 B", "/128", SMALL),
    *http2("GET 10 KB", "/10k", 10 * KB),
    *http2("GET 1 MB", "/large/1m", MB, slow=True),
    *http2("upload 10 KB", f"/fixed/{SMALL}", SMALL, upload=10 * KB),
    *http2("upload 1 MB", f"/fixed/large/{SMALL}", SMALL, upload=MB, slow=True),
    *http2("gRPC unary, 128 B", f"{GRPC}Unary", MESSAGE, upload=MESSAGE, headers=CALL),
    *http2(f"gRPC stream of {STREAM} × 128 B", f"{GRPC}Stream", STREAM * MESSAGE, upload=MESSAGE, headers=CALL),
]


def chosen(words):
    """The cases whose name holds one of these words; without words all."""
    return [case for case in CASES if not words or any(word.lower() in case.name.lower() for word in words)]
