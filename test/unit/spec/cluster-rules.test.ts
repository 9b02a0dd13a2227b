import { readManifest } from "../../../shared/spec/read-manifest";
import { changed, deployment, type Loose, problemsOf } from "./manifests";

type Change = (spec: Loose, cluster: Loose) => void;
const problems = (change: Change, configBase?: string): string[] =>
  problemsOf(
    changed((cluster) => change(cluster.spec, cluster)),
    configBase,
  ).map(({ path, message }) => `${path} ${message}`);
const read = (change: Change, name = "seed"): ReturnType<typeof readManifest> =>
  readManifest(
    changed((cluster) => change(cluster.spec, cluster), name),
    deployment,
    {},
  );

test.each<[string, Change, string]>([
  [
    "version below the table",
    (spec) => (spec.kubernetesVersion = "1.18.20"),
    "spec.kubernetesVersion 1.18.20 is not served; the nearest that work are 1.19.16 or 1.20.15",
  ],
  [
    "version beyond the table",
    (spec) => (spec.kubernetesVersion = "v1.99.0"),
    "spec.kubernetesVersion 1.99.0 is not served; the nearest that work are 1.37.2 or 1.36.1",
  ],
  [
    "version that YAML reads as a number",
    (spec) => (spec.kubernetesVersion = 1.2),
    'spec.kubernetesVersion must be a string such as "1.34.8", in quotes where YAML would read a number',
  ],
  [
    "channel for a version",
    (spec) => (spec.kubernetesVersion = "stable"),
    "spec.kubernetesVersion must be a release such as 1.19.16 or 1.20.15",
  ],
  ["no version", (spec) => delete spec.kubernetesVersion, "spec.kubernetesVersion is required, such as 1.19.16 or 1.20.15"],
  [
    "docker after dockershim",
    (spec) => (spec.kubernetesVersion = "1.24.0"),
    "spec.containerRuntime must be containerd: Kubernetes 1.24 has no dockershim; the nearest version with docker is 1.23.17",
  ],
  ["another cloud", (spec) => (spec.cloudProvider = "gce"), "spec.cloudProvider must be aws: only aws is served"],
  [
    "no API load balancer",
    (spec) => delete spec.api,
    "spec.api.loadBalancer is required, such as {class: Classic, type: Public}: the API server is reached by it",
  ],
  ["a load balancer of no type", (spec) => delete spec.api.loadBalancer.type, "spec.api.loadBalancer.type is required: Public or Internal"],
  [
    "an idle time-out that EC2 refuses",
    (spec) => (spec.api.loadBalancer.idleTimeoutSeconds = 5000),
    "spec.api.loadBalancer.idleTimeoutSeconds must be a whole number from 1 to 3600",
  ],
  [
    "everybody may do everything",
    (spec) => (spec.authorization = { alwaysAllow: {} }),
    "spec.authorization.alwaysAllow is refused: it would let everybody do everything: write rbac: {}",
  ],
  ["legacy IAM", (spec) => (spec.iam.legacy = true), "spec.iam.legacy must be false: nodes get the least they need"],
  [
    "a boundary of one's own",
    (spec) => (spec.iam.permissionsBoundary = "arn:x"),
    "spec.iam.permissionsBoundary must be left out: this deployment sets none",
  ],
  [
    "another internal name",
    (spec) => (spec.masterInternalName = "api.int"),
    "spec.masterInternalName must be api.internal.demo.k8s.local, the name inside the cluster",
  ],
  [
    "a public name that is none",
    (spec) => (spec.masterPublicName = "API!"),
    "spec.masterPublicName must be a DNS name such as api.demo.k8s.local",
  ],
  [
    "a cluster domain that is none",
    (spec) => (spec.clusterDNSDomain = "Cluster"),
    "spec.clusterDNSDomain must be a DNS name such as cluster.local",
  ],
  [
    "a kubelet setting",
    (spec) => (spec.kubelet.maxPods = 250),
    "spec.kubelet.maxPods is refused: only anonymousAuth can be set; leave it out",
  ],
  [
    "a tag of ours",
    (spec) => (spec.cloudLabels = { "expires-at": "never" }),
    "spec.cloudLabels[expires-at] is a tag by which the cluster's things are found and deleted: choose another key",
  ],
  [
    "a tag that EC2 refuses",
    (spec) => (spec.cloudLabels = { team: "a;b" }),
    "spec.cloudLabels[team] must be letters, digits, spaces and _ . : / = + - @",
  ],
  [
    "too many tags",
    (spec) => (spec.cloudLabels = Object.fromEntries(Array.from({ length: 31 }, (_, n) => [`t${n}`, ""]))),
    "spec.cloudLabels must have at most 30 tags, not 31",
  ],
])("%s", (_, change, problem) => {
  expect(problems(change)).toEqual([problem]);
});

test.each(["Demo.k8s.local", "demo", "-a.b", "a..b", `${"a".repeat(60)}.local`, "a_b.c"])("the cluster name %s is refused", (name) => {
  const body = changed((cluster, controlPlane, nodes) => {
    cluster.metadata.name = name;
    for (const { metadata } of [controlPlane, nodes]) metadata.labels["kops.k8s.io/cluster"] = name;
  });

  expect(problemsOf(body, "bucket")).toEqual([
    { path: "metadata.name", message: expect.stringMatching(/^must be a fully qualified DNS name/) },
  ]);
});

test.each([
  ["s3://calico.demo/demo.k8s.local", /has a dot/],
  ["s3://Calico/demo.k8s.local", /is no bucket name/],
  ["s3://ab/demo.k8s.local", /is no bucket name/],
  ["s3://xn--bucket/demo.k8s.local", /which S3 keeps for itself/],
  ["s3://bucket--x-s3/demo.k8s.local", /which S3 keeps for itself/],
  ["s3://bucket", /must end with the cluster's name: s3:\/\/bucket\/demo.k8s.local/],
  ["s3://bucket/other.k8s.local", /must end with the cluster's name/],
  ["gs://bucket/demo.k8s.local", /must be s3:\/\/<bucket>\/demo.k8s.local/],
  ["bucket", /must be s3:\/\/<bucket>\/demo.k8s.local/],
  [undefined, /is required/],
])("configBase %s is refused", (configBase, message) => {
  expect(problems((spec) => (configBase === undefined ? delete spec.configBase : (spec.configBase = configBase)))).toEqual([
    expect.stringMatching(message),
  ]);
});

test.each(["mine", "s3://mine", "s3://mine/", "s3://mine/demo.k8s.local"])(
  "?configBase=%s goes before a bucket that is taken",
  (configBase) => {
    const body = changed((cluster) => (cluster.spec.configBase = "s3://no.good/elsewhere"));

    expect(readManifest(body, deployment, { configBase }).manifest.configBase).toEqual({ bucket: "mine" });
  },
);

test.each(["a.b", "mine/demo.k8s.local", "s3://mine/other", "gs://mine"])("?configBase=%s is refused by its own path", (configBase) => {
  expect(problems(() => undefined, configBase)).toEqual([expect.stringMatching(/^\?configBase /)]);
});

test("kOps' defaults are filled in", () => {
  const { manifest, warnings } = read((spec) => {
    for (const field of [
      "containerRuntime",
      "nonMasqueradeCIDR",
      "masterPublicName",
      "iam",
      "kubelet",
      "authorization",
      "kubernetesApiAccess",
      "sshAccess",
    ])
      delete spec[field];
    delete spec.api.loadBalancer.class;
    delete spec.networking.calico.bpfExternalServiceMode;
    delete spec.networking.calico.awsSrcDstCheck;
  });

  expect(manifest).toMatchObject({
    containerRuntime: "docker",
    serviceCidr: "100.64.0.0/13",
    masterPublicName: "api.demo.k8s.local",
    allowContainerRegistry: false,
    kubelet: { anonymousAuth: false },
    loadBalancer: { class: "Classic", type: "Public" },
    calico: { bpfExternalServiceMode: "Tunnel", awsSrcDstCheck: "Disable", vxlanMode: "CrossSubnet" },
    sshAccess: [],
  });
  expect(warnings.map(({ path }) => path)).toEqual(expect.arrayContaining(["spec.authorization", "spec.kubernetesApiAccess"]));
});

test("a boundary that is the deployment's is fine", () => {
  const permissionsBoundary = "arn:aws:iam::123456789012:policy/nodes";
  const body = changed((cluster) => (cluster.spec.iam.permissionsBoundary = permissionsBoundary));

  expect(readManifest(body, { ...deployment, permissionsBoundary }, {}).warnings).not.toHaveLength(0);
  expect(() => readManifest(body, { ...deployment, permissionsBoundary: "arn:other" }, {})).toThrow("1 problem");
});

test("what kOps writes by itself into new manifests is accepted", () => {
  const { warnings } = read((spec, cluster) => {
    cluster.metadata.creationTimestamp = null;
    spec.etcdClusters.forEach((etcd: Loose) => (etcd.manager = { backupRetentionDays: 90 }));
    spec.cloudControllerManager = {};
    spec.networking.calico.typhaReplicas = 0;
    spec.certManager = { enabled: false };
    spec.subnets[0].egress = null;
  }, "twin");

  expect(warnings.map(({ path }) => path)).toContain("spec.etcdClusters[0].manager.backupRetentionDays");
});
