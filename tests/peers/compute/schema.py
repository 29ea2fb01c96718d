"""What Google's discovery document says: the methods, and whether a value is what a schema allows."""

import json
import re
from importlib.resources import files


# What every API of Google takes beside what its document declares.
# Source: Google Cloud documentation, "System parameters".
SYSTEM = {"$alt": {"type": "string", "location": "query"}, "$apiVersion": {"type": "string", "location": "query"}}


class Drift(Exception):
    """A value that the document does not allow: where, and why."""


class Checked(dict):
    """An object that was checked with a schema and is not changed afterwards."""

    schema = None


class Document:
    def __init__(self):
        path = files("googleapiclient").joinpath("discovery_cache/documents/compute.v1.json")
        self.document = json.loads(path.read_text())
        self.schemas = self.document["schemas"]
        self.methods = [Method(self.document, method) for method in walk(self.document)]

    def find(self, verb, path):
        """Returns the method of a request and the parameters in its path, or None."""
        for method in self.methods:
            match = method.pattern.match(path) if method.verb == verb else None
            if match:
                return method, match.groupdict()
        return None

    def check(self, schema, value, at="$"):
        """Raises Drift unless a schema allows a value. A checked object is known to be what it was checked for."""
        name = schema.get("$ref")
        if name is not None:
            if not (isinstance(value, Checked) and value.schema == name):
                self.check(self.schemas[name], value, at)
            return
        kind = schema.get("type")
        if kind == "object":
            self.check_object(schema, value, at)
        elif kind == "array":
            expect(isinstance(value, list), at, "is no list")
            for index, item in enumerate(value):
                self.check(schema["items"], item, f"{at}[{index}]")
        else:
            check_plain(schema, value, at)

    def check_object(self, schema, value, at):
        expect(isinstance(value, dict), at, "is no object")
        properties, other = schema.get("properties", {}), schema.get("additionalProperties")
        for key, item in value.items():
            expect(key in properties or other is not None, f"{at}.{key}", "is not a field")
            self.check(properties.get(key, other), item, f"{at}.{key}")

    def checked(self, name, value):
        """Checks an object once and for all."""
        self.check({"$ref": name}, value, name)
        checked = Checked(value)
        checked.schema = name
        return checked


class Method:
    def __init__(self, document, method):
        self.id, self.verb = method["id"], method["httpMethod"]
        self.response = method.get("response", {}).get("$ref")
        self.parameters = dict(method.get("parameters", {}))
        # The document recommends it for some methods in words, and declares it for none.
        if "`returnPartialSuccess`" in method.get("description", ""):
            self.parameters.setdefault("returnPartialSuccess", {"location": "query", "type": "boolean"})
        self.common = document["parameters"]
        path = method.get("flatPath", method["path"])
        self.collection = [part for part in path.split("/") if not part.startswith("{")][-1]
        self.is_global = "/global/" in path
        parts = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
        self.pattern = re.compile(f"^/{re.escape(document['servicePath'])}{parts}$")

    def check_query(self, query):
        """Raises Drift for a parameter that the method does not declare, or whose value does not fit."""
        for key, text in query.items():
            declared = self.parameters.get(key) or self.common.get(key) or SYSTEM.get(key)
            expect(declared is not None and declared["location"] == "query", key, "is not a parameter")
            if declared["type"] == "integer":
                expect(text.isdigit(), key, "is no number")
            elif declared["type"] == "boolean":
                expect(text in ("true", "false"), key, "is neither true nor false")


def walk(resource):
    for inner in resource.get("resources", {}).values():
        yield from inner.get("methods", {}).values()
        yield from walk(inner)


def check_plain(schema, value, at):
    kind = schema.get("type")
    if kind == "string":
        expect(isinstance(value, str), at, "is no text")
        if schema.get("format") in ("int64", "uint64"):
            expect(value.lstrip("-").isdigit(), at, "is no number in a text")
        expect("enum" not in schema or value in schema["enum"], at, f"may not be {value!r}")
    elif kind == "integer":
        expect(isinstance(value, int) and not isinstance(value, bool), at, "is no whole number")
    elif kind == "number":
        expect(isinstance(value, (int, float)) and not isinstance(value, bool), at, "is no number")
    elif kind == "boolean":
        expect(isinstance(value, bool), at, "is neither true nor false")


def expect(holds, at, why):
    if not holds:
        raise Drift(f"{at} {why}")
