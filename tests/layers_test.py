#!/usr/bin/env python3
"""Checks who includes whom (ARCHITECTURE.md, "Folders"). An invariant is an absence, so this says it.

    layers_test.py SOURCE_DIR     every forbidden include or call, one a line; exit 1 if there is any
    layers_test.py --self-test    the rules find what they are there to find
"""
import re
import sys
from pathlib import Path

STANDARD = r"[a-z_0-9]+"  # <vector>: no slash, no ".h"
FMT_AND_RESULT = [r"fmt/.*", r"boost/system/.*"]

# What a folder may name between angle brackets (third party, system) and between quotes (this project).
ALLOWED = {
    "router": {
        "angle": [STANDARD, *FMT_AND_RESULT, r"re2/.*"],
        "quote": [r"router/.*"],
    },
    "watcher": {
        "angle": [STANDARD, *FMT_AND_RESULT, r"curl/.*", r"ares\.h", r"nlohmann/.*", r"yaml-cpp/.*", r"[a-z_]+\.h", r"sys/.*", r"arpa/.*",
                  r"net.*"],
        "quote": [r"watcher/.*", r"router/.*"],
    },
    "tls": {
        "angle": [STANDARD, *FMT_AND_RESULT, r"openssl/.*"],
        "quote": [r"tls/.*", r"router/base/.*"],
    },
    "proxy": {
        "angle": [STANDARD, r"fmt/.*", r"boost/.*", r"prometheus/.*", r"nghttp2/.*", r"nlohmann/.*", r"CLI/.*", r"spdlog/.*",
                  r"openssl/.*", r"[a-z_]+\.h", r"sys/.*", r"arpa/.*", r"net.*", r"linux/.*"],
        "quote": [r"proxy/.*", r"router/.*", r"tls/.*"],
    },
}

# Includes that only these files may have, whatever their folder allows.
RESERVED = {
    r"watcher/.*": [r"watcher/.*", r"proxy/main\.cpp"],
    r"curl/.*": [r"watcher/.*"],
    r"ares\.h": [r"watcher/dns_client\.cpp"],
    # Text <-> address, nothing more: the one system header of the pure core.
    r"arpa/inet\.h": [r"router/base/ip_address\.cpp", r"(watcher|proxy)/.*"],
    r"sys/epoll\.h": [r"proxy/readiness_set\.(hpp|cpp)"],
    r"nghttp2/.*": [r"proxy/http2_(session|memory|fields)\.(hpp|cpp)"],
    r"nlohmann/.*": [r"watcher/.*", r"proxy/admin\w*\.(hpp|cpp)"],
    r"boost/beast.*": [r"proxy/admin\w*\.(hpp|cpp)"],
    r"boost/asio/(awaitable|co_spawn)\.hpp": [r"proxy/(?!(serve|forward|relay|tunnel|http1_\w+)\.)\w+\.(hpp|cpp)"],
    r"openssl/.*": [r"tls/.*", r"proxy/tls_stream\.(hpp|cpp)"],
}

# Calls that have no place in a folder: the pure core is told the time.
FORBIDDEN_TEXT = {
    "router": [r"_clock::now\b", r"\bclock_gettime\b", r"\bgettimeofday\b", r"\bstd::time\(", r"\bstd::random_device\b",
               r"\bstd::(mutex|thread|jthread|condition_variable)\b"],
    "proxy": [r"\bboost::asio::strand\b", r"\bmake_strand\b"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")', re.M)


def matches(name, patterns):
    return any(re.fullmatch(pattern, name) for pattern in patterns)


def without_comments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)


def violations(path, text):
    """What the file at this path, as seen from the top of the source, includes or calls and must not."""
    folder = path.split("/")[0]
    found = []
    for angle, quote in INCLUDE.findall(text):
        name = angle or quote
        allowed = ALLOWED[folder]["angle" if angle else "quote"]
        keepers = [files for pattern, files in RESERVED.items() if re.fullmatch(pattern, name)]
        if not all(matches(path, files) for files in keepers):
            found.append(f"{path} must not include {name}: reserved for other files")
        elif not matches(name, allowed) and not keepers:
            found.append(f"{path} must not include {name}")
    for pattern in FORBIDDEN_TEXT.get(folder, []):
        if hit := re.search(pattern, without_comments(text)):
            found.append(f"{path} must not use {hit.group(0)}")
    return found


def missing_files(top, path, text):
    return [f"{path} includes \"{quote}\", which is no file (include by full path)"
            for _, quote in INCLUDE.findall(text) if quote and not (top / quote).is_file()]


def check(top):
    found, count = [], 0
    for folder in ALLOWED:
        for file in sorted((top / folder).rglob("*.[ch]pp")):
            path, text = file.relative_to(top).as_posix(), file.read_text()
            found += violations(path, text) + missing_files(top, path, text)
            count += 1
    if count == 0:
        found.append(f"{top} holds no source")
    return found, count


def self_test():
    bad = {
        "router/a.cpp": ["<boost/asio.hpp>", "<sys/socket.h>", "<openssl/ssl.h>", "<curl/curl.h>", "<nlohmann/json.hpp>",
                         '"watcher/translate.hpp"', '"proxy/worker.hpp"', '"tls/certificate.hpp"'],
        "router/policies/a.cpp": ["<netinet/in.h>", "<arpa/inet.h>", "<unistd.h>"],
        "watcher/a.cpp": ["<boost/asio/post.hpp>", "<boost/beast.hpp>", '"proxy/worker.hpp"', '"tls/certificate.hpp"', "<openssl/ssl.h>", "<ares.h>"],
        "tls/a.cpp": ["<sys/socket.h>", '"watcher/source.hpp"', '"router/config.hpp"', '"proxy/stream.hpp"', "<boost/asio.hpp>"],
        "proxy/a.cpp": ["<curl/curl.h>", '"watcher/watcher.hpp"', "<sys/epoll.h>", "<nlohmann/json.hpp>", "<nghttp2/nghttp2.h>",
                        "<boost/beast/http.hpp>", "<yaml-cpp/yaml.h>", '"../router/config.hpp"'],
        "proxy/serve.cpp": ["<boost/asio/awaitable.hpp>"],
    }
    good = {
        "router/a.cpp": ["<vector>", "<boost/system/result.hpp>", "<re2/re2.h>", '"router/config.hpp"'],
        "watcher/a.cpp": ["<curl/curl.h>", "<sys/inotify.h>", '"router/config.hpp"'],
        "watcher/dns_client.cpp": ["<ares.h>"],
        "tls/a.cpp": ["<openssl/ssl.h>", '"router/base/result.hpp"'],
        "proxy/main.cpp": ['"watcher/watcher.hpp"', '"proxy/options.hpp"'],
        "proxy/admin.cpp": ["<boost/beast/http.hpp>", "<nlohmann/json.hpp>", "<boost/asio/awaitable.hpp>"],
        "proxy/readiness_set.cpp": ["<sys/epoll.h>"],
    }
    wrong = [f"{path} may include {name}, but should not" for path, names in bad.items() for name in names
             if not violations(path, f"#include {name}\n")]
    wrong += [line for path, names in good.items() for name in names for line in violations(path, f"#include {name}\n")]
    if not violations("router/a.cpp", "auto now = std::chrono::steady_clock::now();"):
        wrong.append("router/ may read a clock, but should not")
    if violations("router/a.cpp", "// steady_clock::now() is not for us\n"):
        wrong.append("a comment counts as code")
    return wrong


def main():
    if sys.argv[1:] == ["--self-test"]:
        found, what = self_test(), "the layer rules"
    else:
        found, count = check(Path(sys.argv[1]))
        what = f"{count} files"
    print("\n".join(found) if found else f"checked {what}: nothing forbidden")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
