#!/bin/sh
# Makes the virtual environment of one image's service, with what the lock files say, and lists what is in it.
#   install.sh SERVICE [cpu|cuda "OPTIONS WITH WHICH PIP FINDS PYTORCH FOR CPUS"]
set -eu
service=$1 device=${2:-none} torch_cpu=${3:-}
install="python3.11 -m pip --python /opt/clearstack/bin/python install --no-deps"

python3.11 -m venv --without-pip /opt/clearstack
python3.11 /locks/pick.py /locks/requirements.lock "/locks/$service.packages" > "/locks/$service.lock"
$install --require-hashes --requirement "/locks/$service.lock"
case $device in
none) ;;
cuda) $install --require-hashes --requirement /locks/requirements-torch.lock ;;
cpu)
    version=$(grep -om1 '^torch==[0-9.]*' /locks/requirements-torch.lock)
    # shellcheck disable=SC2086  # options, several words
    $install $torch_cpu "$version+cpu"
    ;;
*)
    echo "DEVICE is cpu or cuda, not $device" >&2
    exit 2
    ;;
esac
$install --no-index /wheel/*.whl
/sbom/bin/cyclonedx-py environment --output-reproducible --output-format JSON \
    --output-file /opt/clearstack/sbom.cdx.json /opt/clearstack/bin/python
