"""What ExternalDNS makes of our Ingresses, by the rules that it documents for its Ingress source."""
import ipaddress
import json
import unittest

from support import objects
from support.case import KubernetesCase
from support.waiting import eventually

PREFIX = "external-dns.alpha.kubernetes.io/"
ADDRESSES = "--publish-status-address=192.0.2.7,2001:db8::7,edge.example.net"


def split(text):
    return [word for word in text.replace(" ", "").split(",") if word]


def kind_of(target):
    try:
        return "A" if ipaddress.ip_address(target).version == 4 else "AAAA"
    except ValueError:
        return "CNAME"


def records(ingress):
    """(name, type) -> targets: names of rules, of TLS sections and of the annotation; targets of the annotation, else of
    the status."""
    annotations, spec = ingress["metadata"].get("annotations", {}), ingress["spec"]
    names = [rule.get("host", "") for rule in spec.get("rules", [])]
    names += [host for tls in spec.get("tls", []) for host in tls.get("hosts", [])]
    names += split(annotations.get(PREFIX + "hostname", ""))
    entries = ingress.get("status", {}).get("loadBalancer", {}).get("ingress", [])
    targets = split(annotations.get(PREFIX + "target", "")) or [entry.get("ip") or entry.get("hostname") for entry in entries]
    made = {}
    for name in filter(None, names):
        for target in targets:
            made.setdefault((name, kind_of(target)), set()).add(target)
    return made


class ExternalDnsTest(KubernetesCase):
    @classmethod
    def start_fairlead(cls):
        cls.fairlead.start(f"--kubeconfig={cls.cluster.kubeconfig('admin')}", ADDRESSES, f"--watch-namespace={cls.ns}",
                           environment={"POD_NAMESPACE": cls.ns, "POD_NAME": "one"})

    def records_of(self, name):
        return records(json.loads(self.cluster.kubectl("get", "ingress", name, "-n", self.ns, "-o", "json")))

    def become(self, name, expected):
        eventually(lambda: self.records_of(name) == expected, f"the records of {name} are {expected}")

    def test_every_address_becomes_a_record_of_its_type(self):
        host = self.served("plain")
        self.become("plain", {(host, "A"): {"192.0.2.7"}, (host, "AAAA"): {"2001:db8::7"},
                              (host, "CNAME"): {"edge.example.net"}})

    def test_names_of_tls_sections_and_of_the_annotation_count_too(self):
        made = objects.ingress(self.ns, "names", self.host("names"), "names", secret="names-tls",
                               annotations={PREFIX + "hostname": "one.example.org, two.example.org"})
        made["spec"]["tls"][0]["hosts"].append("tls.example.org")
        self.cluster.apply(made)
        eventually(lambda: self.records_of("names"), "it has an address")
        self.assertEqual({name for name, _ in self.records_of("names")},
                         {self.host("names"), "tls.example.org", "one.example.org", "two.example.org"})

    def test_a_target_of_the_users_own_wins_and_is_no_problem(self):
        host = self.served("target", annotations={PREFIX + "target": "198.51.100.9"})
        self.become("target", {(host, "A"): {"198.51.100.9"}})
        self.assertFalse(self.fairlead.problem_with("external-dns"))

    def test_wildcard_hosts_get_their_records(self):
        self.serve("wildcard", self.pod("wildcard"))
        wildcard = f"*.{self.ns}.example.com"
        self.cluster.apply(objects.ingress(self.ns, "wildcard", wildcard, "wildcard"))
        eventually(lambda: (wildcard, "A") in self.records_of("wildcard"), "the wildcard has a record")

    def test_an_ingress_of_another_controller_gets_no_record(self):
        other = objects.ingress_class("dns-other")
        other["spec"]["controller"] = "example.com/other"
        self.cluster.apply(other)
        self.serve("foreign", self.pod("foreign"), class_name="dns-other")
        host = self.served("ours")  # heard later than the foreign one
        eventually(lambda: (host, "A") in self.records_of("ours"), "ours has a record")
        self.assertEqual(self.records_of("foreign"), {})


if __name__ == "__main__":
    unittest.main()
