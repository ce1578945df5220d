"""A real Prometheus finds a pod by its annotations, scrapes it, and knows everything that dashboard and alerts ask for."""
import json
import re
import subprocess
import unittest
import urllib.error
import urllib.parse
import urllib.request

from support import deployment
from support.case import KubernetesCase, work_folder
from support.control_plane import free_port
from support.process import Process
from support.waiting import eventually

MONITORING = deployment.DEPLOY / "monitoring"
POD_ADDRESS = "10.244.0.1"  # of the bridge: the program listens on every address
OURS = re.compile(r"\b(?:nginx_ingress_controller|fairlead|process)_\w+")
GRAFANA = {"$__rate_interval": "1m", "$controller_namespace": ".*", "$controller_class": ".*", "$namespace": ".*", "$ingress": ".*"}
SCRAPE = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [%(alerts)s]
scrape_configs:
  - job_name: pods
    file_sd_configs: [{files: [%(pods)s]}]
    relabel_configs:
      - {source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape], action: keep, regex: "true"}
      - {source_labels: [__meta_kubernetes_pod_ip, __meta_kubernetes_pod_annotation_prometheus_io_port], separator: ":", target_label: __address__}
      - {source_labels: [__meta_kubernetes_namespace], target_label: namespace}
      - {source_labels: [__meta_kubernetes_pod_name], target_label: pod}
"""


def dashboard():
    return json.loads((MONITORING / "dashboard.json").read_text())


def panels():
    """Those that show something, by title -> expressions, with Grafana's variables replaced."""
    found = {}
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"]
            for name, value in GRAFANA.items():
                expression = expression.replace(name, value)
            found.setdefault(panel["title"], []).append(expression)
    return found


class MonitoringTest(KubernetesCase):
    @classmethod
    def start_fairlead(cls):
        cls.fairlead.start(f"--kubeconfig={cls.cluster.kubeconfig('admin')}", f"--watch-namespace={cls.ns}",
                           environment={"POD_NAMESPACE": cls.ns, "POD_NAME": "edge-1"})

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.prometheus = Process(work_folder() / cls.ns, "prometheus")
        cls.addClassCleanup(cls.prometheus.stop)
        cls.port = free_port()
        config = cls.folder / "prometheus.yaml"
        config.write_text(SCRAPE % {"alerts": MONITORING / "alerts.yaml", "pods": cls._write_pods()})
        cls.prometheus.start("prometheus", f"--config.file={config}", f"--storage.tsdb.path={cls.folder}/tsdb",
                             f"--web.listen-address=127.0.0.1:{cls.port}")
        eventually(lambda: cls.value("up") == 1, "Prometheus scrapes the pod", seconds=30)

    @classmethod
    def _write_pods(cls):
        """A pod of our Deployment, with the labels that Prometheus' own discovery of pods would give it (which Debian's
        is built without)."""
        template = deployment.the(deployment.objects_of(deployment.overlay("nodeport")), "Deployment")["spec"]["template"]
        annotations = {**template["metadata"]["annotations"], "prometheus.io/port": str(cls.fairlead.admin_port)}
        labels = {"__meta_kubernetes_pod_ip": POD_ADDRESS, "__meta_kubernetes_pod_name": "edge-1", "__meta_kubernetes_namespace": cls.ns}
        labels |= {"__meta_kubernetes_pod_annotation_" + re.sub(r"\W", "_", name): value for name, value in annotations.items()}
        pods = cls.folder / "pods.json"
        pods.write_text(json.dumps([{"targets": ["pod"], "labels": labels}]))
        return pods

    @classmethod
    def api(cls, path, **query):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{cls.port}/api/v1/{path}?{urllib.parse.urlencode(query)}", timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            if error.code == 503:  # it starts
                return None
            raise AssertionError(f"{query}: {error.read().decode()}") from None
        except (ConnectionError, urllib.error.URLError):
            return None

    @classmethod
    def value(cls, expression):
        """Of the one series that it yields, or None."""
        data = cls.api("query", query=expression)
        return float(data["result"][0]["value"][1]) if data and len(data["result"]) == 1 else None

    def test_a_request_is_counted_under_the_names_that_users_of_ingress_nginx_ask_for(self):
        host = self.served("counted")
        self.fairlead.get(host)
        asked = f'sum(nginx_ingress_controller_requests{{exported_namespace="{self.ns}", ingress="counted", status="200"}}) > 1'
        eventually(lambda: self.value(asked), "Prometheus has the request")
        for label in ("controller_namespace", "controller_class", "controller_pod"):
            series = self.api("series", **{"match[]": "nginx_ingress_controller_config_hash"})
            self.assertTrue(series[0].get(label), label)

    def test_every_expression_of_the_dashboard_is_understood(self):
        for title, expressions in panels().items():
            for expression in expressions:
                with self.subTest(panel=title, expression=expression):
                    self.assertIsNotNone(self.api("query", query=expression))

    def test_dashboard_and_alerts_use_only_metrics_that_exist(self):
        readme = (deployment.DEPLOY.parent / "README.md").read_text()
        documented = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", readme, re.MULTILINE))
        exist = set(documented)
        for name, kind in documented.items():
            if kind == "histogram":
                exist |= {name + suffix for suffix in ("_bucket", "_sum", "_count")}
        text = json.dumps(dashboard()) + (MONITORING / "alerts.yaml").read_text()
        self.assertLessEqual(set(OURS.findall(text)), exist)
        self.assertIn("nginx_ingress_controller_requests", OURS.findall(text))

    def test_panels_of_the_program_itself_show_something(self):
        host = self.served("shown")
        self.fairlead.get(host)
        for title in ("Connections of clients", "What is served", "Memory", "File descriptors: share in use",
                      "Routing table: generation"):
            for expression in panels()[title]:
                with self.subTest(panel=title, expression=expression):
                    eventually(lambda: self.api("query", query=expression)["result"], f"{title} shows something")

    def test_the_alerts_are_healthy_and_none_is_about_to_fire(self):
        rules = lambda: [rule for group in self.api("rules")["groups"] for rule in group["rules"]]
        self.assertGreater(len(rules()), 3)
        eventually(lambda: all(rule["health"] == "ok" for rule in rules()), "every rule was evaluated")
        self.assertEqual([rule["name"] for rule in rules() if rule["state"] != "inactive"], [])

    def test_promtool_finds_nothing_wrong(self):
        subprocess.run(["promtool", "check", "config", self.folder / "prometheus.yaml"], check=True, capture_output=True)


if __name__ == "__main__":
    unittest.main()
