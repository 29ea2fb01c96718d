"""What the projects hold: objects by project, collection, place and name, each checked when it comes."""

import hashlib
import threading

BASE = "https://www.googleapis.com/compute/v1/projects"
CREATED = "2026-01-01T00:00:00.000-08:00"
SCHEMAS = {
    "instances": "Instance",
    "disks": "Disk",
    "networks": "Network",
    "subnetworks": "Subnetwork",
    "instanceGroupManagers": "InstanceGroupManager",
    "machineTypes": "MachineType",
    "zones": "Zone",
    "regions": "Region",
}
REGIONS = {"us-central1": "abcf", "europe-west3": "abc", "europe-north2": "a"}
MACHINES = {"e2-small": (2, 2048), "n2-standard-4": (4, 16384), "c3-standard-192-metal": (192, 786432)}


class Store:
    def __init__(self, document, projects):
        self.document, self.lock = document, threading.Lock()
        self.projects = {project: {} for project in projects}
        self.members = {}
        for project in projects:
            self.seed(project)

    def seed(self, project):
        for region, letters in REGIONS.items():
            zones = [f"{region}-{letter}" for letter in letters]
            urls = [f"{BASE}/{project}/zones/{zone}" for zone in zones]
            self.put(project, "regions", None, {"name": region, "status": "UP", "zones": urls})
            for zone in zones:
                url = f"{BASE}/{project}/regions/{region}"
                platforms = ["Intel Ice Lake", "AMD Milan"]
                self.put(project, "zones", None, {"name": zone, "status": "UP", "region": url, "availableCpuPlatforms": platforms})
                for name, (cpus, memory) in MACHINES.items():
                    self.put(project, "machineTypes", f"zones/{zone}", {"name": name, "guestCpus": cpus, "memoryMb": memory, "zone": zone})

    def put(self, project, collection, place, item):
        """Adds or replaces an object; what every object has is filled in. Raises Drift."""
        checked = self.complete(project, collection, place, dict(item))
        with self.lock:
            self.projects[project].setdefault(collection, {})[(place, item["name"])] = checked

    def replace(self, project, collection, items):
        """Makes a collection hold these objects only, each with its place under `at`; equal ones are kept as they are."""
        fresh = {}
        for item in items:
            place = item.pop("at", None)
            checked = self.complete(project, collection, place, item)
            known = self.projects[project].get(collection, {}).get((place, item["name"]))
            fresh[(place, item["name"])] = known if known == checked else checked
        with self.lock:
            self.projects[project][collection] = fresh

    def delete(self, project, collection, place, name):
        with self.lock:
            return self.projects[project].get(collection, {}).pop((place, name), None) is not None

    def get(self, project, collection, place, name):
        with self.lock:
            return self.projects[project].get(collection, {}).get((place, name))

    def all(self, project, collection):
        """Returns the objects as `((place, name), object)`, ordered."""
        with self.lock:
            return sorted(self.projects[project].get(collection, {}).items(), key=lambda entry: (entry[0][0] or "", entry[0][1]))

    def places(self, project):
        zones = [f"zones/{name}" for (_, name), _ in self.all(project, "zones")]
        return zones + [f"regions/{name}" for (_, name), _ in self.all(project, "regions")]

    def complete(self, project, collection, place, item):
        path = "/".join(part for part in (project, place, collection, item["name"]) if part)
        filled = {
            "kind": self.document.schemas[SCHEMAS[collection]]["properties"]["kind"]["default"],
            "id": str(int(hashlib.sha256(path.encode()).hexdigest()[:15], 16)),
            "selfLink": f"{BASE}/{path}",
            "creationTimestamp": CREATED,
        }
        if place and "/" in place and collection != "machineTypes":
            filled[place.split("/")[0][:-1]] = f"{BASE}/{project}/{place}"
        return self.document.checked(SCHEMAS[collection], {**filled, **item})
