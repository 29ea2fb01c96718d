"""Evaluates rendered NetworkPolicies on a table of flows: flows.py ENVIRONMENT FILE TABLE. Prints one case per flow.

A line of the table: environments (a comma between them), verdict, direction, peer, protocol, port. A peer is `pod:NAMESPACE:key=value,...`
(the namespace has its name as a label, as every cluster gives it) or `ip:ADDRESS`. A flow is allowed if a policy that selects the
gateway's pods has a rule for it; a direction that no policy names is open.
"""

import ipaddress
import sys

from manifests import Cases, load, matches, pod

HOME = "o2ims-system"


def peer_of(text):
    """A peer of the table, as a dictionary."""
    kind, _, rest = text.partition(":")
    if kind == "ip":
        return {"ip": ipaddress.ip_address(rest)}
    namespace, _, labels = rest.partition(":")
    return {"namespace": namespace, "labels": dict(pair.split("=", 1) for pair in labels.split(",") if pair)}


def fits(rule, peer):
    """Whether one peer of a rule is this one."""
    if "ipBlock" in rule:
        if "ip" not in peer:
            return False
        inside = peer["ip"] in ipaddress.ip_network(rule["ipBlock"]["cidr"])
        return inside and not any(peer["ip"] in ipaddress.ip_network(one) for one in rule["ipBlock"].get("except", []))
    if "ip" in peer:
        return False
    if "namespaceSelector" in rule:
        here = matches({"kubernetes.io/metadata.name": peer["namespace"]}, rule["namespaceSelector"])
    else:
        here = peer["namespace"] == HOME
    return here and matches(peer["labels"], rule.get("podSelector", {}))


def on(port, protocol, ports):
    """Whether a rule's ports have this one; no list is all of them."""
    return not ports or any(
        one.get("protocol", "TCP") == protocol and one.get("port", port) <= port <= one.get("endPort", one.get("port", port)) for one in ports
    )


def allowed(policies, labels, direction, peer, protocol, port):
    """Whether the policies let a flow of the gateway's pods through."""
    key, side = ("ingress", "from") if direction == "in" else ("egress", "to")
    type_ = key.capitalize()
    ours = [one["spec"] for one in policies if matches(labels, one["spec"]["podSelector"]) and type_ in one["spec"]["policyTypes"]]
    if not ours:
        return True
    rules = [rule for spec in ours for rule in spec.get(key) or []]
    return any(
        on(port, protocol, rule.get("ports")) and (not rule.get(side) or any(fits(one, peer) for one in rule[side])) for rule in rules
    )


def main(environment, path, table):
    """Prints a case for each line of the table that is of this environment."""
    cases, objects = Cases(), load(path)
    policies = [one for one in objects if one["kind"] == "NetworkPolicy"]
    labels = pod(objects)["metadata"]["labels"]
    for line in open(table):
        fields = line.split("#")[0].split()
        if not fields or environment not in fields[0].split(","):
            continue
        _, verdict, direction, peer, protocol, port = fields
        is_allowed = allowed(policies, labels, direction, peer_of(peer), protocol, int(port))
        name = f"flow_{environment}_{verdict}_{direction}_{peer}_{protocol}_{port}"
        cases.case(name, is_allowed == (verdict == "allowed"), "is allowed" if is_allowed else "is denied")
    cases.exit()


main(*sys.argv[1:])
