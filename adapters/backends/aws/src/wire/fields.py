"""Compares what the backend reads with botocore's model of the services.

Takes lines `SERVICE ACTION .path.of.elements FORM` and `SERVICE ACTION ?PARAMETER MOST`; prints every one that the model
does not know, and fails then.
"""

import sys

from botocore.loaders import Loader

FORMS = {
    "string": {"string", "timestamp"},
    "boolean": {"boolean"},
    "integer": {"integer", "long"},
    "double": {"double", "float"},
}
loader = Loader()
models = {}


def resolve(model, shape, path):
    """Follows a path of element names; returns the type of what is at its end, or why there is nothing."""
    shapes = model["shapes"]
    if not path:
        return shapes[shape]["type"]
    here = shapes[shape]
    if here["type"] == "structure":
        for name, member in here["members"].items():
            if member.get("locationName", name) == path[0]:
                return resolve(model, member["shape"], path[1:])
    if here["type"] == "list" and not here.get("flattened"):
        if here["member"].get("locationName", "member") == path[0]:
            return resolve(model, here["member"]["shape"], path[1:])
    return f"no {path[0]} in {shape}"


def fault(line):
    """What is wrong with a line; nothing if it agrees with the model."""
    service, action, what, form = line.split(" ", 3)
    model = models.setdefault(service, loader.load_service_model(service, "service-2"))
    operation = model["operations"][action]
    if what.startswith("?"):
        if what == "?":
            return None if "NextToken" not in model["shapes"][operation["output"]["shape"]]["members"] else "it pages"
        member = model["shapes"][operation["input"]["shape"]]["members"].get(what[1:])
        if member is None:
            return "no such parameter"
        most = model["shapes"][member["shape"]].get("max", int(form))
        return None if int(form) <= most else f"at most {most}"
    path = what.split(".")[1:]
    wrapper = operation["output"].get("resultWrapper")
    if wrapper is not None:
        if path[0] != wrapper:
            return f"not within {wrapper}"
        path = path[1:]
    found = resolve(model, operation["output"]["shape"], path)
    return None if found in FORMS[form] else found


lines = [line for line in sys.stdin.read().splitlines() if line]
faults = [f"{line}: {why}" for line in lines if (why := fault(line))]
for text in faults:
    print(text)
if faults:
    sys.exit(1)
print(len(lines), "names")
