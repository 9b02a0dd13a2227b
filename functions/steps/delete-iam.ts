import { IAMClient } from "@aws-sdk/client-iam";
import { deleteStep } from "../../shared/lambda/delete-step";
import { deleteIam } from "../../shared/resources/iam";

const iam = new IAMClient();
export const handler = deleteStep("DeleteIam", (target) => deleteIam(iam, target));
