"""Certificates for one run: authorities, and the certificates that they have signed."""

import ssl
import subprocess

from processes import LOGS

FOLDER = LOGS / "certificates"
EXTENSIONS = "subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=critical,CA:FALSE\n"


class Authority:
    def __init__(self, name):
        self.name = name
        self.file = FOLDER / f"{name}.pem"
        self.key = FOLDER / f"{name}.key"
        FOLDER.mkdir(parents=True, exist_ok=True)
        new_key(self.key, name, "-x509", "-days", "2", "-out", self.file)

    def sign(self, name):
        """Signs a certificate and returns the files of the certificate and of its key."""
        files = [FOLDER / f"{self.name}-{name}.{kind}" for kind in ("pem", "key", "csr", "ext")]
        certificate, key, request, extensions = files
        new_key(key, name, "-out", request)
        extensions.write_text(EXTENSIONS)
        signed_by = ["-CA", self.file, "-CAkey", self.key, "-CAcreateserial"]
        openssl("x509", "-req", "-in", request, *signed_by, "-days", "2", "-extfile", extensions, "-out", certificate)
        return certificate, key

    def server(self):
        """Returns the TLS context of a server with a certificate of this authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.sign("server"))
        return context


def new_key(key, name, *arguments):
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"]
    openssl("req", *curve, "-subj", f"/CN={name}", "-keyout", key, *arguments)


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
