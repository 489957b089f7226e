#!/usr/bin/env python3
"""Many watchers of one key: how long from a change until the last of them has it.

Usage: watchers.py DIALECT HOST PORT COUNT [ROUNDS]. Prints: milliseconds to half of them, to the last (medians of the
rounds), and how many there were. Dialects as in kv.lua.
"""
import base64
import resource
import select
import socket
import statistics
import struct
import sys
import time

dialect, host, port, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
rounds = int(sys.argv[5]) if len(sys.argv) > 5 else 5
KEY = "watched"
LIMIT = 60  # seconds for anything


def request(method, target, body=b""):
    head = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n"
    if dialect == "v2" and body:
        head += "Content-Type: application/x-www-form-urlencoded\r\n"
    return head.encode() + b"\r\n" + body


def text64(text):
    return base64.b64encode(text.encode()).decode()


def watch():
    if dialect == "v3":
        return request("POST", "/v3/watch", f'{{"create_request":{{"key":"{text64(KEY)}"}}}}'.encode())
    if dialect == "v2":
        return request("GET", f"/v2/keys/{KEY}?wait=true&stream=true")
    return request("GET", f"/v1/kv/{KEY}?watch")


def put(value):
    if dialect == "v3":
        body = f'{{"key":"{text64(KEY)}","value":"{text64(value)}"}}'
        return request("POST", "/v3/kv/put", body.encode()), text64(value).encode()
    if dialect == "v2":
        return request("PUT", f"/v2/keys/{KEY}", b"value=" + value.encode()), value.encode()
    return request("PUT", f"/v1/kv/{KEY}", value.encode()), text64(value).encode()


def connect():
    stream = socket.create_connection((host, port), timeout=LIMIT)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Closed by a reset: the ports of thousands that were closed otherwise lack the next run for a minute.
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return stream


def main():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most < count + 100:
        sys.exit(f"watchers: this needs {count + 100} open files, and no more than {most} are allowed here (ulimit -n)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    writer = connect()
    poll = select.epoll()
    streams = {}
    for _ in range(count):
        stream = connect()
        stream.sendall(watch())
        streams[stream.fileno()] = stream
    # Each has said that it watches: the head of its answer, or its first line.
    for stream in streams.values():
        stream.recv(65536)
        stream.setblocking(False)
        poll.register(stream.fileno(), select.EPOLLIN)
    settle(poll, streams)
    halves, lasts = [], []
    for number in range(rounds):
        message, wanted = put(f"value-{number:06d}")
        start = time.perf_counter()
        writer.sendall(message)
        times = deliveries(poll, streams, wanted, start)
        writer.recv(65536)
        halves.append(times[len(times) // 2])
        lasts.append(times[-1])
        settle(poll, streams)
    print(f"{statistics.median(halves) * 1000:.1f} {statistics.median(lasts) * 1000:.1f} {count}")


def settle(poll, streams):
    """Reads what is left of answers' heads, until it is quiet."""
    while True:
        events = poll.poll(0.5, 4096)
        if not events:
            return
        for descriptor, _ in events:
            streams[descriptor].recv(65536)


def deliveries(poll, streams, wanted, start):
    waiting = dict.fromkeys(streams, b"")
    times = []
    while waiting:
        if time.perf_counter() - start > LIMIT:
            sys.exit(f"watchers: {len(waiting)} of {count} were told nothing")
        for descriptor, _ in poll.poll(1, 4096):
            received = streams[descriptor].recv(65536)
            if not received:
                sys.exit("watchers: a watcher was hung up on")
            if descriptor not in waiting:
                continue
            seen = waiting[descriptor] + received
            if wanted in seen:
                del waiting[descriptor]
                times.append(time.perf_counter() - start)
            else:
                waiting[descriptor] = seen
    return times


main()
