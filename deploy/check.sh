#!/usr/bin/env bash
# The steps of the Dockerfile as plain commands, for machines without Docker: a fresh environment with the extras of
# the image, a registry served, the health check, a request, a clean stop, and what the packages weigh.
#   deploy/check.sh ARTIFACT
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
artifact=$(realpath "${1:?name an artifact, or the folder of a run}")
work=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
python3.11 -m venv image
image/bin/pip install --quiet --disable-pip-version-check "$root[serve,verify]"
if image/bin/python -c 'import torch' 2>/dev/null; then echo "torch is in the image" >&2; exit 1; fi
image/bin/rubricator models add "$artifact" --registry models
image/bin/rubricator models promote "$(ls models/versions)" --registry models
image/bin/rubricator serve --registry models --port 8000 2>server.log &
server=$!
check="import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"
until image/bin/python -c "$check" 2>/dev/null; do sleep 1; kill -0 $server; done
curl -sf -H 'content-type: application/json' -d '{"text": "Сборная выиграла матч"}' http://127.0.0.1:8000/v1/classify
kill -TERM $server
# Python ends by the signal once everything is answered.
wait $server || [ $? = 143 ]
echo
echo "environment: $(du -sm image | cut -f1) MiB"
