"""What the fake answers to a method of the API: pages of lists, single objects, members of groups."""

import base64
import json

from schema import Drift, expect

PAGE = 500


class Refused(Exception):
    """An answer that is no success: status and reason, in the form of Compute Engine's errors."""

    def __init__(self, status, reason, message="as the test wants it"):
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message

    def body(self):
        error = {"message": self.message, "domain": "usageLimits" if self.status == 403 else "global", "reason": self.reason}
        return {"error": {"code": self.status, "message": self.message, "errors": [error]}}


class Answers:
    def __init__(self, store):
        self.store, self.document = store, store.document
        # What a test makes lists say: places that cannot be reached, and warnings by place or for the whole list.
        self.unreachables, self.warnings = [], {}

    def answer(self, method, path, query):
        project = path["project"]
        if project not in self.store.projects:
            raise Refused(404, "notFound", f"The resource 'projects/{project}' was not found")
        action = method.id.split(".")[-1]
        if action == "aggregatedList":
            return self.aggregated(method, project, query)
        if action == "list":
            return self.list(method, project, place_of(path, method), query)
        if action == "listManagedInstances":
            return self.group_members(method, project, path, query)
        if action == "get":
            return self.get(method, project, path)
        raise Refused(501, "notImplemented", method.id)

    def get(self, method, project, path):
        name = path[method.collection.removesuffix("s")]
        item = self.store.get(project, method.collection, place_of(path, method), name)
        if item is None:
            raise Refused(404, "notFound", "The resource was not found")
        return item

    def list(self, method, project, place, query):
        items = [(key, item) for key, item in self.store.all(project, method.collection) if key[0] == place]
        page, token = cut(items, query)
        answer = self.head(method, project, token)
        if page:
            answer["items"] = [item for _, item in page]
        return answer

    def aggregated(self, method, project, query):
        if self.unreachables and query.get("returnPartialSuccess") != "true":
            raise Refused(503, "backendError", "a place cannot be reached")
        page, token = cut(self.store.all(project, method.collection), query)
        answer = self.head(method, project, token)
        places = {}
        for (place, _), item in page:
            places.setdefault(place, {method.collection: []})[method.collection].append(item)
        for place in self.store.places(project):
            places.setdefault(place, {"warning": nothing(place)})
            if place in self.warnings:
                places[place]["warning"] = {"code": self.warnings[place], "message": "as the test wants it"}
        answer["items"] = places
        if self.unreachables:
            answer["unreachables"] = self.unreachables
        return answer

    def group_members(self, method, project, path, query):
        place = place_of(path, method)
        group = (project, place, path["instanceGroupManager"])
        if self.store.get(project, "instanceGroupManagers", place, group[2]) is None:
            raise Refused(404, "notFound", "The resource was not found")
        urls = sorted(self.store.members.get(group, []))
        page, token = cut([((None, url), {"instance": url, "currentAction": "NONE"}) for url in urls], query)
        answer = {"managedInstances": [item for _, item in page]} if page else {}
        return {**answer, **({"nextPageToken": token} if token else {})}

    def head(self, method, project, token):
        kind = self.document.schemas[method.response]["properties"]["kind"]["default"]
        answer = {"kind": kind, "id": f"projects/{project}/{method.collection}"}
        if token:
            answer["nextPageToken"] = token
        if "list" in self.warnings:
            answer["warning"] = {"code": self.warnings["list"], "message": "as the test wants it"}
        return answer


def place_of(path, method):
    """Returns where the objects of a method are: a zone, a region, `global`, or nothing for zones and regions themselves."""
    if "zone" in path and method.collection != "zones":
        return f"zones/{path['zone']}"
    if "region" in path and method.collection != "regions":
        return f"regions/{path['region']}"
    return "global" if method.is_global else None


def nothing(place):
    message = f"There are no results for scope '{place}' on this page."
    return {"code": "NO_RESULTS_ON_PAGE", "message": message, "data": [{"key": "scope", "value": place}]}


def cut(items, query):
    """Returns one page of ordered items, and the token of the next: the last key, so that it stays right while objects go."""
    size = int(query.get("maxResults", PAGE)) or PAGE
    expect(size <= PAGE, "maxResults", f"is more than {PAGE}")
    if query.get("pageToken"):
        try:
            last = tuple(json.loads(base64.urlsafe_b64decode(query["pageToken"])))
        except ValueError as error:
            raise Drift("pageToken is none of ours") from error
        items = [entry for entry in items if order(entry[0]) > last]
    page = items[:size]
    more = len(items) > size
    return page, base64.urlsafe_b64encode(json.dumps(order(page[-1][0])).encode()).decode() if more else None


def order(key):
    return (key[0] or "", key[1])
