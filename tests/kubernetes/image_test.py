"""The container image: small, complete, and its program may use port 80 without being root."""
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import tarfile
import tempfile
import unittest
from pathlib import Path

from support.case import work_folder
from support.fairlead import ROOT, program
from support.process import Process
from support.waiting import eventually

MOST_BYTES = 40_000_000


def capable():
    """Whether file capabilities can be set here, which only the root of the machine may."""
    return open("/proc/self/uid_map").read().split() == ["0", "0", "4294967295"]


class ImageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="image-", dir=work_folder()))
        cls.archive = cls.folder / "fairlead.tar"
        cls.make("--output", cls.archive)
        with tarfile.open(cls.archive) as tar:
            cls.files = {entry.name: tar.extractfile(entry).read() for entry in tar if entry.isreg()}

    @staticmethod
    def make(*arguments):
        subprocess.run([ROOT / "deploy" / "image", "--program", program(), *arguments], check=True, stdout=subprocess.DEVNULL)

    def blob(self, reference):
        return self.files[reference["digest"].replace("sha256:", "blobs/sha256/")]

    def layer(self):
        (layer,) = self.manifest()["layers"]
        return tarfile.open(fileobj=io.BytesIO(gzip.decompress(self.blob(layer))))

    def manifest(self):
        (manifest,) = json.loads(self.files["index.json"])["manifests"]
        return json.loads(self.blob(manifest))

    def test_it_is_small(self):
        self.assertLess(self.archive.stat().st_size, MOST_BYTES)
        self.assertLess(sum(entry.size for entry in self.layer()), MOST_BYTES)

    def test_every_blob_is_what_its_name_says(self):
        blobs = {name: content for name, content in self.files.items() if name.startswith("blobs/")}
        self.assertEqual(len(blobs), 3)
        for name, content in blobs.items():
            self.assertEqual(name, "blobs/sha256/" + hashlib.sha256(content).hexdigest())
        config = json.loads(self.blob(self.manifest()["config"]))
        (layer,) = self.manifest()["layers"]
        unpacked = hashlib.sha256(gzip.decompress(self.blob(layer))).hexdigest()
        self.assertEqual(config["rootfs"]["diff_ids"], ["sha256:" + unpacked])

    def test_it_runs_as_a_user_without_rights_and_says_what_it_is(self):
        config = json.loads(self.blob(self.manifest()["config"]))["config"]
        self.assertEqual(config["User"], "65532:65532")
        labels = {name.removeprefix("org.opencontainers.image.") for name in config["Labels"]}
        self.assertLessEqual({"title", "description", "version", "created", "licenses"}, labels)

    def test_docker_finds_in_it_what_oci_says(self):
        (docker,) = json.loads(self.files["manifest.json"])
        manifest = self.manifest()
        self.assertEqual([docker["Config"], *docker["Layers"]],
                         [part["digest"].replace("sha256:", "blobs/sha256/") for part in [manifest["config"], *manifest["layers"]]])

    def test_it_lists_what_it_is_made_of(self):
        with self.layer() as layer:
            read = lambda name: layer.extractfile(name).read()
            document = json.loads(read("usr/share/doc/fairlead/sbom.spdx.json"))
            installed = {re.search(r"^Package: (.*)$", read(name).decode(), re.MULTILINE)[1]: read(name).decode()
                         for name in layer.getnames() if name.startswith("var/lib/dpkg/status.d/")}
            binary = read("usr/bin/fairlead")
        packages = {package["name"]: package for package in document["packages"]}
        self.assertEqual(packages["fairlead"]["checksums"][0]["checksumValue"], hashlib.sha256(binary).hexdigest())
        for name, status in installed.items():
            self.assertIn(f"Version: {packages[name]['versionInfo']}\n", status)
        self.assertLessEqual({"libssl3", "libboost1.81-dev"}, set(packages))  # linked, and compiled in
        named = {relation["relatedSpdxElement"] for relation in document["relationships"]}
        self.assertEqual(named, {package["SPDXID"] for package in packages.values()})

    def test_the_same_commit_gives_the_same_bytes(self):
        again = self.folder / "again.tar"
        self.make("--output", again)
        self.assertEqual(again.read_bytes(), self.archive.read_bytes())

    def test_the_recipe_for_engines_says_the_same(self):
        recipe = (ROOT / "deploy" / "Containerfile").read_text()
        config = json.loads(self.blob(self.manifest()["config"]))["config"]
        self.assertIn(f"USER {config['User']}\n", recipe)
        self.assertIn(f"ENTRYPOINT {json.dumps(config['Entrypoint'])}\n", recipe)
        self.assertEqual({f"{port}/tcp" for port in re.search(r"EXPOSE (.*)", recipe)[1].split()}, set(config["ExposedPorts"]))
        for label in re.findall(r'(org\S+)="(.*?)"', recipe):
            self.assertIn(label, config["Labels"].items())

    @unittest.skipUnless(capable(), "file capabilities need the machine's root")
    def test_without_root_it_listens_on_port_80(self):
        root = self.folder / "root"
        root.mkdir()
        self.make("--rootfs", root)
        with self.layer() as layer:
            headers = layer.getmember("usr/bin/fairlead").pax_headers
        self.assertEqual(headers["SCHILY.xattr.security.capability"].encode(),
                         os.getxattr(root / "usr/bin/fairlead", "security.capability"))
        (root / "manifests").mkdir()
        process = Process(self.folder, "contained")
        self.addCleanup(process.stop)
        process.start("chroot", "--userspec=65532:65532", root, "/usr/bin/fairlead", "--manifests=/manifests", "--healthz-port=0")
        eventually(lambda: "listening: http 80, https 443" in process.log.read_text() or not process.runs(), "it listens")
        self.assertTrue(process.runs(), process.last_lines())


if __name__ == "__main__":
    unittest.main()
