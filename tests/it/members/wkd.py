"""A Web Key Directory over HTTPS: `wkd.py FOLDER CERTIFICATE KEY` prints its port.

FOLDER/LAYOUT/DOMAIN/LOCAL is what a domain has for a local part, LAYOUT is `advanced` or `direct`. A text that begins
with `HUGE`, `STATUS n` or `REDIRECT url` is done and not sent. Each question is a line of FOLDER/asked.
"""
import hashlib, http.server, pathlib, ssl, sys, urllib.parse

root = pathlib.Path(sys.argv[1])


def zbase32(data):
    bits = "".join(f"{byte:08b}" for byte in data)
    return "".join("ybndrfg8ejkmcpqxot1uwisza345h769"[int(bits[i : i + 5], 2)] for i in range(0, len(bits), 5))


class Directory(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        local = urllib.parse.parse_qs(url.query).get("l", [""])[0]
        host = self.headers["Host"].split(":")[0]
        name = zbase32(hashlib.sha1(local.lower().encode()).digest())
        with open(root / "asked", "a") as asked:
            asked.write(f"{host} {local} {sorted(k for k in self.headers.keys() if k != 'Host')}\n")
        if host.startswith("openpgpkey."):
            domain = host.removeprefix("openpgpkey.")
            wanted, file = f"/.well-known/openpgpkey/{domain}/hu/{name}", root / "advanced" / domain / local
        else:
            wanted, file = f"/.well-known/openpgpkey/hu/{name}", root / "direct" / host / local
        if url.path != wanted or not file.is_file():
            return self.send_error(404)
        body = file.read_bytes()
        word, _, rest = body[:200].partition(b" ")
        if word == b"REDIRECT":
            self.send_response(302)
            self.send_header("Location", rest.decode())
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if word == b"STATUS":
            return self.send_error(int(rest))
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Set-Cookie", "taste=sweet")
        self.end_headers()
        try:
            for _ in range(64 if word == b"HUGE" else 1):
                self.wfile.write(body * (100_000 if word == b"HUGE" else 1))
        except OSError:
            pass

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        pass  # clients that refuse the certificate


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])
server = Server(("127.0.0.1", 0), Directory)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
