"""The scenarios of the neutral Ingress conformance suite: each feature in a namespace of its own, its backends behind Services
of type NodePort, asked at the address that the Ingress' status shows, at ports 80 and 443. On a real node; where there can be
none, Fairlead and the backends are processes on the bridge that stands for the network of pods."""
import http.client
import json
import socket
import ssl
import unittest

from support import backend_processes, certificates, namespaces, objects, workloads
from support.fairlead import takes
from support.node_case import NodeCase, give_balancer_address
from support.waiting import eventually
from support.workloads import backend, rule

AGENT = "Go-http-client/1.1"
MOST_REDIRECTS = 5
ENVIRONMENT = {"INGRESS_NAME": "conformance"}


class _Secured(http.client.HTTPSConnection):
    """To an address, for a name: the certificate must be right for the name."""

    def __init__(self, address, name, trust):
        super().__init__(address, 443, timeout=10, context=trust)
        self._name, self._trust = name, trust

    def connect(self):
        self.sock = self._trust.wrap_socket(socket.create_connection((self.host, self.port), timeout=10), server_hostname=self._name)


class Response:
    def __init__(self, answer):
        self.status, self.version, self.headers = answer.status, answer.version, answer.headers
        self.body = answer.read()

    @property
    def heard(self):
        return json.loads(self.body)


class Conformance(NodeCase):
    """One feature. It names its Ingress and the Services that this has."""

    manifest = "loadbalancer"
    flags = ("--server-header=fairlead",) if takes("server-header NAME") else ()
    services = ()
    replicas = 1
    authority = None  # a file, for https

    @classmethod
    def begin(cls):
        if namespaces.missing():
            cls.stage = backend_processes.stage(cls.flags)
            cls.cluster, cls.folder = cls.stage.cluster, cls.stage.folder
            return
        super().begin()
        cls.stage, cls.folder = None, cls.node.folder
        give_balancer_address(cls.cluster)

    @classmethod
    def start_backends(cls, name):
        cls.cluster.apply(workloads.service(cls.ns, name, port=8080, type="NodePort"))
        if cls.stage:
            cls.addClassCleanup(cls.stage.start_backends(cls.ns, name, cls.replicas, ENVIRONMENT))
        else:
            cls.cluster.apply(workloads.deployment(cls.ns, name, cls.replicas, ENVIRONMENT))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for name in cls.services:
            cls.start_backends(name)
        cls.cluster.apply(cls.ingress())
        # At once, and not with the namespace: Ingresses without a host concern the features that follow.
        cls.addClassCleanup(cls.cluster.kubectl, "delete", "ingress", "conformance", "--namespace", cls.ns)
        for name in cls.services:
            eventually(lambda: cls.ready_endpoints(name) == cls.replicas, f"{cls.replicas} endpoints of {name} are ready", 60)
        cls.address = cls.wait_for_address()

    @classmethod
    def wait_for_address(cls):
        return eventually(lambda: cls.addresses("conformance"), "the status of the Ingress shows an address", 30)[0]

    def ask(self, url, method="GET"):
        """Of the address in the status, for the host of the URL (without one, for the address); redirects are followed there."""
        for _ in range(MOST_REDIRECTS):
            scheme, _, rest = url.partition("://")
            host, slash, path = rest.partition("/")
            response = self._exchange(scheme, host, slash + path or "/", method)
            if response.status not in (301, 302, 307, 308):
                return response
            url = response.headers["Location"]
        raise AssertionError(f"{url} redirects again and again")

    def _exchange(self, scheme, host, path, method):
        if scheme == "https":
            connection = _Secured(self.address, host, ssl.create_default_context(cafile=self.authority))
        else:
            connection = http.client.HTTPConnection(self.address, 80, timeout=10)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in (("Host", host or self.address), ("User-Agent", AGENT), ("Content-Length", "0")):
                connection.putheader(name, value)
            connection.endheaders()
            return Response(connection.getresponse())
        finally:
            connection.close()

    def served_by(self, service, url, method="GET"):
        response = self.ask(url, method)
        self.assertEqual(response.status, 200, url)
        self.assertEqual(response.heard["service"], service, url)
        return response

    def not_found(self, url):
        self.assertEqual(self.ask(url).status, 404, url)


class DefaultBackendTest(Conformance):
    services = ("echo-service",)

    @classmethod
    def ingress(cls):
        return workloads.ingress(cls.ns, "conformance", defaultBackend=backend("echo-service", 8080))

    def passes(self, method, host, path):
        response = self.served_by("echo-service", f"http://{host}{path}", method)
        self.assertEqual(response.version, 11)
        heard = response.heard
        self.assertEqual((heard["method"], heard["path"], heard["proto"]), (method, path, "HTTP/1.1"))
        self.assertEqual(heard["headers"]["User-Agent"], [AGENT])
        for name in ("Content-Length", "Content-Type", "Date"):
            self.assertIn(name, response.headers)
        if takes("server-header NAME"):
            self.assertIn("Server", response.headers)

    def test_get(self):
        self.passes("GET", "my-host", "/")

    def test_get_of_a_sub_path(self):
        self.passes("GET", "my-host", "/sub-path")

    def test_post(self):
        self.passes("POST", "some-host", "/")

    def test_put_without_a_host(self):
        self.passes("PUT", "", "/resource")

    def test_delete(self):
        self.passes("DELETE", "some-host", "/resource")

    def test_patch(self):
        self.passes("PATCH", "my-host", "/resource")

    @unittest.skipUnless(takes("server-header NAME"), "this program cannot be told what to call itself: --server-header NAME")
    def test_the_server_says_what_it_is(self):
        self.assertEqual(self.ask("http://my-host/").headers["Server"], "fairlead")


class HostRulesTest(Conformance):
    services = ("wildcard-foo-com", "foo-bar-com")

    @classmethod
    def ingress(cls):
        folder = cls.folder
        certificates.self_signed(folder, "conformance", "/CN=foo.bar.com", "DNS:foo.bar.com")
        cls.authority = folder / "conformance.crt"
        cls.cluster.apply(objects.tls_secret(cls.ns, "conformance-tls", cls.authority, folder / "conformance.key"))
        return workloads.ingress(
            cls.ns, "conformance", rule("*.foo.com", ("Prefix", "/", backend("wildcard-foo-com", 8080))),
            rule("foo.bar.com", ("Prefix", "/", backend("foo-bar-com", "http"))),
            tls=[{"hosts": ["foo.bar.com"], "secretName": "conformance-tls"}])

    def test_https_with_the_certificate_of_the_host(self):
        self.served_by("foo-bar-com", "https://foo.bar.com/")

    def test_http_of_the_same_host(self):
        self.served_by("foo-bar-com", "http://foo.bar.com/")

    def test_another_host_of_the_domain(self):
        self.not_found("http://subdomain.bar.com/")

    def test_a_host_of_the_wildcard(self):
        self.served_by("wildcard-foo-com", "http://bar.foo.com/")

    def test_a_wildcard_stands_for_one_label(self):
        self.not_found("http://baz.bar.foo.com/")

    def test_a_wildcard_does_not_stand_for_none(self):
        self.not_found("http://foo.com/")


class IngressClassTest(Conformance):
    services = ("ingress-class-prefix",)

    @classmethod
    def ingress(cls):
        return workloads.ingress(cls.ns, "conformance", class_name="some-invalid-class-name",
                                 defaultBackend=backend("ingress-class-prefix", 8080))

    @classmethod
    def wait_for_address(cls):
        """Until an Ingress of ours that is younger has one."""
        cls.cluster.apply(workloads.ingress(cls.ns, "ours", rule(cls.host("ours"), ("Prefix", "/", backend(cls.services[0], 8080)))))
        return eventually(lambda: cls.addresses("ours"), "another Ingress gets an address", 30)[0]

    def test_an_ingress_of_an_unknown_class_gets_no_address(self):
        self.assertEqual(self.addresses("conformance"), [])


class LoadBalancingTest(Conformance):
    services = ("echo-service",)
    replicas = 10

    @classmethod
    def ingress(cls):
        return workloads.ingress(cls.ns, "conformance", defaultBackend=backend("echo-service", 8080))

    def test_all_pods_of_a_service_are_used(self):
        asked = [self.served_by("echo-service", "http://some-host/") for _ in range(100)]
        self.assertEqual(len({response.heard["pod"] for response in asked}), 10)


class PathRulesTest(Conformance):
    services = ("foo-exact", "foo-prefix", "aaa-slash-bbb-prefix", "aaa-prefix", "foo-slash-exact", "aaa-slash-bbb-slash-prefix")

    @classmethod
    def ingress(cls):
        to = lambda kind, path, service: (kind, path, backend(service, 8080))
        return workloads.ingress(
            cls.ns, "conformance",
            rule("exact-path-rules", to("Exact", "/foo", "foo-exact")),
            rule("prefix-path-rules", to("Prefix", "/foo", "foo-prefix"), to("Prefix", "/aaa/bbb", "aaa-slash-bbb-prefix"),
                 to("Prefix", "/aaa", "aaa-prefix")),
            rule("mixed-path-rules", to("Prefix", "/foo", "foo-prefix"), to("Exact", "/foo", "foo-exact")),
            rule("trailing-slash-path-rules", to("Prefix", "/aaa/bbb/", "aaa-slash-bbb-slash-prefix"),
                 to("Exact", "/foo/", "foo-slash-exact")))

    def test_exact_matches_its_path(self):
        self.served_by("foo-exact", "http://exact-path-rules/foo")

    def test_exact_does_not_match_with_a_slash_more(self):
        self.not_found("http://exact-path-rules/foo/")

    def test_exact_heeds_case(self):
        self.not_found("http://exact-path-rules/FOO")

    def test_exact_does_not_match_another_path(self):
        self.not_found("http://exact-path-rules/bar")

    def test_prefix_matches_its_path(self):
        self.served_by("foo-prefix", "http://prefix-path-rules/foo")

    def test_prefix_matches_with_a_slash_more(self):
        self.served_by("foo-prefix", "http://prefix-path-rules/foo/")

    def test_prefix_heeds_case(self):
        self.not_found("http://prefix-path-rules/FOO")

    def test_the_longer_prefix_wins(self):
        self.served_by("aaa-slash-bbb-prefix", "http://prefix-path-rules/aaa/bbb")

    def test_the_longer_prefix_wins_for_what_is_below_it(self):
        self.served_by("aaa-slash-bbb-prefix", "http://prefix-path-rules/aaa/bbb/ccc")

    def test_the_shorter_prefix_has_what_the_longer_does_not_match(self):
        self.served_by("aaa-prefix", "http://prefix-path-rules/aaa/ccc")

    def test_prefix_matches_whole_segments(self):
        self.not_found("http://prefix-path-rules/aaaccc")

    def test_prefix_without_a_slash_matches_with_one(self):
        self.served_by("foo-prefix", "http://prefix-path-rules/foo/")

    def test_exact_goes_before_prefix(self):
        self.served_by("foo-exact", "http://mixed-path-rules/foo")

    def test_a_trailing_slash_of_a_prefix_is_ignored(self):
        self.served_by("aaa-slash-bbb-slash-prefix", "http://trailing-slash-path-rules/aaa/bbb")

    def test_a_prefix_with_a_trailing_slash_matches_itself(self):
        self.served_by("aaa-slash-bbb-slash-prefix", "http://trailing-slash-path-rules/aaa/bbb/")

    def test_exact_with_a_trailing_slash_does_not_match_without(self):
        self.not_found("http://trailing-slash-path-rules/foo")


if __name__ == "__main__":
    unittest.main()
