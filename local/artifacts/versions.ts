import { versionProfile } from "../../shared/spec/version-profile";
import type { GoBuild } from "./go";

/**
 * What goes with a Kubernetes release: the etcd and CoreDNS that its kubeadm asks for, and the agnhost that its sources hold
 * (test/images/agnhost/VERSION). Another release that the Go module proxy has is another row.
 */
const RELEASES: Record<string, { etcd: string; coredns: string; agnhost: string }> = {
  "1.34.4": { etcd: "3.6.5", coredns: "1.12.1", agnhost: "2.56" },
};

export const kubernetesReleases = Object.keys(RELEASES);

/** The prober's image, as the deployment's setting names it. */
export const proberImage = (kubernetes: string): string => `registry.k8s.io/e2e-test-images/agnhost:${RELEASES[kubernetes]?.agnhost}`;

/** `name` is the folder of programs in the cache. */
export type Part = GoBuild & { name: string };

const KUBERNETES = "k8s.io/kubernetes";
const CONTROL_PLANE = ["kube-apiserver", "kube-controller-manager", "kube-scheduler"];
const COMMANDS = ["kubeadm", "kubelet", "kubectl", "kube-proxy", ...CONTROL_PLANE];
const CNI = "github.com/containernetworking/plugins";

/**
 * What to build for a Kubernetes release, from the Go module proxy.
 * @throws Error naming the releases there are
 */
export function partsOf(kubernetes: string): Part[] {
  const release = Object.hasOwn(RELEASES, kubernetes) ? RELEASES[kubernetes] : undefined;
  const profile = versionProfile(kubernetes);
  if (!release || !profile) throw new Error(`There is no build of Kubernetes ${kubernetes}, only of ${kubernetesReleases.join(", ")}`);
  const plugins = ["main/bridge", "main/loopback", "main/ptp", "ipam/host-local", "meta/portmap"];
  return [
    {
      name: "kubernetes",
      module: KUBERNETES,
      version: `v${kubernetes}`,
      packages: [...COMMANDS.map((command) => `${KUBERNETES}/cmd/${command}`), `${KUBERNETES}/test/images/agnhost`],
      variables: kubernetesVariables(kubernetes),
    },
    { name: "etcd", module: "go.etcd.io/etcd/server/v3", version: `v${release.etcd}`, packages: ["go.etcd.io/etcd/server/v3"], variables: {} },
    { name: "coredns", module: "github.com/coredns/coredns", version: `v${release.coredns}`, packages: ["github.com/coredns/coredns"], variables: {} },
    {
      name: "cni-plugins",
      module: CNI,
      version: `v${profile.cniPlugins}`,
      packages: plugins.map((plugin) => `${CNI}/plugins/${plugin}`),
      variables: { [`${CNI}/pkg/utils/buildversion.BuildVersion`]: `v${profile.cniPlugins}` },
    },
  ];
}

/** As hack/lib/version.sh of Kubernetes sets them; without them kubeadm says v0.0.0 and takes itself for another release. */
function kubernetesVariables(kubernetes: string): Record<string, string> {
  const [major, minor] = kubernetes.split(".");
  const values = {
    gitVersion: `v${kubernetes}`,
    gitMajor: major!,
    gitMinor: minor!,
    gitTreeState: "clean",
    gitCommit: "unknown",
    buildDate: "1970-01-01T00:00:00Z",
  };
  const packages = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"];
  return Object.fromEntries(packages.flatMap((one) => Object.entries(values).map(([name, value]) => [`${one}.${name}`, value])));
}
