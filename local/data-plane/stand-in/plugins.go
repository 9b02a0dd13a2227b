package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// installPlugins copies every file of from, each whole or not at all.
func installPlugins(from, to string) error {
	files, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, file := range files {
		program, err := os.ReadFile(filepath.Join(from, file.Name()))
		if err != nil {
			return err
		}
		if err := replace(filepath.Join(to, file.Name()), program, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// configurePlugins writes what makes kubelet's node Ready. `ptp` routes each pod by itself, so that nothing depends on br_netfilter.
func configurePlugins(folder string, podCIDR *net.IPNet, mtu int) error {
	file := filepath.Join(folder, "10-clowder-stand-in.conflist")
	content := []byte(fmt.Sprintf(`{
  "cniVersion": "1.0.0",
  "name": "clowder-stand-in",
  "plugins": [
    {
      "type": "ptp",
      "mtu": %d,
      "ipam": {"type": "host-local", "ranges": [[{"subnet": "%s"}]], "routes": [{"dst": "0.0.0.0/0"}]}
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
`, mtu, podCIDR))
	if before, err := os.ReadFile(file); err == nil && string(before) == string(content) {
		return nil
	}
	return replace(file, content, 0o644)
}

func replace(file string, content []byte, mode os.FileMode) error {
	fresh := file + ".new"
	if err := os.WriteFile(fresh, content, mode); err != nil {
		return err
	}
	return os.Rename(fresh, file)
}
