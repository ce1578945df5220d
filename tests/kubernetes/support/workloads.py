"""Real pods: Deployments and StatefulSets of the echo server, and Services for them."""
from .objects import _object

PORT = 3000
IMAGE = "localhost/echo-server:1"


def _environment(ns, name, extra):
    fixed = {"NAMESPACE": ns, "SERVICE_NAME": name, **(extra or {})}
    named = {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    return [named, *({"name": key, "value": value} for key, value in fixed.items())]


def _template(ns, name, environment, stop_after):
    """stop_after: seconds between a pod's removal from its Service and the signal to it."""
    container = {
        "name": "echo", "image": IMAGE, "imagePullPolicy": "Never", "env": _environment(ns, name, environment),
        "ports": [{"name": "web", "containerPort": PORT}],
        "readinessProbe": {"httpGet": {"path": "/health", "port": PORT}, "periodSeconds": 1, "failureThreshold": 1}}
    if stop_after:
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": stop_after}}}
    return {"metadata": {"labels": {"app": name}},
            "spec": {"containers": [container], "terminationGracePeriodSeconds": stop_after + 5}}


def deployment(ns, name, replicas=1, environment=None, stop_after=0):
    return _object("apps/v1", "Deployment", ns, name, spec={
        "replicas": replicas, "selector": {"matchLabels": {"app": name}},
        "strategy": {"rollingUpdate": {"maxSurge": "100%", "maxUnavailable": 0}},
        "template": _template(ns, name, environment, stop_after)})


def stateful_set(ns, name, replicas=1):
    """Of the headless Service of the same name."""
    return _object("apps/v1", "StatefulSet", ns, name, spec={
        "replicas": replicas, "serviceName": name, "selector": {"matchLabels": {"app": name}},
        "podManagementPolicy": "Parallel", "template": _template(ns, name, None, 0)})


def service(ns, name, port=80, **spec):
    """Port `http`, to the pods' port by its name."""
    return _object("v1", "Service", ns, name, spec={
        "selector": {"app": name}, "ports": [{"name": "http", "port": port, "targetPort": "web"}], **spec})


def ingress(ns, name, *rules, class_name="fairlead", **spec):
    return _object("networking.k8s.io/v1", "Ingress", ns, name, spec={
        "ingressClassName": class_name, **({"rules": list(rules)} if rules else {}), **spec})


def backend(service_name, port=80):
    """A port by its number or its name."""
    return {"service": {"name": service_name, "port": {"name" if isinstance(port, str) else "number": port}}}


def rule(host, *paths):
    """Each path is (pathType, path, backend)."""
    made = [{"pathType": path_type, "path": path, "backend": to} for path_type, path, to in paths]
    return {**({"host": host} if host else {}), "http": {"paths": made}}
