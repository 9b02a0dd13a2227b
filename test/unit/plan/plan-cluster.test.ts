import { ImageNotFound, InvalidManifest } from "../../../shared/errors";
import { planCluster } from "../../../shared/plan/plan-cluster";
import { controlPlaneOf, deployment, groupOf, manifestOf, requestOf, threeZones } from "./sample-request";

test("the same request gives the same plan, and a plan survives JSON", () => {
  const plan = planCluster(manifestOf(), requestOf());

  expect(planCluster(manifestOf(), requestOf())).toEqual(plan);
  expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
});

test("expiry tags hold the create's deadline and the TTL cap, whatever the caller's TTL", () => {
  // 10:00 + half an hour for the steps + 900 s + 600 s + 48 h
  const latest = "2026-11-25T10:55:00Z";

  for (const ttlSeconds of [60, "none"] as const) {
    const { tags } = planCluster(manifestOf(), requestOf({ options: { ...requestOf().options, ttlSeconds } }));
    expect([tags["expires-at"], tags["cloud-nuke-after"]]).toEqual([latest, latest]);
  }
});

test("certificates begin an hour ago, and the join token outlives the create's deadline", () => {
  const { pki, createdAt } = planCluster(manifestOf(), requestOf());

  expect(createdAt).toBe("2026-11-23T10:00:00Z");
  expect(pki.notBefore).toBe("2026-11-23T09:00:00Z");
  expect(pki.notAfter).toBe("2036-11-20T10:00:00Z");
  expect(pki.tokenExpiry).toBe("2026-11-23T11:55:00Z");
});

test.each([
  ["kept-state", true],
  ["team-blue", true],
  ["kept-state-2", false],
  ["calico-kops-demo", false],
])("an existing bucket %s may be used: %s", (bucket, mayExist) => {
  expect(planCluster(manifestOf({ configBase: { bucket } }), requestOf()).bucket).toEqual({
    name: bucket,
    kopsPrefix: "demo.k8s.local/",
    prefix: "clowder/a1b2c3d4e5/",
    mayExist,
  });
});

test("a manifest's public key is imported; without one the step makes a pair", () => {
  const made = planCluster(manifestOf(), requestOf()).keypair;
  const imported = planCluster(manifestOf({ sshPublicKey: "ssh-ed25519 AAAA" }), requestOf()).keypair;

  expect(made).toEqual({ name: "kubernetes.demo.k8s.local-a1b2c3d4e5", privateKeyObject: "clowder/a1b2c3d4e5/ssh/id_ed25519" });
  expect(imported).toEqual({ ...made, publicKey: "ssh-ed25519 AAAA" });
});

test("a single control plane is reached inside by its address", () => {
  const { kubernetes } = planCluster(manifestOf(), requestOf());

  expect(kubernetes.endpoint).toBe("172.20.32.10:6443");
  expect(kubernetes.certificateNames).toEqual([
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "api.internal.demo.k8s.local",
    "api.demo.k8s.local",
    "172.20.32.10",
    "100.64.0.1",
    "127.0.0.1",
  ]);
});

test("several control planes are reached by a name for the set, and each address is in the certificate", () => {
  const controlPlanes = threeZones.map(({ name }) => controlPlaneOf({ name: `control-plane-${name}`, subnets: [name] }));
  const instanceGroups = [...controlPlanes, groupOf()];

  const { kubernetes } = planCluster(manifestOf({ subnets: threeZones, instanceGroups }), requestOf());

  expect(kubernetes.endpoint).toBe("api.internal.demo.k8s.local:6443");
  expect(kubernetes.controlPlaneAddresses).toEqual(["172.20.32.10", "172.20.64.10", "172.20.96.10"]);
  expect(kubernetes.certificateNames).toEqual(expect.arrayContaining(kubernetes.controlPlaneAddresses));
});

test("evidence and the probes are bound to this run: its nonce, its client", () => {
  const { kubernetes, probeClient } = planCluster(manifestOf(), requestOf());

  expect(kubernetes.runNonce).toBe("4f1c9a7e5b2d");
  expect(kubernetes.probe).toEqual({
    clientAddress: probeClient.privateAddress,
    clientPort: 8099,
    firstNodePort: 31000,
    image: deployment.proberImage,
  });
});

test.each([
  ["without a worker", [controlPlaneOf()], [""]],
  ["whose only worker group is empty", [controlPlaneOf(), groupOf({ size: 0 })], [""]],
  ["without a control plane", [groupOf()], [""]],
  ["whose group takes the probe client's name", [controlPlaneOf(), groupOf({ name: "probe-client" })], ["metadata.name"]],
])("a manifest %s is refused with its problem", (_, instanceGroups, paths) => {
  const plan = () => planCluster(manifestOf({ instanceGroups }), requestOf());

  expect(plan).toThrow(InvalidManifest);
  try {
    plan();
  } catch (error) {
    expect((error as InvalidManifest).problems.map(({ path }) => path)).toEqual(paths);
  }
});

test("an image that nobody resolved is named", () => {
  const plan = () => planCluster(manifestOf({ instanceGroups: [controlPlaneOf({ image: "ami-0gone" }), groupOf()] }), requestOf());

  expect(plan).toThrow(ImageNotFound);
  expect(plan).toThrow(/ami-0gone/);
});

test("a Classic load balancer has kOps' group, a Network one a target group", () => {
  const classic = planCluster(manifestOf(), requestOf()).elb;
  const loadBalancer = { class: "Network", type: "Internal", idleTimeoutSeconds: 60 } as const;
  const network = planCluster(manifestOf({ loadBalancer }), requestOf()).elb;

  expect(classic).toMatchObject({ name: "api-demo-k8s-local-a1b2c3d4e5", securityGroup: "api-elb", tags: { Name: "api.demo.k8s.local" } });
  expect(classic).not.toHaveProperty("targetGroup");
  expect(network).toMatchObject({ type: "Internal", targetGroup: "tcp-demo-k8s-local-a1b2c3d4e5", idleTimeoutSeconds: 60 });
  expect(network).not.toHaveProperty("securityGroup");
});

test("a load balancer takes one subnet of each zone: AWS refuses a second", () => {
  const subnets = [...threeZones, { name: "second-a", zone: "us-east-1a", cidr: "172.20.128.0/19" }];

  expect(planCluster(manifestOf({ subnets }), requestOf()).elb.subnets).toEqual(["us-east-1a", "us-east-1b", "us-east-1c"]);
});

test("subnets carry kOps' names and the tags that load balancer controllers look for", () => {
  const { network } = planCluster(manifestOf(), requestOf());

  expect([network.vpc, network.internetGateway, network.routeTable].map(({ name }) => name)).toEqual(Array(3).fill("demo.k8s.local"));
  expect(network.subnets[0]).toMatchObject({
    key: "us-east-1a",
    name: "us-east-1a.demo.k8s.local",
    tags: {
      Name: "us-east-1a.demo.k8s.local",
      SubnetType: "Public",
      "kubernetes.io/role/elb": "1",
      "kubernetes.io/role/internal-elb": "1",
    },
  });
});
