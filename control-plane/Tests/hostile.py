"""Attacks a server on this machine over bare sockets.

    python3 hostile.py CLIENT.json malformed [COUNT]    requests that are wrong in every way
    python3 hostile.py CLIENT.json loris [CONNECTIONS]  callers that send one byte a second

CLIENT.json is what `pool-server dev` writes. Of `malformed` each request has to be refused: a 4xx
(501, 505 and 431 are the library's own), or the connection is closed where the bytes are no HTTP;
never another 5xx, never silence. Ends with 1 where one is not, or the server no longer answers.
"""

import collections
import json
import random
import socket
import sys
import threading
import time
import urllib.parse

PATIENCE = 10
KIB = 1024
POSTS = [
    "/v1/claims", "/v1/claims/batch", "/v1/quotes", "/v1/leases/L-0.1/renew", "/v1/explain",
    "/v1/leases/L-0.1/complete", "/v1/delegations", "/v1/restrictions", "/v1/corrections",
    "/v1/measures", "/v1/nodes", "/v1/nodes/n/drain", "/v1/claims/a/b/approve", "/v1/join",
    "/v1/policy/proposals", "/v1/policy/proposals/1/approve", "/v1/policy/rollback",
    "/v1/emergencies",
]
PUTS = ["/v1/policy", "/v1/dependencies/x"]
GETS = ["/v1/status", "/v1/nodes", "/v1/queue", "/v1/leases", "/v1/claims/a/b", "/metrics"]


class Server:
    """Where it listens, and what to send."""

    def __init__(self, path):
        client = json.load(open(path))
        url = urllib.parse.urlparse(client["server"])
        self.host, self.port, self.token = url.hostname, url.port, client["token"]

    def connect(self):
        return socket.create_connection((self.host, self.port), PATIENCE)

    def head(self, method, path, *more):
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}", "Connection: close"]
        lines += [f"Authorization: Bearer {self.token}", *more]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n"

    def request(self, method, path, body, *more):
        return self.head(method, path, f"Content-Length: {len(body)}", *more) + body

    def send(self, data, ends=False):
        """Sends bytes; the answer, or None where nothing came in time."""
        with self.connect() as line:
            sender = threading.Thread(target=self.push, args=(line, data, ends), daemon=True)
            sender.start()
            answer = b""
            try:
                while chunk := line.recv(65536):
                    answer += chunk
            except ConnectionResetError:
                pass
            except socket.timeout:
                return answer or None
            return answer

    @staticmethod
    def push(line, data, ends):
        try:
            line.sendall(data)
            if ends:
                line.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def bodies(random):
    """Bodies that no operation takes."""
    text = random.choice([
        b"", b"{", b"[]", b"null", b"1", b'"x"', b"{}{}", b"{,}", b'{"a":}', b"\xff\xfe{}",
        b"\xef\xbb\xbf{}", b'{"a":"\xc3\x28"}', b'{"a":"\xed\xa0\x80"}', b'{"a":"\\ud800"}',
        b'{"name":"x","name":"x"}', b'{"op":"tick"}', b"\x00" * 64, b'{"a":1e999999}',
        b'{"limit_gpu_seconds":' + b"9" * 900 + b"}", b'{"x":-0}', b'{"x":NaN}', b"{'a':1}",
        b'{"fencing":"18446744073709551616.1"}', b'{"fencing":1}', b'{"name":"a b"}',
        b'{"tenant":[],"name":{},"demand":7}', b'{"claims":[]}', b'{"claims":{}}',
        b"[" * 5000, b'{"a":' * 500 + b"1" + b"}" * 500, b"[" * 20 + b"]" * 20,
        b'{"' + b"k" * 5000 + b'":1}', b'{"for_seconds":1e400}', b'{"wait":true}',
        b'{"claims":[' + b"{}," * 2000 + b"{}]}",
    ])
    if random.random() < 0.2:
        text = bytes(random.randrange(256) for _ in range(random.randrange(1, 400)))
    return text


def malformed(server, random):
    """A request that is wrong: its kind, its bytes, and whether its sender stops there."""
    kind = random.choice([
        "body", "body", "body", "long", "truncated", "chunks", "headers", "percent", "method",
        "path", "bomb", "line", "length", "query", "key", "credential",
    ])
    method, path = random.choice([("POST", p) for p in POSTS] + [("PUT", p) for p in PUTS])
    ask = server.request
    if kind == "body":
        return kind, ask(method, path, bodies(random)), False
    if kind == "long":
        return kind, ask(method, path, b'{"a":"' + b"x" * (300 * KIB) + b'"}'), False
    if kind == "truncated":
        return kind, server.head(method, path, "Transfer-Encoding: chunked") + b"40\r\n{}", True
    if kind == "chunks":
        sizes = [b"zz\r\n{}\r\n0\r\n\r\n", b"-1\r\n", b"ffffffffffffffffff\r\n", b"\x00"]
        head = server.head(method, path, "Transfer-Encoding: chunked")
        return kind, head + random.choice(sizes), True
    if kind == "headers":
        more = random.choice([
            ["Authorization: Bearer x"], ["Content-Length: 1"], ["Transfer-Encoding: chunked"],
            ["Bad Header: x"], [": x"], ["X: \x00"], ["X\x7f: 1"],
        ])
        return kind, ask(method, path, b"{]", *more), True
    if kind == "percent":
        name = random.choice(["%", "%zz", "%00", "%ff", "%2f", "%c3%28", "..%2f..", "%25", "a%0ab"])
        method, tail = random.choice([("POST", "/approve"), ("DELETE", ""), ("GET", "")])
        return kind, ask(method, f"/v1/claims/acme/{name}{tail}", b""), False
    if kind == "method":
        word = random.choice(["PATCH", "TRACE", "BREW", "get", "CONNECT", "OPTIONS", "PROPFIND"])
        return kind, ask(word, random.choice(GETS), b""), False
    if kind == "path":
        paths = ["/", "//", "/v2", "/v1", "/v1/claims/", "/v1/../etc", "/v1/claims/a/b/c/d", "*"]
        return kind, ask("GET", random.choice(paths + ["/" + "a" * 20000]), b""), False
    if kind == "bomb":
        if random.random() < 0.5:
            return kind, ask("GET", "/v1/none", b"", *[f"X-{i}: y" for i in range(20000)]), False
        return kind, ask("GET", "/v1/none", b"", "X: " + "y" * 1_000_000), False
    if kind == "line":
        lines = [b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"]
        lines += [b"\x16\x03\x01" + b"\x00" * 60, b"GET /v1/none HTTP/1.0\r\n\r\n"]
        return kind, random.choice(lines), True
    if kind == "length":
        length = random.choice(["-1", "99999999999999999999", "1, 2", "x", "0x10"])
        return kind, server.head(method, path, f"Content-Length: {length}") + b"{}", True
    if kind == "query":
        query = random.choice(["wait=-1", "wait=99", "wait=x", "wait=%", "wait=", "wait=1e3"])
        return kind, ask("GET", "/v1/claims/acme/none?" + query, b""), False
    if kind == "key":
        key = random.choice(["", "k" * 129, "k" * 5000])
        return kind, ask(method, path, b"{}", f"Idempotency-Key: {key}"), False
    wrong = server.token[:-1] + ("0" if server.token[-1] != "0" else "1")
    words = [f"Bearer {wrong}", "Bearer ", "Basic eDp5", "", "Bearer " + "a" * 5000]
    head = "GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    return kind, f"{head}Authorization: {random.choice(words)}\r\n\r\n".encode(), False


def run_malformed(server, count):
    """Sends them; how many were not refused as they should."""
    draw = random.Random(7)
    seen, wrong = collections.Counter(), 0
    began = time.monotonic()
    for number in range(count):
        kind, data, ends = malformed(server, draw)
        answer = server.send(data, ends)
        status = "silence" if answer is None else "closed"
        if answer:
            status = answer.split(b" ", 2)[1][:3].decode("ascii", "replace")
        problem = b"application/problem+json" in (answer or b"")
        seen[kind, status, "problem" if problem else "bare"] += 1
        refused = status.startswith("4") or status in ("501", "505")
        if not refused and not (status == "closed" and kind in ("truncated", "chunks", "line")):
            wrong += 1
            print(f"{number} {kind}: {status} for {data[:120]!r}", file=sys.stderr)
    for key, times in sorted(seen.items()):
        print(f"{times:6} {' '.join(key)}")
    alive = server.send(server.request("GET", "/v1/status", b"")) or b""
    print(f"{count} requests in {time.monotonic() - began:.1f} s, {wrong} not refused")
    return wrong + (b" 200 " not in alive[:20])


def measured(server, seconds):
    """Milliseconds of each request of one caller."""
    times, ends = [], time.monotonic() + seconds
    while time.monotonic() < ends:
        began = time.monotonic()
        answer = server.send(server.request("GET", "/v1/lanes", b"")) or b""
        assert b" 200 " in answer[:20], answer[:100]
        times.append((time.monotonic() - began) * 1000)
        time.sleep(0.01)
    return sorted(times)


def told(name, times):
    at = lambda share: times[min(len(times) - 1, int(len(times) * share))]
    print(f"{name}: {len(times)} requests, p50 {at(0.5):.1f} ms, p99 {at(0.99):.1f} ms, "
          f"max {times[-1]:.1f} ms")


def run_loris(server, count):
    """Measures one caller before and while others send a byte a second."""
    told("before", measured(server, 10))
    lines = [server.connect() for _ in range(count)]
    data = server.head("POST", "/v1/claims", "Content-Length: 200000")
    stop = threading.Event()
    dropped = []

    def drip():
        for index in range(len(data) + 1000):
            for line in list(lines):
                try:
                    line.sendall(data[index:index + 1] or b" ")
                except OSError:
                    lines.remove(line)
                    dropped.append(index)
            if stop.wait(1):
                return

    thread = threading.Thread(target=drip)
    thread.start()
    told("during", measured(server, 30))
    stop.set()
    thread.join()
    for line in lines:
        line.close()
    print(f"{len(dropped)} of {count} slow connections were closed by the server")
    told("after", measured(server, 5))
    return 0


def main():
    server, what = Server(sys.argv[1]), sys.argv[2]
    number = int(sys.argv[3]) if len(sys.argv) > 3 else None
    wrong = run_loris(server, number or 200) if what == "loris" else run_malformed(
        server, number or 2000)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
