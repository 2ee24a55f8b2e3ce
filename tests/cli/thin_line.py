#!/usr/bin/env python3
"""tests/cli/thin_line.py PORT BYTES_PER_S READY: a line to a server at 127.0.0.1:PORT over which it
sends no faster. Writes its own port to the file READY, and carries connections until killed."""
import os
import socket
import sys
import threading
import time

PIECE = 1024


def carry(source, sink, seconds):
    try:
        while piece := source.recv(PIECE):
            time.sleep(len(piece) * seconds)
            sink.sendall(piece)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def main():
    port, rate, ready = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    listener = socket.create_server(("127.0.0.1", 0))
    with open(ready + ".new", "w") as file:
        print(listener.getsockname()[1], file=file)
    os.rename(ready + ".new", ready)
    while True:
        near = listener.accept()[0]
        far = socket.create_connection(("127.0.0.1", port))
        far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        threading.Thread(target=carry, args=(near, far, 0), daemon=True).start()
        threading.Thread(target=carry, args=(far, near, 1 / rate), daemon=True).start()


main()
