import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ClusterPlan } from "../../shared/plan/cluster-plan";
import { planCluster } from "../../shared/plan/plan-cluster";
import type { Manifest } from "../../shared/spec/manifest";
import { readManifest } from "../../shared/spec/read-manifest";
import { deployment, requestOf } from "./plan/sample-request";

const CASES = join(__dirname, "../cases");

/** Folders of manifests that are accepted: `manifest.yaml` beside its goldens. */
export const caseFolders = readdirSync(CASES).filter((folder) => existsSync(join(CASES, folder, "manifest.yaml")));

/** What the service makes of a case's manifest at a fixed moment, with made-up image ids. Warnings have goldens of their own. */
export function planOf(folder: string): { manifest: Manifest; plan: ClusterPlan } {
  const body = readFileSync(join(CASES, folder, "manifest.yaml"), "utf8");
  const { manifest } = readManifest(body, deployment, {});
  const found = (image: string) => ({ imageId: image.includes("focal") ? "ami-0focal" : "ami-0noble", rootDevice: "/dev/sda1" });
  const images = Object.fromEntries(manifest.instanceGroups.map(({ image }) => [image, found(image)]));
  return { manifest, plan: planCluster(manifest, requestOf({ images })) };
}

/** Compares with a golden of the case; `UPDATE_GOLDENS=1` writes it instead, and the diff is what is to be reviewed. */
export function expectGolden(folder: string, file: string, text: string): void {
  const path = join(CASES, folder, file);
  if (process.env["UPDATE_GOLDENS"]) writeFileSync(path, text);
  expect(text).toBe(readFileSync(path, "utf8"));
}
