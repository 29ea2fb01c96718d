"""EC2 as its published model describes it: every member of every answer is set, which no account and no simulator has.

Answers `Describe...` of EC2 and Auto Scaling, and who is asking, from the service models that botocore ships: names,
lists and forms are theirs, values are made up. Prints `listening PORT`, then serves loopback until it is killed.
"""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs
from xml.sax.saxutils import escape
from zlib import crc32

from botocore.loaders import Loader
from botocore.model import ServiceModel

ACCOUNT, REGION = "123456789012", "us-east-1"
SERVICES = {"2016-11-15": "ec2", "2011-01-01": "autoscaling", "2011-06-15": "sts"}
MODELS = {version: ServiceModel(Loader().load_service_model(name, "service-2")) for version, name in SERVICES.items()}
# Items of the outermost list in one page, and of every list inside of it.
OUTER, INNER = 6, 2
TOKENS = {"NextToken"}
GROUP_TAG = "aws:autoscaling:groupName"


class Answer:
    """Writes one answer; `number` goes up with each outer item, over all pages."""

    def __init__(self, action, page):
        self.action, self.number = action, page * OUTER
        self.leaves = 0

    def shape(self, shape, name, way=(), index=0):
        """Returns the content of a value; `way` names the shapes around it, `index` is its place in a list."""
        if shape.type_name == "structure":
            inside = (*way, shape.name)
            parts = []
            for member, of in shape.members.items():
                if member not in TOKENS and of.name not in inside:
                    tag = of.serialization.get("name", member)
                    parts.append(f"<{tag}>{self.shape(of, member, inside, index)}</{tag}>")
            return "".join(parts)
        if shape.type_name == "list":
            return self.items(shape, name, way)
        return escape(self.leaf(shape, name, way, index))

    def items(self, shape, name, way):
        outer = not any(one.startswith("list:") for one in way)
        tag = shape.member.serialization.get("name", "member")
        text, inside = "", (*way, f"list:{name}")
        for index in range(OUTER if outer else INNER):
            if shape.member.name in way:
                break
            text += f"<{tag}>{self.shape(shape.member, name, inside, index)}</{tag}>"
            if outer:
                self.number += 1
        return text

    def leaf(self, shape, name, way, index):
        self.leaves += 1
        kind = shape.type_name
        if kind == "boolean":
            # By chance, but always the same: two members must not agree on all objects.
            return "true" if crc32(f"{self.leaves} {self.number}".encode()) % 7 % 2 else "false"
        if kind in ("integer", "long"):
            return str(self.leaves + self.number * 1000)
        if kind in ("float", "double"):
            return f"{self.leaves + self.number}.5"
        if kind == "timestamp":
            return f"2026-{self.number % 12 + 1:02}-{self.leaves % 28 + 1:02}T03:04:05.678Z"
        return self.text(shape, name, way, index)

    def text(self, shape, name, way, index):
        """Returns a text; what refers to something else refers to something that is there."""
        known = {
            "OwnerId": f"11112222333{self.number % 10}",
            "Account": ACCOUNT,
            "RegionName": REGION,
            "ZoneName": f"zone-{self.number}",
            "ZoneId": f"id-{self.number}",
            "AvailabilityZone": f"zone-{self.number % OUTER}",
            "AvailabilityZoneId": f"id-{self.number % OUTER}",
            "AutoScalingGroupName": f"group-{self.number}",
        }
        if name == "InstanceType" and self.action in ("DescribeInstances", "DescribeInstanceTypes"):
            return f"t{self.number % (OUTER - 1)}.large"
        if self.action == "DescribeInstances" and way[-1] == "Tag" and index == 1:
            return GROUP_TAG if name == "Key" else f"group-{self.number}"
        if name in known:
            return known[name]
        if shape.enum:
            return shape.enum[(self.number + index) % len(shape.enum)]
        if name.endswith(("Id", "Arn", "ARN", "Key")):
            return f"{name}-{self.number}-{self.leaves}"
        return f"{name} {self.number} <ö & \"{self.leaves}\">"


def pages(action):
    """Whether an operation is asked for page by page."""
    return action not in ("DescribeRegions", "DescribeAvailabilityZones", "GetCallerIdentity", "DescribeInstanceTypes")


def answer(form):
    model = MODELS[form["Version"][0]]
    action = form["Action"][0]
    operation = model.operation_model(action)
    page = 1 if form.get("NextToken") else 0
    body = Answer(action, page).shape(operation.output_shape, action)
    if pages(action) and page == 0:
        tag = operation.output_shape.members["NextToken"].serialization.get("name", "NextToken")
        body += f"<{tag}>more</{tag}>"
    wrapper = operation.output_shape.serialization.get("resultWrapper")
    if wrapper:
        body = f"<{wrapper}>{body}</{wrapper}>"
    space = model.metadata.get("xmlNamespace", "")
    return f'<?xml version="1.0" encoding="UTF-8"?><{action}Response xmlns="{space}">{body}</{action}Response>'


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        text = answer(form).encode()
        self.send_response(200)
        self.send_header("content-type", "text/xml;charset=UTF-8")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        """Says nothing."""


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print("listening", server.server_address[1], flush=True)
server.serve_forever()
