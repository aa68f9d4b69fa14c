"""What stands before the services, from the one table of who answers what: `python -m deploy.ways` writes it anew."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from services.ways import WAYS

HERE = Path(__file__).parent
MAP = HERE / "nginx" / "ways.map"
INGRESS = HERE / "kubernetes" / "ingress.yaml"
_MADE = "# Made from services/ways.py by `python -m deploy.ways`.\n"


def nginx() -> str:
    """For nginx's `map $uri`: of its expressions the first that fits is taken, so the longest come first."""
    rest = sorted((prefix for prefix in WAYS if prefix != "/"), key=lambda prefix: (-len(prefix), prefix))
    lines = [f"default {WAYS['/']}:8080;"]
    lines += [f"~^{re.escape(prefix)}(/|$) {WAYS[prefix]}:8080;" for prefix in rest]
    return _MADE + "".join(f"{line}\n" for line in lines)


def ingress() -> str:
    """For Kubernetes, which takes the longest prefix of whole segments by itself."""
    paths: list[dict[str, Any]] = [
        {
            "path": prefix,
            "pathType": "Prefix",
            "backend": {"service": {"name": name, "port": {"name": "http"}}},
        }
        for prefix, name in WAYS.items()
    ]
    made = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "throughline", "labels": {"app.kubernetes.io/part-of": "throughline"}},
        "spec": {
            "tls": [{"hosts": ["throughline.example"], "secretName": "throughline-tls"}],
            "rules": [{"host": "throughline.example", "http": {"paths": paths}}],
        },
    }
    return _MADE + yaml.safe_dump(made, sort_keys=False)


if __name__ == "__main__":
    MAP.write_text(nginx())
    INGRESS.write_text(ingress())
