/** Names of this node and of its cluster, then what a prepared image says. */
const ENVIRONMENT = "EnvironmentFile=/etc/clowder/clowder.env\nEnvironmentFile=-/etc/clowder/node.env";

export interface Unit {
  /** Without `.service`. */
  name: string;
  description: string;
  command: string;
}

/** A service that runs once when its timer says so, and again `seconds` after it ended. */
export function renderTimer({ name, description, command }: Unit, seconds: number): Record<string, string> {
  return {
    [`/etc/systemd/system/${name}.service`]: `[Unit]
Description=${description}

[Service]
Type=oneshot
${ENVIRONMENT}
ExecStart=${command}
`,
    [`/etc/systemd/system/${name}.timer`]: `[Unit]
Description=${description}, every ${seconds} s

[Timer]
OnActiveSec=0
OnUnitInactiveSec=${seconds}
AccuracySec=1

[Install]
WantedBy=timers.target
`,
  };
}

/** A service that stays up. */
export function renderService({ name, description, command }: Unit): Record<string, string> {
  return {
    [`/etc/systemd/system/${name}.service`]: `[Unit]
Description=${description}
After=network-online.target
Wants=network-online.target

[Service]
${ENVIRONMENT}
ExecStart=${command}
Restart=always
RestartSec=2

[Install]
WantedBy=multi-user.target
`,
  };
}
