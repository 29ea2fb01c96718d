"""Tells an Alertmanager of troubles, and looks which alerts are held back by a higher one.

Usage: inhibition.py ALERTMANAGER-URL. Prints one line per case.
"""

import json
import sys
import time
import urllib.request

# Name of the case, what is firing, and which of it must be held back.
CASES = [
    ("a_P1_holds_back_the_P2_of_its_topic",
     [("Critical", "P1", {"topic": "errors"}), ("High", "P2", {"topic": "errors"})], {"High"}),
    ("other_topics_are_told",
     [("Critical", "P1", {"topic": "errors"}), ("High", "P2", {"topic": "latency"})], set()),
    ("a_certificate_holds_back_its_own_role_alone",
     [("In7", "P1", {"topic": "certificate", "role": "server"}), ("In14", "P2", {"topic": "certificate", "role": "server"}),
      ("In14", "P2", {"topic": "certificate", "role": "client_ca"})], {"In14 server"}),
    ("a_backend_that_is_not_followed_holds_back_its_counts_alone",
     [("NetweaveSourceNotLive", "P2", {"topic": "source", "adapter": "a"}), ("Drop", "P3", {"topic": "inventory", "adapter": "a"}),
      ("Drop", "P3", {"topic": "inventory", "adapter": "b"})], {"Drop a"}),
    ("without_redis_what_needs_it_is_held_back",
     [("NetweaveRedisPrimaryDown", "P1", {"topic": "redis"}), ("NetweaveRedisUnreachable", "P2", {"topic": "redis", "instance": "a"}),
      ("NetweaveServiceFailing", "P2", {"topic": "state", "instance": "a"}), ("High", "P2", {"topic": "latency"})],
     {"NetweaveRedisUnreachable", "NetweaveServiceFailing"}),
]


def call(url, body=None):
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or "null")


def name(labels):
    return " ".join([labels["alertname"], *(labels[key] for key in ("adapter", "role") if key in labels)])


def held_back(url, case):
    alerts = call(f"{url}/api/v2/alerts?filter=case%3D{case}")
    return len(alerts), {name(alert["labels"]) for alert in alerts if alert["status"]["inhibitedBy"]}


def run(url, case, firing, expected):
    # The cases run one after the other; one that is over must not hold back the next.
    body = [{"labels": {"alertname": alert, "priority": priority, "case": case, **labels}} for alert, priority, labels in firing]
    call(f"{url}/api/v2/alerts", body)
    end = time.monotonic() + 15
    seen = None
    while time.monotonic() < end:
        seen = held_back(url, case)
        if seen == (len(firing), expected):
            break
        time.sleep(0.2)
    for alert in body:
        alert["endsAt"] = "2000-01-01T00:00:01Z"
        alert["startsAt"] = "2000-01-01T00:00:00Z"
    call(f"{url}/api/v2/alerts", body)
    while call(f"{url}/api/v2/alerts?filter=case%3D{case}") and time.monotonic() < end:
        time.sleep(0.1)
    print(f"ok {case}" if seen == (len(firing), expected) else f"not ok {case} held back: {seen}, not {sorted(expected)}")


for one in CASES:
    run(sys.argv[1], *one)
