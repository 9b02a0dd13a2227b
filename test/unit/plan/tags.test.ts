import { clusterTags, tagValue } from "../../../shared/plan/tags";

const owner = "arn:aws:iam::111122223333:user/alice";
const decided = { uid: "a1b2c3d4e5", deployment: "dev", owner, expiresAt: new Date("2026-11-25T10:55:00.5Z") };

test("everything carries kOps' tags, ours and the janitors'", () => {
  expect(clusterTags({ name: "demo.k8s.local", cloudLabels: { team: "blue" } }, decided)).toEqual({
    team: "blue",
    KubernetesCluster: "demo.k8s.local",
    "kubernetes.io/cluster/demo.k8s.local": "owned",
    "clowder:uid": "a1b2c3d4e5",
    "clowder:deployment": "dev",
    owner: "arn:aws:iam::111122223333:user/alice",
    "managed-by": "clowder",
    "expires-at": "2026-11-25T10:55:00Z",
    "cloud-nuke-after": "2026-11-25T10:55:00Z",
  });
});

test("a cloud label cannot take the place of one of our tags, in any case: IAM compares keys without it", () => {
  const cloudLabels = { Owner: "mallory", "clowder:uid": "other", NAME: "x", "Kubernetes.io/cluster/demo.k8s.local": "shared" };

  const labelled = clusterTags({ name: "demo.k8s.local", cloudLabels }, decided);

  expect(labelled).toEqual(clusterTags({ name: "demo.k8s.local", cloudLabels: {} }, decided));
});

test.each([
  ["arn:aws:sts::111122223333:assumed-role/Dev/alice@example.com", "arn:aws:sts::111122223333:assumed-role/Dev/alice@example.com"],
  ["arn:aws:sts::1:assumed-role/Dev/zoë,x", "arn:aws:sts::1:assumed-role/Dev/zo__x"],
  ["a".repeat(300), "a".repeat(256)],
])("%s becomes a value that every service takes", (owner, value) => {
  expect(tagValue(owner)).toBe(value);
});
