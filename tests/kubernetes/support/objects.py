"""Kubernetes objects, as short as the tests need them."""
import base64

from .pods import PORT


def _object(api_version, kind, namespace, name, **rest):
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **rest}


def namespace(name):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def ingress_class(name="fairlead"):
    return {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": name},
            "spec": {"controller": "fairlead.dev/ingress-controller"}}


def service(ns, name):
    return _object("v1", "Service", ns, name, spec={"ports": [{"name": "http", "port": 80, "targetPort": PORT}]})


def endpoint_slice(ns, service_name, *pods, suffix="a"):
    made = _object("discovery.k8s.io/v1", "EndpointSlice", ns, f"{service_name}-{suffix}", addressType="IPv4",
                   ports=[{"name": "http", "port": PORT, "protocol": "TCP"}],
                   endpoints=[{"addresses": [pod.address], "conditions": {"ready": True}} for pod in pods])
    made["metadata"]["labels"] = {"kubernetes.io/service-name": service_name}
    return made


def ingress(ns, name, host, service_name, path="/", class_name="fairlead", secret=None, annotations=None):
    backend = {"service": {"name": service_name, "port": {"number": 80}}}
    made = _object("networking.k8s.io/v1", "Ingress", ns, name, spec={
        "rules": [{"host": host, "http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend}]}}]})
    if class_name:
        made["spec"]["ingressClassName"] = class_name
    if secret:
        made["spec"]["tls"] = [{"hosts": [host], "secretName": secret}]
    if annotations:
        made["metadata"]["annotations"] = annotations
    return made


def tls_secret(ns, name, certificate, key):
    encoded = lambda file: base64.b64encode(file.read_bytes()).decode()
    return _object("v1", "Secret", ns, name, type="kubernetes.io/tls",
                   data={"tls.crt": encoded(certificate), "tls.key": encoded(key)})
