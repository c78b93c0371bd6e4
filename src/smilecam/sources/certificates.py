"""Which servers of encrypted streams are trusted. FFmpeg by itself trusts any."""

from __future__ import annotations

import atexit
import ssl
import tempfile
from functools import cache
from pathlib import Path

from smilecam.sources.base import SourceOptions

ENCRYPTED = ("https", "rtsps", "rtmps")
"""Schemes of encrypted streams; a redirection leads from http to https, too."""


def tls_options(options: SourceOptions) -> dict[str, str]:
    """FFmpeg's options for encrypted streams.

    Args:
        options: ``ca_file`` and ``insecure`` are used.
    """
    if options.insecure:
        return {"tls_verify": "0"}
    trusted = options.ca_file or _system_certificates()
    return {"tls_verify": "1"} | ({"ca_file": str(trusted)} if trusted else {})


@cache
def _system_certificates() -> Path | None:
    """The file with the certificates that this system trusts, as Python finds it; made here where it has no such file.

    None where Python knows none: FFmpeg then asks the system, where it can.
    """
    known = ssl.get_default_verify_paths().cafile
    if known:
        return Path(known)
    certificates = ssl.create_default_context().get_ca_certs(binary_form=True)
    if not certificates:
        return None
    with tempfile.NamedTemporaryFile("w", prefix="smilecam-", suffix=".pem", delete=False) as file:
        file.writelines(map(ssl.DER_cert_to_PEM_cert, certificates))
    path = Path(file.name)
    atexit.register(path.unlink, missing_ok=True)
    return path
