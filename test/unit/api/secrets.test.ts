import { X509Certificate } from "node:crypto";
import { DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import { DeleteObjectsCommand, GetObjectCommand, ListObjectVersionsCommand, S3Client } from "@aws-sdk/client-s3";
import { marshall } from "@aws-sdk/util-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { parse } from "yaml";
import { getKubeconfig } from "../../../functions/api/get-kubeconfig";
import { takeSshKey } from "../../../functions/api/take-ssh-key";
import { makePki } from "../../../shared/bootstrap/pki";
import { ClusterNotFound, NotNow, NotYours } from "../../../shared/errors";
import type { ClusterPlan } from "../../../shared/plan/cluster-plan";
import type { ClusterRecord } from "../../../shared/registry/cluster-record";
import { admin, alice, bob, environment, now, recordOf, requestOf } from "./samples";

const plan = {
  name: "demo.k8s.local",
  uid: "a1b2c3d4e5",
  accountId: "111122223333",
  bucket: { name: "calico-kops-demo" },
  keypair: { name: "kubernetes.demo.k8s.local-a1b2c3d4e5", privateKeyObject: "clowder/a1b2c3d4e5/ssh/id_ed25519" },
  pki: { controlPlaneObject: "clowder/a1b2c3d4e5/pki/control-plane.json", notBefore: "2026-11-22T10:00:00Z", notAfter: "2036-11-22T10:00:00Z" },
  elb: { listenerPort: 443 },
  kubernetes: { internalName: "api.internal.demo.k8s.local", endpoint: "172.20.32.10:6443" },
} as unknown as ClusterPlan;

const db = mockClient(DynamoDBClient);
const s3 = mockClient(S3Client);
const clients = { db: db as unknown as DynamoDBClient, s3: s3 as unknown as S3Client };
const stored = (record: ClusterRecord) =>
  db.on(QueryCommand).resolves({
    Items: [
      marshall({ ...record, item: "cluster" }, { removeUndefinedValues: true }),
      marshall({ name: record.name, item: "plan", plan, documents: [] }),
    ],
  });
const body = (text: string) => ({ Body: { transformToString: async () => text } }) as never;
const noKey = Object.assign(new Error("no"), { name: "NoSuchKey" });

beforeEach(() => {
  db.reset();
  s3.reset();
});

describe("GET /clusters/{name}/kubeconfig", () => {
  let material: string;
  beforeAll(async () => {
    material = JSON.stringify(await makePki(plan));
  });
  beforeEach(() => void s3.on(GetObjectCommand).resolves(body(material)));
  const get = (caller = alice) => getKubeconfig(clients, environment, requestOf({ caller }));
  const certificateOf = (text: unknown) => {
    const [{ user }] = parse(String(text)).users;
    return new X509Certificate(Buffer.from(user["client-certificate-data"], "base64"));
  };

  test("it reaches the ELB under the certificate's own name, as the caller, in a group that can be unbound", async () => {
    stored(recordOf());
    const answer = await get();
    expect(answer).toMatchObject({ status: 200, headers: { "content-type": "application/yaml" } });
    expect(parse(String(answer.body)).clusters[0].cluster).toMatchObject({
      server: "https://api-demo-1.us-east-1.elb.amazonaws.com:443",
      "tls-server-name": "api.internal.demo.k8s.local",
    });
    const certificate = certificateOf(answer.body);
    expect(certificate.subject.split("\n")).toEqual(["O=clowder:cluster-admins", "CN=user/alice"]);
    expect(certificate.verify(new X509Certificate(JSON.parse(material).files["ca.crt"]).publicKey)).toBe(true);
  });

  test("the CA's key is read from the cluster's own bucket, of this account", async () => {
    stored(recordOf());
    await get();
    expect(s3.commandCalls(GetObjectCommand)[0]!.args[0].input).toEqual({
      Bucket: "calico-kops-demo",
      Key: "clowder/a1b2c3d4e5/pki/control-plane.json",
      ExpectedBucketOwner: "111122223333",
    });
  });

  test.each([
    ["with the cluster", { expiresAt: "2026-11-23T10:54:30.000Z" }, "2026-11-23T10:54:30.000Z"],
    ["after 8 hours at most", { expiresAt: "2026-11-25T10:00:00.000Z" }, "2026-11-23T18:00:00.000Z"],
    ["after 8 hours where the cluster has no end", { expiresAt: undefined }, "2026-11-23T18:00:00.000Z"],
  ])("it ends %s", async (_title, change, end) => {
    stored(recordOf(change));
    const certificate = certificateOf((await get()).body);
    expect(new Date(certificate.validTo).toISOString()).toBe(end);
    expect(Date.parse(certificate.validFrom)).toBeLessThan(now.getTime());
  });

  test.each([
    ["there is no ELB yet", () => stored(recordOf({ status: "Creating", ledger: {} }))],
    ["there is no PKI yet", () => (s3.on(GetObjectCommand).rejects(noKey), stored(recordOf({ status: "Creating" })))],
    ["it is being deleted", () => stored(recordOf({ status: "Deleting" }))],
    ["it is deleted", () => stored(recordOf({ status: "Deleted" }))],
  ])("not while %s", async (_title, arrange) => {
    arrange();
    await expect(get()).rejects.toThrow(NotNow);
  });

  test("a stranger gets none, and the key is not even read", async () => {
    stored(recordOf());
    await expect(get(bob)).rejects.toThrow(NotYours);
    expect(s3.calls()).toHaveLength(0);
  });

  test("an administrator's own name is in theirs", async () => {
    stored(recordOf());
    expect(certificateOf((await get(admin)).body).subject).toContain("CN=role/Admins-1");
  });
});

describe("POST /clusters/{name}/ssh-key", () => {
  const take = (caller = alice) => takeSshKey(clients, environment, requestOf({ caller }));

  test("gives the private half and takes every version of it away", async () => {
    stored(recordOf());
    s3.on(GetObjectCommand).resolves(body("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
    s3.on(ListObjectVersionsCommand).resolves({ Versions: [{ Key: plan.keypair.privateKeyObject, VersionId: "1" }] });
    s3.on(DeleteObjectsCommand).resolves({});
    expect(await take()).toMatchObject({ status: 200, body: "-----BEGIN OPENSSH PRIVATE KEY-----\n" });
    expect(s3.commandCalls(DeleteObjectsCommand)).toHaveLength(1);
  });

  test("a second time it is not there", async () => {
    stored(recordOf());
    s3.on(GetObjectCommand).rejects(noKey);
    await expect(take()).rejects.toThrow(NotNow);
  });

  test("a stranger gets none", async () => {
    stored(recordOf());
    await expect(take(bob)).rejects.toThrow(NotYours);
    expect(s3.calls()).toHaveLength(0);
  });

  test("a cluster that is not there has none", async () => {
    db.on(QueryCommand).resolves({ Items: [] });
    await expect(take()).rejects.toThrow(ClusterNotFound);
  });
});
