import { clusterFields } from "../../../shared/spec/cluster-fields";
import {
  type FieldTable,
  honoured,
  judgeFields,
  off,
  only,
  refused,
  refusedChoice,
  type Verdict,
  warned,
} from "../../../shared/spec/field-table";
import { newFindings } from "../../../shared/spec/findings";
import { instanceGroupFields } from "../../../shared/spec/instance-group-fields";

const table: FieldTable = {
  kept: honoured,
  ignored: warned("why"),
  banned: refused("why"),
  plugin: refusedChoice("why"),
  mode: only(["a", 1], "why"),
  addOn: off("why"),
  group: { inner: honoured, "*": refused("why") },
  list: [{ inner: warned("why") }],
};

function judged(value: unknown): [problems: string[], warnings: string[]] {
  const found = newFindings();
  judgeFields(table, value, "spec", found);
  return [found.problems.map(({ path, message }) => `${path} ${message}`), found.warnings.map(({ path, message }) => `${path} ${message}`)];
}

test.each([
  ["a field that is kept", { kept: 5 }],
  ["fields that ask for nothing", { banned: false, ignored: "", plugin: null, addOn: {}, mode: null, group: null, list: null }],
  ["empty lists and zeros", { banned: [], ignored: 0 }],
  ["an add-on that is off", { addOn: { enabled: false, image: "x" } }],
  ["one of the values", { mode: 1 }],
  ["nothing at all", undefined],
])("%s passes in silence", (_, value) => {
  expect(judged(value)).toEqual([[], []]);
});

test.each([
  ["banned", { banned: true }, "spec.banned is refused: why"],
  ["a plugin chosen by {}", { plugin: {} }, "spec.plugin is refused: why"],
  ["another value", { mode: "b" }, "spec.mode must be a or 1: why"],
  ["false where a value is due", { mode: false }, "spec.mode must be a or 1: why"],
  ["an add-on", { addOn: { image: "x" } }, "spec.addOn is refused: why"],
  ["a field of a group without a table of its own", { group: { other: 1 } }, "spec.group.other is refused: why"],
  ["a misspelt name", { keptt: 1 }, "spec.keptt is no field of kOps v1alpha2; did you mean kept?"],
  ["a name like none", { "x-completely-else": 1 }, "spec.x-completely-else is no field of kOps v1alpha2"],
  ["a name that objects have", { constructor: 1 }, "spec.constructor is no field of kOps v1alpha2"],
  ["a list for a group", { group: [] }, "spec.group must be a mapping"],
  ["a mapping for a list", { list: {} }, "spec.list must be a list"],
  ["a scalar in a list", { list: [{}, 5] }, "spec.list[1] must be a mapping"],
])("%s is refused", (_, value, problem) => {
  expect(judged(value)).toEqual([[problem], []]);
});

test("a field without effect is warned about where it stands", () => {
  expect(judged({ ignored: "x", list: [{}, { inner: 1 }] })).toEqual([
    [],
    ["spec.ignored has no effect: why", "spec.list[1].inner has no effect: why"],
  ]);
});

/** Each verdict of a table with a value that sets that field alone. */
function leaves(
  fields: FieldTable,
  wrap: (value: unknown) => unknown = (value) => value,
  path = "",
): [path: string, verdict: Verdict, set: (value: unknown) => unknown][] {
  return Object.entries(fields).flatMap(([field, rule]) => {
    const name = field === "*" ? "anything" : field;
    const place = path === "" ? name : `${path}.${name}`;
    const set = (value: unknown): unknown => wrap({ [name]: value });
    if (Array.isArray(rule)) return leaves(rule[0], (value) => set([value]), `${place}[0]`);
    return typeof rule["verdict"] === "string" ? [[place, rule as Verdict, set]] : leaves(rule as FieldTable, set, place);
  });
}

describe.each([
  ["Cluster", clusterFields],
  ["InstanceGroup", instanceGroupFields],
])("every field of %s", (_, fields) => {
  test.each(leaves(fields))("%s gets its verdict", (path, { verdict }, set) => {
    const found = newFindings();

    judgeFields(fields, set("anything"), "", found);

    const [problems, warnings] = [found.problems, found.warnings].map((list) => list.map((problem) => problem.path));
    expect({ problems, warnings }).toEqual({
      problems: ["honoured", "warned"].includes(verdict) ? [] : [path],
      warnings: verdict === "warned" ? [path] : [],
    });
  });
});
