import { X509Certificate, verify } from "node:crypto";
import { GetRolePolicyCommand, IAMClient } from "@aws-sdk/client-iam";
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { ClusterExists } from "../../shared/errors";
import type { ClusterPlan } from "../../shared/plan/cluster-plan";
import { memoryLedger } from "../memory-ledger";
import { reopenBootstrap, revokeBootstrap } from "../../shared/resources/bootstrap-access";
import { deleteIam, ensureIam } from "../../shared/resources/iam";
import { ensurePki } from "../../shared/resources/pki";
import { writeStateStore } from "../../shared/resources/state-store";
import { samplePlan, targetOf } from "../unit/resources/sample-plan";

const s3 = new S3Client({ region: "us-east-1" });
const iam = new IAMClient({ region: "us-east-1" });
const Bucket = `clowder-pki-${process.pid}-${Date.now()}`;
beforeAll(async () => {
  await s3.send(new CreateBucketCommand({ Bucket }));
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }));
});
afterAll(() => {
  s3.destroy();
  iam.destroy();
});

let count = 0;
const freshPlan = (): ClusterPlan => samplePlan({ bucket: Bucket, uid: `p${process.pid % 1000}${Date.now() % 10000}${count++}` });
const read = (Key: string) => s3.send(new GetObjectCommand({ Bucket, Key }));
const json = async (Key: string) => JSON.parse(await (await read(Key)).Body!.transformToString());
/** The service's word on the bootstrap, its signature verified. */
async function word(plan: ClusterPlan) {
  const { document, signature } = await json(plan.pki.accessObject);
  const { publicKey } = new X509Certificate((await json(plan.pki.controlPlaneObject)).files["ca.crt"]);
  expect(verify("sha256", Buffer.from(document), publicKey, Buffer.from(signature, "base64"))).toBe(true);
  return JSON.parse(document);
}
async function versions(Prefix: string): Promise<number> {
  const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix }));
  return Versions.length + DeleteMarkers.length;
}

describe("the PKI", () => {
  test("is put encrypted for control planes, and without keys for workers", async () => {
    const plan = freshPlan();
    const ledger = memoryLedger();
    await ensurePki(s3, plan, ledger);
    const material = await json(plan.pki.controlPlaneObject);
    expect((await read(plan.pki.controlPlaneObject)).ServerSideEncryption).toBe("AES256");
    expect(await json(plan.pki.joinObject)).toEqual({
      token: material.token,
      caCertHash: material.caCertHash,
      endpoint: "10.0.1.10:6443",
      "ca.crt": material.files["ca.crt"],
    });
    expect(ledger.id("pki/control-plane")).toBe(plan.pki.controlPlaneObject);
  });

  test("is made once, whether the ledger knows of it or not", async () => {
    const plan = freshPlan();
    const ledger = memoryLedger();
    await ensurePki(s3, plan, ledger);
    const first = await json(plan.pki.controlPlaneObject);
    await ensurePki(s3, plan, ledger);
    await ensurePki(s3, plan, memoryLedger());
    expect(await json(plan.pki.controlPlaneObject)).toEqual(first);
    expect(await versions(plan.pki.controlPlaneObject)).toBe(1);
    expect(await versions(plan.pki.joinObject)).toBe(1);
  });

  test("of two runs at the same time is one CA, and the join material is of that one", async () => {
    const plan = freshPlan();
    await Promise.all([ensurePki(s3, plan, memoryLedger()), ensurePki(s3, plan, memoryLedger())]);
    expect(await versions(plan.pki.controlPlaneObject)).toBe(1);
    expect((await json(plan.pki.joinObject)).caCertHash).toBe((await json(plan.pki.controlPlaneObject)).caCertHash);
  });
});

describe("revoke-bootstrap", () => {
  const now = new Date("2026-11-23T12:30:00Z");

  test("takes the policy and the join material away and says so, signed; twice is once", async () => {
    const plan = freshPlan();
    const ledger = memoryLedger();
    await ensureIam(iam, plan, ledger);
    await ensurePki(s3, plan, ledger);
    const RoleName = plan.iam.roles[0]!.name;

    await revokeBootstrap({ s3, iam }, plan, ledger, now);

    await expect(iam.send(new GetRolePolicyCommand({ RoleName, PolicyName: "bootstrap" }))).rejects.toThrow();
    await expect(iam.send(new GetRolePolicyCommand({ RoleName, PolicyName: "node" }))).resolves.toBeDefined();
    expect(await versions(plan.pki.joinObject)).toBe(0);
    expect(await word(plan)).toEqual({ uid: plan.uid, nonce: "n0nce", at: "2026-11-23T12:30:00.000Z" });

    await revokeBootstrap({ s3, iam }, plan, ledger, new Date("2026-11-23T13:00:00Z"));
    expect(await word(plan)).toMatchObject({ at: "2026-11-23T13:00:00.000Z" });
    expect(await versions(plan.pki.accessObject)).toBe(1);
    await ensureIam(iam, plan, ledger);
    await ensurePki(s3, plan, ledger);
    expect(await versions(plan.pki.joinObject)).toBe(0);
    await expect(iam.send(new GetRolePolicyCommand({ RoleName, PolicyName: "bootstrap" }))).rejects.toThrow();
    await deleteIam(iam, targetOf(plan, ledger));
  });
});

describe("a bootstrap that is opened again", () => {
  const at = (minutes: number) => new Date(Date.parse("2026-11-23T14:00:00Z") + minutes * 60_000);
  const ended = ["ip-10-0-1-4.ec2.internal"];
  const closed = async () => {
    const plan = freshPlan();
    const ledger = memoryLedger();
    await ensureIam(iam, plan, ledger);
    await ensurePki(s3, plan, ledger);
    await revokeBootstrap({ s3, iam }, plan, ledger, at(-60));
    return { plan, ledger };
  };

  test("has join material of a token of its own, which control planes are told with its end and the Nodes that go", async () => {
    const { plan, ledger } = await closed();
    const { token: first, caCertHash, files } = await json(plan.pki.controlPlaneObject);

    await reopenBootstrap(s3, plan, ledger, { now: at(0), ended });

    const material = await json(plan.pki.joinObject);
    expect(material).toEqual({ token: expect.stringMatching(/^[a-z0-9]{6}\.[a-z0-9]{16}$/), caCertHash, endpoint: "10.0.1.10:6443", "ca.crt": files["ca.crt"] });
    expect(material.token).not.toBe(first);
    expect(await word(plan)).toMatchObject({ uid: plan.uid, at: "2026-11-23T14:00:00.000Z", open: { token: material.token, expires: "2026-11-23T15:00:00Z", ended } });
    expect((await read(plan.pki.accessObject)).ServerSideEncryption).toBe("AES256");
    const RoleName = plan.iam.roles[0]!.name;
    await expect(iam.send(new GetRolePolicyCommand({ RoleName, PolicyName: "bootstrap" }))).rejects.toThrow();
    await deleteIam(iam, targetOf(plan, ledger));
  });

  test("keeps its token when it is opened twice, and closes without a trace of it; the ledger has both", async () => {
    const { plan, ledger } = await closed();
    await reopenBootstrap(s3, plan, ledger, { now: at(0), ended });
    const { token } = await json(plan.pki.joinObject);
    await reopenBootstrap(s3, plan, ledger, { now: at(1), ended });
    expect([(await word(plan)).open.token, (await json(plan.pki.joinObject)).token]).toEqual([token, token]);
    expect(ledger.entry("pki/join")?.state).toBe("made");

    await revokeBootstrap({ s3, iam }, plan, ledger, at(2));
    expect([await versions(plan.pki.joinObject), await versions(plan.pki.accessObject)]).toEqual([0, 1]);
    expect(await word(plan)).toEqual({ uid: plan.uid, nonce: "n0nce", at: at(2).toISOString() });
    expect(ledger.entry("pki/join")?.state).toBe("gone");
    await deleteIam(iam, targetOf(plan, ledger));
  });
});

describe("the state store", () => {
  const documents = [
    { apiVersion: "kops.k8s.io/v1alpha2", kind: "Cluster", metadata: { name: "demo.k8s.local" }, spec: {} },
    { apiVersion: "kops.k8s.io/v1alpha2", kind: "InstanceGroup", metadata: { name: "nodes" }, spec: { role: "Node" } },
  ];
  const named = (plan: ClusterPlan): ClusterPlan => samplePlan({ bucket: Bucket, uid: plan.uid, name: `${plan.uid}.local` });
  const script = (plan: ClusterPlan, body: string) => [{ key: `${plan.bucket.prefix}scripts/node.sh`, body }];

  test("has kOps' files where kOps reads them, marked with the uid, and the scripts", async () => {
    const plan = named(freshPlan());
    await writeStateStore(s3, plan, documents, script(plan, "true"));
    for (const key of ["config", "instancegroup/nodes"]) {
      const { ContentType, Metadata } = await read(`${plan.name}/${key}`);
      expect({ ContentType, Metadata }).toEqual({ ContentType: "application/octet-stream", Metadata: { "clowder-uid": plan.uid } });
    }
    expect(await (await read(`${plan.bucket.prefix}scripts/node.sh`)).Body?.transformToString()).toBe("true");
  });

  test("is written again only where something differs", async () => {
    const plan = named(freshPlan());
    await writeStateStore(s3, plan, documents, script(plan, "true"));
    await writeStateStore(s3, plan, documents, script(plan, "false"));
    expect(await versions(`${plan.name}/`)).toBe(2);
    expect(await versions(`${plan.bucket.prefix}scripts/`)).toBe(2);
    expect(await (await read(`${plan.bucket.prefix}scripts/node.sh`)).Body?.transformToString()).toBe("false");
  });

  test("of a cluster that another program or another uid made is not touched", async () => {
    const plan = named(freshPlan());
    await s3.send(new PutObjectCommand({ Bucket, Key: `${plan.name}/config`, Body: "theirs" }));
    await expect(writeStateStore(s3, plan, documents, script(plan, "true"))).rejects.toThrow(ClusterExists);
    expect(await versions(`${plan.name}/`)).toBe(1);
    expect(await versions(plan.bucket.prefix)).toBe(0);
    expect(await (await read(`${plan.name}/config`)).Body?.transformToString()).toBe("theirs");
  });
});
