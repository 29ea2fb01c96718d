"""What must hold for whatever the chart renders: policy.py LABEL ENVIRONMENT FILE. Prints one case per rule."""

import re
import sys

import manifests
import yaml
from manifests import Cases, config, container, find, load, matches, pod

# What the page gives each topology.
RESOURCES = {"dev": ("100m", "128Mi"), "staging": ("500m", "512Mi"), "prod": ("1000m", "1Gi")}
READS = {"get", "list", "watch"}
CLUSTER_WIDE = ("ClusterRole", "ClusterRoleBinding")
LABELS = {"app": "netweave-gateway", "app.kubernetes.io/name": "netweave-gateway", "app.kubernetes.io/part-of": "netweave"}


def rules(objects):
    """All rules of all roles."""
    return [rule for one in objects if one["kind"] in ("Role", "ClusterRole") for rule in one.get("rules") or []]


def in_cluster(objects):
    """Whether a backend uses the pod's own account."""
    backends = yaml.safe_load(config(objects)).get("backends") or []
    return any(one["kind"] == "kubernetes" and "kubeconfig" not in one for one in backends)


def rights(objects):
    """Only reading, of the kinds that the backend lists, and only if there is such a backend."""
    for rule in rules(objects):
        texts = [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
        assert not any("*" in text for text in texts), f"a wildcard: {rule}"
        assert set(rule["verbs"]) <= READS, f"writes: {rule}"
        assert set(rule["resources"]) <= {"nodes", "storageclasses", "baremetalhosts"}, f"too much: {rule}"
    token = pod(objects)["spec"]["automountServiceAccountToken"]
    assert token == in_cluster(objects), f"token {token}"
    assert not rules(objects) or in_cluster(objects), "rights that nobody uses"
    assert find(objects, "ServiceAccount")["automountServiceAccountToken"] is False


def restricted(objects):
    """The pod security standard `restricted`, and a root that cannot be written."""
    spec, one = pod(objects)["spec"], container(objects)
    whole, own = spec["securityContext"], one["securityContext"]
    assert whole["runAsNonRoot"] is True and whole["runAsUser"] == 65532 and whole["runAsGroup"] == 65532
    assert whole["seccompProfile"]["type"] in ("RuntimeDefault", "Localhost")
    assert (whole["seccompProfile"]["type"] == "Localhost") == ("localhostProfile" in whole["seccompProfile"])
    assert own["allowPrivilegeEscalation"] is False and own["privileged"] is False
    assert own["readOnlyRootFilesystem"] is True and own["capabilities"] == {"drop": ["ALL"]}
    for key in ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"):
        assert key not in spec, key
    kinds = {kind for volume in spec["volumes"] for kind in volume if kind != "name"}
    assert kinds <= {"configMap", "secret", "emptyDir", "projected", "persistentVolumeClaim", "csi", "ephemeral"}, kinds
    assert not any("subPath" in mount for mount in one["volumeMounts"]), "subPath never sees a new certificate"


def resources(objects, environment):
    """What the page says; memory has no room above what is kept, and CPU no limit."""
    has = container(objects)["resources"]
    cpu, memory = RESOURCES[environment]
    assert has["requests"] == {"cpu": cpu, "memory": memory} and has["limits"] == {"memory": memory}, has


def image(objects, _):
    """A version or a digest, never what moves."""
    name = container(objects)["image"]
    assert re.search(r"(@sha256:[0-9a-f]{64}|:[^:@/]+)$", name) and not name.endswith(":latest"), name


def secrets(objects):
    """No object brings a secret value along."""
    assert not any(one["kind"] == "Secret" for one in objects), "a Secret"
    for text in manifests.strings([one for one in objects if one["kind"] != "CustomResourceDefinition"]):
        assert "PRIVATE KEY" not in text and "whsec_" not in text, text[:80]
    for variable in container(objects).get("env", []):
        assert "valueFrom" in variable or not re.search("PASSWORD|SECRET|TOKEN", variable["name"]), variable


def seconds(text):
    """Seconds of a duration such as `15s`."""
    return int(re.fullmatch(r"(\d+)s", text)[1])


def ending(objects):
    """The pod is killed only after it has waited and drained."""
    spec, one = pod(objects)["spec"], container(objects)
    shutdown = yaml.safe_load(config(objects))["shutdown"]
    pause = one.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    assert "exec" not in str(one.get("lifecycle", {})), "there is no shell"
    least = pause + seconds(shutdown["delay"]) + seconds(shutdown["grace"]) + 5
    assert spec["terminationGracePeriodSeconds"] >= least, (spec["terminationGracePeriodSeconds"], least)
    strategy = find(objects, "Deployment")["spec"]["strategy"]["rollingUpdate"]
    assert strategy == {"maxUnavailable": 0, "maxSurge": 1}, strategy


def probes(objects):
    """Liveness asks for the process alone, on the port without certificates."""
    one = container(objects)
    ports = {port["name"]: port["containerPort"] for port in one["ports"]}
    assert ports == {"api": 8443, "operations": 8080}, ports
    paths = {key: one[key]["httpGet"] for key in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {probe["port"] for probe in paths.values()} == {"operations"}
    assert paths["livenessProbe"]["path"] == "/livez" and paths["readinessProbe"]["path"] == "/readyz"


def selectors(objects):
    """Each selector fits the pods, and the Service has the page's ports."""
    template = pod(objects)
    labels = template["metadata"]["labels"]
    assert LABELS.items() <= labels.items(), labels
    for one in objects:
        spec = one.get("spec") or {}
        if one["kind"] == "Service":
            assert matches(labels, {"matchLabels": spec["selector"]}), one["metadata"]["name"]
        for key in ("selector", "podSelector"):
            if one["kind"] in ("Deployment", "PodDisruptionBudget", "NetworkPolicy") and key in spec:
                assert matches(labels, spec[key]) and spec[key], one["metadata"]["name"]
    for spread in template["spec"].get("topologySpreadConstraints", []):
        assert matches(labels, spread["labelSelector"])
    service = find(objects, "Service")
    ports = {port["port"]: port["targetPort"] for port in service["spec"]["ports"]}
    assert ports == {443: "api", 8080: "operations"} and service["spec"]["type"] == "ClusterIP", ports
    outside = find(objects, "Service", manifests.NAME + "-external")
    assert not outside or [port["port"] for port in outside["spec"]["ports"]] == [443], "metrics outside"


def names(objects):
    """Everything lies in the namespace, and nothing is there twice."""
    seen = set()
    for one in objects:
        key = one["kind"], one["metadata"]["name"]
        assert key not in seen, key
        seen.add(key)
        namespace = one["metadata"].get("namespace")
        assert namespace == (None if one["kind"] in CLUSTER_WIDE else "o2ims-system"), key
        assert LABELS.items() <= one["metadata"]["labels"].items(), key


def disruption(objects):
    """A budget that lets nodes be drained; none for a single pod."""
    scaler, budget = find(objects, "HorizontalPodAutoscaler"), find(objects, "PodDisruptionBudget")
    deployment = find(objects, "Deployment")
    pods = scaler["spec"]["minReplicas"] if scaler else deployment["spec"]["replicas"]
    assert not scaler or "replicas" not in deployment["spec"], "two places say how many pods"
    assert (budget is None) == (pods == 1), (budget, pods)
    assert not budget or 0 < budget["spec"]["maxUnavailable"] < pods, budget


def certificate(objects):
    """90 days, replaced 30 days before their end, with a new key each time."""
    for one in objects:
        if one["kind"] == "Certificate":
            assert one["spec"]["privateKey"]["rotationPolicy"] == "Always" and one["spec"]["renewBefore"] == "720h"
    leaf = find(objects, "Certificate")
    if leaf:
        assert leaf["spec"]["duration"] == "2160h"
        assert "netweave-gateway.o2ims-system.svc.cluster.local" in leaf["spec"]["dnsNames"]
        mounted = [volume["secret"]["secretName"] for volume in pod(objects)["spec"]["volumes"] if volume["name"] == "tls"]
        assert mounted == [leaf["spec"]["secretName"]], mounted


def topology(objects, environment):
    """What the page says of each topology."""
    scaler, deployment = find(objects, "HorizontalPodAutoscaler"), find(objects, "Deployment")
    conf = yaml.safe_load(config(objects))
    state = conf["state"]
    assert conf["environment"] == environment and state["kind"] == "redis"
    pods = scaler["spec"]["minReplicas"] if scaler else deployment["spec"]["replicas"]
    assert pods == {"dev": 1, "staging": 3, "prod": 3}[environment], pods
    assert (find(objects, "Issuer", manifests.NAME + "-self-signed") is not None) == (environment == "dev")
    assert find(objects, "Certificate"), "certificates of cert-manager"
    if environment == "dev":
        assert "url" in state and "sentinels" not in state
    else:
        assert len(state["sentinels"]) == 3 and state["service"] == "mymaster"
        assert all(address.endswith(":26379") for address in state["sentinels"])
        assert {"ServiceMonitor", "PrometheusRule", "NetworkPolicy", "PodDisruptionBudget"} <= {one["kind"] for one in objects}
        assert len(pod(objects)["spec"]["topologySpreadConstraints"]) == 2
    if environment == "prod":
        assert scaler and "region" in state and conf["access"]["others"] == []


RULES = (rights, restricted, secrets, ending, probes, selectors, names, disruption, certificate)
OF_VALUES = (resources, image, topology)


def main(label, environment, path):
    """Checks a file; what values files alone must have is checked if the label is the environment."""
    cases, objects = Cases(), load(path)
    checks = [(rule, (objects,)) for rule in RULES]
    if label == environment:
        checks += [(rule, (objects, environment)) for rule in OF_VALUES]
    for rule, arguments in checks:
        try:
            rule(*arguments)
            cases.case(f"policy_{label}_{rule.__name__}", True)
        except (AssertionError, KeyError, TypeError, ValueError) as fault:
            cases.case(f"policy_{label}_{rule.__name__}", False, repr(fault))
    cases.exit()


main(*sys.argv[1:])
