package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestPluginsAreInstalledExecutableOverOlderOnes(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	write(t, filepath.Join(from, "ptp"), "new")
	write(t, filepath.Join(to, "ptp"), "old")
	if err := installPlugins(from, to); err != nil {
		t.Fatal(err)
	}
	content, _ := os.ReadFile(filepath.Join(to, "ptp"))
	about, _ := os.Stat(filepath.Join(to, "ptp"))
	if files, _ := os.ReadDir(to); string(content) != "new" || about.Mode().Perm() != 0o755 || len(files) != 1 {
		t.Fatalf("%q, %v, %v", content, about.Mode(), files)
	}
}

func TestConfigurationIsOfTheNodesOwnRangeAndWrittenOnce(t *testing.T) {
	folder := t.TempDir()
	_, cidr, _ := net.ParseCIDR("10.1.1.0/24")
	if err := configurePlugins(folder, cidr, 1450); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "10-clowder-stand-in.conflist")
	first, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := configurePlugins(folder, cidr, 1450); err != nil {
		t.Fatal(err)
	}
	if second, _ := os.Stat(file); !os.SameFile(first, second) {
		t.Fatal("an unchanged configuration was written again")
	}
	content, _ := os.ReadFile(file)
	var read struct {
		Plugins []struct {
			Type string
			MTU  int
			IPAM struct{ Ranges [][]struct{ Subnet string } }
		}
	}
	if err := json.Unmarshal(content, &read); err != nil {
		t.Fatal(err)
	}
	if ptp := read.Plugins[0]; ptp.Type != "ptp" || ptp.MTU != 1450 || ptp.IPAM.Ranges[0][0].Subnet != "10.1.1.0/24" {
		t.Fatalf("%+v", ptp)
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
