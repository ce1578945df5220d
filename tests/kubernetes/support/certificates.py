"""Keys and certificates, made by openssl."""
import subprocess


def openssl(*arguments, stdin=None):
    done = subprocess.run(["openssl", *map(str, arguments)], input=stdin, capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def self_signed(folder, name, subject, *names):
    """FOLDER/NAME.crt and .key."""
    extensions = ["-addext", "subjectAltName=" + ",".join(names)] if names else []
    openssl("req", "-x509", *NEW_KEY, "-days", 30, "-subj", subject, *extensions,
            "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt")


def signed(folder, authority, name, subject, *names):
    """FOLDER/NAME.crt and .key, signed by FOLDER/AUTHORITY."""
    request, extensions = folder / f"{name}.csr", folder / f"{name}.ext"
    openssl("req", *NEW_KEY, "-subj", subject, "-keyout", folder / f"{name}.key", "-out", request)
    extensions.write_text("subjectAltName=" + ",".join(names) if names else "")
    openssl("x509", "-req", "-in", request, "-CA", folder / f"{authority}.crt", "-CAkey", folder / f"{authority}.key",
            "-CAcreateserial", "-days", 30, "-extfile", extensions, "-out", folder / f"{name}.crt")


def signing_pair(folder, name):
    """FOLDER/NAME.key and FOLDER/NAME.pub, for service account tokens."""
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", folder / f"{name}.key")
    openssl("ec", "-in", folder / f"{name}.key", "-pubout", "-out", folder / f"{name}.pub")
