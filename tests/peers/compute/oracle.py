"""What the official Python client lists: all objects of a project as one JSON object, `{collection: [object]}`.

    oracle.py URL CREDENTIALS PROJECT
"""

import json
import sys

from google.oauth2 import service_account
from googleapiclient.discovery import build

SCOPE = "https://www.googleapis.com/auth/compute.readonly"


def main():
    url, file, project = sys.argv[1:]
    credentials = service_account.Credentials.from_service_account_file(file, scopes=[SCOPE])
    options = {"api_endpoint": f"{url}/compute/v1/"}
    api = build("compute", "v1", credentials=credentials, client_options=options, always_use_jwt_access=True)
    found = {name: flat(getattr(api, name)(), project) for name in ("regions", "zones", "networks")}
    for name in ("instances", "disks", "subnetworks", "instanceGroupManagers"):
        found[name] = aggregated(getattr(api, name)(), name, project)
    json.dump(found, sys.stdout)


def flat(resource, project):
    items, request = [], resource.list(project=project)
    while request is not None:
        answer = request.execute()
        items += answer.get("items", [])
        request = resource.list_next(request, answer)
    return items


def aggregated(resource, name, project):
    items, request = [], resource.aggregatedList(project=project)
    while request is not None:
        answer = request.execute()
        for scope in answer["items"].values():
            items += scope.get(name, [])
        request = resource.aggregatedList_next(request, answer)
    return items


if __name__ == "__main__":
    main()
