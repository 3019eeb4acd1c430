"""Many clients at once, on one epoll. Knows sockets and messages, not what a test wants of them.

A crowd reads, answers pings and notices who was closed; what the clients say is for its owner.
"""

import resource
import select
import time

from wire import Closed, WebSocket

# Bytes read from one client at once.
READ_BYTES = 1 << 16
# Events of one wait.
BURST = 512
# How often `until` is asked when nothing comes.
LOOK_S = 0.05


def raise_descriptors(needed):
    """Lets this process and its children have as many as the system allows; fails if that is too few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < needed:
        raise SystemExit(f"{needed} descriptors are needed, the system allows {hard}")


class Crowd:
    """Connected clients; `lost` says who was closed by the other side and why, `pings` what was answered."""

    def __init__(self):
        self.epoll = select.epoll()
        self.clients = {}
        self.lost = []
        self.messages = 0

    def __len__(self):
        return len(self.clients)

    def __iter__(self):
        return iter(list(self.clients.values()))

    def expect_nobody_lost(self):
        if self.lost:
            raise Closed(f"{len(self.lost)} were lost, the first with: {self.lost[0][1]}")

    def join(self, port, count, **options):
        """Connects `count` more clients, one after the other. They have not read anything yet."""
        joined = []
        for _ in range(count):
            client = WebSocket(port, **options)
            client.sock.setblocking(False)
            self.add(client)
            joined.append(client)
        return joined

    def add(self, client):
        self.clients[client.sock.fileno()] = client
        self.epoll.register(client.sock.fileno(), select.EPOLLIN)

    def drop(self, client):
        """Ends a client from this side."""
        self.clients.pop(client.sock.fileno(), None)
        client.close()

    @property
    def pings(self):
        return sum(client.pings for client in self.clients.values())

    def pump(self, seconds, hear=None, until=None):
        """Reads what comes for so long, or until `until()`. `hear(client, messages)` gets whole text messages."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for fd, _ in self.epoll.poll(min(left, LOOK_S) if until else left, BURST):
                client = self.clients.get(fd)
                if client:
                    self.read(client, hear)
            if until and until():
                return True
        return until is None

    def read(self, client, hear):
        try:
            data = client.sock.recv(READ_BYTES)
            if not data:
                raise Closed("end of stream")
            client.buffer += data
            found = client.messages()
            if client.close_code is not None:
                raise Closed(f"close {client.close_code}")
        except BlockingIOError:
            return
        except (OSError, Closed) as why:
            self.lost.append((client, str(why)))
            self.drop(client)
            return
        self.messages += len(found)
        if found and hear:
            hear(client, found)

    def close(self):
        for client in self:
            self.drop(client)
        self.epoll.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
