#!/bin/sh
# Run in a machine's own root before systemd, at each boot after the first: its network namespace outlives a reboot, and a kernel's
# network does not. What the network from outside gave it stays: eth*, their addresses, the routes over them.
for link in $(ip -json link | python3 -c 'import json, sys; print(*(link["ifname"] for link in json.load(sys.stdin)))'); do
  case $link in lo | eth*) tc qdisc del dev "$link" clsact ;; *) ip link delete "$link" ;; esac
done 2>/dev/null
nft flush ruleset
for table in $(cat /proc/net/ip_tables_names 2>/dev/null); do
  iptables-legacy -t "$table" -F
  iptables-legacy -t "$table" -X
done
ipset destroy
ip rule flush
ip rule add from all lookup main priority 32766
ip rule add from all lookup default priority 32767
ip route show table main | grep -Ev '^default|proto kernel' | while read -r destination _; do ip route delete "$destination"; done
echo 0 >/proc/sys/net/ipv4/ip_forward
