import { readFileSync } from "node:fs";
import { join } from "node:path";
import { planCluster } from "../../../shared/plan/plan-cluster";
import { newRecord } from "../../../shared/registry/new-record";
import { itemsOf } from "../../../shared/registry/record-size";
import { readManifest } from "../../../shared/spec/read-manifest";
import { manifestWith } from "../../large-manifest";
import { requestOf as planRequest } from "../plan/sample-request";
import { environment } from "./samples";

const seed = readFileSync(join(__dirname, "../../cases/seed/manifest.yaml"), "utf8");
const KILOBYTE = 1024;
const deployment = { ...environment.deployment, maxNodes: 20 };

function planned(text: string) {
  const { manifest, warnings } = readManifest(text, deployment, planRequest().options);
  const images = Object.fromEntries(manifest.instanceGroups.map(({ image }) => [image, { imageId: "ami-1", rootDevice: "/dev/sda1" }]));
  const plan = planCluster(manifest, { ...planRequest(), deployment, images, warnings });
  return { record: newRecord(plan, "arn:aws:states:us-east-1:111122223333:stateMachine:create"), plan, documents: manifest.documents };
}

test("a manifest below the limit of the body whose plan no record can hold is refused with what is too large and what helps", () => {
  const text = manifestWith(seed, { nodes: 19, labels: 30 });
  expect(text.length).toBeLessThan(256 * KILOBYTE);
  const refused = () => itemsOf(planned(text));
  expect(refused).toThrow(/^the plan of demo\.k8s\.local takes \d+ KB and its record can hold 380: plan\.instances \d+ KB/);
  expect(refused).toThrow(expect.objectContaining({ name: "PlanTooLarge", status: 413, nextStep: expect.stringContaining("cloudLabels") }));
});

test("the same with fewer labels fits", () => {
  expect(Object.keys(itemsOf(planned(manifestWith(seed, { nodes: 19, labels: 10 }))))).toEqual(["record", "plan"]);
});
