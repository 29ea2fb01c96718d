"""The peer itself: it refuses what the document does not know, and pages stay right while objects come and go."""

import json
import tempfile
import unittest

from answers import Refused
from fake import Fake

PATH = "/compute/v1/projects/p/aggregated/instances"


class Tests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as keys:
            json.dump({}, keys)
            keys.flush()
            cls.fake = Fake(keys.name, ["p"])

    def setUp(self):
        self.fake.identity.refusal = lambda header: None
        self.fake.store.replace("p", "instances", [])

    def ask(self, path=PATH, **query):
        return self.fake.answer("GET", path, query, None)

    def refused(self, status, reason, path=PATH, **query):
        with self.assertRaises(Refused) as caught:
            self.ask(path, **query)
        self.assertEqual((caught.exception.status, caught.exception.reason), (status, reason))

    def put(self, *names):
        for name in names:
            self.fake.store.put("p", "instances", "zones/us-central1-a", {"name": name, "status": "RUNNING"})

    def names(self, answer):
        return [item["name"] for place in answer["items"].values() for item in place.get("instances", [])]

    def test_paths_parameters_and_values_are_those_of_the_document(self):
        self.refused(404, "notFound", "/compute/v1/projects/p/aggregated/unicorns")
        self.refused(404, "notFound", "/compute/v1/projects/q/aggregated/instances")
        self.refused(400, "invalidParameter", pagesize="3")
        self.refused(400, "invalidParameter", maxResults="many")
        self.refused(400, "invalidParameter", maxResults="501")
        self.refused(400, "invalidParameter", pageToken="mine")

    def test_a_selected_field_must_exist(self):
        for fields in ("items/*/instances(nam)", "items/instances/name", "kind,", "kind)", "(kind)", "unicorns", "kind nextPageToken"):
            self.refused(400, "invalidParameter", fields=fields)

    def test_only_what_is_selected_is_sent(self):
        self.put("a")
        answer = self.ask(fields="kind,items/*/instances(name,status)")
        self.assertEqual(set(answer), {"kind", "items"})
        self.assertEqual(answer["items"], {"zones/us-central1-a": {"instances": [{"name": "a", "status": "RUNNING"}]}})

    def test_an_answer_that_does_not_fit_is_drift(self):
        self.fake.answers.unreachables = [1]
        try:
            self.refused(503, "backendError")
            self.refused(500, "schemaDrift", returnPartialSuccess="true")
        finally:
            self.fake.answers.unreachables = []

    def test_nobody_is_let_in_without_a_token(self):
        del self.fake.identity.refusal
        self.refused(401, "authError")

    def test_pages_are_complete_while_objects_go(self):
        self.put("a", "b", "c", "d", "e")
        first = self.ask(maxResults="2")
        self.assertEqual(self.names(first), ["a", "b"])
        self.fake.store.delete("p", "instances", "zones/us-central1-a", "b")
        second = self.ask(maxResults="2", pageToken=first["nextPageToken"])
        third = self.ask(maxResults="2", pageToken=second["nextPageToken"])
        self.assertEqual(self.names(second) + self.names(third), ["c", "d", "e"])
        self.assertNotIn("nextPageToken", third)


if __name__ == "__main__":
    unittest.main()
