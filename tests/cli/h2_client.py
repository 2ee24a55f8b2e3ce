"""A few HTTP/2 frames by hand, for clients that no honest library plays.

    h2_client.py PORT PATH reset COUNT   opens COUNT requests and resets each at once
    h2_client.py PORT PATH unread COUNT  asks COUNT times with a window of zero and reads on
Prints "closed" when the server hangs up within the time limit, else "open".
"""
import socket
import ssl
import struct
import sys
import time

DATA, HEADERS, RST_STREAM, SETTINGS = 0, 1, 3, 4
LIMIT_S = 10


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + \
        struct.pack(">I", stream) + payload


def request(stream, path):
    block = b"\x82\x87\x04" + bytes([len(path)]) + path + b"\x01\x01x"
    return frame(HEADERS, 0x5, stream, block)


def main():
    port, path, mode, count = int(sys.argv[1]), sys.argv[2].encode(), sys.argv[3], int(sys.argv[4])
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    link = context.wrap_socket(socket.create_connection(("127.0.0.1", port)))
    window = struct.pack(">HI", 4, 0) if mode == "unread" else b""
    try:
        link.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, window))
        for i in range(count):
            stream = 2 * i + 1
            link.sendall(request(stream, path))
            if mode == "reset":
                link.sendall(frame(RST_STREAM, 0, stream, struct.pack(">I", 8)))
        end = time.time() + LIMIT_S
        link.settimeout(0.5)
        while time.time() < end:
            try:
                if link.recv(65536) == b"":
                    print("closed")
                    return
            except socket.timeout:
                pass
        print("open")
    except (ConnectionError, ssl.SSLError):
        print("closed")


main()
