import { IAMClient } from "@aws-sdk/client-iam";
import { step } from "../../shared/lambda/step";
import { ensureIam } from "../../shared/resources/iam";

const iam = new IAMClient();
export const handler = step("CreateIam", ({ plan, ledger }) => ensureIam(iam, plan, ledger));
