import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderScript } from "../../../shared/bootstrap/render-script";
import { renderUserData } from "../../../shared/bootstrap/user-data";
import type { ClusterPlan, InstancePlan } from "../../../shared/plan/cluster-plan";
import { type World, moved, openWorld, read } from "./instance-world";

const programs =
  "kubeadm kubelet kubectl containerd runc ctr crictl docker dockerd systemctl journalctl modprobe sysctl curl conntrack socat ethtool iptables apt-get";

export const token = "abcdef.0123456789abcdef";
export const privateKey = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEI\n-----END EC PRIVATE KEY-----\n";

/** A node that has all it needs but the cluster, in a world of its own. */
export interface PreparedNode {
  world: World;
  /** Boots it with its user data; `change` alters the rendered script first. */
  boot(plan: ClusterPlan, instance: InstancePlan, change?: (script: string) => string): Promise<{ code: number; output: string }>;
  put(name: string, text: string): void;
  file(name: string): string;
  has(name: string): boolean;
  /** Calls of programs whose line matches. */
  calls(pattern: RegExp): string[];
}

export async function prepareNode(plan: ClusterPlan): Promise<PreparedNode> {
  const world = await openWorld();
  const put = (name: string, text: string) => writeFileSync(join(world.folder, name), text);
  const file = (name: string) => read(join(world.folder, name));
  copyFileSync(join(__dirname, "fake-programs.sh"), join(world.folder, "bin", "fake"));
  chmodSync(join(world.folder, "bin", "fake"), 0o755);
  for (const program of programs.split(" ")) symlinkSync("fake", join(world.folder, "bin", program));
  mkdirSync(join(world.folder, "served"));
  mkdirSync(join(world.folder, "opt/clowder/credential-provider"), { recursive: true });
  symlinkSync(join(world.folder, "bin/fake"), join(world.folder, "opt/clowder/credential-provider/ecr-credential-provider"));
  put("kubernetes-version", plan.kubernetesVersion);
  put("etc/hosts", "127.0.0.1 localhost\n");
  put("api-is-up", "");
  put("served/calico-vxlan.yaml", calicoManifest);
  const join_ = { token, caCertHash: "sha256:abc", endpoint: plan.kubernetes.endpoint };
  const files = { "ca.crt": "certificate", "ca.key": privateKey, "etcd/ca.key": privateKey, "sa.pub": "public", "encryption-configuration.yaml": "secret" };
  world.objects.set(plan.pki.controlPlaneObject, JSON.stringify({ files, tokenExpiry: "2999-01-01T00:00:00Z", ...join_ }));
  world.objects.set(plan.pki.joinObject, JSON.stringify({ ...join_, "ca.crt": "certificate" }));
  return {
    world,
    put,
    file,
    has: (name) => existsSync(join(world.folder, name)),
    calls: (pattern) =>
      file("calls")
        .split("\n")
        .filter((line) => pattern.test(line)),
    boot(plan, instance, change = (script) => script) {
      const { key, body } = renderScript(plan, instance.role);
      const script = moved(withManifestOf(change(body)), world.folder);
      world.objects.set(key, script);
      return world.bash(renderUserData(plan, instance, { key, sha256: createHash("sha256").update(script).digest("hex") }), {
        CLOWDER_RETRY_SECONDS: "2",
      });
    },
  };
}

const calicoManifest = `---
apiVersion: v1
kind: ConfigMap
data:
  veth_mtu: "0"
---
kind: CustomResourceDefinition
metadata:
  name: felixconfigurations.crd.projectcalico.org
---
kind: DaemonSet
`;

/** The tests' manifest stands for Calico's, so its checksum does too. */
const withManifestOf = (script: string): string =>
  script.replace(/(calico\tany\t\S+\t)\S+/, `$1${createHash("sha256").update(calicoManifest).digest("hex")}`);
