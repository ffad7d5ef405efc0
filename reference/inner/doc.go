// Package inner reads the few fields of an inner IP packet that a tunnel needs: version, length, source
// and destination. It allocates nothing and trusts no length field.
package inner
