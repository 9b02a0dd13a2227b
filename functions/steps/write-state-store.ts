import { S3Client } from "@aws-sdk/client-s3";
import { renderScripts } from "../../shared/bootstrap/render-script";
import { step } from "../../shared/lambda/step";
import { writeStateStore } from "../../shared/resources/state-store";

const s3 = new S3Client();
export const handler = step("WriteStateStore", ({ plan, documents }) => writeStateStore(s3, plan, documents, renderScripts(plan)));
