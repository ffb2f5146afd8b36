"""A small static server that answers as a well-kept one does: types, policy and other headers, compression, 404.html."""
import gzip
import http.server
import os
import re
import sys
import threading
import urllib.parse

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NGINX = os.path.join(REPOSITORY, "docs", "hosting", "nginx.conf")

# The policy of the whole site, which each page narrows further in its own head.
POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


def headers():
    """What we advise a host to send, read from the sample for nginx; the bare policy where there is no sample."""
    if not os.path.isfile(NGINX):
        return {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
    with open(NGINX, encoding="utf-8") as f:
        found = dict(re.findall(r'^\s*add_header\s+([\w-]+)\s+"([^"]*)"\s+always;', f.read(), re.M))
    found.pop("Strict-Transport-Security", None)  # this server has no TLS
    return found


TYPES = {
    ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
    ".json": "application/json", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8", ".asc": "application/pgp-keys",
    ".xml": "application/xml", ".png": "image/png", ".pdf": "application/pdf",
}
FEEDS = {"rss.xml": "application/rss+xml; charset=utf-8", "atom.xml": "application/atom+xml; charset=utf-8", "feed.json": "application/feed+json"}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        name = os.path.normpath(path).lstrip("/")
        file = os.path.join(self.server.root, name, "index.html" if path.endswith("/") else "")
        status, file = (200, file.rstrip("/")) if os.path.isfile(file.rstrip("/")) else (404, os.path.join(self.server.root, "404.html"))
        try:
            with open(file, "rb") as f:
                body = f.read()
        except OSError:
            body = b"not found"
        base, end = os.path.basename(file), os.path.splitext(file)[1]
        media_type = FEEDS.get(base) or TYPES.get(end, "application/octet-stream")
        self.send_response(status)
        for header, value in self.server.headers.items():
            self.send_header(header, value)
        self.send_header("Content-Type", media_type)
        self.send_header("Cache-Control", "max-age=31536000, immutable" if "?v=" in self.path else "no-cache")
        if "gzip" in self.headers.get("Accept-Encoding", "") and end not in (".png", ".pdf"):
            body = gzip.compress(body, mtime=0)
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Vary", "Accept-Encoding")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            if self.command == "GET":
                self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the reader went on to another page

    do_HEAD = do_GET

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        # A browser that is closed leaves without a word; anything else is a fault.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def serve(root, port):
    server = Server(("127.0.0.1", port), Handler)
    server.root, server.headers = root, headers()
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
