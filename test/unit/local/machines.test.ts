import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Heard, heed } from "../../../local/machines/bootstrap-access";
import type { Neighbours } from "../../../local/machines/machine";
import { readScript } from "../../../local/machines/script";
import { readUserData } from "../../../local/machines/user-data";
import { signAccess } from "../../../shared/bootstrap/access-marker";
import { type ControlPlaneMaterial, makePki } from "../../../shared/bootstrap/pki";
import type { ClusterPlan } from "../../../shared/plan/cluster-plan";

const cases = resolve(__dirname, "../../cases");
const read = (name: string, file: string) => readFileSync(join(cases, name, file), "utf8");
const base64 = (text: string) => Buffer.from(text).toString("base64");
const userData = read("seed", "user-data.sh");

describe("user data", () => {
  test.each(["seed", "twin", "three-control-planes"])("of %s is read as the product writes it", (name) => {
    const { region, bucket, instances, probeClient } = JSON.parse(read(name, "plan.json")) as ClusterPlan;
    const setup = readUserData(base64(read(name, "user-data.sh")));
    expect(setup).toMatchObject({ region, bucket: bucket.name, prefix: bucket.prefix });
    expect([...instances, probeClient].map(({ key, role }) => [key, role])).toContainEqual([setup.nodeKey, setup.role]);
    expect(setup.script).toBe(`${bucket.prefix}scripts/${setup.role}.sh`);
    expect(setup.scriptSha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test("quotes are undone as a shell undoes them", () => {
    const quoted = userData.replace(/CLOWDER_NODE_KEY='[^']*'/, `CLOWDER_NODE_KEY='it'\\''s a node'`);
    expect(readUserData(base64(quoted)).nodeKey).toBe("it's a node");
  });

  test.each([
    ["a missing variable", userData.replace("export CLOWDER_SCRIPT_SHA256", "CLOWDER_SCRIPT_SHA256"), "CLOWDER_SCRIPT_SHA256"],
    ["an unknown role", userData.replace(/CLOWDER_ROLE='[^']*'/, "CLOWDER_ROLE='toString'"), "not one of control-plane, node, probe-client"],
    ["nothing at all", "", "CLOWDER_ROLE"],
  ])("%s is named", (_, text, named) => {
    expect(() => readUserData(base64(text))).toThrow(named);
  });
});

describe("the control plane's script", () => {
  test.each(["seed", "twin", "three-control-planes"])("of %s says what the evidence must carry", (name) => {
    const { kubernetes, instances } = JSON.parse(read(name, "plan.json")) as ClusterPlan;
    expect(readScript(read(name, "control-plane.sh"))).toEqual({
      nonce: kubernetes.runNonce,
      nodeCount: instances.length,
      externalServiceMode: kubernetes.calico.bpfExternalServiceMode,
      vxlanMode: kubernetes.calico.vxlanMode,
      podCidr: kubernetes.podCidr,
      endpoint: kubernetes.endpoint.split(":")[0],
    });
  });

  test("what it does not say is named", () => {
    expect(() => readScript(read("seed", "control-plane.sh").replaceAll('"nonce"', '"once"'))).toThrow("its nonce");
  });
});

describe("the service's word on the bootstrap", () => {
  const now = new Date("2026-11-23T12:00:30Z");
  const access = { uid: "a1b2c3d4e5", nonce: "n", at: "2026-11-23T12:00:00.000Z" };
  const open = { token: "abcdef.0123456789abcdef", expires: "2026-11-23T13:00:00Z", ended: ["old", "same"] };
  const cluster = (): Neighbours => ({
    nodes: [
      { name: "old", address: "10.0.0.4", since: "2026-11-23T10:00:00.000Z" },
      { name: "same", address: "10.0.0.5", since: "2026-11-23T12:00:01.000Z" },
      { name: "other", address: "10.0.0.6", since: "2026-11-23T10:00:00.000Z" },
    ],
    controlPlaneUp: true,
    tokens: ["first1.0123456789abcdef"],
    collecting: true,
  });
  let pki: ControlPlaneMaterial;
  let heard: Heard;
  beforeAll(async () => {
    pki = await makePki(JSON.parse(read("twin", "plan.json")) as ClusterPlan);
    heard = { uid: access.uid, caCertificate: pki.files["ca.crt"], last: "" };
  });

  test("closes and opens a simulated cluster as a real control plane would", () => {
    const seen = cluster();
    expect(heed(signAccess(pki.files["ca.key"], access), heard, seen, now)).toBe(access.at);
    expect([seen.tokens, seen.collecting, seen.nodes.length]).toEqual([[], false, 3]);
    heed(signAccess(pki.files["ca.key"], { ...access, open }), heard, seen, now);
    expect([seen.tokens, seen.collecting, seen.nodes.map(({ name }) => name)]).toEqual([[open.token], true, ["same", "other"]]);
  });

  test("is refused as a real one refuses it", async () => {
    const stranger = await makePki(JSON.parse(read("twin", "plan.json")) as ClusterPlan);
    const refused = (key: string, change: object, last = "") => () => heed(signAccess(key, { ...access, ...change }), { ...heard, last }, cluster(), now);
    expect(refused(stranger.files["ca.key"], {})).toThrow("not signed");
    expect(refused(pki.files["ca.key"], { uid: "other" })).toThrow("of other");
    expect(refused(pki.files["ca.key"], {}, "2026-11-23T12:00:00.001Z")).toThrow("older than");
    expect(refused(pki.files["ca.key"], { open: { ...open, expires: "2026-11-23T12:00:30Z" } })).toThrow("ended at");
  });
});
