// Package uapi is the configuration protocol of WireGuard (https://www.wireguard.com/xplatform/): what wg(8) reads and
// changes, by a socket.
//
//	wg show ---- get=1 -------------> Parse --> Tunnel.State --> Append --> key=value, errno=0
//	wg set ----- set=1, key=value --> Parse --> Tunnel.Change ------------> errno=0, or why not
//
// A request is made completely or not at all. Errors name the line and the key, never a value: it may be a secret.
package uapi
