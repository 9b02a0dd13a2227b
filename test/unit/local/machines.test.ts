import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { readScript } from "../../../local/machines/script";
import { readUserData } from "../../../local/machines/user-data";
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
