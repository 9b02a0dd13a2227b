import { InvalidManifest } from "../errors";
import type { ClusterPlan } from "../plan/cluster-plan";
import { type VersionProfile, artifactChecksum, versionProfile } from "../spec/version-profile";

/** Where the pinned checksums are those of; another base is a set of its own, with `<file>.sha256` beside each file. */
const PUBLIC = {
  kubernetes: "https://dl.k8s.io",
  github: "https://github.com",
  calico: "https://raw.githubusercontent.com/projectcalico/calico",
};
/** Beside the Kubernetes release, where the source is the public one; below it where it is another. */
const CLOUD_PROVIDER_BINARIES = "https://artifacts.k8s.io";
/** Before 3.22 the manifests in Calico's repository are templates; only the documentation's archive has them whole. */
const CALICO_ARCHIVE = "https://docs.projectcalico.org/archive";

/** @throws InvalidManifest for a version without a profile, which validation refuses already */
export function profileOf(plan: ClusterPlan): VersionProfile {
  const profile = versionProfile(plan.kubernetesVersion);
  if (profile) return profile;
  throw new InvalidManifest([{ path: "spec.kubernetesVersion", message: `no profile for ${plan.kubernetesVersion}` }]);
}

/**
 * What `artifacts.sh` may download, a line each: name, architecture, URL, and the SHA-256, or `beside` where it is in `<URL>.sha256`,
 * or `tls` where no checksum is published and the archive's certificate is all there is.
 */
export function renderArtifacts(plan: ClusterPlan): string {
  const profile = profileOf(plan);
  const bases = { kubernetes: withoutSlash(plan.kubernetes.artifacts.kubernetes), github: withoutSlash(plan.kubernetes.artifacts.github) };
  const lines = ["amd64", "arm64"].flatMap((arch) => {
    const line = (name: string, set: "kubernetes" | "github", path: string) => {
      const pinned = bases[set] === PUBLIC[set] && artifactChecksum(path);
      const base = bases[set] === PUBLIC.kubernetes && path.startsWith("/binaries/") ? CLOUD_PROVIDER_BINARIES : bases[set];
      return [name, arch, `${base}${path}`, pinned || "beside"].join("\t");
    };
    const { containerd, runc, crictl, cloud } = profile;
    const credentials = `/binaries/cloud-provider-aws/v${cloud.ecrCredentialProvider}/linux/${arch}/ecr-credential-provider-linux-${arch}`;
    return [
      ...["kubeadm", "kubelet", "kubectl"].map((name) =>
        line(name, "kubernetes", `/release/v${plan.kubernetesVersion}/bin/linux/${arch}/${name}`),
      ),
      line("containerd", "github", `/containerd/containerd/releases/download/v${containerd}/containerd-${containerd}-linux-${arch}.tar.gz`),
      line("runc", "github", `/opencontainers/runc/releases/download/v${runc}/runc.${arch}`),
      ...(plan.kubernetes.cloud.ecrCredentials ? [line("ecr-credential-provider", "kubernetes", credentials)] : []),
      line("crictl", "github", `/kubernetes-sigs/cri-tools/releases/download/v${crictl}/crictl-v${crictl}-linux-${arch}.tar.gz`),
    ];
  });
  return [...lines, renderCalicoManifest(plan), ""].join("\n");
}

function renderCalicoManifest(plan: ClusterPlan): string {
  const { version } = plan.kubernetes.calico;
  const base = withoutSlash(plan.kubernetes.artifacts.calico);
  const [major, minor] = version.split(".").map(Number) as [number, number];
  if (base === PUBLIC.calico && major === 3 && minor < 22)
    return ["calico", "any", `${CALICO_ARCHIVE}/v${major}.${minor}/manifests/calico-vxlan.yaml`, "tls"].join("\t");
  const path = `/v${version}/manifests/calico-vxlan.yaml`;
  const pinned = base === PUBLIC.calico && artifactChecksum(`/projectcalico/calico${path}`);
  return ["calico", "any", `${base}${path}`, pinned || "beside"].join("\t");
}

const withoutSlash = (url: string): string => url.replace(/\/+$/, "");
