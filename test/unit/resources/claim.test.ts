import { claimOf } from "../../../shared/resources/claim";

const ref = { name: "demo.k8s.local", uid: "abcdefghij", region: "us-east-1", epoch: 2 };
const claim = (tags: Record<string, string>) => claimOf(Object.entries(tags).map(([Key, Value]) => ({ Key, Value })), ref);

test.each([
  ["nothing", {}],
  ["the cluster's name", { "kubernetes.io/cluster/demo.k8s.local": "owned" }],
  ["its uid", { "clowder:uid": "abcdefghij" }],
  ["its uid beside another's tag, as cloudLabels may have it", { "clowder:uid": "abcdefghij", "kubernetes.io/cluster/other": "shared" }],
  ["what a user writes", { Name: "mine", team: "cats" }],
])("a thing tagged with %s is no other's", (_, tags: Record<string, string>) => {
  expect(claim(tags)).toBeUndefined();
});

test.each([
  [{ "kubernetes.io/cluster/demo.k8s.local": "shared" }, "tagged kubernetes.io/cluster/demo.k8s.local=shared"],
  [{ "clowder:uid": "abcdefghij", "kubernetes.io/cluster/demo.k8s.local": "shared" }, "tagged kubernetes.io/cluster/demo.k8s.local=shared"],
  [{ Name: "x", "kubernetes.io/cluster/other": "owned" }, "tagged kubernetes.io/cluster/other=owned"],
  [{ "kubernetes.io/cluster/demo.k8s.local": "owned", "clowder:uid": "zzzzzzzzzz" }, "tagged clowder:uid=zzzzzzzzzz"],
])("%j is a claim, and is named", (tags, named) => {
  expect(claim(tags)).toBe(named);
});

test("a thing without tags is no other's", () => {
  expect(claimOf(undefined, ref)).toBeUndefined();
});
