import { withService } from "./service";

/** The service stays up for one's own requests; Ctrl-C ends all of it. */
async function main(): Promise<void> {
  console.log("Clowder on this machine; Ctrl-C ends it. Instances are simulated machines.");
  await withService({ name: "local", say: (line) => console.log(line) }, async ({ emulators, deployed, receiver }) => {
    const { accessKeyId, secretAccessKey } = emulators.credentials;
    // curl resolves names below localhost itself; the path of `apiUrl` has a `$`, which it signs unencoded.
    const api = new URL(emulators.endpoint);
    api.hostname = `${deployed.resources["HttpApi"]}.execute-api.localhost`;
    const curl = `curl --aws-sigv4 aws:amz:us-east-1:execute-api --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"`;
    console.log(`
For the AWS CLI and the requests below:
  export AWS_ENDPOINT_URL=${emulators.endpoint} AWS_REGION=us-east-1
  export AWS_ACCESS_KEY_ID=${accessKeyId} AWS_SECRET_ACCESS_KEY=${secretAccessKey}
  API=${api.origin}

  ${curl} -H content-type:application/yaml --data-binary @test/cases/seed/manifest.yaml "$API/clusters"
  ${curl} "$API/clusters/demo.k8s.local"
  ${curl} "$API/clusters/demo.k8s.local/bundle" -o bundle.tar.gz
  ${curl} -X DELETE "$API/clusters/demo.k8s.local"

Logs are in .cache/logs. What Slack is told is shown here.
`);
    let shown = 0;
    for (;;) {
      await new Promise((next) => setTimeout(next, 500));
      for (; shown < receiver.slack.length; shown++) console.log(`Slack was told: ${receiver.slack[shown]!.text}`);
    }
  });
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
