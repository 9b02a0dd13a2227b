import { S3Client } from "@aws-sdk/client-s3";
import { step } from "../../shared/lambda/step";
import { reopenBootstrap } from "../../shared/resources/bootstrap-access";
import { endedNodes } from "../../shared/resources/instances";

const s3 = new S3Client();
export const handler = step("ReopenBootstrap", ({ plan, ledger, now }) => reopenBootstrap(s3, plan, ledger, { now, ended: endedNodes(plan, ledger) }));
