"""Partial answers: the parameter `fields` selects what is sent, such as `kind,items/*/instances(name,tags/items)`."""

import re

from schema import Drift

TOKEN = re.compile(r"[A-Za-z0-9_$.]+|\*|[(),/]")


class Mask:
    """A tree of names; a name without anything below stands for all that is in it."""

    def __init__(self, text):
        self.tokens = TOKEN.findall(text)
        if "".join(self.tokens) != text or not self.tokens:
            raise Drift(f"fields {text!r} cannot be read")
        self.tree = self.several()
        if self.tokens:
            raise Drift(f"fields {text!r} has too many brackets")
        self.kept = {}

    def several(self):
        tree = {}
        while True:
            self.one(tree)
            if self.tokens[:1] != [","]:
                return tree
            self.tokens.pop(0)

    def one(self, tree):
        name = self.tokens.pop(0) if self.tokens else ""
        if not name or name in "(),/":
            raise Drift("fields lacks a name")
        below = {}
        if self.tokens[:1] == ["/"]:
            self.tokens.pop(0)
            self.one(below)
        elif self.tokens[:1] == ["("]:
            self.tokens.pop(0)
            below = self.several()
            if self.tokens[:1] != [")"]:
                raise Drift("fields lacks a closing bracket")
            self.tokens.pop(0)
        merge(tree, name, below)

    def check(self, document, schema, tree=None, at="fields"):
        """Raises Drift for a name that a schema does not know."""
        tree = self.tree if tree is None else tree
        while "$ref" in schema or schema.get("type") == "array":
            schema = document.schemas[schema["$ref"]] if "$ref" in schema else schema["items"]
        for name, below in tree.items():
            known = schema.get("properties", {}).get(name)
            if name == "*":
                known = schema.get("additionalProperties")
            if known is None:
                raise Drift(f"{at}: there is no {name}")
            if below:
                self.check(document, known, below, f"{at}/{name}")

    def apply(self, value, tree=None):
        """Returns the selected parts. Of an object that does not change, they are made once."""
        tree = self.tree if tree is None else tree
        if not tree:
            return value
        if isinstance(value, list):
            return [self.apply(item, tree) for item in value]
        if not isinstance(value, dict):
            return value
        if getattr(value, "schema", None) is None:
            return self.pick(value, tree)
        kept = self.kept.get(id(value))
        if kept is None or kept[0] is not value:
            kept = self.kept[id(value)] = (value, self.pick(value, tree))
        return kept[1]

    def pick(self, value, tree):
        every = tree.get("*")
        picked = {}
        for key, item in value.items():
            below = tree.get(key, every)
            if below is not None:
                part = self.apply(item, below)
                # What nothing was selected of is not sent, as an object that only has other fields.
                if part != {} or item == {}:
                    picked[key] = part
        return picked


def merge(tree, name, below):
    known = tree.get(name)
    if known is None:
        tree[name] = below
    elif known and below:
        for inner, deeper in below.items():
            merge(known, inner, deeper)
    else:
        tree[name] = {}
