#!/bin/sh
# Builds every program of a cluster without pulled images into the folder given: Kubernetes, etcd, kind, CoreDNS and the volume
# provisioner at the versions that go.mod and go.sum pin; versitygw and helm as modules of their own, at the versions named below,
# so that what they require does not move Kubernetes' dependencies. Cold it takes minutes; afterwards Go's build cache answers.
set -eu
out=$(mkdir -p "${1:?usage: build.sh FOLDER}" && cd "$1" && pwd)
cd "$(dirname "$0")"
command -v go >/dev/null || { echo "go is missing: install Go 1.26 or newer" >&2; exit 2; }

version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
minor=${version#v1.}
flags="-s -w -X k8s.io/component-base/version.gitVersion=$version"
flags="$flags -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=${minor%%.*}"
provisioner=github.com/rancher/local-path-provisioner
export CGO_ENABLED=0

# The provisioner spells logrus in capitals: in one build with the others that is a collision.
# -e: it is listed although it cannot be loaded beside the others.
tools=$(go list -e tool | grep -vxF "$provisioner")
go build -trimpath -ldflags "$flags" -o "$out/" $tools ./coredns ./runc-capped
go build -trimpath -ldflags "$flags" -o "$out/" "$provisioner"
mv -f "$out/server" "$out/etcd"

GOBIN=$out go install -trimpath -ldflags "-s -w" github.com/versity/versitygw/cmd/versitygw@v1.8.0

# What helm's own Makefile sets: its version, and the Kubernetes that `helm template` and `helm lint` speak of without a cluster (an
# installed module without these says 1.20, and refuses a chart that asks for more).
helm=v3.22.0
flags="-s -w -X helm.sh/helm/v3/internal/version.version=$helm"
for package in chartutil lint/rules; do
  flags="$flags -X helm.sh/helm/v3/pkg/$package.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/$package.k8sVersionMinor=${minor%%.*}"
done
GOBIN=$out go install -trimpath -ldflags "$flags" "helm.sh/helm/v3/cmd/helm@$helm"
