// Package lanport follows the LAN interface of an XDP port: its addresses, routes, neighbours, MTU and Ethernet
// address, and the XDP program that takes the port's packets from it.
package lanport
