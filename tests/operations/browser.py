"""Reads what the browser made of the pages, and compares it with the document."""
import html
import json
import re
import sys
from pathlib import Path

folder = Path(sys.argv[1])
document = json.loads((folder / "openapi.json").read_text())
METHODS = ("get", "head", "post", "put", "patch", "delete")


def case(name, fault):
    print(f"not ok {name} {fault}" if fault else f"ok {name}")


def shown(page):
    """Returns the ids of the operations in a page, whether each is visible, and whether it is open."""
    text = (folder / page).read_text()
    boxes = re.findall(r'<details class="operation" id="([^"]*)"([^>]*)>', text)
    return {html.unescape(box): ("hidden" not in rest, "open" in rest) for box, rest in boxes}, text


wanted = {f"{method}-{path}" for path, item in document["paths"].items() for method in METHODS if method in item}
every, _ = shown("all.html")
case("browser_shows_every_operation", sorted(wanted ^ set(every)))
case("browser_opens_nothing_unasked", [box for box, (_, is_open) in every.items() if is_open])

name = "post-/o2ims-infrastructureInventory/v2/subscriptions"
one, text = shown("one.html")
case("browser_opens_what_the_address_names", [box for box, (_, is_open) in one.items() if is_open != (box == name)])
members = document["components"]["schemas"]["SubscriptionRequest"]["properties"]
case("browser_names_every_member", [member for member in members if f">{member}</code>" not in text])
statuses = document["paths"]["/o2ims-infrastructureInventory/v2/subscriptions"]["post"]["responses"]
case("browser_names_every_answer", [status for status in statuses if f"<code>{status}</code>" not in text])
case("browser_writes_a_line_for_a_shell", "" if "curl --cacert ca.crt" in text and "-X POST" in text else "no such line")

found, _ = shown("search.html")
visible = {box for box, (is_visible, _) in found.items() if is_visible}
case("browser_finds_what_is_searched", sorted(visible ^ {box for box in wanted if "rotate-secret" in box}))
