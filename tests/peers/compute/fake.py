"""Compute Engine for tests: it answers as Google's discovery document says, or not at all.

    fake.py KEYS PROJECT...     KEYS: a JSON file of public keys by key id

Prints `listening PORT` once it answers on 127.0.0.1. A request is routed by the document's paths; a parameter or a
selected field that the document does not declare is refused; every answer is checked with the schema of its method, and
one that does not fit is a 500 `schemaDrift`. What it cannot show: rights, eventual consistency, real quotas.

Tests change it by POST to `/_test/NAME`, see `Handler.test`.
"""

import json
import sys
from collections import Counter
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

from answers import Answers, Refused
from fields import Mask
from identity import Identity
from schema import Document, Drift
from store import Store


class Fake:
    def __init__(self, keys, projects):
        self.document = Document()
        self.store = Store(self.document, projects)
        self.answers = Answers(self.store)
        self.identity = Identity(keys)
        self.calls = Counter()
        self.throttled = False
        self.mask = lru_cache(maxsize=100)(self.mask)

    def mask(self, text, response):
        mask = Mask(text)
        mask.check(self.document, {"$ref": response})
        return mask

    def answer(self, verb, path, query, authorization):
        found = self.document.find(verb, path)
        if found is None:
            raise Refused(404, "notFound", path)
        method, parameters = found
        self.calls[method.id] += 1
        refusal = self.identity.refusal(authorization)
        if refusal:
            raise Refused(*refusal)
        if self.throttled:
            raise Refused(403, "rateLimitExceeded", "Quota exceeded for quota metric 'Read requests'")
        try:
            method.check_query(query)
            mask = self.mask(query["fields"], method.response) if "fields" in query else None
            answer = self.answers.answer(method, {name: unquote(text) for name, text in parameters.items()}, query)
        except Drift as drift:
            raise Refused(400, "invalidParameter", str(drift)) from drift
        try:
            self.document.check({"$ref": method.response}, answer)
        except Drift as drift:
            raise Refused(500, "schemaDrift", str(drift)) from drift
        return mask.apply(answer) if mask else answer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake = None

    def do_GET(self):
        self.serve()

    def do_POST(self):
        self.serve()

    def serve(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        url = urlsplit(self.path)
        try:
            if url.path.startswith("/_test/"):
                answer = self.test(url.path.removeprefix("/_test/"), json.loads(body or "{}"))
            else:
                query = dict(parse_qsl(url.query, keep_blank_values=True))
                answer = self.fake.answer(self.command, url.path, query, self.headers.get("authorization"))
            self.send(200, answer)
        except Refused as refused:
            self.send(refused.status, refused.body())
        except Drift as drift:
            self.send(422, {"error": str(drift)})

    def test(self, name, what):
        """The hands of a test: each a name and an object of arguments."""
        fake = self.fake
        if name == "put":
            for item in copies(what["item"], what.get("copies")):
                fake.store.put(what["project"], what["collection"], what.get("place"), item)
        elif name == "replace":
            fake.store.replace(what["project"], what["collection"], what["items"])
        elif name == "delete":
            gone = fake.store.delete(what["project"], what["collection"], what.get("place"), what["name"])
            return {"gone": gone}
        elif name == "members":
            fake.store.members[(what["project"], what["place"], what["group"])] = what["instances"]
        elif name == "say":
            fake.answers.unreachables = what.get("unreachables", [])
            fake.answers.warnings = what.get("warnings", {})
            fake.throttled = what.get("throttled", False)
        elif name == "calls":
            return dict(fake.calls)
        else:
            raise Refused(404, "notFound", name)
        return {}

    def send(self, status, answer):
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json; charset=UTF-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def copies(item, count):
    """Returns an item; or so many of it, whose names end in their numbers."""
    if count is None:
        return [item]
    return [{**item, "name": f"{item['name']}-{number:05}"} for number in range(count)]


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    Handler.fake = Fake(sys.argv[1], sys.argv[2:])
    server = Server(("127.0.0.1", 0), Handler)
    print("listening", server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
