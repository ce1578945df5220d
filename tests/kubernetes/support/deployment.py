"""The manifests of deploy/, as kubectl and helm render them."""
import json
from functools import cache

from .case import control_plane
from .fairlead import ROOT

DEPLOY = ROOT / "deploy"


@cache
def overlay(name):
    """deploy/kubernetes/overlays/NAME, rendered, as text."""
    return control_plane().kubectl("kustomize", DEPLOY / "kubernetes" / "overlays" / name)


def objects_of(text):
    """Manifests as dictionaries (kubectl knows YAML, Python does not)."""
    printed = control_plane().kubectl("create", "--dry-run=client", "--validate=false", "-o", "json", "-f", "-", stdin=text)
    decoder, objects = json.JSONDecoder(), []
    while printed := printed.lstrip():
        one, end = decoder.raw_decode(printed)
        objects.append(one)
        printed = printed[end:]
    return objects


def of_kind(objects, *kinds):
    return [one for one in objects if one["kind"] in kinds]


def the(objects, kind, name="fairlead"):
    (found,) = [one for one in of_kind(objects, kind) if one["metadata"]["name"] == name]
    return found


def container_args(workload):
    """Its flags, with the variables that Kubernetes replaces."""
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    return [flag.replace("$(POD_NAMESPACE)", "fairlead") for flag in container["args"]]
