import { newFindings } from "../../../shared/spec/findings";
import { checkProfile } from "../../../shared/spec/profile-rules";
import { versionProfile } from "../../../shared/spec/version-profile";
import { focal, groupOf } from "../plan/sample-request";
import { changed, problemsOf } from "./manifests";

const found = (version: string, image = focal, cloudProvider: "aws" | "none" = "aws") => {
  const findings = newFindings();
  checkProfile(versionProfile(version), [groupOf({ image })], { cloudProvider }, findings);
  return findings;
};

test.each(["1.35.5", "1.37.2"])("%s is refused on an image with cgroup v1, with the nearest version that starts there", (version) => {
  expect(found(version).problems).toEqual([
    { path: "InstanceGroup/nodes.spec.image", message: expect.stringMatching(/cgroup v2.*nearest version for this image is 1\.34\.8$/) },
  ]);
});

test.each([
  ["1.34.8", focal],
  ["1.36.1", "099720109477/ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20260101"],
  ["1.36.1", "ami-0123456789abcdef0"],
])("%s on %s is not refused", (version, image) => {
  expect(found(version, image).problems).toEqual([]);
});

test("what nobody tested together is a warning", () => {
  expect(found("1.34.8").warnings).toEqual([]);
  expect(found("1.37.2").warnings.map(({ path }) => path)).toEqual(["spec.kubernetesVersion", "spec.kubernetesVersion"]);
});

test("a deployment without a cloud provider says what will not work", () => {
  expect(found("1.34.8", focal, "none").warnings).toEqual([{ path: "spec.cloudProvider", message: expect.stringMatching(/LoadBalancer.*EBS.*ECR/) }]);
});

test("docker after 1.23 is refused with the nearest version that has it", () => {
  const body = changed((cluster) => Object.assign(cluster.spec, { kubernetesVersion: "1.34.8", containerRuntime: "docker" }));
  expect(problemsOf(body)).toContainEqual({ path: "spec.containerRuntime", message: expect.stringMatching(/nearest version with docker is 1\.23\.17$/) });
});

test("what is asked of AWS's parts is honoured, and what cannot be is refused by name", () => {
  const honoured = changed((cluster) =>
    Object.assign(cluster.spec, {
      cloudControllerManager: { cloudProvider: "aws" },
      cloudConfig: { awsEBSCSIDriver: { enabled: true }, manageStorageClasses: false },
      metricsServer: { enabled: true, insecure: true },
      encryptionConfig: true,
    }),
  );
  expect(problemsOf(honoured)).toEqual([]);
  const refused = changed((cluster) =>
    Object.assign(cluster.spec, { cloudConfig: { awsEBSCSIDriver: { enabled: true, version: "v1.0.0" } }, metricsServer: { enabled: true, insecure: false } }),
  );
  expect(problemsOf(refused).map(({ path }) => path)).toEqual(["spec.cloudConfig.awsEBSCSIDriver.version", "spec.metricsServer.insecure"]);
});
