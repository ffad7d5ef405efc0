// Package inner reads the few fields of an inner IP packet that a tunnel needs:
// whether it is one, how long, from where and to where. It allocates nothing and
// trusts no length in a packet.
package inner
