"""A container image of one static program, as an archive that containerd imports."""
import hashlib
import io
import json
import tarfile

PASSWD = "root:x:0:0::/:/nothing\n"


def _tar(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, (content, mode) in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def write(archive, reference, program, *arguments, environment=()):
    """Its entrypoint is the program with these arguments; the environment is a list of NAME=VALUE."""
    layer = _tar({program.name: (program.read_bytes(), 0o755), "etc/passwd": (PASSWD.encode(), 0o644)})
    config = json.dumps({
        "architecture": "amd64", "os": "linux",
        "config": {"Entrypoint": [f"/{program.name}", *arguments], "Env": list(environment)},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]}}).encode()
    manifest = json.dumps([{"Config": "config.json", "RepoTags": [reference], "Layers": ["layer.tar"]}]).encode()
    archive.write_bytes(_tar({"manifest.json": (manifest, 0o644), "config.json": (config, 0o644), "layer.tar": (layer, 0o644)}))
