import { renderInit, renderJoin } from "../../../shared/bootstrap/kubeadm-configuration";
import { renderScript, renderScripts } from "../../../shared/bootstrap/render-script";
import { renderUserData } from "../../../shared/bootstrap/user-data";
import { caseFolders, expectGolden } from "../case-folders";
import { planOf } from "./sample-plan";

describe.each(caseFolders)("%s", (folder) => {
  const plan = planOf(folder);

  test.each(renderScripts(plan))("$key is the golden's", ({ key, body }) => {
    expectGolden(folder, key.split("/").at(-1)!, body);
  });

  test("its kubeadm configuration is the golden's", () => {
    expectGolden(folder, "kubeadm.yaml", [renderInit(plan), renderJoin(plan, "control-plane"), renderJoin(plan, "node")].join("---\n"));
  });

  test("its first control plane's user data is the golden's", () => {
    expectGolden(folder, "user-data.sh", renderUserData(plan, plan.instances[0]!, renderScript(plan, "control-plane")));
  });
});

test("rendering twice gives the same bytes", () => {
  expect(renderScripts(planOf("seed"))).toEqual(renderScripts(planOf("seed")));
});
