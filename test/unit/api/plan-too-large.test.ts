import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments, stringify } from "yaml";
import { planCluster } from "../../../shared/plan/plan-cluster";
import { newRecord } from "../../../shared/registry/new-record";
import { itemsOf } from "../../../shared/registry/record-size";
import { readManifest } from "../../../shared/spec/read-manifest";
import { requestOf as planRequest } from "../plan/sample-request";
import { environment } from "./samples";

const seed = readFileSync(join(__dirname, "../../cases/seed/manifest.yaml"), "utf8");
const KILOBYTE = 1024;
const deployment = { ...environment.deployment, maxNodes: 20 };

/** The seed with so many nodes and so many labels, each as long as AWS allows. */
function manifestWith({ nodes, labels }: { nodes: number; labels: number }): string {
  const documents = parseAllDocuments(seed).map((document) => document.toJS());
  const cloudLabels = Object.fromEntries(Array.from({ length: labels }, (_, at) => [`label-${at}`.padEnd(128, "x"), "ネ".repeat(256)]));
  for (const { kind, spec } of documents) {
    if (kind === "Cluster") spec.cloudLabels = cloudLabels;
    if (kind === "InstanceGroup" && spec.role === "Node") Object.assign(spec, { minSize: nodes, maxSize: nodes });
  }
  return documents.map((document) => stringify(document)).join("---\n");
}
function planned(text: string) {
  const { manifest, warnings } = readManifest(text, deployment, planRequest().options);
  const images = Object.fromEntries(manifest.instanceGroups.map(({ image }) => [image, { imageId: "ami-1", rootDevice: "/dev/sda1" }]));
  const plan = planCluster(manifest, { ...planRequest(), deployment, images, warnings });
  return { record: newRecord(plan, "arn:aws:states:us-east-1:111122223333:stateMachine:create"), plan, documents: manifest.documents };
}

test("a manifest below the limit of the body whose plan no record can hold is refused with what is too large and what helps", () => {
  const text = manifestWith({ nodes: 19, labels: 30 });
  expect(text.length).toBeLessThan(256 * KILOBYTE);
  const refused = () => itemsOf(planned(text));
  expect(refused).toThrow(/^the plan of demo\.k8s\.local takes \d+ KB and its record can hold 380: plan\.instances \d+ KB/);
  expect(refused).toThrow(expect.objectContaining({ name: "PlanTooLarge", status: 413, nextStep: expect.stringContaining("cloudLabels") }));
});

test("the same with fewer labels fits", () => {
  expect(Object.keys(itemsOf(planned(manifestWith({ nodes: 19, labels: 10 }))))).toEqual(["record", "plan"]);
});
