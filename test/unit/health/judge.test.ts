import fc from "fast-check";
import { evidenceRows, healthyEvidence } from "../../../local/machines/evidence/rows";
import type { Evidence, Expectation } from "../../../shared/health/evidence";
import { judge } from "../../../shared/health/judge";

const now = new Date("2026-11-23T09:00:00Z");
const nodes = [
  { name: "ip-172-20-32-10.ec2.internal", address: "172.20.32.10" },
  { name: "ip-172-20-32-77.ec2.internal", address: "172.20.32.77" },
];
const client = { instanceId: "i-0c11e47", address: "172.20.32.250" };
const cluster = { uid: "a1b2c3d4", nonce: "nonce-1", nodes, client, now, collectedBy: "a test" };
const expectation: Expectation = {
  uid: "a1b2c3d4",
  nonce: "nonce-1",
  nodes: nodes.map(({ name }) => name),
  clientInstanceId: client.instanceId,
  clientAddress: client.address,
  externalServiceMode: "DSR",
  vxlanMode: "Always",
  calicoVersion: "v3.31.4",
  now,
  maxAgeSeconds: 120,
};
const healthy = healthyEvidence(cluster);
const copy = (): Evidence => structuredClone(healthy);

test.each(Object.entries(evidenceRows))("the row %s gets its verdict", (_name, { differences, expect: expected }) => {
  const verdict = judge(differences(copy()), expectation);
  expect({ status: verdict.status, reason: verdict.reason }).toEqual(expected);
  expect(verdict.message).not.toBe("");
});

test("every measured state of the tables has a reason of its own", () => {
  const reasons = Object.values(evidenceRows)
    .filter(({ measured, expect: { status } }) => measured && status === "False")
    .map(({ expect: { reason } }) => reason);
  expect(new Set(reasons).size).toBe(reasons.length);
  expect(reasons).toHaveLength(14);
});

test("evidence never names the state it shows", () => {
  for (const [
    name,
    {
      differences,
      expect: { reason },
    },
  ] of Object.entries(evidenceRows)) {
    const text = JSON.stringify(differences(copy()));
    expect([name, name !== "healthy" && text.includes(name), text.includes(reason)]).toEqual([name, false, false]);
  }
});

test.each(["kernel-too-old", "bpf-disabled", "vxlan-dropped", "foreign-source-dropped", "eth0-detached", "no-cap-bpf"])(
  "the message of %s names a node",
  (name) => {
    const { message } = judge(evidenceRows[name]!.differences(copy()), expectation);
    expect(expectation.nodes.some((node) => message.includes(node))).toBe(true);
  },
);

test("the message of a fallback carries the numbers and the log line", () => {
  const { message } = judge(evidenceRows["kernel-too-old"]!.differences(copy()), expectation);
  expect(message).toContain("E/D/H 0/0/0");
  expect(message).toContain("not supported by the kernel.  Disabling BPF mode.");
});

test.each(Object.keys(evidenceRows))("the verdict on %s says who collected its evidence, so that a simulation shows wherever it goes", (name) => {
  const evidence = { ...evidenceRows[name]!.differences(copy()), collectedBy: "simulated: all of it" };
  expect(judge(evidence, expectation).message).toMatch(/; evidence by simulated: all of it$/);
});

test("the checks come weak to strong, traffic and its negative control last", () => {
  const { checks } = judge(healthy, expectation);
  expect(checks.map(({ check }) => check)).toEqual([
    "evidence",
    "nodes",
    "desired-state",
    "kube-proxy",
    "calico-node",
    "nodes-ready",
    "encapsulation",
    "felix",
    "healthz-10256",
    "readiness",
    "probe-client",
    "node-port",
    "client-address",
    "pod-to-service",
    "dns",
    "negative-control",
  ]);
});

describe("evidence that is not this run's says nothing", () => {
  const verdict = (evidence: unknown, change: Partial<Expectation> = {}) => {
    const { status, reason } = judge(evidence, { ...expectation, ...change });
    return `${status} ${reason}`;
  };
  test("no evidence, or something else", () => {
    expect(verdict(undefined)).toBe("Unknown EvidenceUnreadable");
    expect(verdict({ ...healthy, schema: "clowder.evidence/v2" })).toBe("Unknown EvidenceUnreadable");
    expect(verdict({ ...healthy, endedAt: "yesterday" })).toBe("Unknown EvidenceUnreadable");
  });
  test("another uid or nonce", () => {
    expect(verdict(healthy, { uid: "ffffffff" })).toBe("Unknown EvidenceForeign");
    expect(verdict(healthy, { nonce: "nonce-2" })).toBe("Unknown EvidenceForeign");
  });
  test("older than the limit, or from the future", () => {
    const at = (seconds: number) => new Date(now.getTime() + seconds * 1000);
    expect(verdict(healthy, { now: at(120) })).toBe("True TrafficProved");
    expect(verdict(healthy, { now: at(121) })).toBe("Unknown EvidenceStale");
    expect(verdict(healthy, { now: at(-61) })).toBe("Unknown EvidenceStale");
  });
  test("another client than the planned one", () => {
    expect(verdict(healthy, { clientInstanceId: "i-other" })).toBe("Unknown ProbeClientForeign");
    expect(verdict(healthy, { clientAddress: "172.20.32.251" })).toBe("False ClientAddressLost");
  });
  test("no node expected", () => expect(verdict(healthy, { nodes: [] })).toBe("Unknown NoNodesExpected"));
  test("a node that is not listed", () => expect(verdict(healthy, { nodes: [...expectation.nodes, "ip-3"] })).toBe("False NodeMissing"));
});

describe("desired state", () => {
  const [first] = expectation.nodes;
  const reasonWith = (change: (evidence: Evidence) => void) => {
    const evidence = copy();
    change(evidence);
    return judge(evidence, expectation).reason;
  };
  test("a node's own configuration beats the default one", () =>
    expect(reasonWith((e) => (e.desired.felixConfigurations[`node.${first}`] = { bpfEnabled: false }))).toBe("BpfDisabled"));
  test("the environment beats a node's own configuration", () =>
    expect(
      reasonWith((e) => {
        e.desired.felixConfigurations[`node.${first}`] = { bpfEnabled: false };
        e.desired.calicoNodeEnvironment = { FELIX_BPFENABLED: "true" };
      }),
    ).toBe("TrafficProved"));
  test("Tunnel where DSR was asked", () =>
    expect(reasonWith((e) => (e.desired.felixConfigurations["default"]!["bpfExternalServiceMode"] = "Tunnel"))).toBe(
      "ExternalServiceModeDiffers",
    ));
  test("IP in IP where VXLAN was asked", () =>
    expect(reasonWith((e) => (e.desired.ipPools[0]!.ipipMode = "Always"))).toBe("EncapsulationDiffers"));
  test("no pool yet, because calico-node has not started", () => expect(reasonWith((e) => (e.desired.ipPools = []))).toBe("IPPoolMissing"));
});

describe("Felix and its pods", () => {
  const reasonWith = (change: (evidence: Evidence) => void, also: Partial<Expectation> = {}) => {
    const evidence = copy();
    change(evidence);
    const { status, reason } = judge(evidence, { ...expectation, ...also });
    return `${status} ${reason}`;
  };
  const second = (e: Evidence, from: RegExp, to: string) => {
    const { metrics } = e.nodes[1]!;
    if (!("error" in metrics)) metrics.second = metrics.second.replace(from, to);
  };
  test.each([
    ["no BPF endpoint and no line that says why", /(felix_bpf_dataplane_endpoints) \d+/, "$1 0", "False BpfNotInUse"],
    ["a workload without programs", /(felix_active_local_endpoints) \d+/, "$1 3", "False WorkloadsWithoutPrograms"],
    ["not in sync", /(felix_resync_state) \d+/, "$1 2", "False FelixNotInSync"],
    ["conntrack that is not swept", /(felix_bpf_conntrack_sweeps) \d+/, "$1 4", "False ConntrackNotSwept"],
    ["a series that is gone", /felix_resync_state.*\n/, "", "Unknown MetricsUnreadable"],
  ])("%s", (_name, from, to, verdict) => expect(reasonWith((e) => second(e, from, to))).toBe(verdict));
  test("sweeps that had no time to rise", () =>
    expect(
      reasonWith((e) => {
        for (const { metrics } of e.nodes) if (!("error" in metrics)) Object.assign(metrics, { second: metrics.first, secondsApart: 4 });
      }),
    ).toBe("Unknown SweepsNotShown"));
  test("more endpoints and workloads than the sample are healthy too: 7/0/3", () =>
    expect(
      reasonWith((e) => {
        second(e, /(felix_bpf_dataplane_endpoints) \d+/, "$1 7");
        second(e, /(felix_bpf_happy_dataplane_endpoints) \d+/, "$1 3");
        second(e, /(felix_active_local_endpoints) \d+/, "$1 3");
      }),
    ).toBe("True TrafficProved"));
  test("10256 is asked for from v3.27 on", () => {
    const dead = (e: Evidence) => e.nodes.forEach((node) => (node.healthz = { error: "connection refused" }));
    expect(reasonWith(dead)).toBe("False HealthzRefused");
    expect(reasonWith(dead, { calicoVersion: "v3.27.0" })).toBe("False HealthzRefused");
    expect(reasonWith(dead, { calicoVersion: "v3.17.6" })).toBe("True TrafficProved");
  });
  test("a rollout that is not done", () => expect(reasonWith((e) => (e.calicoNode.updated = 1))).toBe("False CalicoNodeNotUpdated"));
  test("a node without calico-node", () => expect(reasonWith((e) => e.calicoNode.pods.pop())).toBe("False CalicoNodeMissing"));
  test("a pod that is not Ready", () => expect(reasonWith((e) => (e.calicoNode.pods[0]!.ready = false))).toBe("False CalicoNodeNotReady"));
  test("without any calico-node none is said to be Ready", () => {
    const { checks } = judge({ ...healthy, calicoNode: { ...healthy.calicoNode, pods: [] } }, expectation);
    const told = (name: string) => checks.find(({ check }) => check === name);
    expect(told("calico-node")).toMatchObject({ status: "False" });
    expect(told("readiness")).toEqual({ check: "readiness", status: "False", message: "no calico-node is there to be Ready" });
  });
  test("a node that is not Ready", () => expect(reasonWith((e) => (e.nodes[0]!.ready = false))).toBe("False NodeNotReady"));
});

describe("traffic", () => {
  const probesOf = (e: Evidence) => [
    e.traffic.nodePort,
    e.traffic.podToService,
    e.traffic.negativeControl!.denied,
    e.traffic.negativeControl!.restored,
  ];
  test("no evidence with any probe of another node missing or empty is ever True", () => {
    const crossing = probesOf(healthy).flatMap((probes, list) =>
      probes.flatMap(({ enteredAt, backendNode }, index) => (enteredAt === backendNode ? [] : [{ list, index }])),
    );
    fc.assert(
      fc.property(fc.subarray(crossing, { minLength: 1 }), fc.boolean(), (gone, emptied) => {
        const evidence = copy();
        for (const { list, index } of [...gone].reverse()) {
          const probes = probesOf(evidence)[list]!;
          if (emptied) probes[index]!.attempts = [];
          else probes.splice(index, 1);
        }
        expect(judge(evidence, expectation).status).not.toBe("True");
      }),
    );
  });
  test("no evidence with a failed attempt on any way is ever True", () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 1, 3), fc.nat(), fc.nat(), (list, probe, attempt) => {
        const evidence = copy();
        const probes = probesOf(evidence)[list]!;
        const { attempts } = probes.filter(({ enteredAt, backendNode }) => enteredAt !== backendNode)[probe % 2]!;
        attempts[attempt % attempts.length] = { ok: false, seconds: 1.5, error: "timed out" };
        expect(judge(evidence, expectation).status).toBe("False");
      }),
    );
  });
  test.each(["client", "negativeControl"] as const)("without %s the verdict is Unknown", (field) => {
    const evidence = copy();
    evidence.traffic[field] = null;
    expect(judge(evidence, expectation).status).toBe("Unknown");
  });
  test("DNS that is silent or untried on one node", () => {
    const silent = copy();
    silent.traffic.dns[1] = { node: silent.nodes[1]!.name, ok: false, error: "no such host" };
    expect(judge(silent, expectation).reason).toBe("DnsDead");
    const untried = copy();
    untried.traffic.dns.pop();
    expect(judge(untried, expectation).reason).toBe("DnsNotProbed");
  });
  test("a dead other node under Tunnel is not blamed on the source/destination check", () => {
    const evidence = evidenceRows["foreign-source-dropped"]!.differences(healthyEvidence({ ...cluster, externalServiceMode: "Tunnel" }));
    expect(judge(evidence, { ...expectation, externalServiceMode: "Tunnel" }).reason).toBe("NodePortDead");
  });
  test("a lone node is proved by the entry at itself", () => {
    const lone = { ...cluster, nodes: nodes.slice(0, 1) };
    expect(judge(healthyEvidence(lone), { ...expectation, nodes: [nodes[0]!.name] }).status).toBe("True");
  });
});
