// Package netns builds the test network: network namespaces, links, addresses and the processes
// in the namespaces. A Topology describes a network. Build creates the network, and Close removes
// it. The namespaces have no names. File descriptors keep them alive, so the kernel removes the
// network even after kill -9.
//
//	              tester                     left                       right
//	       ┌────────────────────┐     ┌─────────────────┐        ┌─────────────────┐
//	       │ port0  198.18.0.2  ├─────┤ lan        wan  ├────────┤ wan        lan  ├──┐
//	       │ port1  198.19.0.2  ├───┐ │ 198.18.0.1      │        │      198.19.0.1 │  │
//	       └────────────────────┘   │ └─────────────────┘        └─────────────────┘  │
//	                                └──────────────────────────────────────────────────┘
//
//	Plan ─► Wire, Dual ─► Topology ─► Build ─► Net ─► NS.Do      open sockets in a namespace
//	                                               └► Start      run programs in a namespace
//
// Use NS.Do only to open sockets and files. A socket stays in the namespace in which it was
// opened. Use Start to run a program in a namespace. Start re-executes this program as a helper,
// and the helper starts the program as its child. When the helper or the lab ends, the kernel kills
// all descendants of the helper. Use a Guardian to change settings of the whole machine. The
// Guardian restores them even if the lab is killed.
package netns
