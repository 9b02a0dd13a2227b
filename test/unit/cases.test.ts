import { stateStoreDocuments } from "../../shared/plan/state-store";
import { caseFolders, expectGolden, planOf } from "./case-folders";

test("the seed, its twin and a larger one are among the cases", () => {
  expect(caseFolders).toEqual(expect.arrayContaining(["seed", "three-control-planes", "twin"]));
});

describe.each(caseFolders)("%s", (folder) => {
  test("its plan is the golden's", () => {
    const { plan } = planOf(folder);

    expectGolden(folder, "plan.json", `${JSON.stringify(plan, null, 2)}\n`);
  });

  test("its state store is the golden's", () => {
    const { plan, manifest } = planOf(folder);

    const store = Object.entries(stateStoreDocuments(plan, manifest.documents)).map(([key, body]) => `# ${key}\n${body}`);

    expectGolden(folder, "state-store.yaml", store.join("---\n"));
  });
});
