import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import audit from "../../../shared/bootstrap/node/audit.py";
import { AUDITED_FLAGS, auditSchema } from "../../../shared/health/audit";
import { type World, moved, openWorld } from "./instance-world";

const PREFIX = "clowder/a1b2c3d4e5/";
const manifest = `spec:
  containers:
  - command:
    - kube-apiserver
    - --authorization-mode=Node,RBAC
    - --encryption-provider-config=/etc/kubernetes/pki/encryption-configuration.yaml
    - --service-account-key-file=/etc/kubernetes/pki/sa.pub
    - --service-cluster-ip-range=100.64.0.0/13
    image: registry.k8s.io/kube-apiserver:v1.34.8
`;
const node = {
  metadata: { name: "ip-172-20-32-10.ec2.internal", labels: { tier: "a" } },
  spec: { providerID: "aws:///us-east-1a/i-1", taints: [{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }] },
  status: { nodeInfo: { kubeletVersion: "v1.34.8", containerRuntimeVersion: "containerd://2.1.7" } },
};
const configz = { kubeletconfig: { authentication: { anonymous: { enabled: false } }, clusterDomain: "cluster.local", staticPodPath: "/etc/kubernetes/manifests" } };
const workloads = [
  { kind: "DaemonSet", metadata: { name: "calico-node" }, status: { desiredNumberScheduled: 2, numberReady: 1 } },
  { kind: "Deployment", metadata: { name: "coredns" }, spec: { replicas: 2 }, status: {} },
];
const metrics = `# TYPE apiserver_storage_transformation_operations_total counter
apiserver_storage_transformation_operations_total{resource="secrets",status="OK",transformation_type="to_storage",transformer_prefix="k8s:enc:secretbox:v1:"} 3
apiserver_storage_transformation_operations_total{resource="secrets",status="OK",transformation_type="to_storage",transformer_prefix="identity"} 9
apiserver_storage_transformation_operations_total{resource="secrets",status="OK",transformation_type="from_storage",transformer_prefix="k8s:enc:secretbox:v1:"} 5
`;

jest.setTimeout(30_000);
let world: World;
const put = (name: string, text: string) => writeFileSync(join(world.folder, name), text);
beforeEach(async () => {
  world = await openWorld();
  for (const folder of ["opt/clowder", "etc/kubernetes/manifests"]) mkdirSync(join(world.folder, folder), { recursive: true });
  copyFileSync(join(__dirname, "../../../shared/bootstrap/node/s3.py"), join(world.folder, "opt/clowder/s3.py"));
  put("opt/clowder/audit.py", moved(audit, world.folder));
  put("opt/clowder/audit.json", JSON.stringify({ uid: "a1b2c3d4e5", nonce: "n", prefix: PREFIX, flags: AUDITED_FLAGS }));
  put("etc/kubernetes/manifests/kube-apiserver.yaml", manifest);
  for (const [name, content] of Object.entries({ nodes: { items: [node] }, configz, workloads: { items: workloads } })) put(`${name}.json`, JSON.stringify(content));
  put("metrics", metrics);
  const kubectl = `#!/bin/bash
case "$*" in
*"get nodes -o json") cat ${world.folder}/nodes.json ;;
*/configz) cat ${world.folder}/configz.json ;;
*/metrics) cat ${world.folder}/metrics ;;
*"-n kube-system"*) cat ${world.folder}/workloads.json ;;
*) exit 1 ;;
esac`;
  put("bin/kubectl", kubectl);
  chmodSync(join(world.folder, "bin/kubectl"), 0o755);
});
afterEach(() => world.close());

const environment = { CLOWDER_REGION: "us-east-1", CLOWDER_BUCKET: "b", CLOWDER_PREFIX: PREFIX };
const run = () => world.bash("python3 /opt/clowder/audit.py", environment);
const told = () => {
  const key = [...world.objects.keys()].find((name) => name.startsWith(`${PREFIX}evidence/`) && name.endsWith("/audit.json"));
  return auditSchema.parse(JSON.parse(world.objects.get(key ?? "") ?? "null"));
};

test("it tells nodes, kubelets' settings, asked flags, encrypted writes and workloads, in the shape that the service reads", async () => {
  expect(await run()).toMatchObject({ code: 0 });
  expect(told()).toMatchObject({
    uid: "a1b2c3d4e5",
    nodes: [
      {
        name: "ip-172-20-32-10.ec2.internal",
        labels: { tier: "a" },
        taints: node.spec.taints,
        kubelet: { authentication: { anonymous: { enabled: false } }, clusterDomain: "cluster.local" },
        kubeletVersion: "v1.34.8",
      },
    ],
    apiServer: {
      "authorization-mode": "Node,RBAC",
      "encryption-provider-config": "/etc/kubernetes/pki/encryption-configuration.yaml",
      "service-cluster-ip-range": "100.64.0.0/13",
    },
    encryptedWrites: 3,
    addOns: [
      { kind: "DaemonSet", name: "calico-node", wanted: 2, ready: 1 },
      { kind: "Deployment", name: "coredns", wanted: 2, ready: 0 },
    ],
  });
  expect(Object.keys(told().apiServer)).not.toContain("service-account-key-file");
});

test("a kubelet that cannot be asked is told as such; without encryption no metrics are read", async () => {
  put("configz.json", "not found");
  put("etc/kubernetes/manifests/kube-apiserver.yaml", manifest.replace(/.*encryption.*\n/, ""));
  expect(await run()).toMatchObject({ code: 0 });
  expect(told()).toMatchObject({ nodes: [{ kubelet: { error: expect.any(String) } }], encryptedWrites: null });
});

test("a round without an API server writes nothing and says so", async () => {
  put("bin/kubectl", "#!/bin/bash\nexit 1\n");
  expect(await run()).toMatchObject({ code: 1, output: expect.stringContaining("gave no audit") });
  expect(world.objects.size).toBe(0);
});
